"""Pages as pictures: a notebook or an HTML page, looked at with a headless Chromium."""

from __future__ import annotations

import shutil
import subprocess

from nbconvert import HTMLExporter

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def browser():
    """A Chromium on PATH; None where there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def of_notebook(notebook, theme):
    """The notebook as JupyterLab shows it; `theme` is ``light`` or ``dark``."""
    return HTMLExporter(theme=theme).from_notebook_node(notebook)[0]


def picture(html, file, *, width=900, height=900, dark=False):
    """Write the page's picture to `file`; nothing outside this machine is asked for anything."""
    page = file.with_suffix(".html")
    page.write_text(html, encoding="utf-8")
    command = [
        browser(), "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb",
        "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=3000", f"--window-size={width},{height}",
        f"--user-data-dir={file.parent / 'profile'}", f"--screenshot={file}",
        *(["--blink-settings=preferredColorScheme=0"] if dark else ["--blink-settings=preferredColorScheme=1"]),
        page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert file.exists(), done.stderr
    page.unlink()
    return file
