"""Bad configuration and bad policies: one clear sentence with file and line, and nothing is half installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from botocore.client import BaseClient
from hypothesis import given
from hypothesis import strategies as st

import guardrails
from guardrails.assembly import terms
from guardrails.config.keys import KEYS, TABLES
from guardrails.config.load import load, reload
from guardrails.config.schema import Mismatch
from guardrails.config.settings import SOURCES, Settings
from guardrails.evaluate import policy_params
from guardrails.evaluate.bundle import params_of, read, shipped

ORIGINAL = BaseClient._make_api_call


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ('cluster_tag = "C"\nmode = "enforced"\n', 2, "`mode` is 'enforced'; it must be one of enforce, warn, dryrun"),
        ('mod = "enforce"\n', 1, "unknown key `mod`; did you mean `mode`?"),
        ("\nzzz = 1\n", 2, "unknown key `zzz`; `guardrails docs configuration` lists all keys"),
        ("[pacing]\nshrae = 1\n", 2, "unknown key `pacing.shrae`; did you mean `pacing.share`?"),
        ("[lvie]\nsources = []\n", 1, "unknown key `lvie`; did you mean `live`?"),
        ('"live.sources" = []\n', 1, "`live.sources` is []"),
        (
            '[live]\nsources = ["eip", "bgp"]\n',
            2,
            f"contains 'bgp'; each item must be one of {', '.join(SOURCES)}",
        ),
        (
            "[live]\nsources = []\n",
            2,
            f"be a non-empty list with the values {', '.join(SOURCES)}",
        ),
        ('[live]\ntag = { key = "Live" }\n', 2, 'must be a table { key = "…", value = "…" }'),
        ('[live]\ntag = { key = "Live", value = 1 }\n', 2, "`live.tag.value` is 1; it must be a string"),
        ('mode = "warn"\nlive = 1\n', 2, "`live` must be a table, [live]"),
        ('[live]\nsources = ["ssm"]\n', 2, "needs `live.ssm_parameter`"),
        ('[enforcement]\n"live-cluster/stop" = "off"\n', 2, "must be one of deny, warn, dryrun"),
        ('[enforcement]\n"live-cluster/stopp" = "warn"\n', 2, "unknown rule 'live-cluster/stopp'; did you mean `live-"),
        ('[enforcement]\n"live-cluster/stop" = "warn"\nx = "warn"\n', 3, "'x'; `guardrails policy docs` lists all"),
        ("max_fact_age_s = -1\n", 1, "must be a number above 0"),
        ("wave_pause_s = nan\n", 1, "`wave_pause_s` is nan; it must be a finite number"),
        ("wave_pause_s = inf\n", 1, "`wave_pause_s` is inf; it must be a finite number"),
        ('waves = "split"\nwave_pause_s = 1200\n', 2, "set `state.window_s` to 7200, or shorten the pause"),
        (
            'waves = "split"\n[state]\nwindow_s = 60\n',
            3,
            "30 s apart (`wave_sizes`, `wave_pause_s`) take 90 s, and `state.window_s` is 60",
        ),
        ("[log]\nmax_bytes = 1\n", 2, "a whole number of at least 10,000"),
        ('engine = "regopy"\n', 1, "must be one of embedded"),
        ('mode = "warn"\n[params]\nuntagged = "alow"\n', 3, "must be one of deny, confirm, allow"),
        (
            '[params]\nopaque = "warn"\nuntaged = "allow"\n',
            3,
            "unknown parameter `untaged`; did you mean `untagged`?",
        ),
        ("[params]\nzzz = 1\n", 2, "unknown parameter `zzz`; `guardrails docs configuration` lists the parameters"),
        ("[params]\nwindow_s = 5\n", 2, "must not set 'window_s'; set the key `state.window_s` instead"),
        (
            '[params]\nunbreakable = "live-cluster/stop"\n',
            2,
            "`params.unbreakable` is 'live-cluster/stop'; it must be a list",
        ),
        ("[params]\nunbreakable = [\n  5,\n]\n", 3, "`params.unbreakable` contains 5; each item must be a string"),
        ('[params]\nunbreakable = [\n\n  "live-cluster/stopp"]\n', 4, "'live-cluster/stopp'; did you mean"),
        (
            '[params.approvals]\n"live-cluster/stopp" = { minutes = 5 }\n',
            2,
            "the parameter `approvals` names the unknown rule 'live-cluster/stopp'; did you mean",
        ),
        ('[params.approvals]\n"live-cluster/stop" = { minute = 5 }\n', 2, "minutes"),
        ('[params.approvals]\n"live-cluster/stop" = { minutes = 5, by = [] }\n', 2, "must be a non-empty list"),
        ("approval_wait_s = -1\n", 1, "must be a number of at least 0"),
        ('[caller]\nkind = "robot"\n', 2, "must be one of person, script, ci, notebook, agent"),
        ('[params]\nrollback_window_s = "x"\n', 2, "`params.rollback_window_s` is 'x'; it must be a number"),
        ("[params]\nrollback_window_s = -1\n", 2, "must be a number of at least 0"),
        ('[params]\nremaining = "x"\n', 2, "`params.remaining` is 'x'; it must be a table"),
        (
            "[params]\nremaining.cluster.green = { min_running = 2 }\n",
            2,
            "unknown parameter `params.remaining.cluster`; did you mean `params.remaining.clusters`?",
        ),
        (
            '[params]\nremaining.clusters."green.v2" = { least = 2 }\n',
            2,
            'unknown parameter `params.remaining.clusters."green.v2".least`; did you',
        ),
        ("[params.remaining]\nclusters.blue = {}\nclusters.green = 2\n", 3, "must be a table"),
        ("[params.remaining.clusters.green]\nmax_share = 34\n", 2, "must be a number from 0 to 1"),
        ("[params]\ncutover.min_share = true\n", 2, "`params.cutover.min_share` is True; it must be a number"),
        ("[params]\nrollback_window_s = 2024-01-01\n", 2, "must be something that JSON can express"),
        ("[params]\nrollback_window_s = inf\n", 2, "must be something that JSON can express"),
        ('home_region = "a b"\n', 1, "must be the name of a region"),
        ('[log]\npath = "/"\n', 2, "must name a file"),
        ('[log]\npath = ""\n', 2, "`log.path` is ''; it must be the path of a file"),
        ('cluster_tag = ""\n', 1, "must be a non-empty string"),
        ('policies = "x"\n', 1, "must be a list of paths"),
        ('policies = ["x",\n""]\n', 2, "`policies` contains ''; each item must be a non-empty string"),
        ('[log]\npath = "~nobodyatall/x"\n', 2, "must start with an existing home folder"),
        ('[state]\npath = "a\\u0000b"\n', 2, "must be the path of a file"),
        ("confirm_timeout_s = 1e12\n", 1, "above 0 and below 1,000,000,000"),
        ('mode = "warn"\nmode = "warn"\n', 2, "not valid TOML"),
    ],
)
def test_bad_key(tmp_path, text, line, part):
    """Every wrong key, word or value is refused with file, line and what is allowed; botocore stays untouched."""
    file = tmp_path / "guardrails.toml"
    file.write_text(text)
    with pytest.raises(guardrails.ConfigError) as caught:
        guardrails.install(file)
    assert f"guardrails.toml:{line}" in str(caught.value)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert BaseClient._make_api_call is ORIGINAL


DECLARED = params_of(read((shipped(),)))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*DECLARED, "bounds", "x"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(DECLARED)), VALUES, min_size=1, max_size=3))
def test_params_of_any_shape(given_params):
    """A shipped parameter of any value either has the type of its default, or is refused."""
    try:
        given_params = policy_params.as_json(given_params)
        policy_params.check(given_params, DECLARED)
    except Mismatch:
        return
    for name, value in given_params.items():
        default = DECLARED[name]
        numbers = isinstance(default, (int, float)) and not isinstance(default, bool)
        assert isinstance(value, (int, float) if numbers else type(default)), name
        assert name not in ("capacity", "cutover", "remaining") or set(value) <= set(default), name


KEY_NAMES = st.sampled_from([*KEYS, *TABLES, "sources", "path", "key", "x"]) | st.integers(0, 1)
CONFIGS = st.fixed_dictionaries(
    {}, optional={"enforcement": st.dictionaries(KEY_NAMES, st.just("deny"))}
) | st.dictionaries(KEY_NAMES, VALUES | st.dictionaries(KEY_NAMES, VALUES, max_size=3), max_size=3)


@given(CONFIGS)
def test_a_mapping_of_any_shape(config):
    """Whatever mapping install() gets, it either loads or raises ConfigError."""
    with suppress(guardrails.ConfigError):
        terms(load({**config, "policies": []}))


def declare(folder, own):
    """A folder of policies whose data.json declares parameters."""
    (folder / "guardrails").mkdir()
    (folder / "guardrails" / "data.json").write_text(json.dumps({"params": own}))
    (folder / "x.rego").write_text("package guardrails.x\n")


def test_params_that_a_policy_declares(tmp_path):
    """Your own policy's parameters must have the type of their defaults; null and an empty table allow anything."""
    declare(tmp_path, {"own": {"number": 1, "any": None, "free": {}}})
    settings = {"policies": [str(tmp_path)], "log": {"enabled": False}}
    guardrails.Guard.from_config({**settings, "params": {"own": {"number": 2, "any": [3], "free": {"x": 4}}}})
    with pytest.raises(guardrails.ConfigError, match=r"install\(config\): `params.own.number` is '2'; it must"):
        guardrails.Guard.from_config({**settings, "params": {"own": {"number": "2"}}})


