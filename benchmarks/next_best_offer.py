"""What the choice of offers costs in time and memory, and how near the best it comes.

    python benchmarks/next_best_offer.py
    python benchmarks/next_best_offer.py --customers 2000 --offers 3

Makes N customers with F offers each, their profits and costs, in a DuckDB file, in a process of
its own; then chooses under a budget, a number of contacts and limits of offers and segments, as the
model `offer_choices` of a build does. Prints seconds, the peak resident memory of the process,
DuckDB's share included, and the gap to the bound that no choice exceeds.
"""

from __future__ import annotations

import argparse
import logging
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb


@dataclass(frozen=True)
class Relation:
    """A relation as a Python model of dbt gets it."""

    sql: str

    def sql_query(self) -> str:
        """Return its SQL."""
        return self.sql


def make_tables(path: Path, customers: int, offers: int) -> None:
    """Write candidates as `offer_candidates` has them, and the limits."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("select setseed(0.5)")
        connection.execute(
            f"""
            create table candidates as
            select
                customer_id,
                offer_id,
                cast(offer_id as varchar) as action,
                case when customer_id % 10 = 0 then 'random' else 'policy' end as arm,
                customer_id % 10 = 0 and offer_id = customer_id // 10 % 6 as is_drawn,
                'segment ' || customer_id % 9 as segment,
                cast(
                    2 * sqrt(-2 * ln(random() + 1e-9)) * cos(6.2832 * random()) + 1 - 0.3 * offer_id
                    as decimal(38, 4)
                ) as expected_profit,
                cast(0.2 + offer_id * -ln(random() + 1e-9) as decimal(38, 4)) as expected_cost,
                cast(null as varchar) as not_because,
            from range({customers}) as customers (customer_id), range({offers}) as offers (offer_id)
            """
        )
        connection.execute(
            f"""
            create table limits as
            select * from (values
                ('budget', null, {0.3 * customers}),
                ('contacts', null, {0.25 * customers}),
                ('offer', '0', {0.05 * customers}),
                ('offer', '1', {0.1 * customers}),
                ('segment', 'segment 3', {0.01 * customers})
            ) as limits (kind, name, amount)
            """
        )


def choose_from(path: Path) -> None:
    """Choose, and print what it took."""
    from holdfast.policies import choose_offers

    logging.basicConfig(level=logging.INFO, format="  %(message)s")
    with duckdb.connect(str(path), read_only=True) as connection:
        started, cpu = time.perf_counter(), time.process_time()
        tables = ("candidates", "limits")
        found = choose_offers(connection, *(Relation(f"select * from {name}") for name in tables))
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{found.num_rows:,} rows, {seconds:.1f} s, of these {cpu:.1f} s of CPU")
    print(f"peak memory {peak:.2f} GB")


def main() -> None:
    """Make the tables, then choose in a fresh process, so that its peak is that of the choice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--offers", type=int, default=5)
    parser.add_argument("--table", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.table is not None:
        choose_from(arguments.table)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "candidates.duckdb"
        make = "from next_best_offer import make_tables; from pathlib import Path; import sys; "
        make += f"make_tables(Path(sys.argv[1]), {arguments.customers}, {arguments.offers})"
        here = Path(__file__).parent
        subprocess.run([sys.executable, "-c", make, str(path)], check=True, cwd=here)
        subprocess.run([sys.executable, __file__, "--table", str(path)], check=True)


if __name__ == "__main__":
    main()
