"""The setting of the demo: simulated AWS, a folder, and processes cut off from the user's own AWS settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import guardrails
from guardrails.config.load import ENVIRONMENT
from guardrails.demo import operator_script
from guardrails.record.entries import Entry, read
from guardrails.testing import SimulatedAWS
from guardrails.values import Mode, frozen

SIZE = 6
ADDRESSES = 2
# A /28 has room for 11 machines: one cluster and most of another.
SMALL, LARGE = "10.0.0.0/28", "10.0.1.0/24"
FREE = 11 - SIZE  # room in the small subnet beside blue

# How long the former live cluster stays protected after the switch; the default is too long for a demo.
WINDOW_S = 5
# AWS's rate limit of RunInstances (EC2 developer guide): calls at once, then calls per second.
LIMIT = (5, 2)
REBUILT = 8

_TIMEOUT_S = 60
_OURS = ("AWS_", "GUARDRAILS_", "BOTO_")


@frozen
class Finished:
    """A process that has ended: its exit code and output."""

    code: int
    out: str
    err: str

    @property
    def output(self) -> str:
        """Both streams, without surrounding line ends."""
        return "\n".join(part.strip() for part in (self.out, self.err) if part.strip())


class Stage:
    """Runs the operator's script against `aws`, guarded or not; files go into `folder`. Users come by Elastic IPs."""

    def __init__(self, aws: SimulatedAWS, folder: Path, mode: Mode) -> None:
        self.aws = aws
        self.small = self.large = ""
        self._mode = mode
        self._folder = folder
        self._log = folder / "decisions.jsonl"
        self._config = folder / "guardrails.toml"
        self._config.write_text(
            f'mode = "{mode}"\n\n[params]\nrollback_window_s = {WINDOW_S}  # default: an hour\n'
            f'\n[log]\npath = "{self._log.name}"\n',
            encoding="utf-8",
        )

    @property
    def config(self) -> str:
        """The content of guardrails.toml."""
        return self._config.read_text("utf-8")

    def configure(self, lines: str) -> None:
        """Put these lines before the others of guardrails.toml. The memory of what was done so far is left behind."""
        text = f'{lines.strip()}\n{self.config}\n[state]\npath = "another.db"\n'
        self._config.write_text(text, encoding="utf-8")

    @property
    def in_process(self) -> dict[str, Any]:
        """A configuration for a guard in the demo's own process: its log and memory are in the folder, too."""
        log, state = {"path": str(self._folder / "own.jsonl")}, {"path": str(self._folder / "own.db")}
        return {"mode": self._mode, "log": log, "state": state, "pacing": {"enabled": False}}

    def set_up(self) -> None:
        """The morning of the deploy: blue is live in the small subnet, there is a larger one, and no green yet."""
        self.aws.reset()
        self.small, self.large = self.aws.create_subnet(SMALL), self.aws.create_subnet(LARGE)
        self.aws.start_cluster("blue", SIZE, subnet=self.small, addresses=ADDRESSES)

    def operate(self, *arguments: str, guarded: bool, plan: bool = False) -> Finished:
        """Run the operator's script in its own process, or plan it. The list of requests is cleared first."""
        self.aws.clear()
        before = ("-m", "guardrails", "run", *(["--plan"] if plan else [])) if guarded else ()
        return self._python(*before, str(Path(operator_script.__file__)), *arguments)

    def live(self) -> dict[str, Any] | Finished:
        """The output of ``guardrails live --format json``, or the ended process if that is not JSON."""
        done = self._python("-m", "guardrails", "live", "--format", "json")
        try:
            document: dict[str, Any] = json.loads(done.out)
        except ValueError:
            return done
        return document

    def denied(self) -> int:
        """How many calls were blocked, according to the decision log."""
        return sum(isinstance(entry, Entry) and not entry.sent for entry in read(self._log))

    def _python(self, *arguments: str) -> Finished:
        try:
            done = subprocess.run(  # noqa: S603  (this Python, with files of this package)
                [sys.executable, *arguments],
                cwd=self._folder,
                env=self._environment(),
                capture_output=True,
                text=True,
                encoding="utf-8",
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Finished(-1, "", f"the process did not end within {_TIMEOUT_S} s")
        return Finished(done.returncode, done.stdout, done.stderr)

    def _environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
        # Needed in a checkout that is not installed.
        paths = [str(Path(guardrails.__file__).resolve().parent.parent), kept.get("PYTHONPATH", "")]
        return {
            **kept,
            **self.aws.environment(),
            ENVIRONMENT: str(self._config),
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "PYTHONIOENCODING": "utf-8",
        }
