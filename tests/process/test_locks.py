"""The organisation's locks: what they cover, by a file, a mapping, a Settings object or the environment."""

from __future__ import annotations

import os

import attrs
import pytest

import guardrails
from guardrails import assembly
from guardrails.config.exposure import exposed
from guardrails.config.keys import KEYS
from guardrails.config.load import load
from guardrails.config.locks import WITH_LOCKED_MODE, value
from guardrails.config.settings import LiveSettings, Settings
from guardrails.evaluate import bundle

# For every key that a lock on `mode` limits: what the organisation sets ("" where a default is enough), a weaker local
# value and one that is as strict or stricter, as TOML.
ALARM = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm"
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/1/"
LIMITED = {
    "engine": ("", 'engine = "opa"', 'engine = "embedded"'),
    "cluster_tag": ('cluster_tag = "Team"', 'cluster_tag = "Other"', 'cluster_tag = "Team"'),
    "cluster_tags": ('cluster_tags = ["A", "B"]', 'cluster_tags = ["B", "A"]', 'cluster_tags = ["A", "B"]'),
    "clusters": ('[clusters]\nblue = ["asg/web"]', '[clusters]\ngreen = ["asg/web"]', '[clusters]\nblue = ["asg/web"]'),
    "home_region": ('home_region = "eu-west-1"', 'home_region = "us-east-1"', 'home_region = "eu-west-1"'),
    "long_tail": ("long_tail = true", "long_tail = false", "long_tail = true"),
    "max_fact_age_s": ("", "max_fact_age_s = 600", "max_fact_age_s = 2"),
    "policy_key": ('policy_key = "a.pem"', 'policy_key = "b.pem"', 'policy_key = "a.pem"'),
    "live.sources": ('[live]\nsources = ["eip", "tag"]', '[live]\nsources = ["tag"]',
                     '[live]\nsources = ["env", "eip", "tag"]\nenv = "LIVE"'),
    "live.eip_addresses": ('[live]\neip_addresses = ["203.0.113.7"]', '[live]\neip_addresses = ["203.0.113.8"]',
                           '[live]\neip_addresses = ["203.0.113.7"]'),
    "live.eip_tag": ('[live]\neip_tag = {key = "A", value = "b"}', '[live]\neip_tag = {key = "A", value = "c"}',
                     '[live]\neip_tag = {key = "A", value = "b"}'),
    "live.listeners": (f'[live]\nlisteners = ["{LISTENER}a"]', f'[live]\nlisteners = ["{LISTENER}b"]',
                       f'[live]\nlisteners = ["{LISTENER}a"]'),
    "live.without_machines": ('[live]\nwithout_machines = ["a"]', '[live]\nwithout_machines = ["b"]',
                              '[live]\nwithout_machines = ["a"]'),
    "live.regions": ('[live]\nregions = ["eu-west-1"]', '[live]\nregions = ["us-east-1"]',
                     '[live]\nregions = ["eu-west-1"]'),
    "live.balancers": ('[live]\nbalancers = ["a"]', '[live]\nbalancers = ["b"]', '[live]\nbalancers = ["a"]'),
    "live.records": ('[live]\nrecords = ["a"]', '[live]\nrecords = ["b"]', '[live]\nrecords = ["a"]'),
    "live.command": ('[live]\ncommand = ["a"]', '[live]\ncommand = ["b"]', '[live]\ncommand = ["a"]'),
    "live.cnames": ('[live]\ncnames = ["a"]', '[live]\ncnames = ["b"]', '[live]\ncnames = ["a"]'),
    "live.traffic_max_age_s": ("", "[live]\ntraffic_max_age_s = 1", "[live]\ntraffic_max_age_s = 900"),
    "live.tag": ('[live]\ntag = {key = "A", value = "b"}', '[live]\ntag = {key = "A", value = "c"}',
                 '[live]\ntag = {key = "A", value = "b"}'),
    "live.ssm_parameter": ('[live]\nssm_parameter = "/a"', '[live]\nssm_parameter = "/b"',
                           '[live]\nssm_parameter = "/a"'),
    "live.file": ('[live]\nfile = "a"', '[live]\nfile = "b"', '[live]\nfile = "a"'),
    "live.env": ('[live]\nenv = "A"', '[live]\nenv = "B"', '[live]\nenv = "A"'),
    "log.sink": ('[log]\nsink = "s3://a"', '[log]\nsink = "s3://b"', '[log]\nsink = "s3://a"'),
    "log.upload": ("[log]\nupload = false", "[log]\nupload = true", "[log]\nupload = false"),
    "log.fsync": ('[log]\nfsync = "interval"', '[log]\nfsync = "none"', '[log]\nfsync = "interval"'),
    "log.region": ('[log]\nregion = "eu-west-1"', '[log]\nregion = "us-east-1"', '[log]\nregion = "eu-west-1"'),
    "log.ca": ('[log]\nca = "a"', '[log]\nca = "b"', '[log]\nca = "a"'),
    "state.enabled": ("", "[state]\nenabled = false", "[state]\nenabled = true"),
    "state.path": ('[state]\npath = "a"', '[state]\npath = "b"', '[state]\npath = "a"'),
    "state.window_s": ("", "[state]\nwindow_s = 1", "[state]\nwindow_s = 7200"),
    "state.store": ('[state]\nstore = "dynamodb"', '[state]\nstore = "sqlite"', '[state]\nstore = "dynamodb"'),
    "state.table": ('[state]\ntable = "aaa"', '[state]\ntable = "bbb"', '[state]\ntable = "aaa"'),
    "state.region": ('[state]\nregion = "eu-west-1"', '[state]\nregion = "us-east-1"', '[state]\nregion = "eu-west-1"'),
    "state.fallback": ('[state]\nfallback = "deny"', '[state]\nfallback = "host"', '[state]\nfallback = "deny"'),
    "state.hosts": ("[state]\nhosts = 20", "[state]\nhosts = 2", "[state]\nhosts = 20"),
    "opa.url": ('[opa]\nurl = "http://a"', '[opa]\nurl = "http://b"', '[opa]\nurl = "http://a"'),
    "opa.ca": ('[opa]\nca = "a"', '[opa]\nca = "b"', '[opa]\nca = "a"'),
    "break_glass.max_minutes": ("", "[break_glass]\nmax_minutes = 600", "[break_glass]\nmax_minutes = 5"),
    "notify": ('notify = [{to = "eventbridge"}]', "notify = []", 'notify = [{to = "eventbridge"}]'),
    "approval_folder": ('approval_folder = "/a"', 'approval_folder = "/b"', 'approval_folder = "/a"'),
    "caller.kind": ('caller.kind = "ci"', 'caller.kind = "person"', 'caller.kind = "ci"'),
    "caller.agent_marks": ('caller.agent_marks = ["A"]', 'caller.agent_marks = ["B"]',
                           'caller.agent_marks = ["A", "B"]'),
    "break_glass.command": ('[break_glass]\ncommand = ["a"]', "[break_glass]\ncommand = []",
                            '[break_glass]\ncommand = ["a"]'),
    "max_bundle_age_s": ("max_bundle_age_s = 60", "max_bundle_age_s = 61", "max_bundle_age_s = 30"),
    "bundle.region": ('[bundle]\nregion = "eu-west-1"', '[bundle]\nregion = "eu-west-2"',
                      '[bundle]\nregion = "eu-west-1"'),
    "bundle.ca": ('[bundle]\nca = "a"', '[bundle]\nca = "b"', '[bundle]\nca = "a"'),
    "bundle.poll_s": ("", "[bundle]\npoll_s = 61", "[bundle]\npoll_s = 30"),
    "bundle.allow_unsigned": ("", "[bundle]\nallow_unsigned = true", "[bundle]\nallow_unsigned = false"),
    "opa.urls": ('[opa]\nurl = "http://a:1"', '[opa]\nurls = ["http://a:1", "http://b:1"]',
                 '[opa]\nurls = ["http://a:1"]'),
    "waves": ('waves = "refuse"', 'waves = "off"', 'waves = "refuse"'),
    "wave_sizes": ("wave_sizes = [1, 2]", "wave_sizes = [9]", "wave_sizes = [1, 2]"),
    "wave_pause_s": ("", "wave_pause_s = 1", "wave_pause_s = 60"),
    "wave_checks": (f'wave_checks = ["{ALARM}:a"]', "wave_checks = []", f'wave_checks = ["{ALARM}:a", "{ALARM}:b"]'),
    "wave_command": ('wave_command = ["a"]', 'wave_command = ["b"]', 'wave_command = ["a"]'),
    "opa.fallback": ('[opa]\nfallback = "deny"', '[opa]\nfallback = "embedded"', '[opa]\nfallback = "deny"'),
}  # fmt: skip
# Checked where the rules are known, below.
BY_RULES = {"mode", "enforcement", "params", "policies"}


