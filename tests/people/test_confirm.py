"""Confirmation at a real terminal (a pseudo-terminal): one question, one answer, and a denial in every other case."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.support import terminals
from tests.support.waiting import until

SCRIPT = """
import sys, boto3, guardrails
guardrails.install("guardrails.toml")
try:
    boto3.client("ssm").send_command(DocumentName="AWS-RunShellScript", InstanceIds=[sys.argv[1]],
                                     Parameters={"commands": ["true"]})
    print("SENT")
except guardrails.CallDenied as error:
    print("DENIED", error)
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "ops.py").write_text(SCRIPT)
    configure(tmp_path)
    return tmp_path


def configure(place, timeout=30):
    (place / "guardrails.toml").write_text(f'confirm_timeout_s = {timeout}\n[log]\npath = "decisions.jsonl"\n')


def environment(aws, **more):
    return terminals.environment(**aws.environment(), **more)


class Terminal(terminals.Terminal):
    """The script `ops.py` with a terminal of its own."""

    def __init__(self, place, machine, env):
        super().__init__([sys.executable, "ops.py", machine], env, place)


@pytest.fixture
def terminal(site, aws, place):
    """terminal(env): the script at a terminal that has asked its question."""

    def start(**env):
        made = Terminal(place, site.blue.instance_ids[0], environment(aws, **env))
        assert "\n> " in made.until("\n> "), made.seen
        return made

    return start


def last(place):
    return json.loads((place / "decisions.jsonl").read_text().splitlines()[-1])


def test_the_name_sends_it(terminal, site, aws, place):
    """The cluster's name, typed after a table of what would be hit, sends the call, and the log tells so."""
    made = terminal()
    assert site.blue.instance_ids[0] in made.seen
    row = "blue yes 3 of 3 anything might happen to 1 of 3 machines, 2 would be left alone"
    assert row in " ".join(made.seen.split())
    assert "opaque/command" in made.seen
    assert not aws.count("SendCommand")
    made.type("blue\n")
    assert "SENT" in made.end()
    assert aws.count("SendCommand") == 1
    assert last(place)["custom"]["confirmed"] is True
    assert last(place)["custom"]["action"] == "confirm"


@pytest.mark.parametrize("typed", ["green\n", "\n", "yes\n", "BLUE\n", "blue\x04", "\x04", "\x03"])
def test_anything_else_blocks_it(typed, terminal, aws, place):
    """A wrong name, nothing, the end of input (Ctrl-D) and Ctrl-C are a clean denial, without a second question."""
    made = terminal()
    made.type(typed)
    said = made.end()
    assert "DENIED" in said
    assert "Traceback" not in said
    assert said.count("\n> ") == 1
    assert not aws.count("SendCommand")
    assert not last(place)["custom"]["sent"]
    assert last(place)["custom"]["reason"]


@pytest.mark.parametrize(
    "around",
    [
        "signal.signal(signal.SIGINT, lambda *_: None); body()",
        # As a shell without job control leaves it to its background jobs.
        "signal.signal(signal.SIGINT, signal.SIG_IGN); body()",
        "import asyncio; asyncio.run(later())",
    ],
    ids=["a handler that does nothing", "ignored", "asyncio.run"],
)
def test_ctrl_c_counts_whatever_the_program_does_with_it(around, site, aws, place):
    """Ctrl-C is a denial, too, where the program's own handler would swallow it; that handler is put back."""
    script = SCRIPT.partition("try:")
    body = "".join(f"    {line}\n" for line in ("try:" + script[2]).splitlines())
    (place / "ops.py").write_text(
        f"{script[0]}import signal\ndef body():\n    before = signal.getsignal(signal.SIGINT)\n{body}"
        f"    assert signal.getsignal(signal.SIGINT) is before\n"
        f"async def later():\n    body()\n{around}\n"
    )
    made = Terminal(place, site.blue.instance_ids[0], environment(aws))
    made.until("\n> ")
    made.type("\x03")
    made.until("DENIED", seconds=10)
    made.type("blue\n")
    said = made.end()
    assert "question was interrupted" in said.replace("\n", " ")
    assert not aws.count("SendCommand")


