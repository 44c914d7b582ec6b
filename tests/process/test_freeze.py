"""A freeze: every guard that shares the memory denies what is frozen, until it ends or is lifted."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from attrs import evolve
from botocore.exceptions import ClientError
from click.testing import CliRunner

import guardrails
from guardrails.cli.app import app
from guardrails.doctor import memory as of_doctor
from guardrails.memory import SqliteStore, StateUnavailable, configured
from guardrails.memory.dynamodb import DynamoStore, Place
from guardrails.memory.dynamodb import freezes as of_table
from guardrails.memory.dynamodb.administration import create
from guardrails.memory.fleet import FleetStore
from guardrails.memory.store import Asked
from guardrails.values import Freeze, Live
from tests.calls.test_unknown_holders import attempt
from tests.support.attributes import protected

HELD = "freeze/in-force"
TABLE = {"store": "dynamodb", "table": "guardrails", "region": "eu-west-1", "timeout_s": 30}
LAUNCH = {"ImageId": "ami-12345678", "InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1}
FREEZE = Freeze("f1", ("terminate",), "INC-42", "ann", "bastion", 1000.0, 2000.0)


@pytest.fixture(params=["sqlite", "dynamodb"])
def memory(request, aws, tmp_path):
    """The keys of [state] for a memory that hosts share: a file, or a table of the simulated AWS."""
    if request.param == "sqlite":
        return {"path": str(tmp_path / "state.db")}
    for _ in create(Place("guardrails", "eu-west-1", timeout_s=30)):
        pass
    return {**TABLE, "path": str(tmp_path / "state.db")}


@pytest.fixture
def commander(memory, tmp_path):
    """commander(*arguments): `guardrails freeze` on another host with the same memory; its exit code and output."""
    file = tmp_path / "guardrails.toml"
    lines = [f"{key} = {json.dumps(value)}" for key, value in memory.items()]
    file.write_text("[log]\nenabled = false\n[state]\n" + "\n".join(lines) + "\n")

    def run(*arguments):
        done = CliRunner().invoke(app, ["freeze", "--config", str(file), *arguments])
        return SimpleNamespace(code=done.exit_code, text=done.stdout + done.stderr)

    run.file = file
    return run


def asked_at(now):
    return Asked("1/eu-west-1", "c1", "call ec2:StopInstances", Live(known=False, disputed=False, clusters=()), now)


def terminate(site, aws):
    return attempt(aws, "ec2", "terminate_instances", {"InstanceIds": list(site.green.instance_ids)})


def test_every_guard_of_the_memory(site, aws, install, memory, commander, caplog):
    """What any guard of the memory may do, none may while it is frozen, in running programs too; then it may again."""
    install(state=memory)
    assert terminate(site, aws) is None
    frozen = commander("--reason", "INC-42: ann acts", "--minutes", "60", "--effects", "terminate,stop")
    assert (frozen.code, "INC-42: ann acts" in frozen.text) == (0, True)
    assert HELD in terminate(site, aws)
    groups = {"AutoScalingGroupName": "workers", "DesiredCapacity": 0}
    assert HELD in attempt(aws, "ec2", "stop_instances", {"InstanceIds": list(site.green.instance_ids)})
    assert attempt(aws, "autoscaling", "set_desired_capacity", groups) is not None
    assert attempt(aws, "ec2", "run_instances", {**LAUNCH, "SubnetId": site.subnet}) is None
    assert (
        attempt(aws, "ec2", "create_tags", {"Resources": [site.green.instance_ids[0]], "Tags": [{"Key": "A"}]}) is None
    )
    assert site.ec2.describe_instances()["Reservations"]
    assert sum("Every guard that shares this memory" in record.message for record in caplog.records) == 1
    lifted = commander("--lift")
    assert (lifted.code, "It was for: INC-42: ann acts" in lifted.text) == (0, True)
    assert terminate(site, aws) is None
    assert commander("--lift").text == "nothing is frozen\n"


def test_by_default_all_but_launches(site, aws, install, memory, commander):
    """Without --effects everything is frozen but what starts machines, unreviewed operations and commands as well."""
    install(state=memory)
    assert commander("--reason", "x", "--minutes", "5").code == 0
    machine = site.green.instance_ids[0]
    assert HELD in terminate(site, aws)
    command = {"DocumentName": "AWS-RunShellScript", "InstanceIds": [machine], "Parameters": {"commands": ["true"]}}
    assert HELD in attempt(aws, "ssm", "send_command", command)
    assert attempt(aws, "ec2", "run_instances", {**LAUNCH, "SubnetId": site.subnet}) is None


def test_it_ends_by_itself(memory, commander, install, aws, site):
    """A freeze whose time is over, by the memory's clock, holds nothing; another that goes on does."""
    guard = install(state=memory)
    store = configured.store(guard.settings)
    now = 2_000_000_000.0
    store.freeze(evolve(FREEZE, since=now - 100, until=now - 1))
    store.freeze(evolve(FREEZE, id="f2", since=now - 100, until=now + 600))
    assert [each.id for each in store.freezes(now)] == ["f2"]
    assert [each.id for each in store.freezes(now - 2)] == ["f1", "f2"]
    assert store.freezes(now + 600) == ()
    # What is over does not stay in the memory for ever.
    store.freeze(evolve(FREEZE, id="f3", since=now + 300, until=now + 900))
    assert [each.id for each in store.freezes(now - 2)] == ["f2", "f3"]


