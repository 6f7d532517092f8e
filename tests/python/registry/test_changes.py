"""Who can be gone back to."""

from __future__ import annotations

import pytest

from holdfast.registry._changes import reigns


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ([], []),
        ([("a", "build")], ["a"]),
        ([("a", "build"), ("b", "build"), ("c", "promote")], ["a", "b", "c"]),
        ([("a", "build"), ("b", "build"), ("a", "rollback")], ["a"]),
        ([("a", "build"), ("b", "build"), ("c", "build"), ("a", "rollback")], ["a"]),
        ([("a", "build"), ("b", "build"), ("a", "rollback"), ("b", "promote")], ["a", "b"]),
        ([("a", "build"), ("b", "build"), ("a", "promote")], ["a", "b", "a"]),
        ([("b", "rollback"), ("c", "build")], ["b", "c"]),
    ],
)
def test_a_rollback_takes_away_the_champions_after_the_one_it_went_back_to(
    notes: list[tuple[str, str]], expected: list[str]
) -> None:
    assert reigns(notes) == expected