def test_the_time_begins_before_the_question(site, aws, place):
    """A terminal that shows the question slowly, or a program that is stopped meanwhile, gives nobody more time."""
    configure(place, timeout=2)
    (place / "ops.py").write_text(
        "import sys, time\nclass Slow:\n"
        "    def __getattr__(self, name):\n        return getattr(sys.__stderr__, name)\n"
        "    def write(self, text):\n        sys.__stderr__.write(text)\n        sys.__stderr__.flush()\n"
        f"        time.sleep(3 if '> ' in text else 0)\nsys.stderr = Slow()\n{SCRIPT}"
    )
    made = Terminal(place, site.blue.instance_ids[0], environment(aws))
    made.until("\n> ")
    made.type("blue\n")
    assert "Nothing was typed within 2 s" in made.end()
    assert not aws.count("SendCommand")


def test_ctrl_c_after_the_word(terminal, aws, place):
    """Ctrl-C while the call is decided on anew is a denial, too, and the log has it."""
    made = terminal()
    aws.clear()
    aws.delay(3)
    made.type("blue\n")
    until(lambda: aws.requests)
    made.type("\x03")
    assert "question was interrupted" in made.end().replace("\n", " ")
    assert not aws.count("SendCommand")
    assert not last(place)["custom"]["sent"]


def test_a_name_that_repr_would_change(aws, place):
    """What the question says is to be typed is what counts."""
    cluster = aws.start_cluster("a\\b's", 2, addresses=1)
    made = Terminal(place, cluster.instance_ids[0], environment(aws))
    assert "type 'a\\b's' within" in made.until("\n> ")
    made.type("a\\b's\n")
    assert "SENT" in made.end()


def test_a_terminal_that_is_somebody_elses(site, aws, place):
    """A process without its own terminal gets a denial with that reason, and no question."""
    (place / "job.py").write_text((place / "ops.py").read_text())
    (place / "ops.py").write_text(
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, 'job.py', {site.blue.instance_ids[0]!r}], start_new_session=True)\n"
    )
    said = Terminal(place, "-", environment(aws)).end().replace("\n", " ")
    assert "this process does not belong to its terminal" in said
    assert not aws.count("SendCommand")


def test_two_programs_at_one_terminal(site, aws, place):
    """While one program asks, another is denied: an answer is to the question that stands there."""
    (place / "job.py").write_text((place / "ops.py").read_text())
    (place / "ops.py").write_text(
        "import subprocess, sys, time\n"
        f"jobs = [subprocess.Popen([sys.executable, 'job.py', one]) for one in {site.blue.instance_ids[:2]!r}]\n"
        "print('ENDED', [job.wait(60) for job in jobs])\n"
    )
    made = Terminal(place, "-", environment(aws))
    made.until("another program is asking")
    made.until("\n> ")
    made.type("blue\n")
    said = made.end()
    assert said.count("another program is asking") == said.count("SENT") == 1
    assert aws.count("SendCommand") == 1


def test_the_time_goes_on_while_it_is_stopped(site, aws, place):
    """A program that was stopped (Ctrl-Z) and goes on after its time has no question any more."""
    configure(place, timeout=3)
    made = Terminal(place, site.blue.instance_ids[0], environment(aws))
    made.until("\n> ")
    os.kill(made.pid, signal.SIGSTOP)
    time.sleep(4)
    made.type("blue\n")
    os.kill(made.pid, signal.SIGCONT)
    assert "Nothing was typed within 3 s" in made.end()
    assert not aws.count("SendCommand")


