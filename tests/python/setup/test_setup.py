"""Setting up a folder: what is written, what stays, and what is refused."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from foreign_shops import ORDERS, make
from holdfast.cli import main
from holdfast.setup import Choices, SetupError, Wishes, _setup, set_up_project


@pytest.fixture(autouse=True)
def no_dbt(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Keep dbt out; whether it reads what is written, an integration test asks."""
    called: list[list[str]] = []
    monkeypatch.setattr(_setup, "_dbt", lambda folder, words: called.append(words))
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    monkeypatch.setenv("HOME", "/nowhere")
    return called


def set_up(folder: Path, **choices: Any) -> str:
    said: list[str] = []
    set_up_project(folder, Choices(**choices), say=said.append)
    return "\n".join(said)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def project_of(folder: Path, text: str = "name: shop\nprofile: shop\n") -> Path:
    """Write a dbt project with a warehouse."""
    folder.mkdir(exist_ok=True)
    make("german", folder / "shop.duckdb")
    (folder / "dbt_project.yml").write_text(text, encoding="utf-8")
    (folder / "profiles.yml").write_text(
        "shop:\n  target: dev\n  outputs:\n    dev:\n      type: duckdb\n      path: shop.duckdb\n",
        encoding="utf-8",
    )
    return folder


def test_a_new_project_has_all_that_dbt_needs(tmp_path: Path, no_dbt: list[list[str]]) -> None:
    # a database and a schema of one name
    warehouse = make("german", tmp_path / "new.duckdb").rename(tmp_path / "erp.duckdb")
    told = set_up(tmp_path / "Mein Shop", warehouse=warehouse)
    folder = tmp_path / "Mein Shop"
    project = yaml.safe_load((folder / "dbt_project.yml").read_text("utf-8"))
    assert project["name"] == "mein_shop"
    assert project["vars"] == {
        "holdfast_orders": "{{ ref('mein_shop', 'orders_for_holdfast') }}",
        "holdfast_customers": "{{ ref('mein_shop', 'customers_for_holdfast') }}",
    }
    profile = yaml.safe_load((folder / "profiles.yml").read_text("utf-8"))["mein_shop"]
    assert profile["outputs"]["dev"]["path"] == "../erp.duckdb"
    assert profile["outputs"]["dev"]["plugins"] == [{"module": "holdfast.plugin"}]
    packages = yaml.safe_load((folder / "packages.yml").read_text("utf-8"))
    assert packages == {"packages": [{"local": "holdfast_package"}]}
    assert (folder / "holdfast_package" / "macros" / "settings" / "version.sql").is_file()
    assert no_dbt == [["deps"], ["parse"]]
    assert "1,072 orders of 60 customers" in told or "orders of 60 customers" in told
    assert "dbt build" in told


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    # a database and a schema of one name
    warehouse = make("german", tmp_path / "new.duckdb").rename(tmp_path / "erp.duckdb")
    set_up(tmp_path / "shop", warehouse=warehouse)
    before = snapshot(tmp_path / "shop")
    told = set_up(tmp_path / "shop", warehouse=warehouse)
    assert snapshot(tmp_path / "shop") == before
    assert "dbt_project.yml names the orders already" in told


def test_a_project_keeps_every_line_and_gets_what_is_missing(tmp_path: Path) -> None:
    text = "# ours\nname: shop\nprofile: shop\nvars:\n  theirs: 1  # keep\n"
    folder = project_of(tmp_path, text)
    packages = "packages:\n  - package: dbt-labs/dbt_utils\n    version: 1.3.0\n"
    (folder / "packages.yml").write_text(packages, encoding="utf-8")
    told = set_up(folder)
    new = (folder / "dbt_project.yml").read_text("utf-8")
    kept = iter(new.splitlines())
    assert all(line in kept for line in text.splitlines())
    assert (
        yaml.safe_load(new)["vars"]["holdfast_orders"] == "{{ ref('shop', 'orders_for_holdfast') }}"
    )
    assert yaml.safe_load(new)["vars"]["theirs"] == 1
    assert yaml.safe_load(new)["models"] == {"holdfast": {"+schema": "retention"}}
    assert len(yaml.safe_load((folder / "packages.yml").read_text("utf-8"))["packages"]) == 2
    output = yaml.safe_load((folder / "profiles.yml").read_text("utf-8"))["shop"]["outputs"]["dev"]
    assert output["plugins"] == [{"module": "holdfast.plugin"}]
    assert "added to dbt_project.yml: holdfast_orders:" in told