@pytest.mark.parametrize(
    ("own", "given"),
    [
        ([0.5, 1.5], [1, 2]),
        ([1, 2], [1.5]),
        ([["a"]], [("b",)]),
        (0, -5),
        ({"blue": 3}, {"red": 5}),
        (None, {"any": ["thing"]}),
    ],
)
def test_params_that_are_like_their_default(tmp_path, own, given):
    """Numbers are numbers, tuples are lists, and a table of your own may contain more than its default."""
    declare(tmp_path, {"own": own})
    guardrails.Guard.from_config({"policies": [str(tmp_path)], "log": {"enabled": False}, "params": {"own": given}})


def test_unbreakable_as_a_tuple():
    """From Python a tuple of rules is a list of them."""
    config = {"log": {"enabled": False}, "params": {"unbreakable": ("live-cluster/stop",)}}
    assert terms(load(config)).unbreakable == {"live-cluster/stop"}


@pytest.mark.parametrize(
    ("own", "sentence"),
    [
        ({"rollback_window_s": "x"}, "`rollback_window_s` is 'x'; it must be a number"),
        ({"untagged": "dney"}, "`untagged` is 'dney'; it must be one of"),
        ({"remaining": {"bounds": None}}, "`remaining.bounds` is None; it must be a table"),
        ({"remaining": {"bounds": {"max_share": 34}}}, "must be a number from 0 to 1"),
    ],
)
def test_shipped_params_in_a_data_json(tmp_path, own, sentence):
    """Your own data.json cannot set a shipped parameter to something that its schema does not allow."""
    declare(tmp_path, own)
    with pytest.raises(guardrails.PolicyError, match=f"in a data.json of `policies`, .*{sentence}"):
        guardrails.install({"policies": [str(tmp_path)], "log": {"enabled": False}})
    assert BaseClient._make_api_call is ORIGINAL


