"""What is published is what the warehouse holds, whole, or nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

from holdfast.publishing import PublishError
from shops import CUSTOMERS, TOTALS, node, publish_shop, read, write_shop


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    file = tmp_path / "shop.duckdb"
    write_shop(file)
    return file


@pytest.fixture
def serving(tmp_path: Path) -> Path:
    return tmp_path / "bi's tables" / "holdfast.duckdb"


def listed(folder: Path) -> list[str]:
    """Name everything in a folder but the lock."""
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_published_tables_are_those_of_the_warehouse_without_personal_columns(
    warehouse: Path, serving: Path
) -> None:
    publication = publish_shop(warehouse, serving)
    kept = "customer_id, as_of_date, revenue, model_id, note"
    assert read(serving, "select * from customer_retention order by all") == read(
        warehouse, f"select {kept} from customer_retention order by all"
    )
    assert read(serving, "from totals") == read(warehouse, "from totals")
    tables = "select table_name from duckdb_tables() order by 1"
    assert [name for (name,) in read(serving, tables)] == [
        "customer_retention",
        "holdfast_manifest",
        "totals",
    ]
    everything = serving.read_bytes()
    for path in publication.parquet.rglob("*.parquet"):
        everything += path.read_bytes()
    assert b"@example.org" not in everything
    assert listed(serving.parent) == ["holdfast.duckdb", "holdfast_parquet"]


def test_manifest_tells_what_the_publication_is(warehouse: Path, serving: Path) -> None:
    publication = publish_shop(warehouse, serving)
    rows = read(
        serving,
        "select publication_id, as_of_date::varchar, model_id, table_name, row_count, source, "
        "published_at from holdfast_manifest order by table_name",
    )
    id_, at = publication.publication_id, publication.published_at
    assert rows == [
        (id_, "2026-07-01", "model 1", "customer_retention", 100, "shop.duckdb", at),
        (id_, "2026-07-01", "model 1", "totals", 1, "shop.duckdb", at),
    ]
    told = json.loads((publication.parquet / "manifest.json").read_text())
    assert told["publication_id"] == id_
    assert [table["checksum"] for table in told["tables"]] == [
        checksum
        for (checksum,) in read(
            serving, "select checksum from holdfast_manifest order by table_name"
        )
    ]


def test_manifest_tells_the_currency_that_the_project_sets(warehouse: Path, serving: Path) -> None:
    def in_currency(told: str) -> dict[str, Any]:
        config = CUSTOMERS["config"]
        return {**CUSTOMERS, "config": {**config, "meta": {**config["meta"], "currency": told}}}

    # a model of the project's own does not speak for the shop
    other = {**in_currency("USD"), "package_name": "shop", "name": "own", "alias": "own"}
    for told, expected in (("EUR", "EUR"), ("", None)):
        publication = publish_shop(warehouse, serving, in_currency(told), other, TOTALS)
        currencies = read(serving, "select distinct currency from holdfast_manifest")
        assert currencies == [(expected,)]
        manifest = json.loads((publication.parquet / "manifest.json").read_text())
        assert manifest["currency"] == expected


def test_descriptions_come_along_as_comments(warehouse: Path, serving: Path) -> None:
    publish_shop(warehouse, serving)
    assert read(
        serving, "select comment from duckdb_columns() where column_name = 'revenue' order by 1"
    ) == [("What it's worth.",), (None,)]
    assert ("The mart totals.",) in read(serving, "select comment from duckdb_tables()")


def test_parquet_holds_the_same_rows_and_the_former_set_stays_for_its_readers(
    warehouse: Path, serving: Path
) -> None:
    pyarrow = pytest.importorskip("pyarrow.parquet")
    ids = [publish_shop(warehouse, serving).publication_id for _ in range(4)]
    sets = serving.parent / "holdfast_parquet"
    assert listed(sets) == sorted([*ids[-2:], "latest"])
    assert (sets / "latest").resolve().name == ids[-1]
    table = pyarrow.read_table(sets / "latest" / "customer_retention")
    assert table.num_rows == 100
    assert "Email" not in table.column_names


def test_large_tables_are_parquet_in_parts(
    warehouse: Path, serving: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.publishing._publish._LARGE", 10)
    config = {**CUSTOMERS["config"], "meta": {"publish": True, "partition_by": ["note"]}}
    publication = publish_shop(warehouse, serving, {**CUSTOMERS, "config": config}, TOTALS)
    parts = {path.parent.name for path in publication.parquet.rglob("*/*/*.parquet")}
    assert len(parts) == 3
    with duckdb.connect() as connection:
        found = connection.execute(
            "select count(*), count(note) from "
            f"read_parquet('{publication.parquet}/customer_retention/**/*.parquet')".replace(
                "bi's", "bi''s"
            )
        ).fetchall()
    assert found == read(serving, "select count(*), count(note) from customer_retention")


def test_empty_and_oddly_named_marts_are_published(warehouse: Path, serving: Path) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            'create table "odd ""mart"" é" as select 1::hugeint as "a ""b""", [1] as l, '
            "{'x': 1} as s, uuid() as u where false"
        )
    odd = node('odd "mart" é', relation_name='"shop"."main"."odd ""mart"" é"')
    assert publish_shop(warehouse, serving, odd).row_counts == {'odd "mart" é': 0}
    assert read(serving, 'select count("a ""b""") from "odd ""mart"" é"') == [(0,)]


