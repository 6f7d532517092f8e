"""Numbers in a user's own views, events and attributes that are no numbers reach no model."""

from __future__ import annotations

import math
from typing import Any

import pytest

from projects import UserProject, write_user_project

ORDERS = """
    select
        customer_id,
        customer_id * 1000 + week as order_id,
        timestamp '2025-01-01' + week * interval 7 day + customer_id * interval 1 hour
            as ordered_at,
        cast(10 + customer_id as decimal(18, 2)) as amount
    from range(1, 31) as customers (customer_id)
    cross join range(52) as weeks (week)
"""
# six parcels each; the weights of customers 1 to 3 are spoilt in different ways
PARCELS = """
    select
        customer_id,
        timestamp '2025-01-15' + month * interval 1 month as arrived_at,
        case
            when customer_id = 1 and month = 2 then 'NaN'::double
            when customer_id = 2 and month = 3 then '-Infinity'::double
            when customer_id = 3 then 'NaN'::double
            else month + 1e0
        end as weight
    from range(1, 31) as customers (customer_id)
    cross join range(6) as months (month)
"""
CUSTOMERS = """
    select
        customer_id,
        timestamp '2024-12-31' as created_at,
        case customer_id when 1 then 'NaN'::float when 2 then 'Infinity'::float else 7 end as height
    from range(1, 31) as customers (customer_id)
"""
MODELS = {
    "parcels.sql": "select * from raw.parcels",
    "parcel_features.sql": """
        {{ config(materialized='incremental', unique_key=['customer_id', 'as_of']) }}
        {{ holdfast.feature_view(
            spine=ref('holdfast', 'holdfast__customer_spine'),
            events=ref('parcels'), event_at='arrived_at', windows=[365],
            features={'parcel_weight': {'sql': 'sum(weight)'}},
            lifetime={'parcel_mean_weight': {'sql': 'avg(weight)'}},
        ) }}
    """,
    "ratio_features.sql": """
        select
            customer_id,
            as_of,
            case customer_id
                when 1 then 'NaN'::double
                when 2 then 'Infinity'::double
                when 3 then '-Infinity'::double
                when 4 then null
                else 3e38
            end as ratio,
            case customer_id when 5 then 'NaN'::double when 6 then 1e300 else 1 end as other_ratio,
        from {{ ref('holdfast', 'holdfast__customer_spine') }}
    """,
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[UserProject, str]:
    """Build the features of a shop with such numbers, and give it with what dbt said."""
    project = write_user_project(tmp_path_factory.mktemp("numbers") / "shop")
    project.orders(ORDERS)
    project.execute(f"create table raw.parcels as {PARCELS}")
    project.execute(f"create table raw.customers as {CUSTOMERS}")
    for name, sql in MODELS.items():
        (project.directory / "models").mkdir(exist_ok=True)
        (project.directory / "models" / name).write_text(sql, encoding="utf-8")
    settings: dict[str, Any] = {
        "holdfast_customers": "raw.customers",
        "holdfast_customer_attributes": ["height"],
        "holdfast_feature_views": ["parcel_features", "ratio_features"],
        "holdfast_as_of_date": "2025-12-25",
    }
    project.write(vars={**project.settings["vars"], **settings})
    selection = (
        "--select",
        "+holdfast__feature_registry",
        "--indirect-selection",
        "cautious",
        "--exclude",
        "features_are_described",
    )
    said = project.dbt("build", *selection).stdout
    return project, said


@pytest.mark.slow
def test_numbers_that_are_none_are_null_in_customer_features(
    shop: tuple[UserProject, str],
) -> None:
    project, _ = shop
    found = {
        customer: values
        for customer, *values in project.query(
            "select customer_id, parcel_weight_365d, parcel_mean_weight, ratio, other_ratio, "
            "attribute_height from customer_features where as_of = '2025-12-25' "
            "and customer_id <= 6"
        )
    }
    large = pytest.approx(3e38)
    assert found == {
        # what is left of 1 + 2 + 3 + 4 + 5 + 6
        1: [18.0, pytest.approx(18 / 5), None, 1.0, None],
        2: [17.0, pytest.approx(17 / 5), None, 1.0, None],
        3: [None, None, None, 1.0, 7.0],
        4: [21.0, 3.5, None, 1.0, 7.0],
        5: [21.0, 3.5, large, None, 7.0],
        6: [21.0, 3.5, large, None, 7.0],
    }


@pytest.mark.slow
def test_warnings_count_them_and_name_where_they_are(shop: tuple[UserProject, str]) -> None:
    project, said = shop
    ((dates,),) = project.query("select count(distinct as_of) from customer_spine")
    ((third,),) = project.query(
        "select count(*) from customer_spine where customer_id in (1, 2, 3)"
    )
    ((others,),) = project.query("select count(*) from customer_spine where customer_id in (5, 6)")
    assert dates > 5
    text = " ".join(said.split())
    assert '"parcels" have a weight that is NaN or infinite' in text
    assert "8 rows of the events" in text
    assert f"{third} rows of the feature view ratio_features have a ratio that is NaN" in text
    assert f"{others} rows of the feature view ratio_features have a other_ratio" in text
    assert "2 rows of the input customers have a height that is NaN or infinite" in text
    assert "parcel_weight" not in text


@pytest.mark.slow
def test_registry_describes_the_values_that_are_there(shop: tuple[UserProject, str]) -> None:
    project, _ = shop
    ((missing, mean, least, most),) = project.query(
        "select null_rate, mean, min, max from feature_registry where feature = 'ratio'"
    )
    ((expected,),) = project.query("select avg((customer_id <= 4)::int) from customer_spine")
    assert math.isclose(missing, expected)
    assert (mean, least, most) == (pytest.approx(3e38), 3e38, 3e38)
