"""The published file: missing, foreign, replaced, and closed to everything else."""

from __future__ import annotations

import time
from pathlib import Path

import duckdb
import pytest

from holdfast.assistants import AssistantsError, PublishedFile
from holdfast.assistants._file import Snapshot
from publications import FACTS, customer, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "holdfast's.duckdb"


def version_of(snapshot: Snapshot) -> tuple[str | None, str]:
    ((model,),) = snapshot.rows(
        f"select max(model_id) from {snapshot.relation('customer_retention')}"
    )
    return snapshot.facts.model_id, model


def write_version(path: Path, number: int) -> None:
    model = f"model {number}"
    write(
        path,
        {"customer_retention": [customer(1, model_id=model)]},
        facts=FACTS | {"model_id": model},
    )


def test_a_file_that_is_not_there_yet_is_found_once_it_is(path: Path) -> None:
    file = PublishedFile(path)
    with pytest.raises(AssistantsError, match="no published file"):
        file.snapshot().__enter__()
    write_version(path, 1)
    with file.snapshot() as snapshot:
        assert version_of(snapshot) == ("model 1", "model 1")
    file.close()


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("not a database" * 1000)
    with pytest.raises(AssistantsError, match="cannot be read"):
        PublishedFile(path).snapshot().__enter__()


def test_a_warehouse_is_refused(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table customers as select 1 as customer_id")
    with pytest.raises(AssistantsError, match="not published by Holdfast"):
        PublishedFile(path).snapshot().__enter__()


def test_a_call_reads_one_publication_and_the_next_call_the_newest(path: Path) -> None:
    write_version(path, 1)
    file = PublishedFile(path, linger=60)
    with file.snapshot() as first:
        write_version(path, 2)
        with file.snapshot() as second:
            write_version(path, 3)
            assert version_of(first) == ("model 1", "model 1")
            assert version_of(second) == ("model 2", "model 2")
    with file.snapshot() as third:
        assert version_of(third) == ("model 3", "model 3")
    file.close()


def test_a_file_is_closed_when_nobody_asks(path: Path) -> None:
    write_version(path, 1)
    file = PublishedFile(path, linger=0.01)
    with file.snapshot():
        assert file.is_open
        # a call under way keeps it open
        time.sleep(0.05)
        assert file.is_open
    deadline = time.monotonic() + 60
    while file.is_open and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not file.is_open
    # nothing is left that would keep another program from writing to it
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table other as select 1")


@pytest.mark.parametrize(
    "statement",
    [
        "create table published.main.more as select 1",
        "delete from published.main.customer_retention",
        "copy (select 1) to '{folder}/out.csv'",
        "from read_csv('/etc/hosts')",
        "from read_text('{folder}/*')",
        "from glob('{folder}/*')",
        "attach '{folder}/other.duckdb'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "reset lock_configuration",
    ],
)
def test_not_even_sql_reaches_beyond_the_file(path: Path, statement: str) -> None:
    write_version(path, 1)
    file = PublishedFile(path)
    with file.snapshot() as snapshot, pytest.raises(duckdb.Error):
        snapshot.rows(statement.format(folder=path.parent))
    file.close()


def test_a_view_in_the_file_is_no_table(path: Path) -> None:
    write(path, {}, without=["churn_overview"])
    with duckdb.connect(str(path)) as connection:
        connection.execute("create view churn_overview as from read_text('/etc/hosts')")
    file = PublishedFile(path)
    with file.snapshot() as snapshot:
        assert "churn_overview" not in snapshot.tables
    file.close()