def test_reader_with_the_old_file_keeps_it_and_who_opens_anew_sees_the_new_one(
    warehouse: Path, serving: Path
) -> None:
    publish_shop(warehouse, serving)
    query = "select sum(revenue), any_value(model_id) from customer_retention"
    with duckdb.connect(str(serving), read_only=True) as reader:
        before = reader.execute(query).fetchall()
        for version in range(2, 6):
            write_shop(warehouse, version)
            publish_shop(warehouse, serving)
        assert reader.execute(query).fetchall() == before
        # this process shares one database per path for as long as a connection is open
        with duckdb.connect() as other:
            path = str(serving).replace("'", "''")
            other.execute(f"attach '{path}' as anew (read_only)")
            assert other.execute(query.replace("from ", "from anew.")).fetchall()[0][1] == "model 5"
    assert read(serving, query)[0][1] == "model 5"


def test_table_that_breaks_its_contract_is_not_published(warehouse: Path, serving: Path) -> None:
    publish_shop(warehouse, serving)
    before = serving.read_bytes()
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("alter table customer_retention alter revenue type double")
    with pytest.raises(PublishError, match=r"contract: revenue is DOUBLE instead of decimal"):
        publish_shop(warehouse, serving)
    with pytest.raises(PublishError, match="not in the warehouse"):
        publish_shop(warehouse, serving, node("never_built"))
    assert serving.read_bytes() == before
    assert listed(serving.parent) == ["holdfast.duckdb", "holdfast_parquet"]


def test_mart_that_cannot_be_computed_is_told_in_a_line(warehouse: Path, serving: Path) -> None:
    publish_shop(warehouse, serving)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            "create view broken as select cast(note as date) as day from customer_retention"
        )
    with pytest.raises(PublishError, match=r"was not changed: Conversion Error: .*[^\n]$"):
        publish_shop(warehouse, serving, node("broken"))
    assert read(serving, "select count(*) from totals") == [(1,)]
    assert listed(serving.parent) == ["holdfast.duckdb", "holdfast_parquet"]


