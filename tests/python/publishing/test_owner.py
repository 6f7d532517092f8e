"""A place belongs to who publishes there, and what is shown stays whatever the clock says."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from holdfast.publishing import Mart, Publication, PublishError, publish
from holdfast.publishing import _publish as publishing
from shops import read

MART = Mart("model.shop.customers", "customers", '"customers"')
OWNER = {"project": "shop", "target": "dev", "warehouse": "../shop.duckdb", "schema": '"main"'}


def publish_customers(
    file: Path,
    rows: int = 10,
    owner: Mapping[str, str] | None = OWNER,
    *,
    take_over: bool = False,
    allow_empty: bool = False,
) -> Publication:
    with duckdb.connect() as connection:
        connection.execute(f"create table customers as select range as id from range({rows})")
        return publish(
            connection,
            [MART],
            file,
            source="shop.duckdb",
            owner=owner,
            take_over=take_over,
            allow_empty=allow_empty,
        )


def count(file: Path) -> int:
    return int(read(file, "select count(*) from customers")[0][0])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "serving" / "holdfast.duckdb"


@pytest.mark.parametrize(
    "change",
    [
        {"project": "other"},
        {"target": "prod"},
        {"warehouse": "../other/shop.duckdb"},
        {"schema": '"other"'},
    ],
)
def test_another_owner_is_refused_until_it_takes_over(file: Path, change: dict[str, str]) -> None:
    publish_customers(file, 10)
    (what,) = change
    with pytest.raises(PublishError, match=f"(?s){what}.*{change[what].strip('.')}.*--take-over"):
        publish_customers(file, 3, {**OWNER, **change})
    assert count(file) == 10
    publish_customers(file, 3, {**OWNER, **change}, take_over=True)
    assert count(file) == 3
    with pytest.raises(PublishError, match="published from"):
        publish_customers(file, 10)


def test_tables_with_rows_are_not_replaced_by_empty_ones_unasked(file: Path) -> None:
    publish_customers(file, 0)
    publish_customers(file, 10)
    with pytest.raises(PublishError, match="customers would lose all rows, of which 10"):
        publish_customers(file, 0)
    assert count(file) == 10
    publish_customers(file, 0, allow_empty=True)
    assert count(file) == 0


@pytest.mark.parametrize("has_links", [True, False])
def test_sets_stay_when_the_clock_goes_back(
    file: Path, has_links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_links:

        def refuse(*_: object, **__: object) -> None:
            raise OSError("no links here")

        monkeypatch.setattr(Path, "symlink_to", refuse)
    sets = file.parent / "holdfast_parquet"
    shown: list[str] = []
    for hours in (0, 0, -5, -7, 3):

        class Clock(dt.datetime):
            offset = dt.timedelta(hours=hours)

            @classmethod
            def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
                return dt.datetime.now(tz) + cls.offset

        monkeypatch.setattr(publishing, "dt", SimpleNamespace(datetime=Clock, UTC=dt.UTC))
        shown.append(publish_customers(file).publication_id)
        there = {path.name for path in sets.iterdir() if path.is_dir() and not path.is_symlink()}
        assert there == set(shown[-2:])
        assert (sets / "latest").exists() == has_links


@pytest.mark.parametrize("content", [b"password=hunter2\n", b"", b"\xff\xfe\x00\x01"])
def test_lock_that_is_a_link_is_refused_and_its_target_neither_told_nor_changed(
    file: Path, content: bytes
) -> None:
    target = file.parent.parent / "secret"
    target.write_bytes(content)
    file.parent.mkdir()
    (file.parent / ".holdfast.duckdb.lock").symlink_to(target)
    with pytest.raises(PublishError, match="is a link") as refused:
        publish_customers(file)
    assert "hunter2" not in str(refused.value)
    assert target.read_bytes() == content
    assert not file.exists()


@pytest.mark.parametrize("content", [b"password=hunter2\n", b"\xff\xfe", b"[1]", b"{}"])
def test_lock_that_holds_something_else_is_refused_without_telling_it(
    file: Path, content: bytes
) -> None:
    file.parent.mkdir()
    lock = file.parent / ".holdfast.duckdb.lock"
    lock.write_bytes(content)
    with pytest.raises(PublishError, match="was not written by Holdfast or was changed") as refused:
        publish_customers(file)
    assert "hunter2" not in str(refused.value)
    assert lock.read_bytes() == content


def test_lock_that_is_no_file_is_refused(file: Path) -> None:
    (file.parent / ".holdfast.duckdb.lock").mkdir(parents=True)
    with pytest.raises(PublishError, match=r"cannot be written to|not a regular file"):
        publish_customers(file)


def test_publication_killed_between_its_steps_keeps_what_is_shown(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish_customers(file).publication_id
    lock = file.parent / ".holdfast.duckdb.lock"
    noted = json.loads(lock.read_bytes())
    # killed after the note, before the file took its place
    lock.write_bytes(json.dumps({**noted, "showing": "never shown"}).encode())
    second = publish_customers(file).publication_id
    sets = file.parent / "holdfast_parquet"
    assert {first, second} <= {path.name for path in sets.iterdir()}
