"""Simulate a shop: check the arguments, then chunk by chunk draw, travel, write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import numpy as np

from holdfast.simulation._calendar import Calendar, build_calendar, day_number
from holdfast.simulation._catalogue import Catalogue, build_catalogue
from holdfast.simulation._chunk import pass_through, write_chunk, write_reference
from holdfast.simulation._customers import draw_customers
from holdfast.simulation._errors import SimulationArgumentError
from holdfast.simulation._parameters import ShopParameters
from holdfast.simulation._state import World, initial_state
from holdfast.simulation._subscriptions import subscriptions_table
from holdfast.simulation._write import TableWriter

_CHUNK = 50_000
_FEWEST_MONTHS = 6


def simulate_shop(
    output: Path,
    *,
    customers: int = 1500,
    months: int = 24,
    end: date = date(2026, 7, 1),
    seed: int = 7,
    wave: date | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, int]:
    """Simulate a shop and write its tables, and the truth behind them, as Parquet files.

    The same arguments (and versions of NumPy and PyArrow) give the same bytes. Files
    appear only when they are whole.

    Parameters
    ----------
    output
        Folder for ``<table>.parquet`` and ``truth/<table>.parquet``; created when absent.
    customers
        Number of customers, at least 1.
    months
        Length of the window in calendar months, at least 6.
    end
        The day after the last day: events lie in ``[end - months, end)``.
    seed
        Seed of all randomness, at least 0.
    wave
        The first day of a week in which a new kind of issue fills support tickets; none if
        not given.
    progress
        Called with a line of text after every chunk of customers.

    Returns
    -------
    dict of str to int
        Row counts per table; tables of the truth are named ``truth/<table>``.

    Raises
    ------
    SimulationArgumentError
        When an argument is not allowed.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     rows = simulate_shop(Path(folder), customers=10, months=6)
    >>> rows["customers"]
    10
    """
    output = Path(output).absolute()
    _check(output, customers, months, end, seed)
    _check_wave(wave, end)
    return simulate_in_chunks(
        output,
        customers=customers,
        months=months,
        end=end,
        seed=seed,
        progress=progress,
        chunk=_CHUNK,
        parameters=ShopParameters(wave_day=None if wave is None else day_number(wave)),
    )


def simulate_in_chunks(
    output: Path,
    *,
    customers: int,
    months: int,
    end: date,
    seed: int,
    progress: Callable[[str], None] | None,
    chunk: int,
    parameters: ShopParameters,
) -> dict[str, int]:
    """``simulate_shop`` with its private knobs."""
    sizes = [min(chunk, customers - first) for first in range(0, customers, chunk)]
    # A new stream comes last: those before it, and what they draw, stay the same.
    of_catalogue, *of_chunks, of_costs = np.random.SeedSequence(seed).spawn(2 + len(sizes))
    calendar = build_calendar(end, months, parameters)
    catalogue = build_catalogue(np.random.default_rng(of_catalogue), calendar, parameters)
    sessions = 0
    with TableWriter(output) as writer:
        rng_of_costs = np.random.default_rng(of_costs)
        write_reference(writer, rng_of_costs, customers, calendar, catalogue, parameters)
        for number, (size, sequence) in enumerate(zip(sizes, of_chunks, strict=True)):
            rng = np.random.Generator(np.random.SFC64(sequence))
            first_id = 1 + number * chunk
            sessions += _simulate_chunk(
                writer, rng, size, first_id, sessions, calendar, catalogue, parameters
            )
            if progress is not None:
                progress(f"{first_id + size - 1:,} of {customers:,} customers simulated")
    return dict(writer.row_counts)


def _simulate_chunk(
    writer: TableWriter,
    rng: np.random.Generator,
    size: int,
    first_id: int,
    first_session: int,
    calendar: Calendar,
    catalogue: Catalogue,
    parameters: ShopParameters,
) -> int:
    """Simulate and append one chunk of customers; the number of web sessions is returned."""
    customers = draw_customers(rng, size, first_id, calendar, catalogue, parameters)
    world = World(rng, calendar, catalogue, customers, parameters)
    passed = pass_through(world, initial_state(world))
    sessions = write_chunk(writer, world, passed, first_session)
    writer.append(
        "subscriptions", subscriptions_table(world, 1 + writer.row_counts.get("subscriptions", 0))
    )
    return sessions


def _check(output: Path, customers: int, months: int, end: date, seed: int) -> None:
    """Refuse what cannot be simulated, naming the argument."""
    whole = {"customers": (customers, 1), "months": (months, _FEWEST_MONTHS), "seed": (seed, 0)}
    for name, (value, least) in whole.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise SimulationArgumentError(
                f"{name} must be a whole number of at least {least}, got {value!r}"
            )
    if isinstance(end, datetime) or not isinstance(end, date):
        raise SimulationArgumentError(f"end must be a date without a time, got {end!r}")
    if end.year * 12 + end.month - 1 - months < 12:
        raise SimulationArgumentError(
            f"months must leave a window that begins after year 0, got {months} before {end}"
        )
    nearest = next(path for path in (output, *output.parents) if path.exists())
    if not nearest.is_dir():
        raise SimulationArgumentError(
            f"output must be a folder, or a path where one can be created, got the file {nearest}"
        )


def _check_wave(wave: date | None, end: date) -> None:
    """Refuse a wave that nobody would see."""
    if wave is not None and (isinstance(wave, datetime) or not isinstance(wave, date)):
        raise SimulationArgumentError(f"wave must be a date without a time, got {wave!r}")
    if wave is not None and wave >= end:
        raise SimulationArgumentError(
            f"wave must be a day before the end of the window, {end}, got {wave}"
        )