def test_lines_that_cannot_be_added_safely_are_printed(
    tmp_path: Path, no_dbt: list[list[str]]
) -> None:
    folder = project_of(tmp_path, "name: shop\nprofile: shop\nvars: {theirs: 1}\n")
    before = (folder / "dbt_project.yml").read_bytes()
    told = set_up(folder)
    # the models are no part of what could not be added
    assert yaml.safe_load((folder / "dbt_project.yml").read_bytes())["vars"] == {"theirs": 1}
    assert before in (folder / "dbt_project.yml").read_bytes()
    assert "These lines have to be added by hand" in told
    assert "holdfast_orders: \"{{ ref('shop', 'orders_for_holdfast') }}\"" in told
    assert no_dbt == []


def test_files_that_are_there_are_not_replaced(tmp_path: Path) -> None:
    folder = project_of(tmp_path)
    mine = folder / "models" / "any" / "orders_for_holdfast.sql"
    mine.parent.mkdir(parents=True)
    mine.write_text("select 1 as mine", encoding="utf-8")
    (folder / ".gitignore").write_text("mine\n", encoding="utf-8")
    (folder / "holdfast_package").mkdir()
    told = set_up(folder)
    assert mine.read_text("utf-8") == "select 1 as mine"
    assert (folder / ".gitignore").read_text("utf-8") == "mine\n"
    assert list((folder / "holdfast_package").iterdir()) == []
    assert "orders_for_holdfast.sql is there already, and was not changed" in told


def test_a_table_that_a_model_of_the_project_builds_is_named_by_ref(tmp_path: Path) -> None:
    folder = project_of(tmp_path)
    (folder / "models").mkdir()
    (folder / "models" / "bestellungen.sql").write_text("select 1 as x", encoding="utf-8")
    profiles = (folder / "profiles.yml").read_text("utf-8")
    (folder / "profiles.yml").write_text(profiles + "      schema: erp\n", encoding="utf-8")
    set_up(folder)
    model = (folder / "models" / "for_holdfast" / "orders_for_holdfast.sql").read_text("utf-8")
    assert "from {{ ref('bestellungen') }}" in model


def test_a_model_that_is_called_like_a_table_elsewhere_does_not_stand_in_for_it(
    tmp_path: Path,
) -> None:
    # the model reads erp.bestellungen and builds main.bestellungen
    folder = project_of(tmp_path)
    (folder / "models").mkdir()
    (folder / "models" / "bestellungen.sql").write_text("select 1 as x", encoding="utf-8")
    set_up(folder)
    model = (folder / "models" / "for_holdfast" / "orders_for_holdfast.sql").read_text("utf-8")
    assert 'from "erp"."bestellungen"' in model


def test_edited_files_keep_their_line_ends_their_link_and_who_may_read_them(
    tmp_path: Path,
) -> None:
    folder = project_of(tmp_path)
    profiles, project = folder / "profiles.yml", folder / "dbt_project.yml"
    profiles.write_bytes(profiles.read_bytes().replace(b"\n", b"\r\n"))
    profiles.chmod(0o600)
    project.rename(folder / "ours.yml")
    project.symlink_to("ours.yml")
    set_up(folder)
    assert b"holdfast.plugin\r\n" in profiles.read_bytes()
    assert profiles.read_bytes().count(b"\r\n") == profiles.read_bytes().count(b"\n")
    assert profiles.stat().st_mode & 0o777 == 0o600
    assert project.is_symlink()
    assert "holdfast_orders" in (folder / "ours.yml").read_text("utf-8")


