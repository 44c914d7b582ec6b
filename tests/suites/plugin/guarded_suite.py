"""A pytest plugin for other people's suites: notes what becomes of each test, and installs the guard where asked to.

It runs in their environment, where our package `tests` is another's; so it stands alone, and its settings come by
environment variables. GUARDED_SUITE_RESULTS is the file to write; GUARDED_SUITE_MODE the guard's mode, "" for no guard.
"""

from __future__ import annotations

import ipaddress
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

_ORDER = ("passed", "xfailed", "skipped", "xpassed", "failed", "error")


def pytest_configure(config: pytest.Config) -> None:
    """Keep every connection on this machine, and install the guard before any of their modules is imported."""
    _stay_here()
    log = None
    if mode := os.environ["GUARDED_SUITE_MODE"]:
        import guardrails

        log = Path(os.environ["GUARDED_SUITE_RESULTS"]).with_suffix(f".{os.getpid()}.log")
        guardrails.install({"mode": mode, "log": {"path": str(log)}, "lookup_timeout_s": 60})
    config.pluginmanager.register(_Notes(log), "guarded-suite-notes")


def _stay_here() -> None:
    """Nothing leaves this machine, with the guard or without: a look-up must not reach anyone's AWS."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(original: Any) -> Any:
        def connecting(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _local(address[0]):
                raise ConnectionRefusedError(f"{address[0]} is not this machine")
            return original(self, address)

        return connecting

    socket.socket.connect, socket.socket.connect_ex = guarded(connect), guarded(connect_ex)


def _local(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
        # 0.0.0.0 is this machine, too.
        return address.is_loopback or address.is_unspecified
    except ValueError:
        return host == "localhost"


class _Notes:
    """The worst outcome of each test, and which calls were denied while it ran."""

    def __init__(self, log: Path | None) -> None:
        self._log = log
        self._read = 0
        self._tests: dict[str, dict[str, Any]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self._denials()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Any:
        report = yield
        report.user_properties.extend(("denied", denial) for denial in self._denials())
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        note = self._tests.setdefault(report.nodeid, {"outcome": "passed", "why": "", "denied": []})
        outcome = _outcome(report)
        if _ORDER.index(outcome) > _ORDER.index(note["outcome"]):
            note["outcome"], note["why"] = outcome, _why(report)
        note["denied"] += [value for name, value in report.user_properties if name == "denied"]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._tests[report.nodeid] = {"outcome": "error", "why": _why(report), "denied": []}

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not hasattr(session.config, "workerinput"):
            Path(os.environ["GUARDED_SUITE_RESULTS"]).write_text(json.dumps(self._tests))

    def _denials(self) -> list[str]:
        """The governed calls that the guard did not let pass since the last question."""
        if self._log is None or not self._log.exists():
            return []
        with self._log.open() as file:
            file.seek(self._read)
            entries = [json.loads(line) for line in file if line.strip()]
            self._read = file.tell()
        return [_call(entry) for entry in entries if _denied(entry)]


def _outcome(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "xpassed" if report.passed else "xfailed"
    return "error" if report.failed and report.when != "call" else str(report.outcome)


def _why(report: Any) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return (crash.message if crash else str(report.longrepr))[:2000]


def _denied(entry: dict[str, Any]) -> bool:
    return entry.get("custom", {}).get("enforcement") == "deny"


def _call(entry: dict[str, Any]) -> str:
    """``ec2:TerminateInstances (live-cluster/nothing-live)``."""
    call = entry["input"]["call"]
    rules = {violation["rule"] for violation in (entry.get("result") or {}).get("violations", [])}
    why = ", ".join(sorted(rules)) or entry["custom"].get("unavailable") or entry["custom"].get("reason") or "?"
    return f"{call['service']}:{call['operation']} ({why})"
