from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import pytest

from holdfast.registry import RegisteredModel
from holdfast.tasks import TaskSettings
from holdfast.training._promotion import compare_losses, retrain_reason, unfit_reason


def registered(model_id: str, stage: str, **changes: Any) -> RegisteredModel:
    row = {
        "model_id": model_id,
        "task": "churn",
        "stage": stage,
        "feature_hash": "same",
        "parameters": json.dumps({"as_of_date": "2026-01-01"}),
    }
    return RegisteredModel.from_row({**row, **changes})


CHAMPION = registered("a", "champion")
LOSER = registered(
    "b", "challenger", feature_hash="new", parameters=json.dumps({"as_of_date": "2026-02-01"})
)


@pytest.mark.parametrize(
    ("former", "feature_hash", "day", "settings", "trains"),
    [
        ([], "same", "2026-01-01", {}, True),
        ([registered("a", "archived")], "same", "2026-01-01", {}, True),
        ([CHAMPION], "same", "2026-01-01", {}, False),
        ([CHAMPION], "same", "2026-01-30", {}, False),
        ([CHAMPION], "same", "2026-01-31", {}, True),
        ([CHAMPION], "same", "2025-06-01", {}, False),
        ([CHAMPION], "same", "2026-01-30", {"retrain_after_days": 29}, True),
        ([CHAMPION], "new", "2026-01-01", {}, True),
        ([CHAMPION], "same", "2026-01-01", {"retrain": True}, True),
        ([registered("a", "champion", parameters="{}")], "same", "2026-01-01", {}, True),
        ([registered("a", "champion", parameters=None)], "same", "2026-01-01", {}, True),
        ([registered("a", "champion", parameters="{as_of")], "same", "2026-01-01", {}, True),
        # A lost challenge counts as the last training.
        ([CHAMPION, LOSER], "new", "2026-02-15", {}, False),
        ([CHAMPION, LOSER], "new", "2026-03-03", {}, True),
        ([CHAMPION, LOSER], "newer", "2026-02-15", {}, True),
    ],
)
def test_retrain_policy(
    former: list[RegisteredModel],
    feature_hash: str,
    day: str,
    settings: dict[str, Any],
    trains: bool,
):
    reason = retrain_reason(
        former,
        feature_hash=feature_hash,
        as_of_date=dt.date.fromisoformat(day),
        settings=TaskSettings.from_mapping(settings),
    )
    assert (reason is not None) is trains


CUSTOMERS = np.repeat(np.arange(300, dtype=np.uint64), 2)


def losses(gap: float, spread: float = 0.3, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Losses of a challenger and of a champion, `gap` apart in the mean, paired by row."""
    random = np.random.default_rng(seed)
    former = random.gamma(2.0, 0.3, len(CUSTOMERS))
    noise = random.normal(0.0, spread, len(CUSTOMERS))
    return former + gap + noise - noise.mean(), former


@pytest.mark.parametrize(
    ("gap", "spread", "worse"),
    [
        (-0.05, 0.3, False),
        (0.0, 0.0, False),
        (5e-10, 0.0, False),  # rounding
        (2e-9, 0.0, True),
        (0.002, 0.3, False),  # may well be chance: the newer model is preferred
        (0.05, 0.3, True),
    ],
)
def test_a_challenger_is_refused_when_it_is_worse_beyond_chance(
    gap: float, spread: float, worse: bool
) -> None:
    found = compare_losses(*losses(gap, spread), CUSTOMERS, seed=7)
    assert found.difference == pytest.approx(gap, abs=1e-12)
    assert found.lower <= found.difference + 1e-12
    assert found.difference <= found.upper + 1e-12
    assert (found.row_count, found.customer_count) == (600, 300)
    assert found.is_worse is worse


def test_the_comparison_is_the_same_each_time_and_pairs_the_rows() -> None:
    challenger, champion = losses(0.01)
    first = compare_losses(challenger, champion, CUSTOMERS, seed=7)
    assert first == compare_losses(challenger, champion, CUSTOMERS, seed=7)
    # what makes a row hard for both models widens no interval
    harder = np.where(CUSTOMERS % 3 == 0, 50.0, 0.0)
    again = compare_losses(challenger + harder, champion + harder, CUSTOMERS, seed=7)
    assert again.upper - again.lower == pytest.approx(first.upper - first.lower, rel=1e-6)


def test_rows_of_one_customer_are_drawn_together() -> None:
    challenger, champion = losses(0.0)
    once = compare_losses(challenger, champion, CUSTOMERS, seed=7)
    copied = [np.tile(values, 20) for values in (challenger, champion, CUSTOMERS)]
    copies = compare_losses(*copied, seed=7)
    assert copies.upper - copies.lower == pytest.approx(once.upper - once.lower, rel=1e-6)


@pytest.mark.parametrize("customers", [1, 400, 20_000])
def test_the_interval_of_any_number_of_customers_holds_the_standard_error(customers: int) -> None:
    random = np.random.default_rng(5)
    gaps = random.normal(0.0, 1.0, customers)
    # hashes, as training has them: groups are made of their remainders
    ids = random.integers(0, 2**63, customers).astype(np.uint64)
    found = compare_losses(gaps, np.zeros(customers), ids, seed=7)
    expected = 2 * 1.96 * gaps.std() / np.sqrt(customers)
    assert found.upper - found.lower == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize(
    ("parameters", "training_to", "why"),
    [
        ({"horizon_days": 90, "lead_days": 0}, "2025-01-01", None),
        ({"horizon_days": 60, "lead_days": 0}, "2025-01-01", "trained for horizon_days 60"),
        ({"horizon_days": 90, "lead_days": 7}, "2025-01-01", "trained for lead_days 7"),
        ({"definition": "contractual"}, "2025-01-01", "trained for definition contractual"),
        ({"label": "lapsed"}, "2025-01-01", "trained for label lapsed"),
        # the last label is over on the as-of date, and one day after it
        ({"horizon_days": 90}, "2025-10-03", None),
        ({"horizon_days": 90}, "2025-10-04", "after the as-of date"),
    ],
)
def test_a_champion_of_another_label_or_from_the_future_must_not_score(
    parameters: dict[str, object], training_to: str, why: str | None
) -> None:
    champion = registered(
        "a",
        "champion",
        parameters=json.dumps(parameters),
        training_to=dt.datetime.fromisoformat(training_to),
    )
    settings = TaskSettings()
    found = unfit_reason(champion, as_of_date=dt.date(2026, 1, 1), settings=settings)
    assert (found is None) if why is None else (found is not None and why in found)
    reason = retrain_reason(
        [champion], feature_hash="same", as_of_date=dt.date(2026, 1, 1), settings=settings
    )
    assert (why is None) or ("cannot score" in (reason or ""))