def test_two_commanders(memory, commander, site, aws, install):
    """A second freeze stands beside the first: neither makes it laxer, and both are named and lifted."""
    install(state=memory)
    commander("--reason", "first", "--minutes", "60", "--effects", "terminate")
    commander("--reason", "second", "--minutes", "5", "--effects", "stop")
    assert HELD in terminate(site, aws)
    assert HELD in attempt(aws, "ec2", "stop_instances", {"InstanceIds": list(site.green.instance_ids)})
    shown = CliRunner().invoke(app, ["state", "show", "--config", str(commander.file), "--format", "json"])
    assert {each["reason"] for each in json.loads(shown.stdout)["freezes"]} == {"first", "second"}
    lifted = json.loads(commander("--lift", "--format", "json").text)["lifted"]
    assert {each["reason"] for each in lifted} == {"first", "second"}
    assert terminate(site, aws) is None


def test_break_glass_by_name_only(site, aws, install, memory, commander):
    """A break glass that names the rule sets it aside; one for other rules, and a wildcard, do not."""
    install(state=memory)
    commander("--reason", "INC-42", "--minutes", "5")
    with guardrails.break_glass(reason="INC-43", rules=["live-cluster/terminate"]):
        assert terminate(site, aws) == {HELD, "None"}
    for wildcard in ("*", "freeze/*", "freeze"):
        with (
            pytest.raises(guardrails.BreakGlassRefused),
            guardrails.break_glass(reason="INC-43", rules=[wildcard]),
        ):
            pass
    with guardrails.break_glass(reason="INC-43", rules=[HELD]):
        assert terminate(site, aws) is None


def unreviewed(site, monkeypatch):
    """Add the operation FlattenSubnet, as AWS would after this version of the catalogue."""
    operations = site.ec2.meta.service_model._service_description["operations"]
    monkeypatch.setitem(
        operations, "FlattenSubnet", {"name": "FlattenSubnet", "http": {"method": "POST", "requestUri": "/"}}
    )


def test_calls_without_look_ups(site, aws, install, memory, commander, monkeypatch):
    """An unreviewed operation is held by any freeze, and a launch whose look-ups fail by one of launches."""
    install(state=memory)
    unreviewed(site, monkeypatch)
    aws.answer("FlattenSubnet", 400, "Arrived", "it arrived")
    with pytest.raises(ClientError, match="it arrived"):
        site.ec2._make_api_call("FlattenSubnet", {})
    aws.answer("DescribeSubnets", 400, "UnauthorizedOperation", "no")
    assert attempt(aws, "ec2", "run_instances", {**LAUNCH, "SubnetId": site.subnet}) is None
    commander("--reason", "x", "--minutes", "5", "--effects", "capacity")
    assert HELD in attempt(aws, "ec2", "run_instances", {**LAUNCH, "SubnetId": site.subnet})
    with pytest.raises(guardrails.CallDenied, match=HELD):
        site.ec2._make_api_call("FlattenSubnet", {})
    assert aws.count("FlattenSubnet") == 1


