"""The shipped feature views: incremental like a full refresh, and blind to the future."""

from __future__ import annotations

import json

import pytest

from projects import DbtProject

LEAKY = """
{{ config(materialized='table') }}
-- looks at the whole table, whatever as_of says
select
    spine.customer_id,
    spine.as_of,
    count(orders.order_id) as order_count,
from {{ ref('holdfast', 'holdfast__customer_spine') }} as spine
left join {{ ref('holdfast', 'stg_holdfast__orders') }} as orders
    on orders.customer_id = spine.customer_id
group by spine.customer_id, spine.as_of
"""
LATE = """
{{ config(materialized='table') }}
-- reads a time that was filled in after the ticket was opened
select
    spine.customer_id,
    spine.as_of,
    count(tickets.resolved_at) as resolved_count,
from {{ ref('holdfast', 'holdfast__customer_spine') }} as spine
left join {{ ref('holdfast', 'stg_holdfast__support_tickets') }} as tickets
    on tickets.customer_id = spine.customer_id
    and tickets.opened_at < spine.as_of
group by spine.customer_id, spine.as_of
"""
# both read the rows of other customers, one of them later ones, too
OF_ALL = """
{{{{ config(materialized='table') }}}}
with counted as (
    select
        dates.as_of,
        count(*) as order_count,
    from (select distinct as_of from {{{{ ref('holdfast', 'holdfast__customer_spine') }}}}) as dates
    inner join {{{{ ref('holdfast', 'stg_holdfast__orders') }}}} as orders
        on greatest(orders.ordered_at, orders.loaded_at) < {until}
    group by dates.as_of
)

select
    spine.customer_id,
    spine.as_of,
    counted.order_count,
from {{{{ ref('holdfast', 'holdfast__customer_spine') }}}} as spine
left join counted on counted.as_of = spine.as_of
"""
TESTS = """
models:
  - name: of_all
    data_tests: [holdfast.as_known_then: {arguments: {sample: 20}}]
  - name: of_all_and_later
    data_tests: [holdfast.as_known_then: {arguments: {sample: 20}}]
  - name: leaky
    data_tests: [holdfast.as_known_then]
  - name: late
    data_tests: [holdfast.as_known_then]
"""


def views(project: DbtProject) -> list[str]:
    """Give the names of the feature views."""
    return [view for (view,) in project.query("select feature_view from feature_definitions")]


@pytest.mark.slow
def test_views_that_look_into_the_future_fail_the_test(demo: DbtProject) -> None:
    folder = demo.directory / "models" / "mine"
    folder.mkdir()
    (folder / "leaky.sql").write_text(LEAKY)
    (folder / "late.sql").write_text(LATE)
    (folder / "of_all.sql").write_text(OF_ALL.format(until="dates.as_of"))
    (folder / "of_all_and_later.sql").write_text(
        OF_ALL.format(until="dates.as_of + interval 1 day")
    )
    (folder / "mine.yml").write_text(TESTS)
    result = demo.dbt(
        "build", "--select", "leaky", "late", "of_all", "of_all_and_later", check=False
    )
    assert result.returncode == 1
    assert "Failure in test holdfast_as_known_then_leaky" in result.stdout
    assert "Failure in test holdfast_as_known_then_late" in result.stdout
    # a sample's own events do not tell what was known of all: it is computed from those of all
    assert "Failure in test holdfast_as_known_then_of_all_and_later" in result.stdout
    assert "PASS holdfast_as_known_then_of_all_20" in result.stdout, result.stdout


def test_every_shipped_view_is_tested_for_leaks_and_rows(built_demo: DbtProject) -> None:
    tested = {
        (
            node["attached_node"].split(".")[-1].removeprefix("holdfast__"),
            node["test_metadata"]["name"],
        )
        for node in built_demo.manifest["nodes"].values()
        if node["resource_type"] == "test" and node.get("attached_node")
    }
    for view in views(built_demo):
        tests = {"as_known_then", "rows_of_spine", "columns_are_sound"}
        # attributes have no history, so there is no past to compare them with
        for test in tests - ({"as_known_then"} if "attribute" in view else set()):
            assert (view, test) in tested, (view, test)


