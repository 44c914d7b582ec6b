"""Pages in a real browser, a headless Chromium: as pictures, and the contrast of their text."""

from __future__ import annotations

import html as markup
import json
import re
import shutil
import subprocess

from nbconvert import HTMLExporter

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# WCAG 2.2, 1.4.3: for each text its contrast with what is behind it, and whether it is large.
_CONTRASTS = """
const parsed = colour => {
  const numbers = colour.match(/[\\d.]+(e-?\\d+)?/g).map(Number);
  const scale = colour.startsWith("color(") ? 255 : 1;
  return [...numbers.slice(0, 3).map(number => number * scale), numbers.length > 3 ? numbers[3] : 1];
};
const over = (front, back, alpha) => back.map((value, index) => front[index] * alpha + value * (1 - alpha));
const luminance = colour => colour.map(value => value / 255)
  .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
  .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
const probe = document.body.appendChild(document.createElement("i"));
probe.style.color = "Canvas";
const canvas = parsed(getComputedStyle(probe).color).slice(0, 3);
probe.remove();
const found = [];
const walker = document.createTreeWalker(document.querySelector(SELECTOR), NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode.nodeValue.trim(), element = walker.currentNode.parentElement;
  if (!text || element.closest("style, script, title")) continue;
  const above = [];
  for (let one = element; one; one = one.parentElement) above.unshift(getComputedStyle(one));
  let back = canvas, alpha = 1;
  for (const style of above) {
    const [red, green, blue, opaque] = parsed(style.backgroundColor);
    back = over([red, green, blue], back, opaque);
    alpha *= Number(style.opacity);
  }
  const style = getComputedStyle(element), colour = parsed(style.color);
  const front = over(colour, back, alpha * colour[3]);
  const [dark, light] = [luminance(front), luminance(back)].sort((one, other) => one - other);
  const points = parseFloat(style.fontSize) * 0.75;
  const large = points >= 18 || (points >= 14 && Number(style.fontWeight) >= 700);
  found.push({text, ratio: (light + 0.05) / (dark + 0.05), large});
}
const result = document.body.appendChild(document.createElement("pre"));
result.id = "contrasts";
result.textContent = JSON.stringify(found);
"""


def browser():
    """A Chromium on PATH; None where there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def of_notebook(notebook, theme):
    """The notebook as JupyterLab shows it; `theme` is ``light`` or ``dark``."""
    return HTMLExporter(theme=theme).from_notebook_node(notebook)[0]


def picture(html, file, *, width=900, height=900, dark=False):
    """Write the page's picture to `file`; nothing outside this machine is asked for anything."""
    done = _browse(html, file, dark, "--hide-scrollbars", f"--window-size={width},{height}", f"--screenshot={file}")
    assert file.exists(), done.stderr
    return file


def contrasts(html, folder, *, dark, selector="body"):
    """For every text below the first element that matches `selector`: text, ratio, and whether it is large."""
    script = _CONTRASTS.replace("SELECTOR", json.dumps(selector))
    page = html.replace("</body>", f"<script>{script}</script></body>")
    done = _browse(page, folder / "contrasts", dark, "--dump-dom")
    result = re.search(r'<pre id="contrasts">(.*?)</pre>', done.stdout, re.DOTALL)
    assert result, done.stderr
    return json.loads(markup.unescape(result[1]))


def _browse(html, file, dark, *options):
    page = file.with_suffix(".html")
    page.write_text(html, encoding="utf-8")
    command = [
        browser(), "--headless=new", "--no-sandbox", "--disable-gpu", "--force-color-profile=srgb",
        "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=3000",
        f"--user-data-dir={file.parent / 'profile'}", f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        *options, page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    page.unlink()
    return done