def test_rows_that_change_on_their_way_are_noticed(
    warehouse: Path, serving: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_shop(warehouse, serving)
    before = serving.read_bytes()
    from holdfast.publishing import _publish

    copied = _publish._copy

    def spoilt(cursor, marts, alias):  # type: ignore[no-untyped-def]
        result = copied(cursor, marts, alias)
        cursor.execute(f"update {alias}.main.customer_retention set revenue = 0 where revenue = 7")
        return result

    monkeypatch.setattr(_publish, "_copy", spoilt)
    with pytest.raises(PublishError, match="not what the warehouse holds"):
        publish_shop(warehouse, serving)
    assert serving.read_bytes() == before


def test_file_that_holdfast_did_not_publish_is_not_replaced(
    warehouse: Path, serving: Path, tmp_path: Path
) -> None:
    serving.parent.mkdir()
    serving.write_bytes(b"somebody's work")
    with pytest.raises(PublishError, match="not published by Holdfast"):
        publish_shop(warehouse, serving)
    assert serving.read_bytes() == b"somebody's work"
    serving.unlink()
    publish_shop(warehouse, serving)
    write_shop(tmp_path / "dev.duckdb", 9)
    with pytest.raises(PublishError, match=r"from the warehouse 'shop\.duckdb'"):
        publish_shop(tmp_path / "dev.duckdb", serving)
    assert read(serving, "select any_value(model_id) from customer_retention") == [("model 1",)]


def test_folder_that_cannot_be_written_to_is_named(warehouse: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(PublishError, match="cannot be written to"):
        publish_shop(warehouse, tmp_path / "file" / "holdfast.duckdb")


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """Give a file system of its own with 3 MB of room."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a small file system can only be mounted by root on Linux")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a tmpfs is not allowed here")
    yield folder  # type: ignore[misc]
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk_leaves_the_former_file_and_the_warehouse_as_they_were(
    warehouse: Path, small_disk: Path
) -> None:
    target = small_disk / "holdfast.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        from holdfast.publishing import find_marts, publish
        from shops import nodes

        chosen = find_marts(nodes(CUSTOMERS, TOTALS))
        publish(connection, chosen, target, source="shop")
        before = target.read_bytes()
        connection.execute(
            "create table noise as select md5(i::varchar) as a, uuid() as b "
            "from range(300000) as r (i)"
        )
        with pytest.raises(PublishError, match="was not changed"):
            publish(connection, find_marts(nodes(node("noise"))), target, source="shop")
        # the build's own connection works on
        assert connection.execute("select count(*) from noise").fetchall() == [(300000,)]
        connection.execute("create table later as select 1 as one")
        assert target.read_bytes() == before
        assert listed(small_disk) == ["holdfast.duckdb", "holdfast_parquet"]
        publish(connection, chosen, target, source="shop")


def test_publishing_through_a_link_to_another_file_system_replaces_the_file_behind_it(
    warehouse: Path, serving: Path, small_disk: Path
) -> None:
    serving.parent.mkdir()
    serving.symlink_to(small_disk / "shown.duckdb")
    publish_shop(warehouse, serving)
    publish_shop(warehouse, serving)
    assert serving.is_symlink()
    assert read(small_disk / "shown.duckdb", "select customers from totals") == [(100,)]


def test_two_at_once_take_turns_and_the_last_one_is_seen(warehouse: Path, serving: Path) -> None:
    from holdfast.publishing import find_marts, publish
    from shops import nodes

    chosen = find_marts(nodes(CUSTOMERS, TOTALS))
    done: list[str] = []
    with duckdb.connect(str(warehouse)) as connection:

        def work() -> None:
            with connection.cursor() as cursor:
                done.append(publish(cursor, chosen, serving, source="shop").publication_id)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(done) == 4
    assert read(serving, "select distinct publication_id from holdfast_manifest") == [(done[-1],)]


KILLED = """
import os, signal, sys
from pathlib import Path
from typing import Any
sys.path[:0] = {paths!r}
from holdfast.publishing import _publish, _shelf
from shops import publish_shop
at = {at!r}
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
if at == "copied": _publish._write_manifest = die
if at == "verified": _publish._write_parquet = die
if at == "before the rename": _shelf.Shelf.show = die
if at == "between the renames":
    replace = Path.replace
    Path.replace = lambda self, to: die() if self.name.endswith(".part") else replace(self, to)
if at == "before the link": Path.symlink_to = die
publish_shop(Path({warehouse!r}), Path({file!r}))
"""


@pytest.mark.parametrize(
    "at",
    ["copied", "verified", "before the rename", "between the renames", "before the link"],
)
def test_killed_publishing_is_invisible_and_cleared_by_the_next(
    warehouse: Path, serving: Path, at: str
) -> None:
    publish_shop(warehouse, serving)
    write_shop(warehouse, 2)
    paths = [entry for entry in sys.path if entry]
    script = KILLED.format(paths=paths, at=at, warehouse=str(warehouse), file=str(serving))
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -signal.SIGKILL
    seen = "model 2" if at == "before the link" else "model 1"
    query = "select any_value(model_id), count(*) from customer_retention"
    assert read(serving, query) == [(seen, 100)]
    write_shop(warehouse, 3)
    publication = publish_shop(warehouse, serving)
    assert read(serving, query) == [("model 3", 100)]
    assert listed(serving.parent) == ["holdfast.duckdb", "holdfast_parquet"]
    sets = listed(serving.parent / "holdfast_parquet")
    assert {publication.publication_id, "latest"} < set(sets)
    assert not [name for name in sets if name.startswith(".")]


def test_copied_folder_whose_link_became_a_folder_is_published_to(
    warehouse: Path, serving: Path, tmp_path: Path
) -> None:
    publish_shop(warehouse, serving)
    shutil.copytree(serving.parent, tmp_path / "copy")
    publication = publish_shop(warehouse, tmp_path / "copy" / serving.name)
    latest = tmp_path / "copy" / "holdfast_parquet" / "latest"
    assert latest.resolve().name == publication.publication_id
