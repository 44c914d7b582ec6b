"""Notebooks in real kernels: the extension, the card of a denied call, the magic, and confirmation."""

from __future__ import annotations

import json
import re
import time

import pytest

from tests.support import kernels
from tests.support.kernels import Kernel, code, shown


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a configuration, outside CI."""
    monkeypatch.delenv("CI", raising=False)
    (tmp_path / "guardrails.toml").write_text('confirm_timeout_s = 30\n[log]\npath = "decisions.jsonl"\n')
    return tmp_path


@pytest.fixture
def kernel(place):
    running = Kernel(place)
    yield running
    running.end()


def entries(place):
    return [json.loads(line) for line in (place / "decisions.jsonl").read_text().splitlines()]


def test_an_hour_of_maintenance(site, aws, place):
    """One line shows what is live, the wrong cluster is blocked with a card, the right one passes, all is undone."""
    loaded, _, denied, caught, live, checked, log, ended, _, gone = code(kernels.run("maintenance", place))
    (line,) = shown(loaded, "stdout").splitlines()
    assert line.startswith("guardrails is on (mode enforce). blue is live (eip: blue holds ")

    card = shown(denied, "text/html")
    for machine in site.blue.instance_ids:
        assert machine in card
    for part in ("Blocked before it reached AWS", "live-cluster/terminate", "eip", "ago", "line 1 of the cell"):
        assert part in card
        assert part in shown(denied, "text/plain")
    (error,) = [output for output in denied if output["output_type"] == "error"]
    assert error["ename"] == "CallDenied"
    assert len(error["traceback"]) == 1
    assert "botocore" not in "".join(error["traceback"])
    assert "caught GuardrailsDenied ['live-cluster/terminate'" in shown(caught, "stdout")

    assert "live: blue" in shown(live, "text/html")
    assert "live: blue" in shown(live, "text/plain")
    assert "Would be allowed" in shown(checked, "text/html")
    assert shown(log, "text/html").count("<tr") == 3
    assert shown(ended, "text/plain") == "2"
    assert shown(gone, "text/plain") == "True"
    assert aws.count("TerminateInstances") == 1
    assert aws.running("blue") == 3


def test_a_card_is_escaped(site, aws, kernel):
    """HTML in a machine's name is shown as text on the card."""
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    site.ec2.create_tags(Resources=[site.blue.instance_ids[0]], Tags=[{"Key": "Name", "Value": evil}])
    kernel.run("%load_ext guardrails\nimport boto3\nec2 = boto3.client('ec2')")
    outputs, _ = kernel.run(f"ec2.stop_instances(InstanceIds=[{site.blue.instance_ids[0]!r}])")
    card = shown(outputs, "text/html")
    assert "&lt;script&gt;" in card
    assert "<script" not in card
    assert "<img" not in card
    assert not aws.count("StopInstances")


def test_a_denial_is_reported_once(site, aws, kernel):
    """An uncaught denial is a card and nothing else; a caught one leaves the line of the program's log."""
    kernel.run("%load_ext guardrails\nimport boto3, guardrails; ec2 = boto3.client('ec2')")
    call = f"ec2.stop_instances(InstanceIds=[{site.blue.instance_ids[0]!r}])"
    outputs, _ = kernel.run(call)
    assert "live-cluster/stop" in shown(outputs, "text/html")
    assert shown(outputs, "stderr") == ""
    outputs, _ = kernel.run(
        f"try:\n    {call}\nexcept guardrails.CallDenied as error:\n    print(type(error).__name__)"
    )
    assert shown(outputs, "stderr").count("live-cluster/stop") == 1
    assert not aws.count("StopInstances")


def test_without_the_extension(site, aws, kernel):
    """With only guardrails.install() a denied call has the same text, without a traceback through our code."""
    kernel.run("import guardrails, boto3; guardrails.install()")
    outputs, _ = kernel.run(f"boto3.client('ec2').stop_instances(InstanceIds=[{site.blue.instance_ids[0]!r}])")
    (error,) = [output for output in outputs if output["output_type"] == "error"]
    text = "\n".join(error["traceback"])
    assert "live-cluster/stop" in text
    assert "line 1 of the cell:" in text
    assert "guard.py" not in text
    assert not aws.count("StopInstances")


def test_a_captured_cell(site, aws, kernel):
    """If a cell's output is captured there is no card, so the error has the whole message."""
    kernel.run("%load_ext guardrails\nimport boto3; ec2 = boto3.client('ec2')")
    outputs, _ = kernel.run(f"%%capture\nec2.stop_instances(InstanceIds=[{site.blue.instance_ids[0]!r}])")
    (error,) = [output for output in outputs if output["output_type"] == "error"]
    (line,) = error["traceback"]
    assert "live-cluster/stop" in line
    assert site.blue.instance_ids[0] in line


