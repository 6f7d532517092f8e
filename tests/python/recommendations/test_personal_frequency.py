"""The group-wise decay, against the vector of TIFU-KNN made step by step."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import duckdb
import jinja2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]


def sql_weights(orders: int, groups: int, whole_history: bool = False) -> list[float]:
    """Give the weight of each order, the first one first."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals["holdfast"] = SimpleNamespace()
    given: list[str] = []
    environment.globals["return"] = lambda value: given.append(value) or ""
    text = (ROOT / "macros/recommendations/personal_frequency.sql").read_text(encoding="utf-8")
    call = "{{ personal_frequency('position', 'orders', groups, whole_history=whole_history) }}"
    environment.from_string(text + call).render(groups=groups, whole_history=whole_history)
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select {given[0]} from (select unnest(range(1, $1 + 1)) as position, $1 as orders) "
            "order by position desc",
            [orders],
        ).fetchall()
    return [row[0] for row in rows]


def reference(
    orders: int,
    groups: int,
    whole_history: bool = False,
    within: float = 0.9,
    across: float = 0.7,
) -> list[float]:
    """Take the vector apart: a basket in a group, a group in the history, both decayed means."""
    parts = np.array_split(np.arange(orders)[::-1], min(groups, orders))
    history = [part[::-1] for part in parts][::-1]
    weights = np.zeros(orders)
    for number, group in enumerate(history):
        for place, order in enumerate(group):
            later = orders - 1 - order if whole_history else len(group) - 1 - place
            decay = within**later * across ** (len(history) - 1 - number)
            weights[order] = decay / len(group) / len(history)
    return weights.tolist()


@pytest.mark.parametrize("orders", [1, 2, 6, 7, 8, 13, 14, 15, 50])
def test_weights_are_those_of_the_paper(orders):
    assert sql_weights(orders, 7) == pytest.approx(reference(orders, 7))


def test_number_of_groups_can_be_set():
    assert sql_weights(10, 3) == pytest.approx(reference(10, 3))
    assert sql_weights(10, 3) != pytest.approx(reference(10, 7))


def test_decay_may_run_through_the_whole_history():
    assert sql_weights(10, 3, True) == pytest.approx(reference(10, 3, True))
    assert sql_weights(10, 3, True) != pytest.approx(reference(10, 3))
