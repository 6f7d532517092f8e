"""The names of RFM segments: those that ship, and a list of a project's own."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest

MACRO = Path(__file__).resolve().parents[3] / "macros" / "measuring" / "rfm_segments.sql"
RECENCIES = {"new": [4, 5], "on_rhythm": [4, 5], "slipping": [3], "lapsed": [1, 2]}
USUAL = {
    *("Champions", "Loyal customers", "Potential loyalists", "New customers", "Promising"),
    *("Need attention", "About to sleep", "Cannot lose them", "At risk", "Hibernating", "Lost"),
}


class Returned(Exception):  # noqa: N818
    """What a macro returns."""


def refuse(message: str) -> None:
    raise ValueError(message)


def give_back(value: Any) -> None:
    raise Returned(value)


def segments(setting: Any) -> list[dict[str, Any]]:
    """Call the macro with a value of the var."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)
    said = "The var `holdfast_rfm_segments` "
    holdfast = SimpleNamespace(
        setting=lambda name: setting,
        # names that begin with an underscore are not exported from a template
        _refuse_rfm_segments=lambda message: refuse(said + message),
    )
    module: Any = environment.from_string(
        MACRO.read_text(encoding="utf-8"), globals={"holdfast": holdfast, "return": give_back}
    ).module
    with pytest.raises(Returned) as found:
        module.rfm_segments()
    given: list[dict[str, Any]] = found.value.args[0]
    return given


def names(given: list[dict[str, Any]], state: str) -> set[str]:
    """Give the segments in which customers of a state can be."""
    return {
        next(
            segment["name"]
            for segment in given
            if state in segment.get("state", [state])
            and recency in segment.get("recency", [recency])
            and value in segment.get("value", [value])
        )
        for recency, value in product(RECENCIES[state], range(1, 6))
    }


@pytest.mark.parametrize("setting", ["lifecycle", "usual"])
def test_shipped_names_never_contradict_the_state(setting: str) -> None:
    found = {state: names(segments(setting), state) for state in RECENCIES}
    kept = found["new"] | found["on_rhythm"] | found["slipping"]
    assert not kept & {"Lost", "Lapsed", "Lapsed regulars", "Hibernating", "At risk"}
    assert not found["lapsed"] & {"Champions", "New customers", "Loyal customers", "Promising"}
    assert "New customers" not in found["on_rhythm"] | found["slipping"]
    assert "Champions" in found["on_rhythm"]


def test_the_eleven_usual_names_are_all_there_and_the_default_has_no_risk() -> None:
    assert set.union(*(names(segments("usual"), state) for state in RECENCIES)) == USUAL
    assert not any("risk" in segment["name"].lower() for segment in segments("lifecycle"))


def test_the_first_segment_whose_conditions_are_met_is_taken() -> None:
    own = [{"name": "VIP", "state": ["on_rhythm"], "value": [5]}, {"name": "Everybody else"}]
    assert names(segments(own), "on_rhythm") == {"VIP", "Everybody else"}
    assert names(segments(own), "lapsed") == {"Everybody else"}


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (
            [{"name": "VIP", "value": [4, 5]}],
            "has no segment for customers who are new, with recency 5 and value 1",
        ),
        ([{"name": "VIP", "money": [5]}], "gives VIP the key 'money'"),
        ([{"name": "VIP", "state": ["running"]}], "must be a list of some of new, on_rhythm"),
        ([{"name": "VIP", "recency": "5"}], "must be a list of some of 1, 2, 3, 4, 5"),
        ([{"name": "VIP", "value": []}], "must be a list of some of 1, 2, 3, 4, 5"),
    ],
)
def test_a_list_that_leaves_somebody_out_or_says_nonsense_is_refused(own: Any, said: str) -> None:
    with pytest.raises(ValueError, match="The var `holdfast_rfm_segments`") as refused:
        segments(own)
    assert said in str(refused.value)