@pytest.fixture
def files(tmp_path):
    """files(organisation, local): loads both texts, in one folder."""

    def made(organisation, local):
        (tmp_path / "org.toml").write_text(organisation)
        (tmp_path / "guardrails.toml").write_text(local)
        return load(tmp_path / "guardrails.toml", organisation=tmp_path / "org.toml")

    return made


def test_every_key_has_a_limit():
    """Each configuration key says what a lock on `mode` means for it, and each limit has a test here."""
    assert WITH_LOCKED_MODE.keys() == KEYS.keys()
    assert {key for key, limit in WITH_LOCKED_MODE.items() if limit.words} == LIMITED.keys() | BY_RULES


@pytest.mark.parametrize(("key", "case"), LIMITED.items(), ids=LIMITED)
def test_what_weakens_a_locked_mode(files, key, case):
    """With `mode` locked, a weaker value of another key is refused with file and line; a stricter one is not."""
    set_there, weaker, fine = case
    organisation = f'locked = ["mode"]\nmode = "enforce"\n{set_there}\n'
    with pytest.raises(guardrails.ConfigError, match=rf"guardrails\.toml:\d+: `{key}` is .*org\.toml:2"):
        files(organisation, weaker)
    assert value(files(organisation, fine), key) is not None
    # Without the lock it is a project's own decision.
    assert files(set_there, weaker).floor is None


