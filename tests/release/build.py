"""Build what is published, twice: ``python -m tests.release.build FOLDER`` writes a wheel and a source distribution.

It refuses a checkout with a change that is not committed, or with a file that git does not know: a build takes what
lies in the folders of the package and the policies, and takes it twice, so that comparing two builds does not show it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.environments import ROOT


def unclean(folder: Path) -> list[str]:
    """What a build of this checkout would take that is not in its last commit. Raises CalledProcessError."""
    changed = _git(folder, "diff", "--name-only", "-z", "HEAD")
    # Of all that git ignores, hatchling knows this file only.
    unknown = _git(folder, "ls-files", "-z", "--others", "--exclude-from=.gitignore")
    return sorted({name for name in (changed + unknown).split("\0") if name})


def build(folder: Path, to: Path) -> list[str]:
    """Build both files twice; those that differ. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as again:
        for where in (to, Path(again)):
            command = (sys.executable, "-m", "build", "--no-isolation", "--outdir", str(where), str(folder))
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return [one.name for one in Path(again).iterdir() if one.read_bytes() != (to / one.name).read_bytes()]


def main(argv: list[str] | None = None) -> int:
    """The exit code: 1 where nothing was built, or two builds differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.release.build", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--checkout", type=Path, default=ROOT)
    asked = parser.parse_args(argv)
    if found := unclean(asked.checkout):
        sys.stderr.write("not built, because these are not in the last commit; commit or remove them:\n")
        sys.stderr.writelines(f"  {name}\n" for name in found)
        return 1
    if differing := build(asked.checkout, asked.folder):
        sys.stderr.write(f"two builds differ: {', '.join(differing)}\n")
        return 1
    return 0


def _git(folder: Path, *command: str) -> str:
    return subprocess.run(("git", *command), cwd=folder, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
