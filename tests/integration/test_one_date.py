"""One invocation of dbt, one date: whatever part of the models it builds, and whatever comes in."""

from __future__ import annotations

import shutil
from datetime import date, datetime
from pathlib import Path

import pytest

from projects import UserProject, write_user_project

DAY = date(2026, 7, 1)
MARTS = ("--select", "tag:mart")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, simulated_orders: Path) -> UserProject:
    """Build a shop whose last order was on the day before DAY; tests work on copies."""
    project = write_user_project(tmp_path_factory.mktemp("one_date") / "project")
    project.orders(
        f"select customer_id, order_id, ordered_at, amount from read_parquet('{simulated_orders}')"
    )
    project.dbt("build")
    assert shown(project) == [(DAY,)]
    return project


@pytest.fixture
def shop(built: UserProject, tmp_path: Path) -> UserProject:
    directory = tmp_path / "shop"
    shutil.copytree(built.directory, directory, symlinks=True)
    return UserProject(directory, directory / "shop.duckdb", dict(built.settings))


def order_on(day: str) -> str:
    """Give the statement that puts one more order into the source."""
    return (
        "insert into raw.orders select min(customer_id), max(order_id) + 1, "
        f"timestamp '{day} 10:00', 10 from raw.orders"
    )


def shown(project: UserProject) -> list[tuple[date]]:
    """Give every day that a table of the build shows."""
    return project.query(
        """
        select distinct as_of_date from customer_retention
        union select as_of_date from customer_segments
        union select as_of_date from lifecycle_overview
        union select as_of_date from churn_overview
        union select as_of_date from churn_drivers
        union select cast(as_of as date) from feature_drift
        union select cast(max(as_of) as date) from customer_spine
        union select cast(max(as_of) as date) from customer_features
        union select cast(max(as_of) as date) from churn_scores
        """
    )


def scored(project: UserProject) -> list[tuple[str, int, int]]:
    return project.query(
        "select status, count(*), count(churn_probability) from customer_retention group by 1 "
        "order by 1"
    )


def same_tables(one: UserProject, other: UserProject, *tables: str) -> None:
    """Compare tables but for the time at which they were made."""
    for table in tables:
        columns = [f'"{name}"' for name in one.columns(table) if name != "scored_at"]
        sql = f"select {', '.join(columns)} from {table} order by all"
        assert one.query(sql) == other.query(sql), table


@pytest.mark.slow
def test_orders_that_come_during_a_build_move_no_table_of_it(
    built: UserProject, shop: UserProject
) -> None:
    """One comes after every step on the way to the marts, each a day later than the one before."""
    steps = ("customer_spine", "customer_features", "churn_labels", "churn_model", "churn_scores")
    models: dict[str, object] = {}
    for number, step in enumerate((*steps, "customer_history", "customer_retention"), start=2):
        folder = {"customer_spine": "population", "customer_features": "features"}.get(
            step, "systems" if step.startswith("churn") else "customers"
        )
        folder = "marts" if step == "customer_retention" else folder
        config = {f"holdfast__{step}": {"+post-hook": order_on(f"2026-07-{number:02}")}}
        if folder == "systems":
            models.setdefault(folder, {"churn": {}})["churn"].update(config)  # type: ignore[index]
        else:
            models.setdefault(folder, {}).update(config)  # type: ignore[attr-defined]
    shop.write(models={"holdfast": models})
    said = shop.dbt("build", check=False).stdout
    assert len(shop.query("from raw.orders")) == len(built.query("from raw.orders")) + 7
    assert "ERROR=0" in said, said
    assert f"Published {len(shop.marts)} tables" in said
    assert shown(shop) == [(DAY,)]
    same_tables(
        built,
        shop,
        *("customer_spine", "customer_features", "churn_labels", "churn_scores", "churn_reasons"),
        *(
            "customer_history",
            "customer_spells",
            "customer_lifecycle",
            "customer_months",
            "customer_segments",
        ),
        *("retention_metrics", "retention_cohorts", "customer_retention", "churn_overview"),
    )