def test_the_dates_of_texts_with_the_word_gmt_are_told(tmp_path: Path) -> None:
    warehouse = tmp_path / "shop.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        moment = "strftime(ordered_at, '%Y-%m-%d %H:%M GMT') as ordered_at"
        connection.execute(f"create table orders as select * replace ({moment}) from ({ORDERS})")
    told = set_up(tmp_path / "shop", warehouse=warehouse)
    assert "from 2024-01-03 to 2025-08-27" in told


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            "if(order_id % 3 = 0, 'x', 'c' || customer_id) as customer_id",
            r"one customer has 3\d\d orders",
        ),
        ("-amount as amount", r"1,072 amounts are below zero \(100.0%\), which count as returns"),
    ],
)
def test_orders_that_look_odd_as_a_whole_are_told(changed: str, told: str, tmp_path: Path) -> None:
    warehouse = tmp_path / "shop.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"create table orders as {ORDERS}")
    assert "one customer has" not in set_up(tmp_path / "sound", warehouse=warehouse)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            f"create or replace table orders as from ({ORDERS}) select * replace ({changed})"
        )
    assert re.search(told, set_up(tmp_path / "odd", warehouse=warehouse))


def test_models_outside_the_folder_of_the_project_are_told_with_their_path(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    text = f"name: shop\nprofile: shop\nmodel-paths: ['{elsewhere}']\n"
    told = set_up(project_of(tmp_path / "shop", text))
    assert f"wrote {elsewhere / 'for_holdfast' / 'orders_for_holdfast.sql'}" in told


def test_what_is_said_of_columns_after_the_project_names_its_orders_is_refused(
    tmp_path: Path,
) -> None:
    warehouse = make("german", tmp_path / "shop.duckdb")
    set_up(tmp_path / "shop", warehouse=warehouse)
    before = snapshot(tmp_path / "shop")
    with pytest.raises(SetupError, match=r"change nothing.*remove the vars.*orders_for_holdfast"):
        set_up(tmp_path / "shop", wishes=Wishes({("orders", "amount"): "betrag"}))
    assert snapshot(tmp_path / "shop") == before


def test_sample_data_are_for_an_empty_folder_unless_they_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id", encoding="utf-8")
    with pytest.raises(SetupError, match=r"is not empty \(orders.csv\).*--warehouse.*--sample"):
        set_up(tmp_path)
    assert list(snapshot(tmp_path)) == ["orders.csv"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, EOFError])
def test_a_command_that_is_stopped_says_so(
    stop: type[BaseException],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def answer(question: str) -> str:
        raise stop

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert main(["init", str(tmp_path / "shop")]) == 130
    assert capsys.readouterr().err.strip() == "holdfast init: stopped"
    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize(
    ("prepare", "choices", "told"),
    [
        (lambda f: project_of(f), {"sample": True}, "has a dbt project; name another folder"),
        (lambda f: project_of(f), {"warehouse": Path("other.duckdb")}, "leave --warehouse out"),
        (lambda f: [make("app", f / n) for n in ("a.duckdb", "b.duckdb")], {}, "name one with --warehouse"),
        (lambda f: (f / "dbt_project.yml").write_text("name: [", "utf-8"), {}, "is no YAML"),
        (lambda f: (f / "dbt_project.yml").write_text("name: holdfast", "utf-8"), {}, "is Holdfast itself"),
        (
            lambda f: (project_of(f) / "profiles.yml").write_text(
                "shop:\n  target: \"{{ env_var('NOPE', 'dev') }}\"\n  outputs:\n    dev: {type: duckdb, path: shop.duckdb}\n"
            ),
            {},
            r"has no target called.*--target \(it has dev\)",
        ),
        (lambda f: None, {"warehouse": Path("none.duckdb")}, "there is no warehouse at none.duckdb"),
    ],
)  # fmt: skip
def test_what_cannot_be_set_up_is_refused_and_nothing_is_written(
    tmp_path: Path, prepare: Any, choices: dict[str, Any], told: str
) -> None:
    prepare(tmp_path)
    before = snapshot(tmp_path)
    with pytest.raises(SetupError, match=told):
        set_up(tmp_path, **choices)
    assert snapshot(tmp_path) == before


def test_a_warehouse_that_another_process_holds_is_told(tmp_path: Path) -> None:
    warehouse = make("app", tmp_path / "shop.duckdb")
    code = f"import duckdb, sys; c = duckdb.connect({str(warehouse)!r}); print('open', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(
            SetupError, match=r"is in use by another process.*wait for it or close it"
        ):
            set_up(tmp_path / "shop", warehouse=warehouse)
    finally:
        holder.communicate()
    assert not (tmp_path / "shop").exists()