def test_no_further_request(site, aws, install, memory, commander):
    """A decision reads what is frozen with what it reads anyway: not one request to the table more."""
    guard = install(state=memory)
    operations = ("BatchGetItem", "GetItem", "UpdateItem", "Query", "Scan", "PutItem")

    def asked():
        aws.clear()
        decision = guard.check(site.ec2, "TerminateInstances", InstanceIds=list(site.green.instance_ids))
        return {each.rule for each in decision.violations}, aws.count(*operations)

    asked()
    assert asked() == (set(), 2 if memory.get("store") else 0)
    commander("--reason", "x", "--minutes", "5", "--effects", "terminate")
    assert asked() == ({HELD}, 2 if memory.get("store") else 0)


def test_while_the_table_is_away(aws, tmp_path):
    """A host that has seen a freeze keeps it while the table does not answer, and forgets it once it was lifted."""
    place = Place("guardrails", "eu-west-1", timeout_s=30)
    for _ in create(place):
        pass
    shared = DynamoStore(place)
    store = FleetStore(shared, SqliteStore(tmp_path / "a"), hosts=2, alone=True)
    asked = asked_at(1500.0)
    shared.freeze(FREEZE)
    assert [each.id for each in store.remember(asked).freezes] == ["f1"]
    aws.answer("BatchGetItem", 400, "AccessDeniedException", "away")
    alone = store.remember(asked)
    assert alone.unshared
    assert [each.id for each in alone.freezes] == ["f1"]
    assert [each.id for each in store.freezes(1500.0)] == ["f1"]
    assert store.remember(asked_at(2000.0)).freezes == ()
    aws.repair()
    shared.lift(1500.0)
    assert store.remember(asked).freezes == ()
    aws.answer("BatchGetItem", 400, "AccessDeniedException", "away")
    assert store.remember(asked).freezes == ()


def test_what_cannot_be_read_denies(aws, tmp_path):
    """A freeze that someone edited by hand is not one that is over: the memory cannot be used, until it is lifted."""
    place = Place("guardrails", "eu-west-1", timeout_s=30)
    for _ in create(place):
        pass
    store = DynamoStore(place)
    store.table.update(of_table.KEY, "SET #f = :f", {"f": {"id": "x", "until": "tomorrow"}}, {"f": "f_x"})
    with pytest.raises(StateUnavailable, match=r"a freeze in it cannot be read.*guardrails freeze --lift"):
        store.remember(asked_at(1500.0))
    assert store.lift(1500.0) == ()
    assert store.remember(asked_at(1500.0)).freezes == ()


def without_history(site, aws):
    """The rules against a command, less protection and a launch, which need no history; how many of each arrived."""
    machine = site.green.instance_ids[0]
    command = {"DocumentName": "AWS-RunShellScript", "InstanceIds": [machine], "Parameters": {"commands": ["true"]}}
    aws.reply("DescribeInstanceAttribute", protected(machine))
    less = {"InstanceId": machine, "DisableApiTermination": {"Value": False}}
    before = [aws.count(each) for each in ("SendCommand", "ModifyInstanceAttribute", "RunInstances")]
    rules = [
        attempt(aws, "ssm", "send_command", command),
        attempt(aws, "ec2", "modify_instance_attribute", less),
        attempt(aws, "ec2", "run_instances", {**LAUNCH, "SubnetId": site.subnet}),
    ]
    after = [aws.count(each) for each in ("SendCommand", "ModifyInstanceAttribute", "RunInstances")]
    return rules, [now - then for now, then in zip(after, before, strict=True)]


