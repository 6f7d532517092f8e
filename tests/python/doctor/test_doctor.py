"""What the doctor says of a project, and how bad it finds it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import duckdb
import pytest

from holdfast import __version__
from holdfast.cli import main
from holdfast.doctor import Check, examine
from holdfast.doctor._doctor import _variables
from holdfast.doctor._inputs import _counted, _joins, _Staged, input_names, is_set
from holdfast.doctor._machine import check_machine
from holdfast.shipped import copy_package

NOON = dt.datetime(2026, 6, 30, 12)


def write_project(folder: Path, *, plugin: bool = True, version: str = __version__) -> None:
    (folder / "dbt_project.yml").write_text("name: shop\nprofile: shop\n", encoding="utf-8")
    plugins = "\n      plugins: [{module: holdfast.plugin}]" if plugin else ""
    (folder / "profiles.yml").write_text(
        f"shop:\n  outputs:\n    default:\n      type: duckdb\n      path: shop.duckdb{plugins}\n",
        encoding="utf-8",
    )
    package = folder / "dbt_packages" / "holdfast"
    package.mkdir(parents=True)
    (package / "dbt_project.yml").write_text(f"name: holdfast\nversion: '{version}'\n", "utf-8")
    duckdb.connect(str(folder / "shop.duckdb")).close()


def level_of(folder: Path, name: str) -> tuple[str, str]:
    check = next(check for check in examine(folder) if check.name == name)
    return check.level, check.remedy


@pytest.fixture(autouse=True)
def no_profiles_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    monkeypatch.delenv("DBT_TARGET", raising=False)


def test_a_project_that_is_set_up_and_not_built_is_sound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_project(tmp_path)
    assert main(["doctor", "--project-dir", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "the plugin holdfast.plugin is registered" in told
    assert "-> run `dbt build`" in told


def test_what_must_be_mended_is_told_to_people_and_to_machines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_project(tmp_path, plugin=False, version="9.9.9")
    words = ["doctor", "--project-dir", str(tmp_path)]
    assert main(words) == 1
    told = capsys.readouterr()
    assert "ERROR    dbt package: 9.9.9" in told.out
    assert "`holdfast package copy` brings the copy" in told.out
    assert "2 things must be mended: versions, dbt package, profile, target default" in told.err
    assert main([*words, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["is_sound"] is False
    assert [check["name"] for check in found["checks"] if check["level"] == "error"] == [
        "dbt package",
        "target default",
    ]


def test_a_folder_without_a_project_or_package_is_told_what_to_run(tmp_path: Path) -> None:
    assert level_of(tmp_path, "project") == (
        "error",
        "run the command in the project, name it with --project-dir, or run `holdfast init`",
    )
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n", encoding="utf-8")
    level, remedy = level_of(tmp_path, "dbt package")
    assert level == "error"
    assert "run `dbt deps`" in remedy


def test_a_copy_is_found_where_dbt_has_put_it(tmp_path: Path) -> None:
    write_project(tmp_path)
    folder = tmp_path / "dbt_packages" / "holdfast"
    (folder / "dbt_project.yml").unlink()
    folder.rmdir()
    copy_package(tmp_path / "holdfast_package")
    folder.symlink_to(tmp_path / "holdfast_package")
    assert level_of(tmp_path, "dbt package") == ("ok", "")


@pytest.mark.parametrize(
    ("name", "rows", "future", "last", "level"),
    [
        ("orders", 5, 0, NOON, "ok"),
        ("orders", 0, 0, None, "error"),
        ("orders", 5, 1, NOON, "error"),
        ("web_events", 5, 1, NOON, "warning"),
        ("web_events", 0, 0, None, "warning"),
        ("web_events", 5, 0, NOON - dt.timedelta(days=40), "warning"),
        ("web_events", 5, 0, NOON - dt.timedelta(days=20), "ok"),
        # nobody need register for a month
        ("customers", 5, 0, NOON - dt.timedelta(days=40), "ok"),
    ],
)
def test_inputs_are_judged_by_their_rows_and_dates(
    name: str, rows: int, future: int, last: dt.datetime | None, level: str
) -> None:
    check = _counted(name, rows, future, last, last, NOON)
    assert check.level == level
    assert bool(check.remedy) == (level != "ok")


def test_ids_that_do_not_join_are_counted_and_not_shown() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create table o as select 'ann' || n as customer_id from range(100) as t (n)"
        )
        connection.execute(
            "create table c as select 'ann' || n as customer_id from range(90) as t (n)"
        )
        connection.execute(
            "create table s as select 'bob' || n as customer_id from range(10) as t (n)"
        )
        staged = {
            name: _Staged(name, table, ("customer_id",), None)
            for name, table in (("orders", "o"), ("customers", "c"), ("campaign_sends", "s"))
        }
        checks = list(_joins(connection, staged))
    assert [(check.name, check.level) for check in checks] == [
        ("orders to customers", "warning"),
        ("campaign_sends to customers", "error"),
    ]
    assert checks[0].facts == {"rows": 100, "without": 10, "share": 0.1}
    assert not [c for c in checks if "ann" in c.told + c.remedy or "bob" in c.told + c.remedy]


def test_inputs_are_set_by_vars_or_by_the_demo() -> None:
    assert not is_set("orders", {}, is_demo=False)
    assert not is_set("orders", {"holdfast_orders": " "}, is_demo=False)
    assert is_set("orders", {"holdfast_orders": "raw.orders"}, is_demo=False)
    assert is_set("orders", {}, is_demo=True)
    assert len(input_names()) == len(set(input_names())) > 10


def test_vars_that_are_set_for_the_package_count() -> None:
    told = {"holdfast_orders": "a", "holdfast": {"holdfast_orders": "b"}, "shop": {"x": 1}}
    assert _variables({"vars": told})["holdfast_orders"] == "b"
    assert _variables({"vars": {"holdfast_orders": "a"}}) == {"holdfast_orders": "a"}
    assert _variables({"vars": None}) == {}


@pytest.mark.parametrize("file", ["dbt_project.yml", "profiles.yml"])
def test_a_file_that_is_not_utf_8_is_told(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_project(tmp_path)
    with (tmp_path / file).open("ab") as opened:
        opened.write(b"# Gesch\xe4ft\n")
    assert main(["doctor", "--project-dir", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert "ERROR" in told
    assert "UnicodeDecodeError" in told or "save it as UTF-8" in told


def test_a_limit_above_the_memory_of_the_machine_is_warned_of(tmp_path: Path) -> None:
    file = tmp_path / "shop.duckdb"
    with duckdb.connect(str(file)) as connection:
        limits: dict[str, str] = {"memory_limit": "900TB"}
        memory, disk = check_machine(connection, file, limits)
        assert memory.level == "warning"
        assert next(iter(check_machine(connection, file, {}))).level == "ok"
    assert isinstance(disk, Check)
    assert disk.facts["warehouse"] == file.stat().st_size
