"""Play a simulated shop on from its files: the window again, the months played, one month more."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from holdfast.files import write_aside
from holdfast.simulation._calendar import shift_months
from holdfast.simulation._contacts import no_contacts, read_contacts, tidy
from holdfast.simulation._errors import SimulationArgumentError
from holdfast.simulation._shop import CHUNK, PlayedMonth, Shop, ShopArguments
from holdfast.simulation._write import TableWriter

RECORD = "simulation.json"
_PLAYED = "played"
_VALUES = "truth/customer_months.parquet"


@dataclass(frozen=True)
class Continued:
    """A shop that was played on: its rows per table, and what the month brought."""

    row_counts: dict[str, int]
    month: PlayedMonth
    now: date


def write_record(folder: Path, made: ShopArguments, played: list[str]) -> None:
    """Keep what a folder was made with, and which months were played since."""
    content = {
        "customers": made.customers,
        "months": made.months,
        "end": made.end.isoformat(),
        "seed": made.seed,
        "played": played,
    }
    text = json.dumps(content, indent=2) + "\n"
    write_aside(folder / RECORD, text.encode(), error=SimulationArgumentError)
    if not played:
        # of a shop that stood here before
        for former in (*(folder / _PLAYED).glob("*.parquet"), folder / _VALUES):
            former.unlink(missing_ok=True)


def read_record(folder: Path) -> tuple[ShopArguments, list[str]] | None:
    """Read what a folder was made with; None where it does not say."""
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        made = ShopArguments(
            int(content["customers"]),
            int(content["months"]),
            date.fromisoformat(content["end"]),
            int(content["seed"]),
        )
        return made, [str(month) for month in content["played"]]
    except (ValueError, KeyError, TypeError) as error:
        raise SimulationArgumentError(
            f"{path} is not what holdfast simulate wrote ({error}); simulate the shop again"
        ) from None


def continue_shop(
    folder: Path,
    contacts: Path | pa.Table | None,
    *,
    arguments: ShopArguments | None = None,
    progress: Callable[[str], None] | None = None,
) -> Continued:
    """Play a simulated shop on for one month, with somebody's contacts as its policy.

    The window is simulated again from its seed and the months played before with their contacts,
    which the folder keeps; then comes the new month. What the tables told before stays as it is:
    rows are added, and columns that are filled in later, such as ``delivered_at``, are filled in.

    The record of the month is written last. If a run breaks off before, repeat it: it gives the
    same tables. A list of contacts that was decided for a month already played is refused.

    Parameters
    ----------
    folder
        The folder of a simulated shop, whose window ends with a month.
    contacts
        A file (Parquet, CSV, or a DuckDB file with the table ``contact_list``), a table, or None
        to leave everybody alone.
    arguments
        What the shop was made with; needed where the folder has no ``simulation.json``.
    progress
        Called with a line of text for every month.

    Returns
    -------
    Continued
        Row counts, and what the month brought.

    Raises
    ------
    SimulationArgumentError
        When the folder or the contacts are not what they should be; nothing is written then.
    """
    folder = Path(folder).absolute()
    if not (folder / "customers.parquet").is_file():
        raise SimulationArgumentError(
            f"{folder} holds no simulated shop to continue; make one with holdfast simulate"
        )
    record = read_record(folder)
    if record is None:
        if arguments is None:
            raise SimulationArgumentError(
                f"{folder} does not say what it was made with; give the arguments of the shop"
            )
        record = arguments, []
    made, played = record
    if made.end.day != 1:
        raise SimulationArgumentError(
            f"only a shop whose window ends with a month can be played on; this one ends before "
            f"{made.end}. Simulate one with an end such as {made.end.replace(day=1)}"
        )
    if contacts is None:
        asked = no_contacts()
    else:
        asked = read_contacts(contacts) if isinstance(contacts, Path) else tidy(contacts)
    now = shift_months(made.end, len(played))
    lists = [tidy(pq.read_table(_kept(folder, month))) for month in played]
    _refuse_old_news(asked, lists, now)

    with TableWriter(folder) as writer:
        shop = Shop(made, chunk=CHUNK, writer=writer, known_until=shift_months(now, 1))
        for kept in lists:
            shop.play(kept)
        month = shop.play(asked)
        shop.finish()
        _refuse_another_shop(folder, shop)
        (folder / _PLAYED).mkdir(exist_ok=True)
        name = f"{month.month:%Y-%m}"
        _keep(asked, _kept(folder, name))
        if progress is not None:
            progress(f"played {name}")
    write_record(folder, made, [*played, name])
    return Continued(dict(writer.row_counts), month, shop.now)


def _kept(folder: Path, month: str) -> Path:
    """Name the file that keeps the contacts of a played month."""
    return folder / _PLAYED / f"{month}.parquet"


def _keep(contacts: pa.Table, path: Path) -> None:
    """Keep the contacts of a month."""
    sink = pa.BufferOutputStream()
    pq.write_table(contacts, sink)
    write_aside(path, sink.getvalue().to_pybytes(), error=SimulationArgumentError)


def _refuse_old_news(asked: pa.Table, lists: list[pa.Table], now: date) -> None:
    """Refuse contacts that were decided for another month, or played before."""
    dates = [day for day in set(asked["as_of_date"].to_pylist()) if day is not None]
    before = shift_months(now, -1)
    for day in sorted(dates):
        if not before < day <= now:
            raise SimulationArgumentError(
                f"these contacts were decided on {day}, and the next month to play begins on "
                f"{now}: load the shop's tables and build again. Nothing was played"
            )
    known = {name for kept in lists for name in kept["decision_id"].to_pylist()} - {None}
    again = known.intersection(asked["decision_id"].to_pylist())
    if again:
        raise SimulationArgumentError(
            f"{len(again)} of these decisions were played before, such as {min(again)}. "
            "Nothing was played"
        )


def _refuse_another_shop(folder: Path, shop: Shop) -> None:
    """Refuse to write over the tables of a shop that was made otherwise."""
    there = pq.read_table(folder / "customers.parquet", columns=["customer_id", "created_at"])
    arrived = shop.arrivals()
    count = min(len(there), len(arrived))
    if len(there) > len(arrived) or not arrived.slice(0, count).equals(there):
        raise SimulationArgumentError(
            f"{folder} was not simulated with these arguments ({shop.arguments}) by this version; "
            "give those it was made with, or simulate it again. Nothing was played"
        )
