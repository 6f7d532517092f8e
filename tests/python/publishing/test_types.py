"""Values of every type are the same in what is published, or publishing says so."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from holdfast.publishing import Publication, PublishError
from shops import node, publish_shop, read

PUBLISHED = {"meta": {"publish": True}, "contract": {"enforced": False}, "materialized": "table"}
TOTALS = node("totals", config=PUBLISHED)
OTHERS = node("others", config=PUBLISHED)


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "shop.duckdb"


@pytest.fixture
def serving(tmp_path: Path) -> Path:
    return tmp_path / "bi's tables" / "holdfast.duckdb"


def parquet(publication: Publication, table: str) -> str:
    """Give a published table's Parquet as SQL."""
    return "'" + f"{publication.parquet}/{table}/*.parquet".replace("'", "''") + "'"


@pytest.mark.parametrize(
    ("largest", "as_parquet"),
    [
        ("12345678901234560099", "DECIMAL(38,0)"),
        ("170141183460469231731687303715884105727", "VARCHAR"),
    ],
)
def test_whole_numbers_of_128_bits_are_the_same_in_parquet(
    warehouse: Path, serving: Path, largest: str, as_parquet: str
) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            f"create table totals as "
            f"select {largest}::hugeint - range as customer_id from range(100)"
        )
        connection.execute("create table others as select 5::uhugeint as customer_id")
    publication = publish_shop(warehouse, serving, TOTALS, OTHERS)
    assert read(serving, "select count(distinct customer_id) from totals") == [(100,)]
    for table, rows in [("totals", 100), ("others", 1)]:
        assert duckdb.sql(
            f"select typeof(customer_id), count(distinct customer_id) "
            f"from {parquet(publication, table)} group by 1"
        ).fetchall() == [(as_parquet, rows)]
    assert duckdb.sql(
        f"select max(cast(customer_id as hugeint))::varchar from {parquet(publication, 'totals')}"
    ).fetchall() == [(largest,)]


@pytest.mark.parametrize(
    "value",
    [
        "'a'::enum('a', 'b')",
        "'2026-01-01'::timestamp_s",
        "'2026-01-01 00:00:00.001'::timestamp_ms",
        "uuid '00000000-0000-4000-8000-000000000001'",
        "'1011'::bit",
        "interval 3 day",
        "'\\xAA'::blob",
        "map {'a': 1}",
        "'inf'::double",
        "[1, null]",
        "{'a': {'b': 1.5}}",
        "date '2026-01-01'",
        "timestamptz '2026-01-01 00:00:00+02'",
    ],
)
def test_values_of_every_type_are_compared_as_parquet(
    warehouse: Path, serving: Path, value: str
) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"create table totals as select {value} as value")
    publish_shop(warehouse, serving, TOTALS)
    assert read(serving, f"select count(*) from totals where value = {value}") == [(1,)]


def test_values_that_parquet_cannot_hold_are_told(warehouse: Path, serving: Path) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create table totals as select [1::hugeint] as ids")
        connection.execute("update totals set ids = [12345678901234560001::hugeint]")
    with pytest.raises(PublishError, match=r"totals as Parquet is not .* ids \(.*as DOUBLE\[\]\)"):
        publish_shop(warehouse, serving, TOTALS)
