"""What people see, as pictures: real outputs, looked at by a real browser. The README shows them.

GUARDRAILS_PICTURES=tests/pictures keeps them there. Without a Chromium on PATH they cannot be made.
"""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
from io import StringIO
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from rich.console import Console
from rich.text import Text

import guardrails
from guardrails.cli.app import app
from tests.people.test_confirm import SCRIPT, Terminal, environment
from tests.support import kernels, pages
from tests.support.kernels import Kernel

pytestmark = pytest.mark.usefixtures("browser")

# Some tests change the working directory.
KEPT = os.environ.get("GUARDRAILS_PICTURES") and os.path.abspath(os.environ["GUARDRAILS_PICTURES"])


@pytest.fixture
def keep(tmp_path):
    """keep(name, html): the page's picture, checked, and kept where the environment asks for it."""

    def take(name, html, **view):
        file = pages.picture(html, tmp_path / f"{name}.png", **view)
        data = file.read_bytes()
        width, height = struct.unpack(">II", data[16:24])
        assert (width, height) == (view["width"], view["height"])
        # A blank page of this size is far smaller.
        assert len(data) > width * height / 100
        if KEPT:
            shutil.copyfile(file, Path(KEPT) / file.name)

    return take


@pytest.fixture
def terminal(keep):
    """terminal(name, ansi, title): the picture of a terminal's output, as high as it has lines."""

    def take(name, ansi, title):
        page = screen(ansi, title)
        height = float(re.search(r'viewBox="0 0 994 ([\d.]+)"', page)[1])
        keep(name, page, width=1000, height=round(height * 1000 / 994))

    return take


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    (tmp_path / "guardrails.toml").write_text('[log]\npath = "decisions.jsonl"\n')
    return tmp_path


def screen(ansi, title):
    """A terminal's output as a page."""
    console = Console(record=True, width=80, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi(ansi))
    svg = console.export_svg(title=title)
    # Its fonts are fetched from elsewhere; any monospace one will do.
    return f"<body style='margin:0'>{svg}</body>".replace("Fira Code", "DejaVu Sans Mono")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_card(theme, site, place, keep):
    """A denied call in a notebook, in both themes."""
    notebook = kernels.run("maintenance", place)
    # The line that says what is live, and the denied call.
    notebook.cells = notebook.cells[:4]
    assert "Blocked before it reached AWS" in str(notebook.cells)
    keep(f"card-{theme}", pages.of_notebook(notebook, theme), width=900, height=1050, dark=theme == "dark")


def test_confirmation_in_a_notebook(site, place, keep):
    """The card that comes before the question, in a notebook."""
    kernel = Kernel(place)
    source = (
        'boto3.client("ssm").send_command(\n    DocumentName="AWS-RunShellScript",\n'
        f'    InstanceIds=["{site.blue.instance_ids[0]}"],\n    Parameters={{"commands": ["uptime"]}},\n)'
    )
    try:
        kernel.run("%load_ext guardrails\nimport boto3")
        outputs, (prompt,) = kernel.run(source, lambda *_: "blue")
    finally:
        kernel.end()
    asked = nbformat.v4.new_output("display_data", outputs[0]["data"])
    # What a frontend shows of the question and the answer.
    typed = nbformat.v4.new_output("stream", name="stdout", text=f"{prompt} blue")
    cell = nbformat.v4.new_code_cell(source, outputs=[asked, typed], execution_count=2)
    page = pages.of_notebook(nbformat.v4.new_notebook(cells=[cell]), "light")
    keep("confirm-notebook", page, width=900, height=700)


def test_confirmation_at_a_terminal(site, aws, place, terminal):
    """The question at a terminal."""
    (place / "ops.py").write_text(SCRIPT)
    made = Terminal(place, site.blue.instance_ids[0], environment(aws))
    made.until("\n> ")
    made.type("green\n")
    terminal("confirm-terminal", made.end(), "python ops.py")


def test_report_and_blast_radius(site, aws, place, keep, monkeypatch):
    """The report, and the picture of what one blocked call would have hit."""
    monkeypatch.chdir(place)
    monkeypatch.setattr(sys.modules["__main__"], "__file__", "cleanup.py", raising=False)
    guardrails.install({"log": {"path": "decisions.jsonl"}, "enforcement": {"network/subnet": "dryrun"}})
    try:
        stop, end = site.ec2.stop_instances, site.ec2.terminate_instances
        for call, machines in ((stop, site.blue.instance_ids[:1]), (end, [*site.blue.instance_ids])):
            with pytest.raises(guardrails.CallDenied):
                call(InstanceIds=list(machines))
        site.ec2.modify_subnet_attribute(SubnetId=site.subnet, MapPublicIpOnLaunch={"Value": False})
        with guardrails.break_glass(reason="INC-42: disk full", rules=["live-cluster/stop"]):
            stop(InstanceIds=[site.blue.instance_ids[2]])
        end(InstanceIds=[site.green.instance_ids[0]])
    finally:
        guardrails.uninstall()
    # A day's work, in a minute: only the times are others.
    log, lines = place / "decisions.jsonl", []
    for hour, line in zip((8, 9, 11, 15, 22), log.read_text().splitlines(), strict=True):
        entry = json.loads(line)
        lines.append(json.dumps({**entry, "timestamp": f"2023-10-09T{hour:02}:22:00.000Z"}))
    log.write_text("\n".join(lines) + "\n")
    listed = CliRunner().invoke(app, ["log", "--denied", "--format", "json"])
    decision = [line for line in listed.stdout.splitlines() if "TerminateInstances" in line][-1]
    for name, arguments, height in (
        ("report", (), 1860),
        ("blast-radius", ("--id", decision.split('"decision_id": "')[1][:36]), 740),
    ):
        assert CliRunner().invoke(app, ["report", *arguments, "-o", "page.html"]).exit_code == 0
        keep(name, (place / "page.html").read_text(), width=1000, height=height)


def test_demo(terminal, place):
    """The demo's terminal, from the mistake to the half-started cluster's end."""
    reader, writer = pty.openpty()
    command = [sys.executable, "-m", "guardrails", "demo"]
    env = {**os.environ, "COLUMNS": "80", "TERM": "xterm-256color"}
    with subprocess.Popen(command, stdout=writer, stderr=writer, stdin=subprocess.DEVNULL, env=env, cwd=place) as demo:
        os.close(writer)
        seen = b""
        while True:
            try:
                part = os.read(reader, 65536)
            except OSError:
                break
            if not part:
                break
            seen += part
    assert demo.returncode == 0
    text = seen.decode().replace("\r\n", "\n")
    lines = text.splitlines()
    first = next(n for n, line in enumerate(lines) if "Act 1" in line)
    last = next(n for n, line in enumerate(lines) if "Act 3" in line)
    terminal("demo", "\n".join(lines[first : last - 1]), "guardrails demo")
