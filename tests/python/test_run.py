"""What a run of dbt tells Holdfast's Python, and what Python reads of the project itself."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from holdfast.run import register_run, vars_of


def write(file: Path, **project: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(project, sort_keys=False))


def found(directory: Path, **given: Any) -> list[tuple[str | None, str | None, str | None]]:
    return [(var["name"], var["place"], var["scope"]) for var in vars_of(directory, given)]


def test_vars_are_found_wherever_they_are_set(tmp_path: Path) -> None:
    write(
        tmp_path / "dbt_project.yml",
        name="shop",
        vars={
            "holdfast_orders": "raw.orders",
            "Holdfast-Segments": [],
            "their_own": 1,
            "holdfast": {"holdfast_lead_days": 3, "their_own": 2},
            "shop": {"holdfast_seed": 1},
        },
    )
    package = {"their_own": 1, "holdfast_orders": "theirs", "tasks": {"holdfast_min_orders": 2}}
    write(tmp_path / "dbt_packages" / "tasks" / "dbt_project.yml", name="tasks", vars=package)
    write(tmp_path / "dbt_packages" / "holdfast" / "dbt_project.yml", name="holdfast", vars=package)
    assert found(tmp_path, holdfast_reset=True, other=1) == [
        ("holdfast_reset", "--vars", None),
        ("holdfast_orders", "dbt_project.yml", None),
        ("Holdfast-Segments", "dbt_project.yml", None),
        ("holdfast_lead_days", "dbt_project.yml (below holdfast)", "holdfast"),
        ("holdfast_seed", "dbt_project.yml (below shop)", "shop"),
        # the project's own value of holdfast_orders is that of every package
        ("holdfast_min_orders", "tasks/dbt_project.yml", "tasks"),
    ]


def test_the_scope_of_holdfast_is_everywhere_where_it_is_the_project_itself(tmp_path: Path) -> None:
    write(
        tmp_path / "dbt_project.yml",
        name="holdfast",
        vars={"holdfast": {"holdfast_seed": 1}},
    )
    assert found(tmp_path) == []


@pytest.mark.parametrize("text", ["", "name: shop", "vars:", "vars: {a: 1}", "- a list"])
def test_a_project_without_vars_has_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "dbt_project.yml").write_text(text)
    assert found(tmp_path) == []
    assert found(tmp_path / "not there") == []


def test_the_first_value_of_an_invocation_stands_for_all_threads() -> None:
    with duckdb.connect() as connection:
        register_run(connection)
        asked = "select holdfast_settle(?, 'as_of_date', ?)"
        assert connection.execute(asked, ["one", None]).fetchall() == [(None,)]
        answers = []

        def settle(value: str) -> None:
            with connection.cursor() as cursor:
                answers.extend(cursor.execute(asked, ["one", value]).fetchall())

        threads = [threading.Thread(target=settle, args=(f"2026-07-0{i}",)) for i in range(1, 9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 8
        assert len(set(answers)) == 1
        assert connection.execute(asked, ["one", None]).fetchall() == [answers[0]]
        # another invocation of the same process settles for itself
        assert connection.execute(asked, ["two", "2020-01-01"]).fetchall() == [("2020-01-01",)]
        assert connection.execute(asked, ["one", "2020-01-01"]).fetchall() == [answers[0]]
    # dbt opens its connection anew now and then
    with duckdb.connect() as connection:
        register_run(connection)
        assert connection.execute(asked, ["one", None]).fetchall() == [answers[0]]
