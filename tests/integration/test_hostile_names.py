"""Names that data give to columns stay names, in every model and in what commands write."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from holdfast.warehouse.quoting import quoted, text
from projects import UserProject, run, write_user_project

# what a dynamic PIVOT makes of the values of a column
INJECTION = 'q" as float) as "q", (select 42) as "leak", --'
NAMES = [
    INJECTION,
    "num'b",
    "back\\slash",
    "/* open -- comment",
    "two\nlines",
    "Größe (€) 顧客",
    "{{ 1 / 0 }}{% set x %}",
    "long " * 30,
    "Select",
    "100%s {0} ~/$.x[1]",
    "a'); drop table churn_scores; --",
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> UserProject:
    """Build a shop with a feature, an attribute and a segment of hostile names."""
    from holdfast.simulation import simulate_shop

    folder = tmp_path_factory.mktemp("hostile")
    simulate_shop(folder / "data", customers=300, seed=5)
    project = write_user_project(folder / "shop")
    project.orders(
        "select customer_id, order_id, ordered_at, amount, "
        "'store ' || customer_id % 25 as channel "
        f"from '{folder / 'data/orders.parquet'}'"
    )
    project.execute(
        "create table raw.customers as select customer_id, created_at, customer_id % 7 as "
        f"{quoted(NAMES[1])}, country as {quoted(INJECTION)}, "
        f"customer_id % 90 as {quoted('{0} of 100%')}, "
        "case when customer_id % 3 = 0 then '' when customer_id % 7 = 0 then ' ' else country end "
        "as region "
        f"from '{folder / 'data/customers.parquet'}'"
    )
    project.write(
        vars={
            "holdfast_orders": "raw.orders",
            "holdfast_customers": "raw.customers",
            "holdfast_feature_views": ["channel-features"],
            "holdfast_customer_attributes": [NAMES[1]],
            "holdfast_segments": [INJECTION, "{0} of 100%", "region"],
        },
        models={"shop": {"+materialized": "table"}},
    )
    (project.directory / "models").mkdir(exist_ok=True)
    listed = ",\n".join(
        f"count(*) filter (where orders.order_id % {len(NAMES)} = {i}) as {quoted(name)}"
        for i, name in enumerate(NAMES)
    )
    (project.directory / "models" / "channel-features.sql").write_text(
        "select spine.customer_id, spine.as_of,\n{% raw %}"
        + listed
        + "{% endraw %}\nfrom {{ ref('holdfast', 'holdfast__customer_spine') }} as spine\n"
        "left join {{ ref('holdfast', 'stg_holdfast__orders') }} as orders\n"
        "    on orders.customer_id = spine.customer_id and orders.ordered_at < spine.as_of\n"
        "group by spine.customer_id, spine.as_of\n",
        encoding="utf-8",
    )
    # how features are described is asked elsewhere, and dbt renders the names in a yml
    project.dbt("build", "--exclude", "features_are_described")
    return project


def test_every_name_is_a_feature_as_it_was(shop: UserProject) -> None:
    columns = list(shop.columns("customer_features"))
    assert [name for name in NAMES if name not in columns] == []
    assert "leak" not in columns
    assert f"attribute_{NAMES[1]}" in columns
    ((told,),) = shop.query(
        f"select description from feature_registry where feature = {text(f'attribute_{NAMES[1]}')}"
    )
    assert told == f"Current {NAMES[1]} of the customer, from the customers input."
    for table, column in (("feature_registry", "feature"), ("feature_drift", "feature")):
        found = {row[0] for row in shop.query(f"select {column} from {table}")}
        assert [name for name in NAMES if name not in found] == [], table
    ((names,),) = shop.query("select feature_names from churn_model where stage = 'champion'")
    assert set(NAMES) <= set(names)
    # the importance is read from JSON by the name
    ((missing,),) = shop.query(
        "select count(*) from feature_drift as drift inner join churn_model as model "
        "using (model_id) where importance is null and json_contains("
        "cast(json_keys(json_extract(model.metrics, '$.importance')) as json), to_json(feature))"
    )
    assert missing == 0


def test_reasons_name_features_in_words(shop: UserProject) -> None:
    assert shop.query("select count(*) from churn_scores where status = 'scored'")[0][0] > 100
    told = {row[0] for row in shop.query("select distinct feature from churn_reasons")}
    assert told <= set(shop.columns("customer_features"))
    wrong = shop.query(
        "select feature, reason from churn_reasons where reason is null or reason like '%{%}%' "
        f"and feature not in ({', '.join(map(text, NAMES))})"
    )
    assert wrong == []


def test_segments_are_told_by_their_names(shop: UserProject) -> None:
    found = {row[0] for row in shop.query("select distinct segment_by from retention_cohorts")}
    assert {INJECTION.lower(), "{0} of 100%"} <= found


def test_splits_have_a_cap(shop: UserProject) -> None:
    splits = dict(
        shop.query(
            "select segment_by, count(distinct segment) from cohort_segments group by segment_by"
        )
    )
    # the twenty largest stores and the rest
    assert splits["first_channel"] == 21
    assert max(splits.values()) == 21
    ((rest,),) = shop.query(
        "select count(*) from cohort_segments "
        "where segment_by = 'first_channel' and segment = 'other'"
    )
    assert rest > 40


def test_a_blank_value_is_no_segment_of_its_own(shop: UserProject) -> None:
    regions = dict(
        shop.query(
            "select segment, count(*) from cohort_segments where segment_by = 'region' group by all"
        )
    )
    assert {name for name in regions if not name.strip()} == set()
    ((blank,),) = shop.query(
        "select count(*) from cohort_segments "
        "where segment_by = 'first_channel' and (customer_id % 3 = 0 or customer_id % 7 = 0)"
    )
    assert regions["unknown"] == blank > 100


@pytest.mark.parametrize(
    ("segments", "told"),
    [
        (["First_Channel"], "names First_Channel, but cohort_segments already has a split"),
        (["first_order_value"], "names first_order_value, but cohort_segments already has a split"),
        (["all"], "names all, but cohort_segments already has a split"),
        (["country", "Country"], "of customer_features, each once; got"),
    ],
)
def test_splits_that_would_be_one_are_refused(
    shop: UserProject, segments: list[str], told: str
) -> None:
    shop.execute(
        "create or replace table raw.split as select 1 as customer_id, now() as created_at, "
        "'a' as first_channel, 'b' as first_order_value, 'c' as \"all\", 'd' as country"
    )
    own = {
        "holdfast_customers": "raw.split",
        "holdfast_segments": segments,
        "holdfast_customer_attributes": [],
    }
    words = ("compile", "--select", "holdfast__cohort_segments", "--vars", json.dumps(own))
    refused = shop.dbt(*words, check=False)
    assert refused.returncode != 0
    assert told in " ".join(refused.stdout.split())


MODELS = {
    "events": """{{ config(materialized='table') }}