def test_unbreakable_of_a_policy(tmp_path):
    """A data.json in which `unbreakable` is not a list does not load."""
    declare(tmp_path, {"unbreakable": "live-cluster/stop"})
    with pytest.raises(guardrails.GuardrailsError, match="unbreakable"):
        guardrails.install({"policies": [str(tmp_path)], "log": {"enabled": False}})
    assert BaseClient._make_api_call is ORIGINAL


@pytest.mark.parametrize("kind", ["link", "folder"])
@pytest.mark.parametrize("whose", ["local", "organisation"])
def test_not_a_file(tmp_path, kind, whose):
    """A broken link or a folder in the place of the configuration is an error; the defaults do not apply."""
    file = tmp_path / "guardrails.toml"
    if kind == "link":
        file.symlink_to(tmp_path / "gone")
    else:
        file.mkdir()
    where = {"directory": tmp_path} if whose == "local" else {"organisation": file, "directory": tmp_path / "no"}
    with pytest.raises(guardrails.ConfigError, match=r"guardrails\.toml.*(is a broken link|Is a directory)"):
        load(**where)


def test_missing_working_directory(tmp_path, monkeypatch):
    """Without a working directory it says so; a configuration given by its absolute path is read anyway."""
    (tmp_path / "here").mkdir()
    file = tmp_path / "guardrails.toml"
    file.write_text('mode = "warn"\n')
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here").rmdir()
    with pytest.raises(guardrails.ConfigError, match="cannot determine the working directory"):
        load()
    assert load(file).mode == "warn"