def test_an_empty_folder_gets_sample_data_up_to_this_month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_setup, "_SAMPLE_CUSTOMERS", 30)
    told = set_up(tmp_path / "shop")
    assert "a simulated shop of 30 customers" in told
    variables = yaml.safe_load((tmp_path / "shop" / "dbt_project.yml").read_text("utf-8"))["vars"]
    assert variables["holdfast_orders"] == '"raw"."orders"'
    assert len(variables) == 12
    with duckdb.connect(str(tmp_path / "shop" / "shop.duckdb")) as warehouse:
        assert warehouse.sql("select max(ordered_at) < now() from raw.orders").fetchall() == [
            (True,)
        ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--column", "amount"], "--column takes NAME=COLUMN"),
        (["--column", "price=x"], "names none of customer_id, order_id"),
        (["--input", "shoes=x"], "where INPUT is one of orders, customers"),
        (["--without", "orders"], "the orders cannot be left out"),
    ],
)
def test_wrong_words_are_answered_with_the_right_ones(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "shop"), *words]) == 1
    assert told in capsys.readouterr().err


def test_the_command_hands_on_what_it_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warehouse = tmp_path / "shop.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            f"create table sales as select order_id, customer_id, ordered_at, amount, cast(amount * 100 as int) as x from ({ORDERS})"
        )
    words = ["init", str(tmp_path / "shop"), "--warehouse", str(warehouse), "--orders", "sales"]
    assert main([*words, "--column", "amount=x", "--amount-in", "cents"]) == 0
    model = tmp_path / "shop" / "models" / "for_holdfast" / "orders_for_holdfast.sql"
    assert 'cast(("x") / 100e0 as decimal(18, 4)) as amount' in model.read_text("utf-8")
    assert "x is in cents, divided by 100" in capsys.readouterr().out


def test_a_target_that_is_no_duckdb_file_is_refused_and_gets_no_plugin(tmp_path: Path) -> None:
    folder = project_of(tmp_path)
    (folder / "profiles.yml").write_text(
        "shop:\n  target: dev\n  outputs:\n    dev:\n      type: spark\n      method: session\n",
        encoding="utf-8",
    )
    before = snapshot(folder)
    with pytest.raises(SetupError, match=r"type|DuckDB"):
        set_up(folder, warehouse=folder / "shop.duckdb")
    assert snapshot(folder) == before


def test_on_a_terminal_what_is_unclear_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = tmp_path / "shop.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"create table sales as select *, amount * 1.2 as total from ({ORDERS})")
    answers = ["", "7", "amount"]
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return str(warehouse) if "DuckDB file" in question else answers.pop()

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert main(["init", str(tmp_path / "shop")]) == 0
    project = yaml.safe_load((tmp_path / "shop" / "dbt_project.yml").read_text("utf-8"))
    assert project["vars"] == {"holdfast_orders": '"main"."sales"'}
    assert [question.split("?")[0] for question in asked] == [
        "The DuckDB file with your orders (empty: make one with sample data): ",
        "Which column of main.sales is amount",
    ]
    # the first is meant by no answer, and a number must be one of those that are shown
    other = tmp_path / "other"
    answers[:] = ["", "7"]
    assert main(["init", str(other), "--warehouse", str(warehouse)]) == 0
    assert answers == []
    assert (other / "models" / "for_holdfast" / "orders_for_holdfast.sql").exists()