select
    customer_id as {{ holdfast.quoted(var('key')) }},
    ordered_at as {{ holdfast.quoted(var('at')) }},
    ordered_at as {{ holdfast.quoted(var('known')) }},
    amount as {{ holdfast.quoted(var('value')) }}
from {{ ref('holdfast', 'stg_holdfast__orders') }}""",
    "rows_asked": """{{ config(materialized='table') }}
select distinct
    customer_id as {{ holdfast.quoted(var('key')) }},
    as_of
from {{ ref('holdfast', 'holdfast__customer_spine') }}
where as_of = (select max(as_of) from {{ ref('holdfast', 'holdfast__customer_spine') }})""",
    "view": """{{ config(materialized='table') }}
{{ holdfast.feature_view(
    events=ref('events'), event_at=var('at'), known_at=var('known'), spine=ref('rows_asked'),
    entity=[var('key')], features={'orders': {'sql': 'count(*)', 'empty': 0}}, windows=[90],
    lifetime={'spent': {'sql': 'sum(' ~ holdfast.quoted(var('value')) ~ ')'}},
    recency={'quiet': var('at')}
) }}""",
    "joined": """{{ config(materialized='table') }}
{{ holdfast.as_of_join(
    spine=ref('rows_asked'), history=ref('events'), valid_from=var('at'), known_at=var('known'),
    columns=[var('value')], tie_break=[var('value')], entity=[var('key')]
) }}""",
    "labels": """{{ config(materialized='table') }}
{{ holdfast.event_labels(
    label='order', events=ref('events'), event_at=var('at'), horizon_days=30,
    entity=[var('key')], spine=ref('rows_asked')
) }}""",
    "values": """{{ config(materialized='table') }}
{{ holdfast.event_labels(
    label='group', events=ref('events'), event_at=var('at'), horizon_days=30,
    entity=[var('key')], spine=ref('rows_asked'), value='sum(' ~ holdfast.quoted(var('value')) ~ ')'
) }}""",
    "again": """{{ config(materialized='table') }}
{{ holdfast.features_at('view', ref('rows_asked')) }}""",
    "predicted": """{{ config(materialized='table') }}
