"""Columns marked as personal are told to nobody, and groups too small to hide somebody are none."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from holdfast.simulation import simulate_shop
from projects import UserProject, run, write_user_project

MARKS = """
models:
  - name: customers
    columns:
      - name: age
        description: Years since the customer's birth.
        config: {meta: {pii: true}}
      - name: postcode
        meta: {pii: true}
"""


@pytest.fixture
def shop(tmp_path: Path) -> UserProject:
    project = write_user_project(tmp_path / "shop")
    simulate_shop(tmp_path / "data", customers=300, months=18, seed=5)
    project.orders(f"select * from read_parquet('{tmp_path}/data/orders.parquet')")
    # an age that tells the outcome, a postcode of one customer, a town of three
    project.execute(
        f"""
        create table raw.customers as
        select
            customers.customer_id,
            customers.created_at,
            18 + cast(epoch(timestamp '2026-07-01' - last_order_at) / 86400 as integer) % 60 as age,
            case when customers.customer_id <= 3 then 'ZZ-' || customers.customer_id else 'P1' end
                as postcode,
            case when customers.customer_id <= 3 then 'Hamlet' else 'Town' end as town
        from read_parquet('{tmp_path}/data/customers.parquet') as customers
        left join (select customer_id, max(ordered_at) as last_order_at from raw.orders group by 1)
            as orders on orders.customer_id = customers.customer_id
        """
    )
    models = project.directory / "models"
    models.mkdir()
    (models / "customers.sql").write_text("select * from raw.customers")
    (models / "customers.yml").write_text(MARKS)
    project.write(
        vars={
            "holdfast_orders": "raw.orders",
            "holdfast_customers": "{{ ref('shop', 'customers') }}",
            "holdfast_customer_attributes": ["age"],
            "holdfast_segments": ["postcode", "town", "age"],
        }
    )
    return project


@pytest.mark.slow
def test_personal_columns_are_neither_told_nor_segments_and_small_groups_are_other(
    shop: UserProject,
) -> None:
    told = shop.dbt("build").stdout
    assert "names postcode, which is marked `meta: {pii: true}`: it is left out" in told
    learned = shop.query(
        "select count(*) from model_registry where list_contains(feature_names, 'attribute_age')"
    )
    assert learned[0][0] > 0
    for table, column in {
        "churn_reasons": "feature",
        "churn_drivers": "driver",
        "feature_drift": "feature",
        "feature_profiles": "feature",
    }.items():
        found = f"select count(*) from {table} where {column} like 'attribute_age%'"
        assert shop.query(found) == [(0,)], table
    assert shop.query(
        "select min, max, mean from feature_registry where feature = 'attribute_age'"
    ) == [(None, None, None)]
    # what the project says of the column describes the feature, too
    assert "Warning in test features_are_described" not in told
    assert shop.query(
        "select description from feature_registry where feature = 'attribute_age'"
    ) == [("Years since the customer's birth.",)]
    assert shop.query(
        "select distinct segment_by, segment from cohort_segments "
        "where segment_by in ('postcode', 'town', 'age') order by all"
    ) == [("town", "Town"), ("town", "other")]
    serving = shop.directory / "serving" / "holdfast.duckdb"
    with duckdb.connect(str(serving), read_only=True) as file:
        for (name,) in file.execute("select table_name from duckdb_tables()").fetchall():
            rows = str(file.execute(f"from {name}").fetchall())
            assert "ZZ-" not in rows, name
            assert "Hamlet" not in rows, name
            assert "attribute age" not in rows, name
    page = shop.directory / "page.html"
    run("holdfast", "report", "--output", page, cwd=shop.directory, check=True)
    assert "ZZ-" not in page.read_text()
    assert "Hamlet" not in page.read_text()