def test_stored_definitions_compute_what_the_tables_hold(built_demo: DbtProject) -> None:
    found = built_demo.query("select feature_view, relation, sql from feature_definitions")
    assert found
    for view, relation, sql in found:
        columns = ", ".join(f'"{column}"' for column in built_demo.columns(view))
        stored = f"select {columns} from {relation}"
        computed = f"select {columns} from ({sql.replace('__holdfast_spine__', 'customer_spine')})"
        for one, other in ((stored, computed), (computed, stored)):
            assert built_demo.query(f"select count(*) from ({one} except all {other})") == [(0,)], (
                view
            )


@pytest.mark.slow
def test_incremental_builds_equal_a_full_refresh(demo: DbtProject) -> None:
    """Build month by month, with rows that come late, and compare with one build of everything."""
    names = [*views(demo), "customer_features"]
    demo.warehouse.unlink()
    # orders that reach the warehouse after the first build: their table says no load time
    demo.execute(
        "create schema raw; create table raw.orders as select * exclude (loaded_at) "
        f"from read_parquet('{demo.directory}/seeds/demo/orders.parquet')"
    )
    late = "ordered_at between timestamp '2026-05-29 12:00' and timestamp '2026-05-31 12:00'"
    demo.execute(f"create table raw.late as select * from raw.orders where {late}")
    demo.execute(f"delete from raw.orders where {late}")

    def build(as_of_date: str, *words: str) -> None:
        settings = {
            f"holdfast_{path.stem}": f"read_parquet('{path}')"
            for path in (demo.directory / "seeds" / "demo").glob("*.parquet")
            if path.stem not in ("campaigns", "offers")
        }
        settings |= {"holdfast_orders": "raw.orders", "holdfast_as_of_date": as_of_date}
        demo.dbt(
            "run",
            "--select",
            "+holdfast__customer_features",
            "--vars",
            json.dumps(settings),
            *words,
        )

    build("2026-05-20")
    build("2026-06-01")
    demo.execute("insert into raw.orders select * from raw.late")
    build("2026-06-03")
    incremental = {view: demo.query(f"select * from {view} order by all") for view in names}
    build("2026-06-03", "--full-refresh")
    for view in names:
        full = demo.query(f"select * from {view} order by all")
        assert len(full) > 1000
        assert incremental[view] == full, view


@pytest.mark.slow
def test_only_dates_that_are_new_or_may_still_change_are_computed(demo: DbtProject) -> None:
    changed = "where as_of = timestamp '2026-03-01'"
    demo.execute(f"update customer_support_features set ticket_count_90d = 77 {changed}")
    demo.execute("update customer_features set order_count_30d = -1")
    demo.execute("delete from customer_features where as_of = timestamp '2026-04-01'")
    demo.dbt("run", "--select", "holdfast__customer_order_features", "holdfast__customer_features")
    folder = demo.directory / "target" / "compiled" / "holdfast" / "models" / "features"
    sql = (folder / "holdfast__customer_order_features.sql").read_text()
    assert "timestamp '2026-07-01" in sql
    assert "timestamp '2026-06-01" not in sql
    # of the joined features the date for which a view has other rows, whatever changed them, and
    # the one whose own rows are gone
    joined = (folder / "holdfast__customer_features.sql").read_text()
    pending = "timestamp '2026-03-01 00:00:00', timestamp '2026-04-01 00:00:00'"
    assert f"where as_of in ({pending})" in joined
    kept = "select distinct cast(as_of as date) from customer_features where order_count_30d = -1"
    assert not {"2026-03-01", "2026-04-01"} & {str(date) for (date,) in demo.query(kept)}
    assert len(demo.query(kept)) == len(demo.query("select distinct as_of from customer_spine")) - 2
    assert demo.query(f"select distinct ticket_count_90d from customer_features {changed}") == [
        (77.0,)
    ]