@pytest.mark.parametrize(
    ("rego", "place", "part"),
    [
        ("package guardrails.extra\n\ndeny contains x if {\n", "extra.rego:4", "expecting"),
        ("package guardrails.extra\n\nok if nosuch(input.x)\n", "extra.rego:3", "unknown function nosuch"),
        ("package guardrails.extra\n\nok if data.guardrails.parms.x\n", "extra.rego:3", "nothing defines"),
        ("package guardrails.extra\n\nimport rego.v2\n\nok := 1\n", "extra.rego:3", "rego.v2 is not known"),
        ("package guardrails.extra\n\nf(x) := g(x)\n\ng(x) := f(x)\n", "extra.rego:", "recursion"),
        ("package guardrails.extra\n\nx := http.send({})\n", "extra.rego:3", "not allowed"),
        ("package guardrails.extra\n\nx := data.guardrails[input.a].deny\n", "extra.rego:3", "by a variable"),
        (
            "package guardrails.extra\n\nimport data.guardrails.lib\n\nx if some lib in input.y\n",
            "extra.rego:5",
            "lib is the package data.guardrails.lib here",
        ),
    ],
)
def test_bad_policy(tmp_path, rego, place, part):
    """A broken policy is refused at install with file and line; nothing is installed."""
    (tmp_path / "extra.rego").write_text(rego)
    with pytest.raises(guardrails.PolicyError) as caught:
        guardrails.install({"policies": [str(tmp_path)], "log": {"enabled": False}})
    assert place in str(caught.value)
    assert part in str(caught.value)
    assert BaseClient._make_api_call is ORIGINAL


def test_a_function_of_several_files(tmp_path):
    """A function defined in several files, which the embedded engine cannot call, is refused at install."""
    (tmp_path / "one.rego").write_text("package guardrails.help\n\nx(a) if a == 1\n")
    (tmp_path / "two.rego").write_text("package guardrails.help\n\nx(a) if a == 2\n")
    with pytest.raises(guardrails.PolicyError, match=r"two\.rego:3: the function x is also defined in .*one\.rego"):
        guardrails.install({"policies": [str(tmp_path)], "log": {"enabled": False}})
    assert BaseClient._make_api_call is ORIGINAL


def test_bad_data(tmp_path):
    """Data that is not JSON is refused with file, line and column."""
    (tmp_path / "guardrails").mkdir()
    (tmp_path / "guardrails" / "data.json").write_text('{"a": 1,\n nonsense}\n')
    (tmp_path / "x.rego").write_text("package guardrails.x\n")
    with pytest.raises(guardrails.PolicyError, match=r"data\.json:2:2: not valid JSON"):
        guardrails.install({"policies": [str(tmp_path)], "log": {"enabled": False}})
    assert BaseClient._make_api_call is ORIGINAL


