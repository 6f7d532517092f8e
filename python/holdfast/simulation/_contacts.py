"""Contacts that a shop is asked to make: read from a file or warehouse, and checked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.simulation._calendar import DAY, Calendar, Ints
from holdfast.simulation._catalogue import CAMPAIGN_CHANNELS, OFFERS
from holdfast.simulation._errors import SimulationArgumentError
from holdfast.simulation._state import Rows

_COLUMNS = {
    "customer_id": pa.int64(),
    "channel": pa.string(),
    "offer_id": pa.int32(),
    "send_at": pa.timestamp("us"),
    "expires_at": pa.timestamp("us"),
    "decision_id": pa.string(),
    "propensity": pa.float64(),
    "variant": pa.string(),
    "arm": pa.string(),
    "is_control": pa.bool_(),
    "as_of_date": pa.date32(),
}
_NEEDED = ("customer_id", "channel", "offer_id")
_USUAL_SECOND = 10 * 3600


def no_contacts() -> pa.Table:
    """Give a list without a contact: the policy that leaves everybody alone."""
    return pa.schema(_COLUMNS).empty_table()


def tidy(rows: pa.Table) -> pa.Table:
    """Give contacts the columns and types that a played month keeps; the rest is dropped."""
    missing = [name for name in _NEEDED if name not in rows.column_names]
    if missing:
        raise SimulationArgumentError(
            f"the contacts lack the column {missing[0]}; a contact has {', '.join(_NEEDED)}, and "
            f"may have {', '.join(name for name in _COLUMNS if name not in _NEEDED)}"
        )
    columns = {}
    for name, kind in _COLUMNS.items():
        if name not in rows.column_names:
            columns[name] = pa.nulls(len(rows), kind)
            continue
        column = rows[name].combine_chunks()
        if name == "offer_id" and pa.types.is_string(column.type):
            column = pc.if_else(pc.equal(column, "leave_alone"), None, column)
        try:
            columns[name] = column.cast(kind)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise SimulationArgumentError(
                f"the column {name} of the contacts must hold values of type {kind}: {error}"
            ) from None
    return pa.table(columns, schema=pa.schema(_COLUMNS))


@dataclass(frozen=True)
class Plan:
    """What is sent in a month: rows by customer, the campaigns they belong to, and the rest."""

    rows: Rows
    contacts: pa.Table
    campaigns: list[tuple[int, int, str]]  # offer, channel, arm
    dropped: dict[str, int]


def plan_month(contacts: pa.Table, calendar: Calendar, customers: int) -> Plan:
    """Check the contacts of a month and lay them on its steps.

    A contact goes out on the first day of the step that its ``send_at`` falls into, at that
    time of day: the shop sends in four batches a month.
    """
    _refuse_strangers(contacts, customers)
    count = len(contacts)
    start, end = calendar.start_day * DAY, calendar.end_day * DAY
    customer = _numbers(contacts["customer_id"]) - 1
    offer = _numbers(contacts["offer_id"], 0) - 1
    channel = _numbers(pc.index_in(contacts["channel"], pa.array(CAMPAIGN_CHANNELS)))
    asked_at = _seconds(contacts["send_at"], start + _USUAL_SECOND)
    expires_at = _seconds(contacts["expires_at"], np.iinfo(np.int64).max)
    is_control = contacts["is_control"].fill_null(False).to_numpy()

    step = np.searchsorted(calendar.step_day, np.maximum(asked_at, start) // DAY, side="right") - 1
    sent_at = calendar.step_day[step] * DAY + asked_at % DAY
    order = np.lexsort((np.arange(count), sent_at, channel, customer))
    same = np.zeros(count, dtype=np.bool_)
    key = np.stack([customer, channel, offer, step])[:, order]
    same[order[1:]] = (key[:, 1:] == key[:, :-1]).all(axis=0)
    why = np.full(count, "", dtype=object)
    for reason, holds in (
        ("repeated", same),
        ("due in a later month", asked_at >= end),
        ("expired", (expires_at <= sent_at) & ~is_control),
        ("leave alone", offer < 0),
    ):
        why[holds] = reason
    dropped = Counter(why[why != ""].tolist())
    kept = order[why[order] == ""]

    arm = contacts["arm"].fill_null("policy").to_pylist()
    groups = [(int(offer[row]), int(channel[row]), arm[row]) for row in kept]
    campaigns = sorted(set(groups))
    number = {group: index for index, group in enumerate(campaigns)}
    rows = {
        "customer": customer[kept],
        "step": step[kept],
        "offer": offer[kept],
        "sent_at": sent_at[kept],
        "is_control": is_control[kept],
        "campaign": np.array([number[group] for group in groups], dtype=np.int64),
        "row": kept,
    }
    return Plan(rows, contacts, campaigns, dict(dropped))


def _refuse_strangers(contacts: pa.Table, customers: int) -> None:
    """Refuse contacts of customers, offers and channels that the shop does not have."""
    known: dict[str, pa.Array] = {
        "customer_id": pc.and_(
            pc.greater(contacts["customer_id"], 0),
            pc.less_equal(contacts["customer_id"], customers),
        ).fill_null(False),
        "offer_id": pc.and_(
            pc.greater(contacts["offer_id"], 0), pc.less_equal(contacts["offer_id"], len(OFFERS))
        ).fill_null(True),
        "channel": pc.is_in(contacts["channel"], pa.array(CAMPAIGN_CHANNELS)),
    }
    has = {
        "customer_id": f"customers 1 to {customers}",
        "offer_id": f"offers 1 to {len(OFFERS)}",
        "channel": " and ".join(CAMPAIGN_CHANNELS),
    }
    for name, is_known in known.items():
        strange = contacts[name].filter(pc.invert(is_known))
        if len(strange):
            raise SimulationArgumentError(
                f"{len(strange)} of {len(contacts)} contacts have a {name} that the shop does not "
                f"have, such as {strange[0].as_py()}; it has {has[name]}. Nothing was played"
            )


def _numbers(column: pa.ChunkedArray, empty: int | None = None) -> Ints:
    """Give whole numbers as an array."""
    column = column if empty is None else column.fill_null(empty)
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _seconds(column: pa.ChunkedArray, empty: int) -> Ints:
    """Give timestamps as seconds, with one for those that are missing."""
    micros = column.cast(pa.int64())
    filled = pc.if_else(pc.is_null(micros), pa.scalar(empty), pc.divide(micros, 1_000_000))
    return np.asarray(filled.to_numpy(), dtype=np.int64)


def read_contacts(source: Path) -> pa.Table:
    """Read contacts from a Parquet or CSV file, a published file or a warehouse.

    From a DuckDB file the table ``contact_list`` is taken. Where the table ``decisions`` is beside
    it, the arms come from there, and those whom the random arm drew to be left alone today become
    the controls of every offer that the random arm makes: recorded, never sent.

    Parameters
    ----------
    source
        The file.

    Returns
    -------
    pyarrow.Table
        Contacts as ``Shop.play`` takes them.

    Raises
    ------
    SimulationArgumentError
        When there is no such file, or no contacts in it.
    """
    if not source.is_file():
        raise SimulationArgumentError(f"there is no file {source} with contacts")
    name = "'" + str(source).replace("'", "''") + "'"
    with duckdb.connect() as connection:
        try:
            if source.suffix in (".parquet", ".csv"):
                return tidy(connection.sql(f"from {name}").to_arrow_table())
            connection.execute(f"attach {name} as warehouse (read_only)")
            return tidy(_from_warehouse(connection, source))
        except duckdb.Error as error:
            raise SimulationArgumentError(f"{source} cannot be read: {error}") from None


def _from_warehouse(connection: duckdb.DuckDBPyConnection, source: Path) -> pa.Table:
    """Gather the contacts of a warehouse, with the controls of its random arm."""
    contacts = _find(connection, "contact_list")
    decisions = _find(connection, "decisions")
    if contacts is None:
        raise SimulationArgumentError(
            f"{source} has no table contact_list; build the system 'decisions' first"
        )
    if decisions is None:
        return contacts.to_arrow_table()
    connection.register("listed", contacts.to_arrow_table())
    connection.register("decided", decisions.to_arrow_table())
    return connection.sql(_WITH_CONTROLS).to_arrow_table()


_WITH_CONTROLS = """
    with contacts as (
        select listed.customer_id, listed.channel, listed.offer_id, listed.send_at,
            listed.expires_at, listed.decision_id, listed.propensity, listed.variant,
            listed.as_of_date, decided.arm, false as is_control
        from listed
        left join decided on decided.decision_id = listed.decision_id
    ),
    drawn as (select distinct channel, offer_id from contacts where arm = 'random'),
    controls as (
        select decided.customer_id, drawn.channel, drawn.offer_id,
            cast(null as timestamp) as send_at, cast(null as timestamp) as expires_at,
            decided.decision_id, decided.propensity, cast(null as varchar) as variant,
            decided.as_of_date, decided.arm, true as is_control
        from decided
        cross join drawn
        where decided.arm = 'random' and decided.action = 'leave_alone'
            and decided.as_of = (select max(as_of) from decided)
            and coalesce(decided.channel, drawn.channel) = drawn.channel
    )
    from contacts union all from controls
    order by customer_id, is_control, channel, offer_id, decision_id
"""


def _find(connection: duckdb.DuckDBPyConnection, name: str) -> duckdb.DuckDBPyRelation | None:
    """Find a table or view of the attached warehouse, in the schema main first."""
    found = connection.execute(
        """
        select table_schema from information_schema.tables
        where table_catalog = 'warehouse' and table_name = ?
        order by table_schema = 'main' desc, table_schema
        """,
        [name],
    ).fetchone()
    if found is None:
        return None
    schema = found[0].replace('"', '""')
    return connection.sql(f'from "warehouse"."{schema}"."{name}"')
