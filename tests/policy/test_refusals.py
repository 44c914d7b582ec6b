"""What is refused at load, `guardrails policy check` finds first: a sample of tests/policy/refusals.py."""

from __future__ import annotations

import pytest

from tests.policy.refusals import both, is_found


@pytest.mark.parametrize(
    ("case", "part"),
    [
        ("undefined data in a key", "nothing defines data.nothing.here"),
        ("an evaluation that fails", "put the loop behind the |"),
        ("values that contradict", "exclude the other's case, or write `else`"),
        ("not a number", "test the string first"),
        ("a rule named like a package", "give the rule another name"),
        ("a default that is no constant", "write a constant there"),
        ("unsafe variable", "correct its name, or give it a value first"),
        ("template string", "with sprintf"),
        ("the accident is allowed", "the policies allow terminating a machine"),
    ],
)
def test_check_says_it_first(tmp_path, case, part):
    """It is the same sentence, at the same file and line; not only where the text shows it, but an evaluation."""
    refusal, found = both(case, tmp_path)
    assert part in refusal
    assert is_found(refusal, found), found
