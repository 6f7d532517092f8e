"""Reminders to replenish: the demo's hidden cycles, and input that tells little or nonsense."""

from __future__ import annotations

from pathlib import Path

import pytest

from projects import ROOT, DbtProject, UserProject, write_user_project

TRUTH = ROOT / "seeds" / "demo" / "truth"
# what the simulator made of each customer's habits; never joined into a model
HABITS = f"""
    select
        traits.customer_id,
        habits.product_id,
        cycles.cycle_days * traits.replenishment_multiplier as true_days,
    from '{TRUTH}/customer_traits.parquet' as traits
    cross join unnest(
        [habit_product_id_1, habit_product_id_2, habit_product_id_3]
    ) as habits (product_id)
    inner join '{TRUTH}/replenishment_cycles.parquet' as cycles using (product_id)
"""


def test_cycles_of_habits_are_found(built_demo: DbtProject) -> None:
    ((count, own, product),) = built_demo.query(f"""
        select
            count(*),
            avg(cast(abs(cycle_days / true_days - 1) <= 0.2 as integer)),
            avg(cast(abs(product_cycle_days / true_days - 1) <= 0.2 as integer)),
        from replenishment_due
        inner join ({HABITS}) using (customer_id, product_id)
        where purchase_count >= 4
    """)
    assert count > 500
    assert own >= 0.9
    assert own >= product + 0.2


def test_expected_purchases_beat_the_mean_of_the_product(built_demo: DbtProject) -> None:
    errors = built_demo.query("""
        select as_of, algorithm, value, lower, upper
        from replenishment_evaluations
        where metric = 'mae_days' and segment is null
    """)
    by_date = {(as_of, algorithm): value for as_of, algorithm, value, _, _ in errors}
    dates = {as_of for as_of, _ in by_date}
    assert len(dates) == 5
    for as_of in dates:
        assert by_date[as_of, "own_cycle"] <= 0.8 * by_date[as_of, "product_mean"]
        assert by_date[as_of, "own_cycle"] <= 0.8 * by_date[as_of, "last_gap"]
    assert all(lower < value < upper for _, _, value, lower, upper in errors)


def test_due_reminders_come_before_purchases(built_demo: DbtProject) -> None:
    shares = dict(
        built_demo.query("""
            select segment, value from replenishment_evaluations
            where metric = 'bought_within_14d' and algorithm = 'own_cycle' and as_of is null
        """)
    )
    assert shares["reminder: due"] > 3 * shares["reminder: not yet"]
    assert shares["reminder: due"] > 10 * shares["reminder: too late"]


@pytest.mark.parametrize(
    ("lines", "products"),
    [
        pytest.param(None, None, id="nothing but orders"),
        pytest.param("select * from raw.lines", None, id="no products"),
        pytest.param(
            "select * replace (quantity * -1 as quantity) from raw.lines", None, id="only returns"
        ),
        pytest.param(
            "select * replace (1e300 as quantity, 0 as unit_price) from raw.lines",
            "select 1 as product_id, 'x' as category, true as is_replenishable",
            id="quantities beyond reason, prices of zero",
        ),
    ],
)
@pytest.mark.slow
def test_input_that_tells_little_gives_tables(
    tmp_path_factory: pytest.TempPathFactory, lines: str | None, products: str | None
) -> None:
    project = shop(tmp_path_factory.mktemp("timing") / "project")
    settings = {"holdfast_orders": "raw.orders", "holdfast_systems": ["timing"]}
    if lines:
        project.execute(f"create table raw.items as {lines}")
        settings["holdfast_order_items"] = "raw.items"
    if products:
        project.execute(f"create table raw.products as {products}")
        settings["holdfast_products"] = "raw.products"
    project.write(vars=settings)
    models = ["replenishment_due", "replenishment_evaluations", "lifecycle_triggers"]
    project.dbt("build", "--select", *(f"+holdfast__{name}" for name in models))
    rows = project.query("select product_id, status, replenishable_source from replenishment_due")
    assert (len(rows) > 0) == bool(lines and "-1" not in lines)
    assert {row[2] for row in rows} <= {"stated" if products else "learned"}
    assert project.query("select count(*) from lifecycle_triggers")[0][0] > 0


def shop(directory: Path) -> UserProject:
    """Lay out a shop in which thirty customers buy one product every three weeks."""
    project = write_user_project(directory)
    project.orders("""
        select
            100 * customer_id + turn as order_id,
            customer_id,
            timestamp '2025-01-01'
            + to_days(cast(21 * turn + customer_id as integer)) as ordered_at,
            10 as amount,
        from range(1, 31) as customers (customer_id)
        cross join range(8) as turns (turn)
        where customer_id % 3 > 0 or turn < 6
    """)
    project.execute("""
        create table raw.lines as
        select order_id, 1 as product_id, 1e0 as quantity, 10 as unit_price
        from raw.orders
    """)
    return project