@pytest.mark.parametrize("key", sorted(key for key, limit in WITH_LOCKED_MODE.items() if limit.if_set))
def test_what_the_organisation_does_not_set(files, key):
    """Evidence that differs from project to project is a project's own, as long as the organisation does not set it."""
    assert files('locked = ["mode"]\nmode = "enforce"\n', LIMITED[key][1]).floor is not None


WEAKER = {
    "level": ("", '[enforcement]\n"live-cluster/stop" = "warn"', "`enforcement` makes live-cluster/stop 'warn'"),
    "dryrun": ("", '[enforcement]\n"remaining/share" = "dryrun"', "`enforcement` makes"),
    "below the organisation's": ('[enforcement]\n"live-cluster/stop" = "warn"',
                                 '[enforcement]\n"live-cluster/stop" = "dryrun"', "has it at 'warn'"),
    "untagged": ("", '[params]\nuntagged = "allow"', "`untagged` is 'allow', weaker than the organisation's 'confirm'"),
    "opaque": ("", '[params]\nopaque = "warn"', "`opaque` is 'warn'"),
    "rollback": ("", "[params]\nrollback_window_s = 0", "`rollback_window_s` is 0"),
    "cutover": ("", "[params]\ncutover.min_share = 0", "`cutover.min_share` is 0"),
    "bounds": ("", "[params]\nremaining.bounds.min_running = 0", "`remaining.bounds.min_running` is 0"),
    "share": ("", "[params]\nremaining.bounds.max_share = 1", "`remaining.bounds.max_share` is 1"),
    "cluster's own bounds": ("[params]\nremaining.clusters.web = {}",
                             "[params]\nremaining.clusters.web = { min_running = 0 }", "web.min_running` is 0"),
    "cluster left out": ("[params]\nremaining.clusters.web = {}", "[params]\nremaining.clusters = {}", "web"),
    "unbreakable": ("", "[params]\nunbreakable = []", "`unbreakable` is"),
    "approvable": ("", '[params.approvals]\n"live-cluster/stop" = { minutes = 1 }', "minutes` is 1"),
    "approvable for longer": ("", "[params.approvals]\nconfirm = { minutes = 31 }", "minutes` is 31"),
    "approvable by others": ('[params.approvals]\n"opaque/command" = { minutes = 30, by = ["a"] }',
                             '[params.approvals]\n"opaque/command" = { minutes = 30, by = ["*"] }', "by` is"),
    "denials": ("", "[params]\ndenials.agent = 0", "`denials.agent` is 0"),
    "rebuild": ("", "[params]\ncapacity.rebuild_share = 1", "`capacity.rebuild_share` is 1"),
}  # fmt: skip
STRICTER = {
    "level": ("", '[enforcement]\n"capacity/headroom" = "deny"'),
    "params": ("", '[params]\nuntraced = "deny"\nrollback_window_s = 7200\nremaining.clusters.a = { min_running = 0 }'),
    "bounds": ("", "[params]\nremaining.bounds = { min_running = 2, max_share = 0.2 }"),
    "warn": ('[enforcement]\n"live-cluster/stop" = "dryrun"', '[enforcement]\n"live-cluster/stop" = "warn"'),
    "approvals": ("", '[params.approvals]\nconfirm = { minutes = 5, by = ["a"] }\n"opaque/command" = { minutes = 0 }'),
    "unbreakable": ('[params]\nunbreakable = ["live-cluster/stop"]',
                    '[params]\nunbreakable = ["live-cluster/stop", "live-cluster/terminate"]'),
}  # fmt: skip


