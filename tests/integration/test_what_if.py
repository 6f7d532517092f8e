"""What if: an order that is only assumed moves the score as the real one does."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from projects import DbtProject, UserProject, run


def published(project: DbtProject) -> Path:
    """Give the file that a build of the project publishes."""
    return project.directory / "serving" / "holdfast.duckdb"


@pytest.mark.slow
def test_an_assumed_order_moves_the_score_as_the_real_one_does(user_project: UserProject) -> None:
    user_project.dbt("build")
    assumed = dict(
        user_project.query(
            "select customer_id, (order_amount, churn_probability_after_order) "
            "from churn_after_order"
        )
    )
    scored = user_project.query("select customer_id from churn_scores where status = 'scored'")
    assert assumed.keys() == {customer for (customer,) in scored}
    assert len({probability for _, probability in assumed.values()}) > 50

    # the middle one of each one's purchases, bought again half a day before the as-of date
    user_project.execute(
        """
        insert into raw.orders by name
        select
            customer_id,
            (select max(order_id) from raw.orders) + row_number() over (order by customer_id)
                as order_id,
            (select max(as_of) from churn_scores) - interval 12 hour as ordered_at,
            quantile_disc(amount, 0.5) as amount,
        from raw.orders
        where amount > 0 and customer_id in (select customer_id from churn_after_order)
        group by customer_id
        """
    )
    user_project.dbt("build")
    real = dict(
        user_project.query(
            "select customer_id, churn_probability from churn_scores "
            "where as_of = (select max(as_of) from churn_scores) and status = 'scored'"
        )
    )
    for customer, (amount, probability) in assumed.items():
        assert amount > 0
        assert real[customer] == pytest.approx(probability, abs=1e-6)


def test_the_features_of_the_champion_are_published_for_every_customer(
    built_demo: DbtProject,
) -> None:
    ((names,),) = built_demo.query(
        "select feature_names from model_registry where stage = 'champion' and task = 'churn'"
    )
    with duckdb.connect(str(published(built_demo)), read_only=True) as connection:
        found = [
            row[0] for row in connection.execute("describe customer_model_features").fetchall()
        ]
        rows = connection.execute("select count(*) from customer_model_features").fetchone()
    assert found == ["customer_id", "as_of_date", "model_id", *names]
    expected = built_demo.query(
        "select count(*) from customer_features "
        "where as_of = (select max(as_of) from customer_features)"
    )
    assert [rows] == expected


def test_the_published_function_answers_for_one_customer(built_demo: DbtProject) -> None:
    ((customer, scored, opens),) = built_demo.query(
        "select customer_id, churn_probability, web_session_count_30d "
        "from churn_scores_latest inner join customer_features using (customer_id, as_of) "
        "where status = 'scored' and web_session_count_30d > 0 order by all limit 1"
    )
    with duckdb.connect(str(published(built_demo)), read_only=True) as connection:

        def ask(overrides: str) -> tuple[float, float]:
            (row,) = connection.execute(
                "select churn_probability_as_it_is, churn_probability_what_if "
                f"from churn_what_if({customer}{overrides})"
            ).fetchall()
            return row

        assert ask("") == pytest.approx((scored, scored), abs=1e-6)
        # what it is already changes nothing, and 0 is a value like any other
        assert ask(f", web_session_count_30d := {opens}") == pytest.approx(
            (scored, scored), abs=1e-6
        )
        as_it_is, changed = ask(", days_since_order := 0, days_since_order_per_gap := 0")
        assert as_it_is == pytest.approx(scored, abs=1e-6)
        assert changed != pytest.approx(scored, abs=1e-6)
        assert connection.execute("from churn_what_if(-1)").fetchall() == []


@pytest.mark.slow
def test_duckdb_1_0_asks_too(built_demo: DbtProject, tmp_path: Path) -> None:
    run("python", "-m", "venv", tmp_path / "old", cwd=tmp_path, check=True)
    python = tmp_path / "old" / "bin" / "python"
    installed = run(python, "-m", "pip", "install", "--quiet", "duckdb==1.0.0", cwd=tmp_path)
    if installed.returncode:
        pytest.skip(f"DuckDB 1.0.0 cannot be installed here: {installed.stderr[-200:]}")
    customer = built_demo.query("select min(customer_id) from churn_after_order")[0][0]
    query = f"from churn_what_if({customer}, order_count_90d := 3)"
    script = (
        "import duckdb, json, sys\n"
        "connection = duckdb.connect(sys.argv[1], read_only=True)\n"
        "print(json.dumps(connection.execute(sys.argv[2]).fetchall(), default=str))"
    )
    told = run(python, "-c", script, published(built_demo), query, cwd=tmp_path, check=True)
    with duckdb.connect(str(published(built_demo)), read_only=True) as connection:
        expected = connection.execute(query).fetchall()
    ((*facts, as_it_is, changed),) = json.loads(told.stdout)
    assert facts == [str(fact) if i == 1 else fact for i, fact in enumerate(expected[0][:3])]
    assert (as_it_is, changed) == pytest.approx(expected[0][3:], abs=1e-6)
