"""Decisions over time, as a picture in a page: SVG, escaped, nothing fetched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from html import escape


def timeline(hours: Mapping[str, Counter[str]], colours: Mapping[str, str]) -> Iterable[str]:
    """Bars by the hour, or by the day where there are many hours: all decisions grey, kinds coloured before them.

    `hours` counts ``decisions`` and each kind of `colours`, by ``2026-11-24T15``.
    """
    known = {hour: counts for hour, counts in hours.items() if _is_hour(hour)}
    if not known:
        return
    daily = len(_between(min(known), max(known))) > 24 * 7
    bars: dict[str, Counter[str]] = {}
    for hour, counts in known.items():
        bars.setdefault(hour[:10] if daily else hour, Counter()).update(counts)
    names = sorted({hour[:10] if daily else hour for hour in _between(min(known), max(known))})
    most = max(counts["decisions"] for counts in bars.values())
    width, high = 1000 / len(names), 115
    yield "<h2>Timeline</h2>"
    yield f"<p class=dim>{most:,} decision{'s' * (most != 1)} {'a day' if daily else 'an hour'} at the most</p>"
    yield f'<svg viewBox="0 0 1000 {high}" preserveAspectRatio="none" style="height:7.5rem" role="img"'
    yield ' aria-label="Decisions over time">'
    for number, name in enumerate(names):
        counts = bars.get(name, Counter())
        tips = ", ".join(f"{counts[kind]:,} {kind}" for kind in colours if counts[kind])
        yield f"<g><title>{escape(name)}: {counts['decisions']:,} decisions{', ' + tips if tips else ''}</title>"
        yield _bar(number * width, width, high, counts["decisions"] / most, "#8886")
        base = 0.0
        for kind in colours:
            part = counts[kind] / most
            yield _bar(number * width, width, high, part, colours[kind], base)
            base += part
        yield "</g>"
    # Below the picture, not in it: text does not shrink with a narrow window.
    ends = "".join(f"<span>{escape(name.replace('T', ' '))}</span>" for name in dict.fromkeys((names[0], names[-1])))
    yield f'</svg><p class=dim style="display:flex;justify-content:space-between;margin:0">{ends}</p>'


def _bar(x: float, width: float, high: int, part: float, colour: str, base: float = 0.0) -> str:
    if not part:
        return ""
    height = max(2.0, part * high)
    top = high - base * high - height
    wide = max(1.0, min(width * 0.85, 60))
    return f'<rect x="{x:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{height:.1f}" fill="{colour}"/>'


def _is_hour(text: str) -> bool:
    try:
        datetime.fromisoformat(f"{text}:00:00+00:00")
    except ValueError:
        return False
    return True


def _between(first: str, last: str) -> list[str]:
    """Every hour from first to last, those without decisions too; the last ten years of them at most."""
    at, end = datetime.fromisoformat(f"{first}:00:00"), datetime.fromisoformat(f"{last}:00:00")
    hours = min(int((end - at) / timedelta(hours=1)) + 1, 24 * 3660)
    return [f"{end - timedelta(hours=number):%Y-%m-%dT%H}" for number in reversed(range(hours))]