@pytest.fixture
def impatient(monkeypatch):
    """Nobody waits for a lock in the tests below."""
    monkeypatch.setattr(SqliteStore.__init__, "__defaults__", (0.05,))


@pytest.mark.usefixtures("impatient")
def test_while_another_process_has_it_locked(site, aws, install, memory, commander):
    """What is frozen is read also while nothing can be written: it holds, and without a freeze the calls arrive."""
    install(state=memory)
    with closing(sqlite3.connect(memory["path"], isolation_level=None)) as other:
        SqliteStore(Path(memory["path"])).freezes(0)
        other.execute("BEGIN EXCLUSIVE")
        assert without_history(site, aws) == ([None, None, None], [1, 1, 1])
        other.execute("ROLLBACK")
        commander("--reason", "INC-42", "--minutes", "60")
        other.execute("BEGIN EXCLUSIVE")
        rules, arrived = without_history(site, aws)
        assert ([HELD in each for each in rules[:2]], rules[2]) == ([True, True], None)
        assert arrived == [0, 0, 1]
        with pytest.raises(guardrails.GuardUnavailable):
            site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
        assert aws.count("TerminateInstances") == 0


@pytest.mark.usefixtures("impatient")
def test_an_unusable_memory_is_no_end_of_a_freeze(site, aws, install, tmp_path, monkeypatch):
    """Where the file cannot be read, what a freeze may hold is denied; launches and ungoverned calls arrive."""
    (tmp_path / "state.db").write_bytes(b"not a database at all" * 100)
    install(state={"path": str(tmp_path / "state.db")})
    rules, arrived = without_history(site, aws)
    assert ([HELD in each for each in rules[:2]], rules[2], arrived) == ([True, True], None, [0, 0, 1])
    machine = {"InstanceId": site.green.instance_ids[0], "DisableApiTermination": {"Value": False}}
    with pytest.raises(guardrails.CallDenied) as denied:
        site.ec2.modify_instance_attribute(**machine)
    for part in ("whether this is frozen is unknown: the state file", "break the glass for freeze/in-force"):
        assert part in str(denied.value)
    aws.answer("FlattenSubnet", 400, "Arrived", "it arrived")
    unreviewed(site, monkeypatch)
    with pytest.raises(guardrails.CallDenied, match="whether this is frozen is unknown"):
        site.ec2._make_api_call("FlattenSubnet", {})
    # Look-ups that fail hold no launch either.
    aws.answer("DescribeSubnets", 400, "UnauthorizedOperation", "no")
    assert attempt(aws, "ec2", "run_instances", {**LAUNCH, "SubnetId": site.subnet}) is None
    tagged = {"Resources": [site.green.instance_ids[0]], "Tags": [{"Key": "A"}]}
    assert attempt(aws, "ec2", "create_tags", tagged) is None
    assert site.ec2.describe_instances()["Reservations"]
    assert aws.count("FlattenSubnet", "ModifyInstanceAttribute", "SendCommand") == 0
    with guardrails.break_glass(reason="INC-43", rules=[HELD]):
        assert attempt(aws, "ec2", "modify_instance_attribute", machine) is None
        assert aws.count("ModifyInstanceAttribute") == 1
        with pytest.raises(ClientError, match="it arrived"):
            site.ec2._make_api_call("FlattenSubnet", {})


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("memory", ["dynamodb"], indirect=True)
def test_a_table_without_the_file_of_the_host(site, aws, install, commander, memory):
    """A host whose file is damaged asks the table; only where that is away as well, what is frozen is unknown."""
    Path(memory["path"]).write_bytes(b"not a database at all" * 100)
    install(state=memory)
    assert without_history(site, aws) == ([None, None, None], [1, 1, 1])
    commander("--reason", "INC-42", "--minutes", "60")
    rules, arrived = without_history(site, aws)
    assert ([HELD in each for each in rules[:2]], rules[2], arrived) == ([True, True], None, [0, 0, 1])
    commander("--lift")
    aws.answer("BatchGetItem", 400, "AccessDeniedException", "away")
    rules, arrived = without_history(site, aws)
    assert ([HELD in each for each in rules[:2]], rules[2], arrived) == ([True, True], None, [0, 0, 1])


