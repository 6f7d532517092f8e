"""What macros/offers/measured_effects.sql tells of experiments, rendered as dbt would, for DuckDB.

The figures of the first test are those of tea-tasting 1.14.0 (`Mean` with and without the covariate
before the send, and `SampleRatio`), for the customers that `experiment` draws.
"""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from .rendering import MACROS, add_macros

CELL = ["offer_key", "segment"]
# outcome: difference, its 95 % interval; effect (CUPED), its 95 % interval
ORACLE = {
    "retained": (
        (0.12136243386243384, 0.032210398117979835, 0.21051446960688786),
        (0.1144756736161322, 0.02932185361486994, 0.19962949361739446),
    ),
    "orders": (
        (0.3568121693121694, 0.1869050571392338, 0.526719281485105),
        (0.32264213781988593, 0.16777943958681463, 0.47750483605295724),
    ),
    "revenue": (
        (12.731395502645505, 3.3581100211345802, 22.10468098415643),
        (12.628614009535127, 4.046524877470697, 21.21070314159956),
    ),
}


@lru_cache
def offers() -> SimpleNamespace:
    """Give the macros that the effects are made of."""
    names = ("sql/normal_cdf", "offers/student_quantile", "offers/measured_effects")
    holdfast = SimpleNamespace(text=lambda value: f"'{value}'")
    return add_macros(holdfast, [MACROS / f"{name}.sql" for name in names])


def measured(sends: pa.Table) -> dict[str, dict[str, Any]]:
    """Give the rows of segment all and offer 1, by outcome."""
    connection = duckdb.connect()
    connection.register("given", sends)
    connection.execute(
        """
        create table sends as select *, row_number() over () as place from given;
        create table paired as
        select * replace ('all' as segment) from sends union all select * from sends
        """
    )
    bounds = []
    for name in ("difference", "effect"):
        reach = f"({offers().student_quantile(f'{name}_freedom')}) * {name}_error"
        bounds += [f"{name} - {reach} as {name}_lower", f"{name} + {reach} as {name}_upper"]
    sql = f"""
        select *, {", ".join(bounds)}
        from ({offers().measured_effects("sends", "paired", CELL)})
        where segment = 'all' and offer_key = '1'
    """
    rows = connection.execute(sql).to_arrow_table().to_pylist()
    return {row["outcome"]: row for row in rows}


def experiment(count: int = 600, share: float = 0.3, **changes: Any) -> pa.Table:
    """Draw the sends of one campaign, of which a share is held out."""
    draw = np.random.default_rng(15)
    is_control = draw.random(count) < share
    prior_orders = draw.poisson(0.8, count)
    orders = draw.poisson(0.3 + 0.5 * prior_orders + 0.25 * ~is_control)
    prior_revenue = np.round(prior_orders * draw.gamma(4, 10, count), 2)
    revenue = np.round(orders * draw.gamma(4, 10, count) + 0.2 * prior_revenue * (orders > 0), 2)
    columns: dict[str, Any] = {
        "customer_id": np.arange(count),
        "campaign_id": np.ones(count, np.int64),
        "offer_key": ["1"] * count,
        "segment": ["on_rhythm"] * count,
        "is_control": is_control,
        "propensity": pa.nulls(count, pa.float64()),
        "is_mature": np.ones(count, bool),
    }
    for prefix, ordered, earned in (("", orders, revenue), ("prior_", prior_orders, prior_revenue)):
        columns[f"{prefix}retained"] = (ordered > 0).astype(float)
        columns[f"{prefix}orders"] = ordered.astype(float)
        columns[f"{prefix}revenue"] = earned
        columns[f"{prefix}margin"] = pa.nulls(count, pa.float64())
    return pa.table(columns | changes)


def test_difference_and_effect_are_those_of_tea_tasting() -> None:
    found = measured(experiment())
    # no cost is known, so there is no margin
    assert set(found) == set(ORACLE)
    for outcome, expected in ORACLE.items():
        row = found[outcome]
        assert row["status"] == "estimated"
        assert (row["treated"], row["control"]) == (432, 168)
        for name, (value, lower, upper) in zip(("difference", "effect"), expected, strict=True):
            assert row[name] == pytest.approx(value, rel=1e-8)
            # errors are added up by customer, and in decimals
            assert row[f"{name}_lower"] == pytest.approx(lower, abs=0.01 * (upper - lower))
            assert row[f"{name}_upper"] == pytest.approx(upper, abs=0.01 * (upper - lower))


def test_the_order_of_sends_makes_no_difference() -> None:
    sends = experiment()
    expected = measured(sends)
    shuffled = measured(sends.take(np.random.default_rng(1).permutation(sends.num_rows)))
    assert shuffled == expected


def test_propensities_weigh_customers_by_what_they_were_likely_to_get() -> None:
    """Half the shop was drawn with another share: plain means would mix the two halves up."""
    draw = np.random.default_rng(4)
    count = 4000
    is_good = draw.random(count) < 0.5
    chance = np.where(is_good, 0.8, 0.2)
    is_sent = draw.random(count) < chance
    orders = draw.poisson(np.where(is_good, 2.0, 0.5) + 0.3 * is_sent).astype(float)
    sends = experiment(
        count,
        is_control=~is_sent,
        propensity=np.where(is_sent, chance, 1 - chance),
        orders=orders,
        retained=(orders > 0).astype(float),
        revenue=orders,
        **{f"prior_{name}": np.zeros(count) for name in ("orders", "retained", "revenue")},
    )
    row = measured(sends)["orders"]
    assert row["status"] == "estimated"
    assert orders[is_sent].mean() - orders[~is_sent].mean() > 1
    assert row["effect_lower"] < 0.3 < row["effect_upper"]
    assert row["effect_upper"] - row["effect_lower"] < 0.4


def test_several_campaigns_are_compared_within_themselves() -> None:
    """In the season more is sent and more is bought; that is not what the offer does."""
    quiet = experiment(2000, share=0.6)
    season = experiment(2000, share=0.1)
    season = season.set_column(1, "campaign_id", pa.array([2] * 2000))
    season = season.set_column(0, "customer_id", pa.array(range(5000, 7000)))
    place = season.column_names.index("orders")
    raised = np.asarray(season["orders"]) + 3.0
    both = pa.concat_tables([quiet, season.set_column(place, "orders", pa.array(raised))])
    row = measured(both)["orders"]
    assert row["campaigns"] == 2
    assert row["difference_lower"] < 0.25 < row["difference_upper"]
    assert row["difference_upper"] < 1


def with_control(count: int) -> pa.Table:
    return experiment(is_control=np.arange(600) < count)


@pytest.mark.parametrize(
    ("sends", "status"),
    [
        (with_control(0), "no_control"),
        (with_control(5), "small_control"),
        (experiment(is_mature=np.zeros(600, bool)), "immature"),
        # what was certain was not drawn
        (experiment(propensity=np.ones(600)), "not_randomised"),
        # a fifth was drawn, and half was held out
        (
            experiment(
                is_control=np.arange(600) % 2 == 0,
                propensity=np.where(np.arange(600) % 2 == 0, 0.2, 0.8),
            ),
            "not_randomised",
        ),
        # those who had bought before were sent it
        (experiment(is_control=np.asarray(experiment()["prior_orders"]) < 1), "not_randomised"),
        # nobody has bought
        (
            experiment(retained=np.zeros(600), orders=np.zeros(600), revenue=np.zeros(600)),
            "small_control",
        ),
    ],
)
def test_what_was_not_drawn_or_tells_too_little_has_a_status(sends: pa.Table, status: str) -> None:
    assert {row["status"] for row in measured(sends).values()} == {status}