def test_the_line_of_the_call(site, kernel):
    """A call inside a function is shown with the cell that defines the function."""
    kernel.run("%load_ext guardrails\nimport boto3; ec2 = boto3.client('ec2')")
    kernel.run("def clean(ids):\n    return ec2.stop_instances(InstanceIds=ids)")
    outputs, _ = kernel.run(f"clean([{site.blue.instance_ids[0]!r}])")
    assert re.search(r"line 2 of cell \[\d+\]: return ec2.stop_instances", shown(outputs, "text/plain"))


def test_an_invalid_endpoint(site, kernel):
    """An endpoint that boto3 refuses is reported in the line; the guard is still on."""
    outputs, _ = kernel.run("import os; os.environ['AWS_ENDPOINT_URL'] = 'nonsense'\n%load_ext guardrails")
    printed = shown(outputs, "stdout")
    assert "guardrails is on" in printed
    assert "nonsense" in printed
    assert not [output for output in outputs if output["output_type"] == "error"]


def test_a_handler_that_came_later_stays(site, kernel):
    """%unload_ext keeps a handler that another extension has set in the meantime."""
    kernel.run(
        "%load_ext guardrails\ndef mine(shell, kind, error, tb, tb_offset=None):\n    print('MINE', error)\n"
        "get_ipython().set_custom_exc((KeyError,), mine)\n%unload_ext guardrails"
    )
    assert "MINE" in shown(kernel.run("{}['missing']")[0], "stdout")


def test_other_errors_are_as_before(site, kernel):
    """Other errors have their traceback, and a handler that was set before still works."""
    kernel.run(
        "def mine(shell, kind, error, tb, tb_offset=None):\n    print('MINE', error)\n"
        "get_ipython().set_custom_exc((KeyError,), mine)\n%load_ext guardrails"
    )
    assert "MINE" in shown(kernel.run("{}['missing']")[0], "stdout")
    outputs, _ = kernel.run("1 / 0")
    (error,) = [output for output in outputs if output["output_type"] == "error"]
    assert "1 / 0" in re.sub(r"\x1b\[[\d;]*m", "", "".join(error["traceback"]))
    kernel.run("%unload_ext guardrails")
    assert "MINE" in shown(kernel.run("{}['missing']")[0], "stdout")


def test_a_guard_from_before_stays(site, aws, kernel):
    """%unload_ext keeps a guard that it did not install."""
    kernel.run("import guardrails, boto3; guardrails.install()\n%load_ext guardrails\n%unload_ext guardrails")
    outputs, _ = kernel.run(f"boto3.client('ec2').stop_instances(InstanceIds=[{site.blue.instance_ids[0]!r}])")
    assert [output for output in outputs if output["output_type"] == "error"]
    assert not aws.count("StopInstances")


def test_a_broken_configuration(site, place, kernel):
    """A configuration that does not load is one sentence with its place."""
    (place / "guardrails.toml").write_text("mode = 'enforced'\n")
    outputs, _ = kernel.run("%load_ext guardrails")
    (error,) = [output for output in outputs if output["output_type"] == "error"]
    assert len(error["traceback"]) == 1
    assert "guardrails.toml:1" in error["traceback"][0]


def test_no_region(site, kernel, monkeypatch):
    """Without a region the guard is still on, and the line says what is missing."""
    outputs, _ = kernel.run(
        "import os\nfor name in ('AWS_DEFAULT_REGION', 'AWS_REGION'):\n    os.environ.pop(name, None)\n"
        "%load_ext guardrails"
    )
    printed = shown(outputs, "stdout")
    assert "guardrails is on" in printed
    assert "region" in printed


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("%guardrails", "one of"),
        ("%guardrails life", "one of"),
        ("%guardrails log ten", "NUMBER"),
        ("%guardrails log 0", "NUMBER"),
        ("%guardrails log 99999999999999999999", "NUMBER"),
        ("%guardrails check nothing.stop_instances(InstanceIds=[])", "NameError"),
        ("%guardrails check ec2.stop_instances(InstanceIds=[1 / 0])", "ZeroDivisionError"),
        ("%guardrails check", "give a call"),
        ("%guardrails check ec2 NoSuchThing", "ec2 has no operation NoSuchThing"),
        ("%guardrails check ec2 StopInstances Ids=i-1", "StopInstances has no parameter Ids"),
        ("%guardrails check ec2.stop_instances(['i-1'])", "as NAME=VALUE"),
        ("%guardrails check ec2.stop_instances(InstanceIds=3)", "Invalid type"),
        ("%guardrails check 'x'.stop_instances(InstanceIds=[])", "not a boto3 client"),
        ("%guardrails check ec2.stop_instances(", "never closed"),
    ],
)
def test_mistakes_at_the_magic(line, part, site, shared_kernel):
    """A mistake at the magic is one sentence."""
    outputs, _ = shared_kernel.run(line)
    stderr = shown(outputs, "stderr")
    assert "UsageError" in stderr
    assert part in stderr