@pytest.mark.parametrize("memory", ["dynamodb"], indirect=True)
def test_a_host_alone_keeps_what_it_saw(site, aws, install, commander, memory):
    """While the table is away, calls are held by the freeze that this host last saw, and go on where it saw none."""
    install(state=memory)
    aws.answer("BatchGetItem", 400, "AccessDeniedException", "away")
    assert without_history(site, aws) == ([None, None, None], [1, 1, 1])
    assert terminate(site, aws) is None
    aws.repair()
    commander("--reason", "INC-42", "--minutes", "60")
    assert without_history(site, aws)[1] == [0, 0, 1]
    aws.answer("BatchGetItem", 400, "AccessDeniedException", "away")
    assert without_history(site, aws)[1] == [0, 0, 1]


@pytest.mark.parametrize(
    ("arguments", "toml", "sentence"),
    [
        (["--minutes", "5"], "", "--reason is missing"),
        (["--reason", " ", "--minutes", "5"], "", "--reason is missing"),
        (["--reason", "x" * 501, "--minutes", "5"], "", "--reason is too long"),
        (["--reason", "x"], "", "--minutes must be a number above 0"),
        (["--reason", "x", "--minutes", "nan"], "", "nan is not a finite number"),
        (["--reason", "x", "--minutes", "5", "--effects", "terminat"], "", "did you mean `terminate`?"),
        (["--reason", "x", "--minutes", "5", "--effects", ","], "", "names no effect"),
        (["--reason", "x", "--minutes", "5"], "[state]\nenabled = false", "guards share no memory"),
        (["--reason", "x", "--minutes", "5"], '[state]\npath = ":memory:"', "none would notice"),
        (["--lift"], '[state]\nstore = "dynamodb"\nregion = "eu-west-1"', "guardrails state init"),
    ],
)
def test_wrong_usage(arguments, toml, sentence, aws, tmp_path):
    """What cannot work is one sentence with the way forward, and nothing is frozen."""
    file = tmp_path / "guardrails.toml"
    file.write_text(toml or f'[state]\npath = "{tmp_path / "state.db"}"')
    done = CliRunner().invoke(app, ["freeze", "--config", str(file), *arguments])
    assert (done.exit_code, sentence in done.stderr) == (2, True), done.stderr
    assert not toml or aws.count("UpdateItem") == 0


def test_it_is_announced(memory, commander, tmp_path, install):
    """A freeze and its end send a notice each, and the doctor shows what is frozen."""
    file = tmp_path / "notices"
    lines = f'[[notify]]\nto = "command"\ncommand = ["sh", "-c", "cat >> {file}; echo >> {file}"]\non = ["freeze"]\n'
    commander.file.write_text(commander.file.read_text() + lines)
    commander("--reason", "INC-42", "--minutes", "5", "--effects", "stop")
    guard = install(state=memory)
    (finding,) = [each for each in of_doctor.examine(guard.settings) if each.about == "freeze"]
    assert "Reason: INC-42" in finding.sentence
    commander("--lift")
    began, ended = map(json.loads, file.read_text().splitlines())
    assert (began["event"], began["freezes"][0]["effects"]) == ("freeze", ["stop"])
    assert ended["text"].startswith("freeze lifted by ")
    assert not [each for each in of_doctor.examine(guard.settings) if each.about == "freeze"]


def test_a_row_that_cannot_be_read(tmp_path):
    """The same in a file: until it is lifted, the memory cannot be used."""
    store = SqliteStore(tmp_path / "state.db")
    with store.transaction() as connection:
        connection.execute("INSERT INTO freeze VALUES ('x', '{\"id\": 1}')")
    with pytest.raises(StateUnavailable, match="a freeze in it cannot be read"):
        store.freezes(1500.0)
    assert store.lift(1500.0) == ()
    assert store.freezes(1500.0) == ()
