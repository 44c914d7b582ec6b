"""Faults of the engines and of the policies."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from guardrails import assembly
from guardrails.config.load import load
from guardrails.evaluate import bundle_file, embedded, evaluate
from tests.faults.everything.row import Outside, Row, Scene, Site, raising, returning
from tests.support.environments import CACHE
from tests.support.opa_servers import Proxy, opa_server

_RULE = """
package guardrails.team
import rego.v1

# METADATA
# title: No call at night
# description: An example.
# custom: {severity: low, remediation: Wait., incident: None.}
deny contains {"rule": "team/night", "target": "account", "message": "It is night.", "remediation": "Wait."} if {
    input.time == "night"
}
"""


# -- the embedded engine -----------------------------------------------------------------------------------------------


class Panic(BaseException):
    """What regorus raises where its Rust code panics."""


EMBEDDED = (
    Row("evaluate", "the engine raises", raising(embedded, "ask")),
    Row("evaluate", "the engine panics", raising(embedded, "ask", Panic)),
    Row("evaluate", "the engine has no memory", raising(embedded, "ask", MemoryError)),
    Row("evaluate", "the result is undefined", returning(embedded, "ask", None)),
    Row("evaluate", "the result is of another type", returning(embedded, "ask", ["allow"])),
    Row("evaluate", "the result has another shape", returning(embedded, "ask", {"allow": True})),
    Row("evaluate", "the action is unknown", returning(embedded, "ask", {"action": "perhaps", "violations": []})),
    Row("evaluate", "building the input raises", raising(evaluate.rego_input, "with_facts")),
)


# -- an OPA server -----------------------------------------------------------------------------------------------------


def _opa() -> str:
    program = shutil.which("opa") or shutil.which("opa", path=str(CACHE))
    if program is None:
        raise FileNotFoundError("there is no opa on PATH (.ci/run builds one)")
    return program


def _hangs(handler: Any) -> None:
    handler.connection.settimeout(30)
    handler.connection.recv(1)


def _drips(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(40):
        handler.wfile.write(b" ")
        time.sleep(0.1)


def _half(handler: Any) -> None:
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{"result"')


def _served(fault: Callable[[Any], None], **options: Any) -> Callable[[Site], AbstractContextManager[Outside]]:
    @contextmanager
    def outside(_: Site) -> Iterator[Outside]:
        with TemporaryDirectory() as folder:
            policies = assembly.policies(load({}))
            file = Path(folder) / "bundle.tar.gz"
            bundle_file.write(file, bundle_file.parts(policies.modules.values(), policies.data, policies.revision))
            with opa_server(_opa(), file) as url:
                proxy = Proxy(url)

                def switch(broken: bool) -> None:
                    proxy.fault = fault if broken else None

                try:
                    yield Outside(
                        {"engine": "opa", "opa": {"url": proxy.url, "timeout_s": 0.5, **options}}, switch=switch
                    )
                finally:
                    proxy.stop()

    return outside


def _says(status: int, body: bytes, kind: str = "application/json") -> Callable[[Any], None]:
    return lambda handler: handler.answer(status, body, kind)


SERVER = tuple(
    Row("OPA server", name, outside=_served(fault), needs="opa")
    for name, fault in (
        ("OPA closes the connection", lambda _: None),
        ("OPA does not answer", _hangs),
        ("OPA is slow", _drips),
        ("OPA's answer is cut off", _half),
        ("OPA's answer is not JSON", _says(200, b"{'result'")),
        ("OPA's answer is undefined", _says(200, b"{}")),
        ("OPA's answer is of another type", _says(200, b'{"result": true}')),
        ("OPA answers 500", _says(500, b'{"code":"internal_error","message":"on fire"}')),
        ("OPA answers 429", _says(429, b'{"message":"too many requests"}')),
        ("OPA answers 401", _says(401, b'{"message":"unauthorized"}')),
    )
)
AFTER = (
    Row("OPA server", "OPA does not answer, `fallback`", outside=_served(_hangs, fallback="embedded"), needs="opa"),
)


# -- policies ----------------------------------------------------------------------------------------------------------


def _edited(act: Callable[[Path], object]) -> Callable[[Scene], AbstractContextManager[None]]:
    """Change the team's rules while the guard runs, and wait until it must have noticed."""

    @contextmanager
    def strike(scene: Scene) -> Iterator[None]:
        folder = scene.folder / "rules"
        before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        act(folder)
        _notice(scene)
        yield
        for found in (*folder.iterdir(),) if folder.exists() else ():
            found.unlink()
        for file, content in before.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        _notice(scene)

    return strike


def _notice(scene: Scene) -> None:
    """Let the engine look at its files at the next decision, which has been quiet for long enough."""
    engine = scene.guard._engine
    engine._settle_s, engine._interval_s, engine._next = 0.0, 0.0, 0.0


def _with_rules(scene: Scene) -> None:
    folder = scene.folder / "rules"
    folder.mkdir()
    (folder / "team.rego").write_text(_RULE)
    (folder / "data.json").write_text("{}")


def _deleted(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


_OWN = {"policies": ["FOLDER/rules"]}


def _rules(name: str, act: Callable[[Path], object]) -> Row:
    return Row("policies", name, _edited(act), _OWN, prepare=_with_rules)


def _emptied(folder: Path) -> None:
    (folder / "team.rego").write_text("")


def _piped(folder: Path) -> None:
    (folder / "team.rego").unlink()
    os.mkfifo(folder / "team.rego")


def _edited_elsewhere(folder: Path) -> None:
    """What Emacs puts beside a file with changes that are not saved."""
    (folder / ".#team.rego").symlink_to("ann@desk.1234")


@contextmanager
def _deleted_at_start(scene: Scene) -> Iterator[None]:
    _deleted(scene.folder / "rules")
    yield
    _with_rules(scene)


_BROKEN = "package guardrails.team\ndeny contains {"
POLICIES = (
    _rules("a rule is edited and does not parse", lambda folder: (folder / "team.rego").write_text(_BROKEN)),
    _rules("a rule is cut off", lambda folder: (folder / "team.rego").write_text(_RULE[: len(_RULE) // 2])),
    _rules("the policies' data is damaged", lambda folder: (folder / "data.json").write_text("{")),
    _rules("all policies are emptied", _emptied),
    _rules("all policies are deleted", _deleted),
    _rules("a pipe in a rule's place", _piped),
    _rules("an editor's lock beside a rule", _edited_elsewhere),
    Row(
        "policies", "the policies are missing at the start",
        _deleted_at_start, _OWN, prepare=_with_rules, at_start=True,
    ),
)  # fmt: skip


ROWS = (*EMBEDDED, *SERVER, *AFTER, *POLICIES)