@pytest.mark.parametrize("command", [["run", "script.py"], ["check", "ec2", "StopInstances"], ["live"], ["log"]])
def test_commands_exit_with_two(tmp_path, command):
    """Every command reports a bad configuration in one sentence on stderr, with exit code 2 and no traceback."""
    (tmp_path / "guardrails.toml").write_text('mode = "on"\n')
    (tmp_path / "script.py").write_text("print('ran')\n")
    done = subprocess.run(
        [sys.executable, "-m", "guardrails", *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "guardrails.toml:1" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_found_upward_and_in_pyproject(tmp_path):
    """The file is found from the working directory upward; [tool.guardrails] in pyproject.toml counts."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n\n[tool.guardrails]\nmode = "warn"\n')
    assert load(directory=deep).mode == "warn"
    (tmp_path / "a" / "guardrails.toml").write_text('mode = "dryrun"\n')
    assert load(directory=deep).mode == "dryrun"


@pytest.mark.parametrize("text", ["tool = 5\n", "[tool]\nx = 1\n", "[tool.other]\nguardrails = 1\n", "no toml\n"])
def test_pyproject_without_our_table(tmp_path, text):
    """A pyproject.toml without [tool.guardrails] is ignored, whatever else is in it."""
    (tmp_path / "pyproject.toml").write_text(text)
    assert load(directory=tmp_path, organisation=Path("/nonexistent")).file is None


def test_a_broken_pyproject_with_our_table(tmp_path):
    """A mistake anywhere in a pyproject.toml with our table is reported with its line; our keys are not ignored."""
    (tmp_path / "pyproject.toml").write_text('[tool.guardrails]\nmode = "enforce"\n\n[tool.ruff]\nline-length = \n')
    with pytest.raises(guardrails.ConfigError, match=r"pyproject\.toml:5:"):
        load(directory=tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\nline-length = \n")
    assert load(directory=tmp_path).mode == "enforce"


def test_lines_in_pyproject(tmp_path):
    """Errors in pyproject.toml have the line of the key, not of a key of another tool with the same name."""
    file = tmp_path / "pyproject.toml"
    for text, line in (
        ('[tool.other]\nmode = "x"\n[params]\nuntagged = 1\n[tool.guardrails]\ncluster_tag = "C"\nmode = "x"\n', 7),
        ("[tool]\nguardrails = 5\n", 2),
        ('[tool.guardrails.params]\n# comment\n"untagged" = "x"\n', 3),
    ):
        file.write_text(text)
        with pytest.raises(guardrails.ConfigError, match=rf"pyproject\.toml:{line}: "):
            guardrails.install(file)


def test_environment_names_the_file(tmp_path, monkeypatch):
    """GUARDRAILS_CONFIG names the file; one that does not exist is an error, not a default."""
    monkeypatch.setenv("GUARDRAILS_CONFIG", str(tmp_path / "no.toml"))
    with pytest.raises(guardrails.ConfigError, match="does not exist"):
        load()


def test_a_link_stays_the_file(tmp_path):
    """A configuration that is a link is read again where the link is: what it leads to may be replaced."""
    for version, mode in (("v1", "warn"), ("v2", "dryrun")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "settings").write_text(f"mode = '{mode}'\nenforcement = {{'a/b' = '{mode}'}}\n")
    link = tmp_path / "guardrails.toml"
    link.symlink_to(tmp_path / "v1" / "settings")
    settings = load(directory=tmp_path)
    assert (settings.file, settings.mode) == (link, "warn")
    link.unlink()
    link.symlink_to(tmp_path / "v2" / "settings")
    (tmp_path / "v1" / "settings").unlink()
    assert reload(settings).enforcement == {"a/b": "dryrun"}


def test_no_file_at_all(tmp_path, monkeypatch):
    """GUARDRAILS_CONFIG=/dev/null is the defaults, whatever files there are."""
    (tmp_path / "guardrails.toml").write_text("mode = 'warn'\n")
    monkeypatch.setenv("GUARDRAILS_CONFIG", os.devnull)
    settings = load(directory=tmp_path)
    assert (settings.file, settings.mode) == (None, "enforce")


def test_organisation_locks_keys(tmp_path):
    """A key that the organisation's file locks cannot be changed by a local file."""
    organisation = tmp_path / "org.toml"
    organisation.write_text('locked = ["mode"]\nmode = "enforce"\nmax_fact_age_s = 2\n')
    local = tmp_path / "guardrails.toml"
    local.write_text("max_fact_age_s = 3\n")
    assert load(local, organisation=organisation).max_fact_age_s == 3
    local.write_text('mode = "dryrun"\n')
    with pytest.raises(guardrails.ConfigError, match=r"guardrails\.toml:1: `mode` is locked by .*org\.toml:2"):
        load(local, organisation=organisation)


def test_local_tables_add_to_the_organisations(tmp_path):
    """`params` and `enforcement` are merged name by name: a local file does not drop what the organisation set."""
    organisation, local = tmp_path / "org.toml", tmp_path / "guardrails.toml"
    organisation.write_text(
        '[params]\nuntagged = "confirm"\ntest_runs = "warn"\n[enforcement]\n"network/acl" = "warn"\n'
    )
    local.write_text('[params]\nuntagged = "deny"\n[enforcement]\n"network/other" = "dryrun"\n')
    settings = load(local, organisation=organisation)
    assert settings.params == {"untagged": "deny", "test_runs": "warn"}
    assert settings.enforcement == {"network/acl": "warn", "network/other": "dryrun"}
    assert settings.at("params", "untagged") == f"{local}:2"
    assert settings.at("params", "test_runs") == f"{organisation}:3"
    assert load({}, organisation=organisation).params == {"untagged": "confirm", "test_runs": "warn"}


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("live", '[live]\nsources = ["tag"]\n'),
        ("state", "[state]\nenabled = false\n"),
        ("log", "[log]\nenabled = false\n"),
        ("enforcement", '[enforcement]\n"live-cluster/stop" = "dryrun"\n'),
        ("params", '[params]\nuntagged = "allow"\n'),
    ],
)
def test_whole_tables_can_be_locked(table, text, tmp_path):
    """A locked table may not be touched by a local file, set or not; other keys may."""
    organisation, local = tmp_path / "org.toml", tmp_path / "guardrails.toml"
    organisation.write_text(f'locked = ["{table}"]\n')
    local.write_text(text)
    with pytest.raises(guardrails.ConfigError, match=rf"guardrails\.toml:\d+: `{table}.*` is locked by .*org\.toml:1"):
        load(local, organisation=organisation)
    local.write_text("max_fact_age_s = 3\n")
    assert load(local, organisation=organisation).max_fact_age_s == 3


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('mode = "warn"\nlocked = [\n"mode",\n"modee"]\n', "4: `locked` names the unknown key `modee`; did you mean"),
        ('locked = ["mode"]\n', "1: `mode` is locked but not set in this file; set it"),
        ('\nlocked = "mode"\n', "2: `locked` must be a list of keys"),
    ],
)
def test_bad_locks(tmp_path, text, sentence):
    """A lock that locks nothing is an error, with its line."""
    organisation = tmp_path / "org.toml"
    organisation.write_text(text)
    with pytest.raises(guardrails.ConfigError, match=rf"org\.toml:{sentence}"):
        load({}, organisation=organisation)