@pytest.fixture(scope="module")
def shared_kernel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shared")
    (folder / "guardrails.toml").write_text('[log]\npath = "decisions.jsonl"\n')
    running = Kernel(folder)
    running.run(
        "import os; os.environ.update(AWS_DEFAULT_REGION='eu-west-1', AWS_ACCESS_KEY_ID='x', AWS_SECRET_ACCESS_KEY='x',"
        " AWS_ENDPOINT_URL='http://127.0.0.1:9')\nimport guardrails, boto3; ec2 = boto3.client('ec2')\n"
        "%load_ext guardrails"
    )
    yield running
    running.end()


def test_check_from_words_and_from_code(site, aws, kernel):
    """Both forms of `check` return the same decision and send only look-ups."""
    machine = site.blue.instance_ids[0]
    kernel.run("%load_ext guardrails\nimport boto3; ec2 = boto3.client('ec2')")
    kernel.run(f"words = %guardrails check ec2 TerminateInstances InstanceIds={machine}")
    kernel.run(f"ids = ['{machine}']")
    kernel.run("code = %guardrails check ec2.terminate_instances(InstanceIds=ids)")
    outputs, _ = kernel.run("print(words.action, code.action, words.call.params == code.call.params)")
    assert shown(outputs, "stdout") == "deny deny True\n"
    assert not aws.count("TerminateInstances")


def test_the_doctor_in_a_kernel(site, kernel):
    """`%guardrails doctor` shows that the guard is on in this kernel."""
    kernel.run("%load_ext guardrails")
    outputs, _ = kernel.run("%guardrails doctor")
    printed = shown(outputs, "text/plain")
    assert "this kernel" in printed
    assert "the guard is on, mode enforce" in printed.replace("\n", " ")


# -- confirmation ----------------------------------------------------------------------------------------------------


def command(kernel, site, answer=None):
    """Send a command to a live machine, which needs confirmation; returns the outputs and the prompts."""
    kernel.run("%load_ext guardrails\nimport boto3; ssm = boto3.client('ssm')")
    return kernel.run(
        f"sent = ssm.send_command(DocumentName='AWS-RunShellScript', InstanceIds=['{site.blue.instance_ids[0]}'],"
        " Parameters={'commands': ['true']})",
        answer,
    )


def test_the_name_sends_it(site, aws, place, kernel):
    """The card comes first, then one question; the cluster's name sends the call."""
    before = []

    def answer(_, prompt):
        before.append(aws.count("SendCommand"))
        return "blue"

    outputs, prompts = command(kernel, site, answer)
    assert len(prompts) == 1
    assert "type 'blue' within 30 s" in prompts[0]
    assert "needs your confirmation" in shown(outputs, "text/html")
    assert site.blue.instance_ids[0] in shown(outputs, "text/html")
    assert before == [0]
    assert aws.count("SendCommand") == 1
    assert entries(place)[-1]["custom"]["confirmed"] is True


@pytest.mark.parametrize("typed", ["green", "", "yes", "\x04"])
def test_anything_else_blocks_it(typed, site, aws, kernel):
    """A wrong name, an empty answer and the end of input deny the call, without a second question."""
    outputs, prompts = command(kernel, site, lambda *_: typed)
    assert len(prompts) == 1
    assert "The answer was not" in shown(outputs, "text/html").replace("&#x27;", "'")
    assert not aws.count("SendCommand")


def test_an_interrupted_question(site, aws, kernel):
    """Interrupting the kernel at the question denies the call, and the kernel goes on."""

    def answer(kernel, _):
        kernel.interrupt()

    outputs, _ = command(kernel, site, answer)
    assert "question was interrupted" in shown(outputs, "text/html")
    assert not aws.count("SendCommand")
    assert shown(kernel.run("print(2)")[0], "stdout") == "2\n"


def test_no_answer(site, aws, place, kernel):
    """Without an answer in time the call is denied."""
    (place / "guardrails.toml").write_text('confirm_timeout_s = 1\n[log]\npath = "decisions.jsonl"\n')
    outputs, _ = command(kernel, site, lambda *_: None)
    assert "Nothing was typed within 1 s" in shown(outputs, "text/html")
    assert not aws.count("SendCommand")


def test_a_question_that_cannot_be_asked(site, aws, kernel):
    """If the frontend cannot ask, the call is denied, and the kernel goes on."""
    kernel.run("def broken(prompt):\n    raise RuntimeError('no frontend')\nget_ipython().kernel.raw_input = broken")
    outputs, _ = command(kernel, site, lambda *_: "blue")
    assert "could not be asked (RuntimeError: no frontend)" in shown(outputs, "text/html")
    assert not aws.count("SendCommand")