@pytest.mark.parametrize("tostop", [False, True])
def test_a_question_put_into_the_background(tostop, site, aws, place):
    """A program put into the background at its question (Ctrl-Z, bg) is denied in time, even under `stty tostop`."""
    configure(place, timeout=4)
    (place / "job.py").write_text(
        f"import signal; signal.signal(signal.SIGTTOU, signal.SIG_DFL)\n{(place / 'ops.py').read_text()}".replace(
            'print("DENIED", error)', 'open("denied", "w").write(str(error))'
        )
    )
    (place / "ops.py").write_text(
        "import os, pathlib, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTTOU, signal.SIG_IGN)\n"
        "job = subprocess.Popen([sys.executable, 'job.py', sys.argv[1]], process_group=0)\n"
        "os.tcsetpgrp(0, job.pid)\n"
        "while not pathlib.Path('asked').exists(): time.sleep(0.05)\n"
        "os.tcsetpgrp(0, os.getpgrp())\n"
        f"if {tostop}: os.system('stty tostop')\n"
        "print('ENDED', job.wait(60))\n"
    )
    made = Terminal(place, site.blue.instance_ids[0], environment(aws))
    made.until("\n> ")
    (place / "asked").touch()
    assert "ENDED 0" in made.end()
    assert "Nothing was typed within 4 s" in (place / "denied").read_text()
    assert not aws.count("SendCommand")


def test_the_terminal_goes_away(site, aws, place):
    """A terminal that is closed at the question is a denial, and the log has it."""
    (place / "ops.py").write_text(f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{SCRIPT}".replace(
        'print("DENIED", error)', 'open("denied", "w").write(str(error))'
    ))  # fmt: skip
    made = Terminal(place, site.blue.instance_ids[0], environment(aws))
    made.until("\n> ")
    os.close(made.fd)
    os.waitpid(made.pid, 0)
    assert "GuardrailsDenied" in (place / "denied").read_text()
    assert not last(place)["custom"]["sent"]
    assert not aws.count("SendCommand")


def test_a_name_of_letters_and_marks(aws, place):
    """A name counts as typed whichever way its letters are composed, and however many blanks are between its words."""
    cluster = aws.start_cluster("caf\u00e9  nord", 2, addresses=1)
    made = Terminal(place, cluster.instance_ids[0], environment(aws))
    made.until("\n> ")
    made.type("cafe\u0301 nord\n")
    assert "SENT" in made.end()


def test_nobody_answers(terminal, aws, place):
    """After the time it is a denial; what is typed later answers nothing."""
    configure(place, timeout=1)
    made = terminal()
    assert "Nothing was typed within 1 s" in made.end()
    assert not aws.count("SendCommand")


def test_what_was_typed_before_is_no_answer(site, aws, place):
    """A name that waits in the terminal before the question is asked does not answer it."""
    configure(place, timeout=2)
    made = Terminal(place, site.blue.instance_ids[0], environment(aws))
    made.type("blue\n")
    assert "Nothing was typed within 2 s" in made.end()
    assert not aws.count("SendCommand")


def test_a_word_is_for_the_machines_that_were_shown(site, aws, place):
    """A selector that means more machines when the word is given is not sent."""
    tag = [{"Key": "Role", "Value": "web"}]
    site.ec2.create_tags(Resources=[site.blue.instance_ids[0]], Tags=tag)
    (place / "ops.py").write_text(SCRIPT.replace(
        "InstanceIds=[sys.argv[1]]", "Targets=[{'Key': 'tag:Role', 'Values': ['web']}]"
    ))  # fmt: skip
    made = Terminal(place, "-", environment(aws))
    assert "anything might happen to 1 of 3 machines" in made.until("\n> ")
    site.ec2.create_tags(Resources=list(site.blue.instance_ids[1:]), Tags=tag)
    made.type("blue\n")
    assert "The situation changed while you were asked" in made.end().replace("\n", " ")
    assert not aws.count("SendCommand")


@pytest.mark.parametrize("change", ["another cluster", "less remains"])
def test_a_word_is_for_what_was_shown(change, terminal, site, aws):
    """A name typed for one cluster, or for what was left of it, does not send a call on another, or on less."""
    made = terminal()
    if change == "another cluster":
        site.ec2.create_tags(Resources=[*site.blue.instance_ids], Tags=[{"Key": "Cluster", "Value": "azure"}])
    else:
        site.ec2.stop_instances(InstanceIds=list(site.blue.instance_ids[1:]))
    made.type("blue\n")
    assert "The situation changed while you were asked" in made.end().replace("\n", " ")
    assert not aws.count("SendCommand")


