"""What is refused at load, `guardrails policy check` finds first: a sample of tests/policy/refusals.py."""

from __future__ import annotations

import pytest

from tests.policy.refusals import both, is_found


@pytest.mark.parametrize(
    ("case", "part"),
    [
        ("undefined data in a key", "nothing defines data.nothing.here"),
        ("an evaluation that fails", "put the loop behind the |"),
        ("the accident is allowed", "the policies allow terminating a machine"),
    ],
)
def test_check_says_it_first(tmp_path, case, part):
    """It is the same sentence, at the same file and line; not only where the text shows it, but an evaluation."""
    refusal, found = both(case, tmp_path)
    assert part in refusal
    assert is_found(refusal, found), found
