"""A feature view is computed for other rows, however its refs are written, or it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from projects import UserProject, write_user_project

pytestmark = pytest.mark.slow

# refs over several lines, with a version, in a comment, from a variable, in a macro and in a var
VIEW = """
{{- config(
    materialized='table',
    meta={'note': var('my_products')},
) -}}
-- begins with {{ ref('holdfast', 'holdfast__customer_spine') }}
{% set prices = 'prices' -%}
select
    spine.customer_id,
    spine.as_of,
    count(orders.order_id) as orders_before,
    max(prices.price) as price,
    max(words.word) as word,
    (select count(*) from {{ all_products() }}) as products,
    (select count(*) from {{ var('my_products') }}) as products_again,
from {{ ref(
    'holdfast',
    "holdfast__customer_spine"
) }} as spine
left join {{ ref('holdfast', 'stg_holdfast__orders') }} as orders
    on orders.customer_id = spine.customer_id and orders.ordered_at < spine.as_of
cross join {{ ref(prices, version=1) }} as prices
cross join {{ ref('words') }} as words
{% if is_incremental() %} where false {% endif %}
group by spine.customer_id, spine.as_of
"""
# product by product, from a spine of its own
PRODUCT_SPINE = """
select distinct order_id % 3 as product_id, timestamp '2026-06-01' as as_of from raw.orders
"""
PRODUCT_VIEW = """
{{ config(materialized='table') }}
with features as (
    {{ holdfast.feature_view(
        spine=ref('product_spine'),
        events=ref('product_orders'),
        event_at='ordered_at',
        entity=['product_id'],
        lifetime={'sold': {'sql': 'count(*)', 'empty': 0}},
    ) }}
)
select * from features
"""
EPHEMERAL_VIEW = """
{{ config(materialized='table') }}
select customer_id, as_of, 1 as x from {{ ref('holdfast', 'holdfast__customer_spine') }}
where exists (select 1 from {{ ref('fleeting') }})
"""
NO_SPINE_VIEW = """
{{ config(materialized='table') }}
select distinct customer_id, timestamp '2026-06-01' as as_of, 1 as x
from {{ ref('holdfast', 'stg_holdfast__orders') }}
"""
NAMED_SPINE_VIEW = """
{{ config(materialized='table') }}
-- depends_on: {{ ref('holdfast', 'holdfast__customer_spine') }}
{{ holdfast.feature_view(
    spine=api.Relation.create(
        database=target.database, schema=target.schema, identifier='customer_spine'
    ),
    events=ref('holdfast', 'stg_holdfast__orders'),
    event_at='ordered_at',
    lifetime={'bought': {'sql': 'count(*)', 'empty': 0}},
) }}
"""
TESTS = """
models:
  - name: prices
    latest_version: 2
    versions: [{v: 1}, {v: 2}]
  - name: odd_view
    data_tests: [holdfast.rows_recompute, holdfast.as_known_then]
  - name: product_view
    data_tests:
      - holdfast.rows_recompute
      - holdfast.as_known_then: {arguments: {inputs: {product_orders: {at: ordered_at}}}}
      - holdfast.rows_of_spine:
          arguments: {spine: ref('product_spine'), entity: [product_id]}
"""
MODELS = {
    "odd_view": VIEW,
    "prices_v1": "select 1 as price",
    "prices_v2": "select 2 as price",
    "products": "select range as product_id from range(3)",
    "product_spine": PRODUCT_SPINE,
    "product_orders": "select *, order_id % 3 as product_id from raw.orders",
    "product_view": PRODUCT_VIEW,
    "fleeting": "{{ config(materialized='ephemeral') }} select 1 as one",
    "ephemeral_view": EPHEMERAL_VIEW,
    "no_spine_view": NO_SPINE_VIEW,
    "named_spine_view": NAMED_SPINE_VIEW,
    "moments": """
        select customer_id, timestamp '2026-05-05 05:05' as as_of from raw.orders where order_id = 7
    """,
    "product_moments": "select 1 as product_id, timestamp '2026-05-05 05:05' as as_of",
    # incremental, which the view it asks is not
    "odd_at": """
        {{ config(materialized='incremental') }}
        {{ holdfast.features_at('odd_view', ref('moments')) }}
    """,
    "products_at": "{{ holdfast.features_at('product_view', ref('product_moments')) }}",
    **{
        f"{name}_at": f"{{{{ holdfast.features_at('{name}_view', ref('moments')) }}}}"
        for name in ("ephemeral", "no_spine", "named_spine")
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, simulated_orders: Path) -> UserProject:
    """Build the views, and the tables of other rows that can be."""
    project = write_user_project(tmp_path_factory.mktemp("views") / "project")
    project.orders(
        "select customer_id, order_id, ordered_at, amount "
        f"from read_parquet('{simulated_orders}') where customer_id % 20 = 0 "
        "union all select 1000, 7, timestamp '2026-01-01', 5"
    )
    project.write(
        vars={
            "holdfast_orders": "raw.orders",
            "my_products": "{{ ref('shop', 'products') }}",
        }
    )
    for folder, name, text in (
        *(("models", f"{name}.sql", sql) for name, sql in MODELS.items()),
        ("models", "models.yml", TESTS),
        (
            "macros",
            "all_products.sql",
            "{% macro all_products() %}{{ ref('products') }}{% endmacro %}",
        ),
        ("seeds", "words.csv", "word\nhello\n"),
    ):
        (project.directory / folder).mkdir(exist_ok=True)
        (project.directory / folder / name).write_text(text)
    views = ["ephemeral_view", "no_spine_view", "named_spine_view"]
    project.dbt(
        "build",
        # no tests of other models, which are not built here
        *("--indirect-selection", "cautious"),
        *("--select", "+odd_at", "+products_at", *views),
    )
    return project


def test_every_way_to_write_a_ref_is_followed(project: UserProject) -> None:
    # a second run, of an incremental model: the view must not take itself for one
    project.dbt("run", "--select", "odd_at")
    rows = project.query(
        "select as_of, orders_before, price, word, products, products_again, count(*) "
        "from odd_at group by all"
    )
    assert [row[1:] for row in rows] == [(1, 1, "hello", 3, 3, 2)]


def test_the_entity_and_the_spine_of_a_view_are_those_of_its_feature_view(
    project: UserProject,
) -> None:
    (row,) = project.query("select product_id, sold from products_at")
    (expected,) = project.query(
        "select 1, count(*) from product_orders "
        "where product_id = 1 and ordered_at < timestamp '2026-05-05 05:05'"
    )
    assert row == expected
    assert row[1] > 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ephemeral", "ephemeral_view cannot be computed for other rows: it reads fleeting, an"),
        ("no_spine", "no_spine_view cannot be computed for other rows: it reads no spine by ref()"),
        ("named_spine", "named_spine_view cannot be computed for other rows: it has the spine"),
    ],
)
def test_what_cannot_be_followed_is_refused(project: UserProject, name: str, message: str) -> None:
    result = project.dbt("compile", "--select", f"{name}_at", check=False)
    assert result.returncode
    assert message in " ".join(result.stdout.split())