def test_an_unknown_name_is_one_suggestion(tmp_path):
    """However many keys, rules or parameters there are, an error about an unknown one stays short."""
    for config in ({"zzz": 1}, {"enforcement": {"zzz": "deny"}}, {"params": {"zzz": 1}}):
        with pytest.raises(guardrails.ConfigError) as caught:
            terms(load(config))
        assert len(str(caught.value)) < 160


def test_defaults_mean_something(tmp_path):
    """Without any file: enforce, cluster tag Cluster, live by Elastic IPs and load balancers."""
    settings = load(directory=tmp_path, organisation=Path("/nonexistent"))
    assert settings == Settings(log=settings.log)
    assert (settings.mode, settings.cluster_tag) == ("enforce", "Cluster")
    assert settings.live.sources == ("eip", "target-group")


@pytest.mark.parametrize(("given", "expected"), [("state", "/home/op/.local/state"), ("/var/state", "/var/state")])
def test_a_relative_state_home_is_ignored(given, expected, monkeypatch):
    """XDG_STATE_HOME counts only as an absolute path; else each working directory would have a log of its own."""
    monkeypatch.setenv("HOME", "/home/op")
    monkeypatch.setenv("XDG_STATE_HOME", given)
    assert str(load({}).log.path) == f"{expected}/guardrails/decisions.jsonl"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('cluster_tag = "  "', "`cluster_tag` is '  '; it must be a non-empty string"),
        ('[live]\ntag = { key = "", value = "" }', "`live.tag.key` is ''"),
        ('[live]\neip_tag = { key = " ", value = "x" }', "`live.eip_tag.key` is ' '"),
        ('[live]\neip_addresses = ["web-1"]', "`live.eip_addresses` contains 'web-1'; each item must be an IPv4"),
        ('[live]\neip_addresses = ["203.0.113.7", "203.0.113.256"]', "contains '203.0.113.256'"),
        ('[live]\nssm_parameter = " "', "`live.ssm_parameter` is ' '"),
        ('home_region = "Ireland"', "`home_region` is 'Ireland'; it must be the name of a region"),
        ('home_region = "eu-west-1a"', "it must be the name of a region"),
        ('policies = [" "]', "`policies` contains ' '"),
    ],
)
def test_values_that_mean_nothing(tmp_path, text, part):
    """Blank names, addresses that are none and regions that are none are refused with file, line and fix."""
    file = tmp_path / "guardrails.toml"
    file.write_text(text)
    with pytest.raises(guardrails.ConfigError, match=r"guardrails\.toml:\d: ") as refused:
        load(file)
    assert part in str(refused.value)


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-west-1", "cn-northwest-1", "us-isob-east-1", "eusc-de-east-1"])
def test_regions(region):
    """The names of AWS's regions are accepted, those of its other partitions too."""
    assert load({"home_region": region}).home_region == region