select * from {{ holdfast.predict('churn', ref('holdfast', 'holdfast__customer_features')) }}""",
}


def test_every_macro_takes_any_name(shop: UserProject) -> None:
    folder = shop.directory / "models" / "any names"
    folder.mkdir(exist_ok=True)
    for name, sql in MODELS.items():
        (folder / f"{name}.sql").write_text(sql, encoding="utf-8")
    names = [INJECTION, "two\nlines' --", "/* {{ 'x' }}", "Select"]
    told = dict(zip(("key", "at", "known", "value"), names, strict=True))
    shop.dbt("run", "--select", *MODELS, "--vars", json.dumps(told))
    ((asked,),) = shop.query("select count(*) from rows_asked")
    assert asked > 100
    for table in ("view", "joined", "labels", "values", "again"):
        columns = list(shop.columns(f'"{table}"'))
        assert INJECTION in columns
        assert "leak" not in columns
        assert shop.query(f'select count(*) from "{table}"') == [(asked,)], table
    both = 'select * from "{}" order by all'
    assert shop.query(both.format("again")) == shop.query(both.format("view"))
    assert {"order", "group"} <= {*shop.columns('"labels"'), *shop.columns('"values"')}
    assert shop.query("select count(*) from predicted where churn_probability is null") == [(0,)]


def test_commands_take_the_names_too(shop: UserProject, tmp_path: Path) -> None:
    ((champion,),) = shop.query("select model_id from churn_model where stage = 'champion'")
    sql = tmp_path / "model.sql"
    commands = [
        ("models", "show", champion),
        ("models", "export", champion, "--format", "sql", "--output", sql),
        ("models", "export", champion, "--output", tmp_path / "model.onnx"),
        ("models", "card", "--output", tmp_path / "card.html"),
        ("features", "list"),
        ("features", "describe", INJECTION),
        ("summary",),
        ("report", "--output", tmp_path / "report.html"),
    ]
    for words in commands:
        result = run("holdfast", *words, cwd=shop.directory)
        assert result.returncode == 0, (words, result.stderr)
    ((count, most),) = shop.query(
        "select count(*), max(abs(scores.churn_probability - compiled.churn_probability))"
        f" from churn_scores as scores inner join ({sql.read_text(encoding='utf-8')}) as compiled"
        " using (customer_id, as_of) where scores.status = 'scored'"
    )
    assert count > 100
    assert most < 1e-6

    with duckdb.connect(str(shop.warehouse), read_only=True) as connection:
        connection.execute(f"copy customer_features to '{tmp_path / 'new.parquet'}'")
    words = ("score", "--input", tmp_path / "new.parquet", "--output", tmp_path / "scores.parquet")
    run("holdfast", *words, cwd=shop.directory, check=True)
    ((wrong,),) = shop.query(
        f"select count(*) filter (where given.churn_probability <> scores.churn_probability) "
        f"from '{tmp_path / 'scores.parquet'}' as given "
        "inner join churn_scores as scores using (customer_id, as_of)"
    )
    assert wrong == 0


def test_published_function_takes_the_names(shop: UserProject) -> None:
    published = shop.directory / "serving" / "holdfast.duckdb"
    with duckdb.connect(str(published), read_only=True) as connection:
        ((parameters,),) = connection.execute(
            "select parameters from duckdb_functions() where function_name = 'churn_probability'"
        ).fetchall()
        assert set(NAMES) <= set(parameters)
        given = ", ".join(f"{quoted(name)} := {i}" for i, name in enumerate(NAMES))
        ((probability,),) = connection.execute(f"select churn_probability({given})").fetchall()
    assert 0 < probability < 1