@pytest.mark.slow
def test_a_part_of_a_build_is_of_the_day_of_the_scores(
    built: UserProject, shop: UserProject
) -> None:
    before = scored(built)
    shop.execute(order_on("2026-07-02"))
    said = shop.dbt("build", *MARTS).stdout
    assert f"Published {len(shop.marts)} tables" in said
    assert shown(shop) == [(DAY,)]
    assert scored(shop) == before
    # a table beside the scores, and what reads one of them through another
    shop.dbt("build", "--select", "holdfast__customer_history", "holdfast__churn_overview")
    assert shown(shop) == [(DAY,)]
    # scores from the features that are there: nobody has those of the new day yet
    shop.dbt("build", "--select", "holdfast__churn_scores", "holdfast__customer_retention")
    assert shown(shop) == [(DAY,)]
    # tests alone, and what only compiles
    shop.dbt("test", "--select", "marts_show_the_scores")
    printed = shop.dbt("show", "--inline", "select {{ holdfast.as_of_date() }} as day").stdout
    assert "2026-07-01" in printed
    shop.dbt("compile")
    # the way to the scores goes on from the spine, step by step
    shop.dbt("run", "--select", "holdfast__customer_spine")
    printed = shop.dbt("show", "--inline", "select {{ holdfast.as_of_date() }} as day").stdout
    assert "2026-07-01" in printed
    features = ("+holdfast__customer_features", "--exclude", "holdfast__customer_spine")
    shop.dbt("run", "--select", *features)
    shop.dbt("run", "--select", *(f"holdfast__churn_{step}" for step in ("reasons", "scores")))
    shop.dbt("run", *MARTS)
    assert shown(shop) == [(date(2026, 7, 3),)]
    # everything but the scores
    shop.execute(order_on("2026-07-05"))
    shop.dbt("run", "--exclude", "holdfast__churn_scores")
    assert shop.query("select distinct as_of_date from customer_retention") == [(date(2026, 7, 3),)]
    assert next(row[2] for row in scored(shop) if row[0] == "scored") > 100


@pytest.mark.slow
def test_an_explicit_day_without_scores_says_so_and_is_not_published(shop: UserProject) -> None:
    back = ("--vars", "{holdfast_as_of_date: 2026-05-01}")
    said = shop.dbt("build", *MARTS, *back, check=False).stdout
    assert "Failure in test marts_show_the_scores" in said
    assert "Nothing was published" in said
    statuses = {status: count for status, count, _ in scored(shop)}
    assert statuses["not_scored"] > 100
    assert "scored" not in statuses
    # by hand, and without a test
    shop.dbt("run", *MARTS, *back)
    published = shop.directory / "serving" / "holdfast.duckdb"
    former = published.read_bytes()
    from projects import run

    refused = run("holdfast", "publish", cwd=shop.directory)
    assert refused.returncode == 1
    assert "as of 2026-05-01 has no scores" in refused.stderr
    assert "run `dbt build`" in refused.stderr
    assert published.read_bytes() == former
    # with the scores of that day, and back again
    assert "Published " in shop.dbt("build", *back).stdout
    assert shop.query("select max(as_of) from customer_spine") == [(datetime(2026, 5, 1),)]
    shop.execute(order_on("2026-07-02"))
    assert "Published " in shop.dbt("build", *MARTS).stdout
    assert shop.query("select distinct as_of_date from customer_retention") == [(date(2026, 5, 1),)]
    assert shop.query("select distinct as_of_date from churn_drivers") == [(date(2026, 5, 1),)]


@pytest.mark.slow
def test_a_retry_goes_on_with_the_day_of_what_it_builds_on(shop: UserProject) -> None:
    broken = {"systems": {"churn": {"holdfast__churn_scores": {"+post-hook": "select error('x')"}}}}
    shop.write(models={"holdfast": broken})
    assert "ERROR=1" in shop.dbt("run", check=False).stdout
    shop.execute(order_on("2026-07-02"))
    shop.write(models={})
    shop.dbt("retry")
    assert shown(shop) == [(DAY,)]


@pytest.mark.slow
def test_an_empty_build_has_the_day_that_a_full_one_would_have(shop: UserProject) -> None:
    shop.dbt("run", "--empty", "--select", "holdfast__customer_spine", "holdfast__calendar_days")
    compiled = next(shop.directory.glob("target/run/**/holdfast__customer_spine.sql")).read_text()
    assert "cast('2026-07-01' as date)" in compiled