def test_a_late_answer_is_ignored(site, aws, place, kernel):
    """A name typed too late does not answer the next question."""
    (place / "guardrails.toml").write_text('confirm_timeout_s = 1\n[log]\npath = "decisions.jsonl"\n')
    command(kernel, site, lambda *_: None)
    kernel.type("blue")
    outputs, prompts = command(kernel, site, lambda *_: None)
    assert len(prompts) == 1
    assert "Nothing was typed within 1 s" in shown(outputs, "text/html")
    assert not aws.count("SendCommand")


def test_no_second_question_after_an_unanswered_one(site, aws, place, kernel):
    """After an unanswered question the same cell does not ask again, because the input box may still be open."""
    (place / "guardrails.toml").write_text('confirm_timeout_s = 1\n[log]\npath = "decisions.jsonl"\n')
    kernel.run("%load_ext guardrails\nimport boto3, guardrails; ssm = boto3.client('ssm')")
    cell = (
        f"for machine in {site.blue.instance_ids[:2]!r}:\n    try:\n        ssm.send_command("
        "DocumentName='AWS-RunShellScript', InstanceIds=[machine], Parameters={'commands': ['true']})\n"
        "    except guardrails.CallDenied as error:\n        print(error.decision.reason)"
    )
    outputs, prompts = kernel.run(cell, lambda *_: None)
    assert len(prompts) == 1
    assert "an earlier question of this cell was not answered: run the cell again" in shown(outputs, "stdout")
    _, prompts = kernel.run(cell, lambda *_: "blue")
    assert len(prompts) == 2
    assert aws.count("SendCommand") == 2


def test_a_captured_question(site, aws, kernel):
    """If the output is captured the card would not be seen, so nothing is asked."""
    kernel.run("%load_ext guardrails\nimport boto3; ssm = boto3.client('ssm')")
    cell = (
        f"%%capture\nssm.send_command(DocumentName='AWS-RunShellScript', InstanceIds=['{site.blue.instance_ids[0]}'],"
        " Parameters={'commands': ['true']})"
    )
    outputs, prompts = kernel.run(cell, lambda *_: "blue")
    assert prompts == []
    assert "the output of this cell is captured" in str(outputs)
    assert not aws.count("SendCommand")


def test_a_child_of_the_kernel(site, aws, kernel):
    """A forked child of a kernel has no frontend, so the call is denied at once."""
    kernel.run("%load_ext guardrails\nimport boto3, os, guardrails; ssm = boto3.client('ssm')")
    outputs, prompts = kernel.run(
        "if (child := os.fork()) == 0:\n    try:\n        ssm.send_command(DocumentName='AWS-RunShellScript', "
        f"InstanceIds=['{site.blue.instance_ids[0]}'], Parameters={{'commands': ['true']}})\n"
        "    except guardrails.CallDenied as error:\n        open('child', 'w').write(error.decision.reason)\n"
        "    os._exit(0)\nos.waitpid(child, 0)\nprint(open('child').read())",
        lambda *_: "blue",
    )
    assert prompts == []
    assert "a child of the notebook's kernel" in shown(outputs, "stdout")
    assert not aws.count("SendCommand")


def test_an_alarm_of_the_notebook_is_on_time(site, aws, kernel):
    """An alarm that was set before the question goes off when it should."""
    kernel.run("import signal, time; rung = []\nsignal.signal(signal.SIGALRM, lambda *_: rung.append(time.time()))")
    kernel.run("%load_ext guardrails\nimport boto3; ssm = boto3.client('ssm')")

    answered = []

    def answer(_, __):
        time.sleep(2.5)
        answered.append(time.time())
        return "blue"

    outputs, _ = kernel.run(
        "signal.setitimer(signal.ITIMER_REAL, 2)\n"
        f"_ = ssm.send_command(DocumentName='AWS-RunShellScript', InstanceIds=['{site.blue.instance_ids[0]}'],"
        " Parameters={'commands': ['true']})\ntime.sleep(2)\nprint(*rung)",
        answer,
    )
    # It was due before the answer. With the time of the question added it would ring nearly 2 s after it.
    rung = float(shown(outputs, "stdout").split()[-1])
    assert rung - answered[0] < 1.5


def test_a_notebook_that_a_program_runs(site, aws, place):
    """In a notebook run by nbclient no one can answer, so the call is denied with that reason."""
    _, _, denied = code(kernels.run("confirmation", place))
    assert "this notebook runs without input" in shown(denied, "text/html")
    assert [output for output in denied if output["output_type"] == "error"]
    assert not aws.count("SendCommand")