def test_the_world_changed_meanwhile(terminal, site, aws, place):
    """A word given for one situation is not taken for another: the call is decided on anew, and blocked."""
    made = terminal()
    aws.answer("DescribeInstances", 503, "Unavailable", "no")
    made.type("blue\n")
    assert "DENIED" in made.end()
    assert not aws.count("SendCommand")


def test_the_question_shows_the_command(site, aws, place):
    """What would run is shown whole to the person who is asked; the decision log does not hold it."""
    script = (place / "ops.py").read_text().replace('["true"]', '["systemctl stop nginx", "rm -rf /srv/\\x1b[2Jcache"]')
    (place / "ops.py").write_text(script)
    made = Terminal(place, site.blue.instance_ids[0], environment(aws))
    made.until("\n> ")
    made.type("blue\n")
    shown = made.end()
    assert "SENT" in shown
    assert "systemctl stop nginx" in shown
    assert "rm -rf /srv/\\x1b[2Jcache" in shown
    assert "nginx" not in (place / "decisions.jsonl").read_text()
    assert aws.count("SendCommand") == 1


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_plain_and_narrow(term, terminal):
    """The question is plain text of at most 80 columns, also on a dumb terminal."""
    made = terminal(TERM=term, COLUMNS="80", NO_COLOR="1")
    made.type("\x03")
    question = made.end().partition("\n> ")[0]
    assert "\x1b" not in question
    assert max(map(len, question.splitlines())) <= 80


@pytest.mark.parametrize("stdin", [subprocess.DEVNULL, subprocess.PIPE, "closed"])
def test_where_nobody_sits(stdin, site, aws, place):
    """With input redirected, piped or closed it is a denial that says so, at once."""
    command = [sys.executable, "ops.py", site.blue.instance_ids[0]]
    if stdin == "closed":
        command, stdin = ["bash", "-c", f"exec {' '.join(command)} <&-"], None
    done = subprocess.run(
        command, stdin=stdin, cwd=place, env=environment(aws), capture_output=True, text=True, timeout=60, check=False
    )
    assert "DENIED" in done.stdout, done.stderr
    assert "No one can be asked here" in done.stdout
    assert not aws.count("SendCommand")


def test_a_thread_is_not_asked(site, aws, place):
    """A call from a thread is a denial that says where to make it; an asynchronous client decides in a thread, too."""
    (place / "ops.py").write_text(SCRIPT.replace("try:", "import threading\ndef call():\n  try:").replace(
        "\n    ", "\n      ").replace("except", "  except") + "thread = threading.Thread(target=call)\n"
        "thread.start(); thread.join()\n")  # fmt: skip
    made = Terminal(place, site.blue.instance_ids[0], environment(aws))
    said = made.end().replace("\n", " ")
    assert (
        "from a thread or an asynchronous client, and only the main thread can ask: make the call in the main thread"
        in said
    )
    assert not aws.count("SendCommand")


def test_ci_that_says_no(site, aws, place):
    """CI=false is no CI job."""
    made = Terminal(place, site.blue.instance_ids[0], environment(aws, CI="false"))
    made.until("\n> ")
    made.type("blue\n")
    assert "SENT" in made.end()


def test_a_ci_job_is_not_asked(site, aws, place):
    """With CI set there is no question, even at a terminal."""
    made = Terminal(place, site.blue.instance_ids[0], environment(aws, CI="true"))
    assert "this is a CI job" in made.end().replace("\n", " ")
    assert not aws.count("SendCommand")


def test_a_background_job_is_not_stopped(site, aws, place):
    """A job in the background gets a denial instead of being stopped by the terminal."""
    (place / "background.py").write_text(
        "import os, subprocess, sys\n"
        f"job = subprocess.Popen([sys.executable, 'job.py', {site.blue.instance_ids[0]!r}], process_group=0)\n"
        "print('ENDED', job.wait(60))\n"
    )
    (place / "job.py").write_text((place / "ops.py").read_text())
    (place / "ops.py").write_text((place / "background.py").read_text())
    made = Terminal(place, "-", environment(aws))
    said = made.end().replace("\n", " ")
    assert "runs in the background" in said
    assert "ENDED 0" in said
    assert not aws.count("SendCommand")
