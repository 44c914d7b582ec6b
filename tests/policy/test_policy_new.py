"""`policy new`: the new rule loads on both engines, and its test fails until the rule is written."""

from __future__ import annotations

import json
import subprocess

import pytest
from click.testing import CliRunner

import guardrails
from guardrails.cli.app import app
from guardrails.evaluate import bundle


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "guardrails.toml"
    (tmp_path / "own").mkdir()
    file.write_text('policies = ["own"]\n[log]\nenabled = false\n')
    return file


def _new(config, *args, code=0):
    done = CliRunner().invoke(app, ["policy", "--config", str(config), "new", *args])
    assert done.exit_code == code, done.output + repr(done.exception)
    return done


def _opa_test(opa, folder):
    done = subprocess.run([opa, "test", "--format", "json", folder], capture_output=True, text=True, check=False)
    return {test["name"]: not test.get("fail", False) for test in json.loads(done.stdout)}


def test_fails_until_written(config, opa, run):
    """The test fails at first and passes once the condition is written; a guard loads the rule."""
    files = _new(config, "night-shift/no-terminate").stdout.splitlines()
    own = config.with_name("own")
    rule = own / "guardrails/night_shift/night_shift.rego"
    assert files == [str(rule), str(own / "guardrails/night_shift_test/no_terminate_test.rego")]
    run(opa, "check", "--strict", str(own))
    run(opa, "fmt", "--fail", "--list", str(own))
    stops, rest = "test_no_terminate_stops", "test_no_terminate_leaves_the_rest"
    assert _opa_test(opa, own) == {stops: False, rest: True}
    guardrails.Guard.from_config(str(config))
    rule.write_text(rule.read_text().replace("NothingYet", "TerminateInstances"))
    assert _opa_test(opa, own) == {stops: True, rest: True}
    loaded = bundle.read([bundle.shipped(), own])
    assert "night-shift/no-terminate" in bundle.rule_ids(loaded)


def test_second_rule_of_an_area(config, opa, run):
    """A second rule goes into a new file; existing files are not overwritten."""
    _new(config, "night/one")
    _new(config, "night/two")
    own = config.with_name("own")
    assert (own / "guardrails/night/two.rego").is_file()
    run(opa, "check", "--strict", str(own))
    guardrails.Guard.from_config(str(config))
    assert "already exists" in _new(config, "night/two", code=2).stderr


@pytest.mark.parametrize("name", ["night", "Night/one", "night/", "a/b/c", "night/one two", "../x"])
def test_bad_ids(config, name):
    """A bad id is refused with an example of a good one, and nothing is written."""
    assert "area/rule" in _new(config, name, code=2).stderr
    assert not list(config.with_name("own").iterdir())


def test_folder_that_nothing_names(config, tmp_path):
    """For a folder that is not configured, the output says how to configure it."""
    assert 'policies = ["' in _new(config, "night/one", "--into", str(tmp_path / "new")).stdout
