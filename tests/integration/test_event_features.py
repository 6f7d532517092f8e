"""Events of any kind: which types get features, what the features count, and what they add."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import duckdb
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from holdfast import FeatureStore
from projects import ROOT, UserProject, write_user_project

pytestmark = pytest.mark.slow

# types that are no names, two that would give the same one, and one of each customer's own
TYPES = {
    "shouting": "case customer_id % 3 when 0 then 'BUY now' when 1 then 'buy now ' "
    "else 'Buy Now' end",
    "hyphen": "'buy-now'",
    "hostile": """'x"; drop table raw.orders; --'""",
    "keyword": "'select'",
    "column": "'days_since_last'",
    "window": "'count_30d'",
    "script": "'Отмена'",
    "emoji": "'☕'",
    "long": "repeat('long ', 40)",
    "missing": "null",
    "blank": "' '",
    "personal": "'customer' || customer_id || '@example.org'",
}
SELECTED = ("--select", "+holdfast__customer_features", "holdfast__churn_labels")


def benchmark() -> ModuleType:
    """Give benchmarks/event_types.py, whose subscription the tests share."""
    spec = importlib.util.spec_from_file_location("event_types", ROOT / "benchmarks/event_types.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory) -> UserProject:
    """Build the features of a subscription with two inputs of events, of which one is odd."""
    project = write_user_project(tmp_path_factory.mktemp("events") / "club")
    with duckdb.connect(str(project.warehouse)) as connection:
        benchmark().subscription_log(connection, seed=4, customers=500)
        selects = [
            f"""select customer_id, ordered_at as occurred_at, {event_type} as event_type,
                if(customer_id = 1, 'nan'::double, 0.1) as value,
                ordered_at + interval 2 day as loaded_at
            from raw.orders"""
            for event_type in TYPES.values()
        ]
        connection.execute(f"create table raw.odd as {' union all '.join(selects)}")
    (project.directory / "models").mkdir()
    (project.directory / "models/app_events.sql").write_text("select * from raw.app")
    settings = {
        "holdfast_orders": "raw.orders",
        # a ref in a mapping, which dbt itself leaves as text
        "holdfast_events": {"app": "{{ ref('shop', 'app_events') }}", "odd": "raw.odd"},
        "holdfast_churn_horizon_days": 35,
        "holdfast_active_within_days": 32,
        "holdfast_as_of_date": "2025-11-01",
        "holdfast_observation_interval": "1 month",
        "holdfast_observations": 14,
        "holdfast_systems": [],
        "holdfast_publish": False,
    }
    project.write(vars=settings)
    project.dbt("run", *SELECTED, "app_events", "holdfast__feature_definitions")
    return project


def event_columns(project: UserProject) -> list[str]:
    """Give the features of events, in the order of their table."""
    return list(project.columns("customer_event_features"))[2:]


def test_types_get_plain_names_and_rare_ones_none(club: UserProject) -> None:
    found = dict(
        club.query("select event_type, feature_word from event_types where source = 'odd'")
    )
    # 'buy-now' or 'buy now' came first, and the other one has a hash behind its name
    assert sorted(found.pop(name) for name in ("buy now", "buy-now"))[0] == "buy_now"
    assert found.pop(None) in {"other", "value"}
    assert {name: word for name, word in found.items() if "_" not in word} == {
        "select": "select",
        "отмена": "otmena",
    }
    hashed = {word for word in found.values() if word.startswith("type_")}
    # the cup, and what could be read as the name of another feature
    assert len(hashed) == 3
    assert found['x"; drop table raw.orders; --'] == "x_drop_table_raw_orders"
    assert not any("@" in word or "customer" in word for word in (*found, *event_columns(club)))
    assert all(name.isascii() and name.isidentifier() for name in event_columns(club))
    assert len(event_columns(club)) <= 2 * 79


def test_features_are_what_a_count_of_the_rows_gives(club: UserProject) -> None:
    for source, table, word, event_type in (
        ("app", "raw.app", "cancel_page", "cancel_page"),
        ("odd", "raw.odd", "other", None),
    ):
        prefix = f"event_{source}"
        known = f"coalesce(events.{'loaded_at' if source == 'odd' else 'occurred_at'}, occurred_at)"
        is_recent = "occurred_at >= spine.as_of - interval 35 day"
        of_type = (
            f"event_type = '{event_type}'"
            if event_type
            else "coalesce(event_type = ' ' or event_type like '%@%', true)"
        )
        wrong = club.query(
            f"""with expected as (
                select spine.customer_id, spine.as_of,
                    count(*) filter (where {of_type} and {is_recent}) as recent,
                    count(*) filter (where {is_recent}) as of_all,
                    max(occurred_at) filter (where {of_type}) as latest
                from customer_spine as spine
                left join {table} as events
                    on events.customer_id = spine.customer_id
                    and occurred_at < spine.as_of and {known} < spine.as_of
                group by spine.customer_id, spine.as_of
            )
            select * from expected inner join customer_event_features as features
                using (customer_id, as_of)
            where features.{prefix}_{word}_count_35d != recent
                or abs(coalesce(features.{prefix}_{word}_share_35d, 0)
                    - recent / greatest(of_all, 1)) > 1e-9
                or features.{prefix}_days_since_{word}
                    is distinct from date_sub('day', latest, as_of)"""
        )
        assert wrong == []
        assert club.query(f"select sum({prefix}_{word}_count_35d) > 0 from customer_event_features")


def test_values_are_exact_and_what_is_no_number_counts_as_missing(club: UserProject) -> None:
    assert club.query(
        "select count(*) from customer_event_features where customer_id = 1"
        " and event_odd_value_sum_35d is not null"
    ) == [(0,)]
    assert club.query(
        "select distinct round(event_odd_value_mean_35d, 12) from customer_event_features"
        " where event_odd_value_mean_35d is not null"
    ) == [(0.1,)]
    assert not any(name.startswith("event_app_value") for name in event_columns(club))


def test_the_feature_store_serves_what_the_build_computed(club: UserProject) -> None:
    names = ["event_app_cancel_page_count_35d", "event_app_active_weeks_35d", "event_odd_trend_35d"]
    asked = "select customer_id, as_of from customer_event_features order by all limit 200"
    with duckdb.connect(str(club.warehouse), read_only=True) as connection:
        spine = connection.execute(asked).to_arrow_table()
    with FeatureStore(club.warehouse) as store:
        served = store.historical_features(spine, names).to_pyarrow()
    rows = duckdb.from_arrow(served)
    found = rows.select(", ".join(["customer_id", "as_of", *names])).order("all").fetchall()
    assert found == club.query(
        f"select customer_id, as_of, {', '.join(names)} from customer_event_features"
        " order by customer_id, as_of limit 200"
    )


def test_a_rare_type_tells_who_is_about_to_leave(club: UserProject) -> None:
    """The same in full: python benchmarks/event_types.py."""
    columns = [name for name in event_columns(club) if name.startswith("event_app")]
    orders = list(club.columns("customer_order_features"))[2:]
    with duckdb.connect(str(club.warehouse), read_only=True) as connection:
        rows = connection.execute(
            f"""select labels.churned, labels.as_of, {", ".join(columns + orders)}
            from churn_labels as labels
            inner join customer_event_features using (customer_id, as_of)
            inner join customer_order_features using (customer_id, as_of)
            where labels.churned is not null order by labels.as_of, labels.customer_id"""
        ).fetchnumpy()
    churned = np.ma.filled(rows["churned"].astype(float))
    latest = rows["as_of"] > np.unique(rows["as_of"])[-4]

    def auroc(names: list[str]) -> float:
        table = np.column_stack(
            [np.ma.filled(np.ma.masked_invalid(rows[name].astype(float)), 400) for name in names]
        )
        table = (table - table.mean(axis=0)) / np.maximum(table.std(axis=0), 1e-9)
        model = LogisticRegression(C=0.05, max_iter=2000).fit(table[~latest], churned[~latest])
        return float(roc_auc_score(churned[latest], model.decision_function(table[latest])))

    without, with_events = auroc(orders), auroc(orders + columns)
    assert with_events > without + 0.1, (without, with_events)


def test_a_new_type_gets_columns_for_every_date_and_the_others_keep_theirs(
    club: UserProject,
) -> None:
    before = event_columns(club)
    table = f"select {', '.join(before)} from customer_event_features order by customer_id, as_of"
    rows, types = club.query(table), club.query("from event_types order by all")
    club.dbt("run", *SELECTED)
    assert (club.query(table), club.query("from event_types order by all")) == (rows, types)

    club.execute(
        "insert into raw.app select customer_id, ordered_at + interval 1 hour, 'gift'"
        " from raw.orders"
    )
    club.dbt("run", *SELECTED)
    added = [name for name in event_columns(club) if name not in before]
    assert {name.removeprefix("event_app_") for name in added} == {
        *("gift_count_12d", "gift_count_35d", "gift_trend_35d", "gift_share_35d"),
        "days_since_gift",
    }
    assert set(before) <= set(event_columns(club))
    # the first date has it too: a column that is added is not left empty where rows were there
    assert club.query(
        "select count(distinct as_of) = (select count(distinct as_of) from customer_spine)"
        " from customer_event_features where event_app_gift_count_35d > 0"
    ) == [(True,)]
    now = club.query("select * from customer_event_features order by customer_id, as_of")
    club.dbt("run", "--full-refresh", *SELECTED)
    assert club.query("select * from customer_event_features order by customer_id, as_of") == now


def test_the_forgotten_leave_the_events(club: UserProject) -> None:
    count = "select count(*) from stg_holdfast__events where customer_id = 5"
    assert club.query(count)[0][0] > 0
    # what `holdfast forget` writes; the whole of it is in test_forget.py
    club.execute("insert into forgotten_customers values ('5')")
    club.dbt("run", *SELECTED)
    assert club.query(count) == [(0,)]
    assert club.query("select count(*) from customer_event_features where customer_id = 5") == [
        (0,)
    ]