@pytest.mark.parametrize(("there", "here", "part"), WEAKER.values(), ids=WEAKER)
def test_weaker_rules(files, there, here, part):
    """With `mode` locked, levels and parameters of the organisation's rules cannot be made weaker."""
    settings = files(f'locked = ["mode"]\nmode = "enforce"\n{there}\n', here)
    with pytest.raises(guardrails.ConfigError, match=r"\.toml:\d+: .*org\.toml:2") as refused:
        assembly.policies(settings)
    assert part in str(refused.value)


@pytest.mark.parametrize(("there", "here"), STRICTER.values(), ids=STRICTER)
def test_stricter_rules(files, there, here):
    """Stricter levels and parameters load."""
    settings = files(f'locked = ["mode"]\nmode = "enforce"\n{there}\n', here)
    assert bundle.rule_ids(assembly.policies(settings))


OWN = """package guardrails.night

# METADATA
# title: At night
# custom:
#   rule: night/no
deny contains {"rule": "night/no", "target": "x", "message": "m", "remediation": "r"} if input.call.operation == "X"
"""


def _own(tmp_path, name, text):
    file = tmp_path / "own" / name
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return 'policies = ["own"]\n'


def test_own_policies_under_a_lock(files, tmp_path):
    """A project's own rule loads, and may be tried out in dryrun."""
    here = _own(tmp_path, "guardrails/night/night.rego", OWN) + '[enforcement]\n"night/no" = "dryrun"\n'
    read = assembly.policies(files('locked = ["mode"]\nmode = "enforce"\n', here))
    assert "night/no" in bundle.rule_ids(read)


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("guardrails/live_cluster/stop.rego", "package guardrails.live_cluster\n", "is replaced"),
        ("more.rego", "package guardrails.lib\n\nis_live(_) if false\n", "adds to the package guardrails.lib"),
        ("guardrails/params/data.json", '{"untagged": "allow"}', "`untagged` is 'allow'"),
    ],
)
def test_replaced_policies(files, tmp_path, name, text, part):
    """With `mode` locked, local files cannot replace, extend or set the parameters of the organisation's policies."""
    shipped = next(path for path in bundle.policy_files(bundle.shipped()) if path.parent.name == "live_cluster")
    here = _own(tmp_path, name.replace("stop.rego", shipped.name), text)
    with pytest.raises(guardrails.ConfigError) as refused:
        assembly.policies(files('locked = ["mode"]\nmode = "enforce"\n', here))
    assert part in str(refused.value)


