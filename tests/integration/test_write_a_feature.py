"""What docs/write_a_feature.md and docs/coming_from_feast_or_tecton.md tell a reader, done."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest
import yaml

from projects import ROOT, UserProject, write_user_project

PAGES = ("write_a_feature.md", "coming_from_feast_or_tecton.md")

# 60 customers with an order a week for a year, those above 40 only for its first half
ORDERS = """
    select
        customer_id,
        customer_id * 1000 + week as order_id,
        timestamp '2025-01-01' + week * interval 7 day + customer_id * interval 1 hour
            as ordered_at,
        cast(60 + (customer_id * 7 + week * 13) % 90 as decimal(18, 2)) as amount
    from range(1, 61) as customers (customer_id)
    cross join range(52) as weeks (week)
    where customer_id <= 40 or week < 26
"""
PARCELS = """
    select
        order_id as parcel_id,
        customer_id,
        ordered_at + interval 2 day as arrived_at,
        (order_id * 3) % 7 - 2 as days_late
    from raw.orders
"""
# counts what will have arrived by the end of time
LEAKY = """
{{ config(materialized='table') }}
select spine.customer_id, spine.as_of, count(parcels.parcel_id) as parcel_count
from {{ ref('holdfast', 'holdfast__customer_spine') }} as spine
left join {{ ref('parcels') }} as parcels on parcels.customer_id = spine.customer_id
group by spine.customer_id, spine.as_of
"""
LEAKY_YML = """
models:
  - name: leaky
    data_tests:
      - holdfast.as_known_then: {arguments: {inputs: {parcels: {at: arrived_at}}}}
"""


def blocks(page: str, language: str) -> list[str]:
    """Give the code blocks of a page."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def files(page: str) -> dict[str, str]:
    """Give the blocks of a page whose first line says which file they are."""
    found: dict[str, str] = {}
    for block in [*blocks(page, "sql"), *blocks(page, "yaml")]:
        named = re.match(r"(?:--|#) (\S+\.(?:sql|yml))\n", block)
        if named and named[1] != "dbt_project.yml":
            assert named[1] not in found
            found[named[1]] = block
    return found


def project_settings(page: str) -> dict[str, Any]:
    """Give what a page puts into dbt_project.yml."""
    found = [block for block in blocks(page, "yaml") if block.startswith("# dbt_project.yml")]
    return yaml.safe_load("\n".join(found)) or {}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> UserProject:
    """Write the files of the pages into a user's project, and build it."""
    project = write_user_project(tmp_path_factory.mktemp("reader") / "my_shop")
    project.orders(ORDERS)
    project.execute(f"create table raw.parcels as {PARCELS}")
    views = [
        view
        for page in PAGES
        for view in project_settings(page).get("vars", {}).get("holdfast_feature_views", [])
    ]
    settings = project_settings("write_a_feature.md")
    project.write(
        name="my_shop",
        vars={"holdfast_orders": "raw.orders", "holdfast_feature_views": views},
        models=settings["models"],
    )
    written = {name: code for page in PAGES for name, code in files(page).items()}
    # the view with a macro of the reader's own, and the test that names it
    view = written["models/features/customer_parcel_features.sql"]
    known_then = written["tests/parcels_as_known_then.sql"]
    written |= {
        "models/parcels.sql": "select * from raw.parcels",
        "models/my_spine.sql": (
            "select 7 as customer_id, timestamp '2025-06-03 09:30:00' as as_of "
            "union all select 42, timestamp '2025-08-01 00:00:00.000001' "
            "union all select 42, timestamp '2024-01-01'"
        ),
        "macros/my_macro.sql": "{% macro my_macro() %}{{ return('days_late > 0') }}{% endmacro %}",
        "models/features/with_my_macro.sql": view.replace("'days_late > 0'", "my_macro()"),
        "tests/with_my_macro_as_known_then.sql": known_then.replace(
            "customer_parcel_features", "with_my_macro"
        ),
    }
    for name, code in written.items():
        path = project.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code, encoding="utf-8")
    # the test of which the page shows the lines that are to be added
    yml = project.directory / "models" / "features" / "customer_parcel_features.yml"
    added = [block for block in blocks("write_a_feature.md", "yaml") if "rows_recompute" in block]
    assert len(added) == 1
    yml.write_text(yml.read_text().replace("    columns:\n", f"{added[0]}    columns:\n"))
    assert "unexpected cycles" not in project.dbt("build").stdout
    return project


def counted(
    project: UserProject, customer_id: int, start: datetime, end: datetime, condition: str = "true"
) -> int:
    """Count the parcels of a customer that arrived from start on, before end."""
    found: list[tuple[int]] = project.query(
        f"select count(*) from raw.parcels where customer_id = {customer_id} and {condition} "
        f"and arrived_at >= timestamp '{start}' and arrived_at < timestamp '{end}'"
    )
    return found[0][0]


