"""What is refused at load, `guardrails policy check` finds first: a sample of tests/policy/refusals.py."""

from __future__ import annotations

import pytest

from tests.policy.refusals import both, is_found


@pytest.mark.parametrize("case", ["undefined data in a key", "an evaluation that fails", "the accident is allowed"])
def test_check_says_it_first(tmp_path, case):
    """It is the same sentence, at the same file and line; not only where the text shows it, but an evaluation."""
    refusal, found = both(case, tmp_path)
    assert refusal
    assert is_found(refusal, found), found