def test_paths_and_tuples_in_a_mapping(tmp_path):
    """A mapping may hold paths where a file has strings, and tuples where it has lists."""
    written = load({"policies": (tmp_path / "a", "b"), "log": {"path": tmp_path / "log"}}, directory=tmp_path)
    assert written.policies == (tmp_path / "a", tmp_path / "b")
    assert written.log.path == tmp_path / "log"
    file = tmp_path / "guardrails.toml"
    file.write_text('mode = "warn"\n')
    assert load(file).mode == "warn"


@pytest.mark.parametrize("config", [[], (), 42, b"guardrails.toml", {"mode"}, ""])
def test_what_is_not_a_configuration(aws, config):
    """Anything else than a path, a mapping or Settings is one clear ConfigError."""
    with pytest.raises(guardrails.ConfigError, match="give the path of a file, a mapping with its keys, or Settings"):
        guardrails.install(config)


def test_a_file_of_windows(tmp_path):
    """A configuration with the mark and the line ends of editors on Windows is read as any other."""
    file = tmp_path / "guardrails.toml"
    file.write_bytes(b'\xef\xbb\xbfmode = "warn"\r\nlookup_timeout_s = 3\r\n')
    settings = load(file)
    assert (settings.mode, settings.lookup_timeout_s) == ("warn", 3.0)
    assert settings.at("lookup_timeout_s") == f"{file}:2"


def test_a_pipe_is_no_file(tmp_path):
    """A pipe that no one writes is named, and not waited for."""
    pipe = tmp_path / "guardrails.toml"
    os.mkfifo(pipe)
    with pytest.raises(guardrails.ConfigError, match="it is a pipe and not a file"):
        load(pipe)