@pytest.mark.slow
def test_a_view_of_the_readers_own_reaches_the_models_and_the_registry(shop: UserProject) -> None:
    columns = set(shop.columns("customer_parcel_features")) - {"customer_id", "as_of"}
    assert len(columns) == 6
    assert columns <= set(shop.columns("customer_features"))
    described = dict(
        shop.query(
            "select feature, description from feature_registry "
            "where feature_view = 'customer_parcel_features'"
        )
    )
    assert set(described) == columns
    assert described["parcel_late_count_90d"] == "Late parcels in the 90 days before as_of."
    # every row of the view, with the values of the plain SQL
    rows = shop.query(
        "select customer_id, as_of, parcel_count_30d, parcel_count_30d_offset_30d, "
        "parcel_late_count_90d from customer_parcel_features where customer_id % 20 = 3"
    )
    assert len(rows) > 10
    for customer_id, as_of, count, before, late in rows:
        month = timedelta(days=30)
        assert count == counted(shop, customer_id, as_of - month, as_of)
        assert before == counted(shop, customer_id, as_of - 2 * month, as_of - month)
        quarter = as_of - timedelta(days=90)
        assert late == counted(shop, customer_id, quarter, as_of, "days_late > 0")


@pytest.mark.slow
def test_tests_that_name_a_readers_macro_run_and_pass(shop: UserProject) -> None:
    said = shop.dbt("test", "--select", "with_my_macro_as_known_then", "parcels_as_known_then")
    assert said.stdout.count(" PASS ") == 2, said.stdout


@pytest.mark.slow
def test_incremental_view_of_the_reader_keeps_its_rows_and_drops_those_off_the_grid(
    shop: UserProject,
) -> None:
    before = shop.query("select * from customer_parcel_features order by all")
    shop.execute(
        "insert into customer_parcel_features (customer_id, as_of) values (1, '1999-01-01')"
    )
    shop.dbt("run", "--select", "customer_parcel_features")
    assert shop.query("select * from customer_parcel_features order by all") == before


# what Ibis 12 does with pandas 3
@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option is deprecated")
@pytest.mark.slow
def test_features_when_asked_are_those_of_the_moment_in_sql_and_python(
    shop: UserProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {
        (customer_id, as_of): late
        for customer_id, as_of, late in shop.query(
            "select customer_id, as_of, parcel_late_count_30d from parcels_when_asked"
        )
    }
    assert len(asked) == 3
    for (customer_id, as_of), late in asked.items():
        start = as_of - timedelta(days=30)
        assert late == counted(shop, customer_id, start, as_of, "days_late > 0")
    assert max(asked.values()) > 0
    monkeypatch.chdir(shop.directory)
    frame = pd.DataFrame(list(asked), columns=["customer_id", "as_of"])
    shown: dict[str, Any] = {"my_frame": frame, "asked": frame}
    for page in PAGES:
        for code in blocks(page, "python"):
            if "from holdfast" in code:
                try:
                    exec(compile(code, page, "exec"), shown)
                    store = shown["store"]
                    found = store.historical_features(frame, ["parcel_late_count_30d"]).to_pandas()
                finally:
                    # an open store would keep dbt out of the warehouse
                    if "store" in shown:
                        shown.pop("store").close()
                assert {
                    (customer_id, as_of.to_pydatetime()): late
                    for customer_id, as_of, late in found.itertuples(index=False)
                } == asked
    for _, row in shown["training_rows"].iterrows():
        counted_by_hand = shop.query(
            f"select count(*) from raw.orders where customer_id = {row.customer_id} "
            f"and amount > 100 and ordered_at < timestamp '{row.as_of}' "
            f"and ordered_at >= timestamp '{row.as_of}' - interval 30 day"
        )
        assert counted_by_hand == [(row.large_order_count_30d,)]


@pytest.mark.slow
def test_tampered_row_fails_rows_recompute_and_is_named_with_its_column(shop: UserProject) -> None:
    tests = ("test", "--select", "test_name:rows_recompute", "order_features_recompute")
    assert shop.dbt(*tests).stdout.count(" PASS ") == 2
    tampered = "where customer_id = 5 and as_of = (select max(as_of) - interval 1 month "
    original = shop.directory / "original.duckdb"
    original.write_bytes(shop.warehouse.read_bytes())
    try:
        for table, column in (
            ("customer_parcel_features", "parcel_late_count_30d"),
            ("customer_order_features", "revenue_90d"),
        ):
            shop.execute(
                f"update {table} set {column} = {column} + 1 "
                f"{tampered} from {table} where day(as_of) = 1)"
            )
        result = shop.dbt(*tests, "--store-failures", check=False)
        assert "Failure in test holdfast_rows_recompute_customer_parcel_features" in result.stdout
        assert shop.query(
            "select customer_id, different_columns from main_dbt_test__audit."
            "holdfast_rows_recompute_customer_parcel_features_1000"
        ) == [(5, "parcel_late_count_30d")]
    finally:
        shop.warehouse.write_bytes(original.read_bytes())


@pytest.mark.slow
def test_a_feature_without_description_is_warned_of_and_a_view_that_looks_ahead_fails(
    shop: UserProject,
) -> None:
    yml = shop.directory / "models" / "features" / "customer_parcel_features.yml"
    described = yml.read_text()
    leaky = shop.directory / "models" / "leaky.sql"
    try:
        yml.write_text(described.replace("Late parcels in the 90 days before as_of.", '""'))
        leaky.write_text(LEAKY)
        leaky.with_suffix(".yml").write_text(LEAKY_YML)
        result = shop.dbt("build", "--select", "leaky", "holdfast__feature_registry", check=False)
    finally:
        yml.write_text(described)
        leaky.unlink()
        leaky.with_suffix(".yml").unlink()
    assert result.returncode == 1
    assert "Warning in test features_are_described" in result.stdout
    assert "(1): customer_parcel_features.parcel_late_count_90d." in result.stdout
    assert "Failure in test holdfast_as_known_then_leaky" in result.stdout
    assert "ERROR=1" in result.stdout
