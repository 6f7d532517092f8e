"""Attributes that change slowly, as they stood at a moment."""

from __future__ import annotations

from datetime import datetime

import pytest

from projects import UserProject, write_user_project

JOIN = """
{{{{ config(materialized='table') }}}}
{{{{ holdfast.as_of_join(
    spine=ref('spine'), history='raw.plans', valid_from='since', columns=['plan', 'price']{more}
) }}}}
"""


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> UserProject:
    """Join the plans of three customers to a spine, with and without bounds."""
    project = write_user_project(tmp_path_factory.mktemp("plans") / "project")
    project.execute(
        """
        create schema raw;
        create table raw.plans (
            customer_id varchar, since timestamp, until timestamp, plan varchar, price int
        );
        insert into raw.plans values
            ('a', '2025-01-01', '2025-02-01', 'basic', 5),
            ('a', '2025-03-01', null, 'pro', 9),
            -- two rows that begin together: the plan that comes last in the alphabet is taken
            ('b', '2025-01-01', null, 'basic', 5),
            ('b', '2025-01-01', null, 'pro', 9);
        create table raw.spine (customer_id varchar, as_of timestamp);
        insert into raw.spine values
            ('a', '2024-12-31 23:59:59.999999'), ('a', '2025-01-01'), ('a', '2025-02-01'),
            ('a', '2025-03-02'), ('a', '2025-03-02'), ('b', '2025-06-01'), ('c', '2025-06-01'),
            (null, '2025-06-01');
        """
    )
    models = project.directory / "models"
    models.mkdir()
    (models / "spine.sql").write_text("{{ config(materialized='table') }} select * from raw.spine")
    (models / "latest.sql").write_text(JOIN.format(more=""))
    (models / "valid.sql").write_text(JOIN.format(more=", valid_to='until'"))
    (models / "fresh.sql").write_text(JOIN.format(more=", max_age_days=30"))
    project.dbt("run", "--select", "spine", "latest", "valid", "fresh")
    return project


def rows(project: UserProject, model: str) -> list[tuple[str | None, datetime, str | None]]:
    """Give the rows of a join in order."""
    return project.query(
        f"select customer_id, as_of, plan from {model} order by customer_id nulls last, as_of"
    )


@pytest.mark.slow
def test_the_latest_row_at_or_before_as_of_is_taken_and_all_rows_of_the_spine_stay(
    plans: UserProject,
) -> None:
    assert [(customer, plan) for customer, _, plan in rows(plans, "latest")] == [
        ("a", None),
        ("a", "basic"),
        ("a", "basic"),
        ("a", "pro"),
        ("a", "pro"),
        ("b", "pro"),
        ("c", None),
        (None, None),
    ]


@pytest.mark.slow
def test_a_row_holds_up_to_but_not_including_its_end(plans: UserProject) -> None:
    assert [plan for _, _, plan in rows(plans, "valid")][:5] == [None, "basic", None, "pro", "pro"]


@pytest.mark.slow
def test_a_row_that_began_too_long_ago_is_left_out(plans: UserProject) -> None:
    assert [plan for *_, plan in rows(plans, "fresh")] == [
        None, "basic", None, "pro", "pro", None, None, None,
    ]  # fmt: skip