def test_the_organisations_policies_stay(files, tmp_path):
    """A local list of policies has to contain the organisation's; more may be added."""
    _own(tmp_path, "night.rego", OWN)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "day.rego").write_text(OWN.replace("night", "day"))
    organisation = 'locked = ["mode"]\nmode = "enforce"\npolicies = ["theirs"]\n'
    with pytest.raises(guardrails.ConfigError, match="`policies` is"):
        files(organisation, 'policies = ["own"]\n')
    read = assembly.policies(files(organisation, 'policies = ["own", "theirs"]\n'))
    assert {"night/no", "day/no"} <= bundle.rule_ids(read)


@pytest.mark.parametrize("table", ["mode", "live", "state", "log", "enforcement", "params", "max_fact_age_s"])
def test_a_settings_object_is_held_to_the_locks(aws, tmp_path, monkeypatch, table):
    """install(Settings(...)), Guard(Settings(...)) and from_config refuse what a file is refused."""
    organisation = tmp_path / "org.toml"
    organisation.write_text(f'locked = ["{table}"]\nmode = "enforce"\nmax_fact_age_s = 5\n')
    monkeypatch.setattr("guardrails.config.load.ORGANISATION", organisation)
    other = {
        "mode": {"mode": "dryrun"},
        "live": {"live": LiveSettings(sources=("tag",))},
        "state": {"state": attrs.evolve(Settings().state, enabled=False)},
        "log": {"log": attrs.evolve(Settings().log, enabled=False)},
        "enforcement": {"enforcement": {"live-cluster/stop": "dryrun"}},
        "params": {"params": {"untagged": "allow"}},
        "max_fact_age_s": {"max_fact_age_s": 60.0},
    }[table]
    settings = attrs.evolve(load({}), **other)
    for make in (guardrails.install, guardrails.Guard, guardrails.Guard.from_config):
        with pytest.raises(guardrails.ConfigError, match=rf"`{table}.*` is locked by .*org\.toml"):
            make(settings)
    guardrails.install(attrs.evolve(load({}), tripwire=True))
    guardrails.uninstall()


def test_the_environment_does_not_bypass_a_lock(tmp_path, monkeypatch):
    """A file named by GUARDRAILS_CONFIG is held to the locks, too."""
    (tmp_path / "org.toml").write_text('locked = ["mode"]\nmode = "enforce"\n')
    (tmp_path / "other.toml").write_text('mode = "warn"\n')
    monkeypatch.setenv("GUARDRAILS_CONFIG", str(tmp_path / "other.toml"))
    with pytest.raises(guardrails.ConfigError, match=r"other\.toml:1: `mode` is locked"):
        load(organisation=tmp_path / "org.toml")


@pytest.mark.parametrize(
    ("folder_mode", "file_mode", "owner", "said"),
    [
        (0o777, 0o644, None, "may be written by every user (mode 777)"),
        (0o1777, 0o644, None, "may be written by every user (mode 1777)"),
        (0o755, 0o666, None, "may be written by every user (mode 666)"),
        (0o755, 0o644, 12345, "belongs to the user 12345"),
        (0o755, 0o644, None, ""),
        (0o700, 0o600, None, ""),
    ],
)
def test_a_configuration_that_others_may_write(aws, tmp_path, monkeypatch, caplog, folder_mode, file_mode, owner, said):
    """A file found upward that other users can change is reported at install, once; a private one is not."""
    folder = tmp_path / "project"
    (folder / "below").mkdir(parents=True)
    file = folder / "guardrails.toml"
    file.write_text(f'[log]\npath = "{tmp_path}/log.jsonl"\n')
    folder.chmod(folder_mode)
    file.chmod(file_mode)
    if owner is not None:
        os.chown(file, owner, -1)
    monkeypatch.chdir(folder / "below")
    monkeypatch.delenv("GUARDRAILS_CONFIG", raising=False)
    with caplog.at_level("WARNING", "guardrails"):
        guardrails.install()
    guardrails.uninstall()
    assert [said in record.message and str(file) in record.message for record in caplog.records] == [True] * bool(said)
    assert exposed(load(file)) == ""
