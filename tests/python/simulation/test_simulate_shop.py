from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from holdfast.errors import HoldfastError
from holdfast.simulation import simulate_shop

DEMO = Path(__file__).parents[3] / "seeds" / "demo"
TABLES = {
    "acquisition_costs",
    "campaign_sends",
    "campaigns",
    "consents",
    "customers",
    "feedback",
    "offers",
    "order_items",
    "orders",
    "products",
    "subscriptions",
    "support_tickets",
    "web_events",
    "truth/causes",
    "truth/churn_hazard",
    "truth/customer_traits",
    "truth/offer_effects",
    "truth/price_elasticities",
    "truth/replenishment_cycles",
}


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_arguments_give_the_same_bytes(simulate: Callable[..., Path]) -> None:
    first, second = (contents(simulate(400, seed=3, chunk=150)) for _ in range(2))
    assert first.keys() == {f"{table}.parquet" for table in TABLES}
    assert first == second


def test_another_seed_gives_another_shop(simulate: Callable[..., Path]) -> None:
    first, second = (contents(simulate(200, seed=seed)) for seed in (3, 4))
    same = {name for name in first if first[name] == second[name]}
    assert same == {"offers.parquet", "truth/causes.parquet"}


def test_row_counts_are_those_of_the_files(tmp_path: Path) -> None:
    counts = simulate_shop(tmp_path / "new" / "shop", customers=50, months=6, seed=1)
    files = {
        name: pq.read_metadata(tmp_path / "new" / "shop" / f"{name}.parquet").num_rows
        for name in TABLES
    }
    assert counts == files
    assert counts["customers"] == 50


def test_a_single_customer_is_a_shop(tmp_path: Path) -> None:
    assert simulate_shop(tmp_path, customers=1, months=6)["customers"] == 1


def test_progress_is_told_after_every_chunk(tmp_path: Path) -> None:
    lines: list[str] = []
    simulate_shop(tmp_path, customers=20, months=6, progress=lines.append)
    assert lines == ["20 of 20 customers simulated"]


def test_a_run_that_breaks_off_leaves_the_old_files_and_nothing_else(tmp_path: Path) -> None:
    simulate_shop(tmp_path, customers=20, months=6, seed=1)
    before = contents(tmp_path)

    def stop(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_shop(tmp_path, customers=20, months=6, seed=2, progress=stop)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"customers": 0}, "customers must be a whole number of at least 1, got 0"),
        ({"customers": 2.5}, "customers must be a whole number of at least 1, got 2.5"),
        ({"customers": True}, "customers must be .* got True"),
        ({"months": 5}, "months must be a whole number of at least 6, got 5"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"end": datetime(2026, 7, 1)}, "end must be a date without a time"),
        ({"end": "2026-07-01"}, "end must be a date without a time, got '2026-07-01'"),
        (
            {"months": 24, "end": date(2, 1, 1)},
            "months must leave a window .* got 24 before 0002-01-01",
        ),
    ],
)
def test_bad_arguments_are_named(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(HoldfastError, match=message):
        simulate_shop(tmp_path / "shop", **{"customers": 5, "months": 6, **arguments})
    assert not (tmp_path / "shop").exists()


def test_a_file_is_no_output_folder(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("mine")
    with pytest.raises(HoldfastError, match="output must be a folder"):
        simulate_shop(tmp_path / "shop", customers=5, months=6)
    with pytest.raises(HoldfastError, match="output must be a folder"):
        simulate_shop(tmp_path / "shop" / "below", customers=5, months=6)
    assert (tmp_path / "shop").read_text() == "mine"


def assert_same(expected: pa.Table, actual: pa.Table) -> None:
    assert actual.schema == expected.schema
    for name in expected.column_names:
        left, right = expected[name], actual[name]
        if pa.types.is_floating(left.type):
            # The last bits of exp and log may differ between processors.
            np.testing.assert_allclose(right.to_numpy(), left.to_numpy(), rtol=1e-5, err_msg=name)
        else:
            assert right.equals(left), name


def test_the_committed_demo_is_what_the_simulator_writes_now(tmp_path: Path) -> None:
    simulate_shop(tmp_path)
    assert contents(DEMO).keys() == contents(tmp_path).keys()
    for table in TABLES:
        assert_same(
            pq.read_table(DEMO / f"{table}.parquet"), pq.read_table(tmp_path / f"{table}.parquet")
        )


def test_the_committed_demo_is_small() -> None:
    assert sum(len(content) for content in contents(DEMO).values()) < 4_000_000
