"""A shop that is played on, month by month, with the contacts that somebody's policy asks for."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa

from holdfast.simulation._acquisition import acquisition_costs_table
from holdfast.simulation._arrow import integers, money, timestamps
from holdfast.simulation._baskets import Returns
from holdfast.simulation._calendar import (
    DAY,
    Calendar,
    Ints,
    build_calendar,
    day_number,
    shift_months,
)
from holdfast.simulation._catalogue import (
    CAMPAIGN_CHANNELS,
    OFFERS,
    Catalogue,
    build_catalogue,
    month_ahead,
)
from holdfast.simulation._chunk import gains, pass_through, write_chunk, write_reference
from holdfast.simulation._contacts import Plan, plan_month
from holdfast.simulation._customers import draw_customers
from holdfast.simulation._parameters import ShopParameters
from holdfast.simulation._state import Log, Rows, State, World, initial_state
from holdfast.simulation._subscriptions import subscriptions_table
from holdfast.simulation._write import TableWriter

CHUNK = 50_000
_CARRIED = ("tickets", "feedback")
_CATALOGUE_STREAM, _COSTS_STREAM, _CUSTOMERS_STREAM = range(3)


@dataclass(frozen=True)
class ShopArguments:
    """What a simulated shop was made with."""

    customers: int = 1500
    months: int = 24
    end: date = date(2026, 7, 1)
    seed: int = 7


@dataclass
class _Chunk:
    """Customers on their way through the months."""

    world: World
    state: State
    pending: Returns
    subscriptions: list[int]  # how many began until the end of each window
    first_window: int


@dataclass
class PlayedMonth:
    """What a month brought: one entry per customer of the shop at its end, money in cents."""

    month: date
    dropped: dict[str, int]
    by_customer: Rows

    def total(self, name: str) -> int:
        """Add up a column over the customers."""
        return int(self.by_customer[name].sum())

    def profit(self, contact_cents: int = 0) -> int:
        """Margin after discounts and returns, less what offers and contacts cost, in cents."""
        costs = self.total("offer_cost") + contact_cents * self.total("contacts")
        return self.total("margin") - costs


@dataclass
class Shop:
    """A simulated shop that goes on after its window, for one month at a time.

    The window is what ``simulate_shop`` writes for the same arguments. After it the shop sends
    no campaigns of its own but the contacts it is given. Everything that a customer meets is
    decided by numbers of that customer's own, so that those who are treated alike under two
    policies live alike: the difference of two policies has little noise.

    Parameters
    ----------
    arguments
        What the shop was made with; its window must end with a month.

    Examples
    --------
    >>> from holdfast.simulation import no_contacts
    >>> shop = Shop(ShopArguments(customers=20, months=6))
    >>> shop.play(no_contacts()).month
    datetime.date(2026, 7, 1)
    >>> shop.now
    datetime.date(2026, 8, 1)
    """

    arguments: ShopArguments
    parameters: ShopParameters = field(default_factory=ShopParameters)
    chunk: int = CHUNK
    writer: TableWriter | None = None
    known_until: date | None = None

    def __post_init__(self) -> None:
        """Live through the window."""
        made, p = self.arguments, self.parameters
        self.now = made.end
        self._sessions = 0
        self._windows = 1
        self.chunks: list[_Chunk] = []
        self._months = build_calendar(made.end, made.months, p)
        sizes = [
            min(self.chunk, made.customers - first)
            for first in range(0, made.customers, self.chunk)
        ]
        of_catalogue, *of_chunks, of_costs = np.random.SeedSequence(made.seed).spawn(2 + len(sizes))
        calendar = self._months
        self.catalogue: Catalogue = build_catalogue(
            np.random.default_rng(of_catalogue), calendar, p
        )
        self._campaigns = len(self.catalogue.campaign_step)
        if self.writer is not None:
            rng = np.random.default_rng(of_costs)
            write_reference(self.writer, rng, made.customers, calendar, self.catalogue, p)
        for number, (size, sequence) in enumerate(zip(sizes, of_chunks, strict=True)):
            rng = np.random.Generator(np.random.SFC64(sequence))
            first_id = 1 + number * self.chunk
            customers = draw_customers(rng, size, first_id, calendar, self.catalogue, p)
            world = World(
                rng, calendar, self.catalogue, customers, p, known_until=self._known_until()
            )
            self._pass(world, initial_state(world), None, is_new=True)

    @property
    def customers(self) -> int:
        """The number of customers who have ever arrived; their ids count from 1."""
        return sum(len(chunk.world.customers) for chunk in self.chunks)

    def arrivals(self) -> pa.Table:
        """Tell when each customer arrived, whatever the policy."""
        known = [chunk.world.customers for chunk in self.chunks]
        return pa.table(
            {
                "customer_id": integers(np.concatenate([customers.ids for customers in known])),
                "created_at": timestamps(
                    np.concatenate([customers.created_at for customers in known])
                ),
            }
        )

    def fork(self) -> Shop:
        """Give a copy that can be played on by itself."""
        other = replace_shallow(self)
        other.chunks = [
            _Chunk(
                replace(
                    chunk.world,
                    log=Log({name: list(parts) for name, parts in chunk.world.log.parts.items()}),
                ),
                deepcopy(chunk.state),
                chunk.pending,
                list(chunk.subscriptions),
                chunk.first_window,
            )
            for chunk in self.chunks
        ]
        return other

    def play(self, contacts: pa.Table) -> PlayedMonth:
        """Live through the next month with some contacts, and tell what it brought.

        Parameters
        ----------
        contacts
            One row per contact: customer_id, channel, offer_id, and what ``tidy`` knows besides.

        Returns
        -------
        PlayedMonth
            What each customer brought and cost.
        """
        p = self.parameters
        month, after = self.now, shift_months(self.now, 1)
        calendar = build_calendar(after, 1, p)
        calendar = replace(calendar, first_month=len(self._months.month_day) + self._windows - 1)
        plan = plan_month(contacts, calendar, self.customers)
        # What befell the window, a share of it, does not befall a month again.
        quiet = replace(p, strike=(2.0, 2.0, 0, 0.0), price_rises=(), stock_troubles=())
        self.catalogue = month_ahead(
            self._generator(_CATALOGUE_STREAM, month), self.catalogue, calendar, p
        )
        newcomers = self._newcomers(calendar)
        if self.writer is not None:
            self._write("campaigns", self._campaigns_table(plan, month))
            costs = self._generator(_COSTS_STREAM, month)
            expected = newcomers / (1 - p.existing_share)
            self._write("acquisition_costs", acquisition_costs_table(costs, expected, calendar, p))
        found: list[Rows] = []
        for chunk in list(self.chunks):
            customers = replace(
                chunk.world.customers, arrival_step=np.full(len(chunk.world.customers), -1)
            )
            world = self._world(calendar, customers, quiet, plan)
            world.log = chunk.world.log
            found.append(self._pass(world, chunk.state, chunk))
        if newcomers:
            rng = self._generator(_CUSTOMERS_STREAM, month)
            all_new = replace(quiet, existing_share=0.0)
            drawn = draw_customers(
                rng, newcomers, 1 + self.customers, calendar, self.catalogue, all_new
            )
            world = self._world(calendar, drawn, quiet, plan)
            world.rng = rng
            found.append(self._pass(world, initial_state(world), None, is_new=True))
        self._campaigns += len(plan.campaigns)
        self._windows += 1
        self.now = after
        by_customer = {name: np.concatenate([rows[name] for rows in found]) for name in found[0]}
        dropped = dict(plan.dropped)
        played = PlayedMonth(month, dropped, by_customer)
        opted_out = len(plan.rows["row"]) - played.total("contacts") - played.total("controls")
        if opted_out:
            dropped["opted out"] = opted_out
        if self.writer is not None:
            self._write("truth/customer_months", _customer_months_table(played))
        return played

    def finish(self) -> None:
        """Write the tables that are known only at the end."""
        for window in range(self._windows):
            for chunk in self.chunks:
                number = window - chunk.first_window
                if number < 0:
                    continue
                first = chunk.subscriptions[number - 1] if number else 0
                assert self.writer is not None
                first_id = 1 + self.writer.row_counts.get("subscriptions", 0)
                table = subscriptions_table(
                    chunk.world, first_id, first, chunk.subscriptions[number]
                )
                self._write("subscriptions", table)

    def _pass(self, world: World, state: State, chunk: _Chunk | None, is_new: bool = False) -> Rows:
        """Let a chunk live through a window, and keep what goes on."""
        passed = pass_through(world, state, None if chunk is None else chunk.pending)
        began = sum(len(part["at"]) for part in world.log.parts["subscriptions"])
        if chunk is None:
            first_window = 0 if world.seed is None else self._windows
            chunk = _Chunk(world, state, passed.pending, [began], first_window)
            self.chunks.append(chunk)
        else:
            chunk.world, chunk.pending = world, passed.pending
            chunk.subscriptions.append(began)
        if self.writer is not None:
            self._sessions += write_chunk(self.writer, world, passed, self._sessions, is_new)
        brought = gains(world, passed)
        # What happened is told; a year of it would only fill the memory.
        world.log = _carry(world.log, world.calendar.end_second)
        return brought

    def _world(self, calendar: Calendar, customers: Any, p: ShopParameters, plan: Plan) -> World:
        """Give the world of a chunk in a month that is played."""
        first = customers.first_id - 1
        mine = (plan.rows["customer"] >= first) & (plan.rows["customer"] < first + len(customers))
        contacts = {name: column[mine] for name, column in plan.rows.items()}
        contacts["customer"] = contacts["customer"] - first
        return World(
            np.random.default_rng(0),
            calendar,
            replace(
                self.catalogue,
                campaign_offer=np.array([offer for offer, _, _ in plan.campaigns], dtype=np.int64),
                campaign_channel=np.array(
                    [channel for _, channel, _ in plan.campaigns], dtype=np.int64
                ),
            ),
            customers,
            p,
            seed=crc32(b"played") + self.arguments.seed,
            known_until=self._known_until(),
            contacts=contacts,
            sent=plan.contacts,
            first_campaign=1 + self._campaigns,
        )

    def _newcomers(self, calendar: Calendar) -> int:
        """Expect as many new customers as the window had, by the season."""

        def weight(of: Calendar) -> float:
            return float((of.step_weight * np.sqrt(of.step_season)).sum())

        new = self.arguments.customers * (1 - self.parameters.existing_share)
        return round(new * weight(calendar) / weight(self._months))

    def _generator(self, stream: int, month: date) -> np.random.Generator:
        """Give a stream for what a month holds under every policy."""
        return np.random.default_rng([self.arguments.seed, day_number(month), stream])

    def _known_until(self) -> int | None:
        return None if self.known_until is None else day_number(self.known_until) * DAY

    def _write(self, name: str, table: pa.Table) -> None:
        assert self.writer is not None
        self.writer.append(name, table)

    def _campaigns_table(self, plan: Plan, month: date) -> pa.Table:
        """Lay out the campaigns of a played month: one per offer, channel and arm."""
        count = len(plan.campaigns)
        offers = np.array([offer for offer, _, _ in plan.campaigns], dtype=np.int64)
        names = [
            f"{month:%Y-%m} {OFFERS[offer][0].lower()}, {arm}" for offer, _, arm in plan.campaigns
        ]
        return pa.table(
            {
                "campaign_id": integers(1 + self._campaigns + np.arange(count), small=True),
                "campaign_name": pa.array(names, pa.string()),
                "started_at": timestamps(np.full(count, day_number(month) * DAY)),
                "channel": pa.array(
                    [CAMPAIGN_CHANNELS[channel] for _, channel, _ in plan.campaigns], pa.string()
                ),
                "offer_id": integers(offers + 1, small=True),
            }
        )


def replace_shallow(shop: Shop) -> Shop:
    """Copy a shop without living through its window again."""
    other = object.__new__(Shop)
    other.__dict__.update(shop.__dict__)
    return other


def _carry(log: Log, since: int) -> Log:
    """Keep of a log what the next window needs: subscriptions, and what is still to happen."""
    kept = {name: log.parts[name] for name in ("subscriptions", "subscription_ends")}
    for name in _CARRIED:
        rows = log.rows(name)
        later = rows["at"] >= since
        kept[name] = [{column: values[later] for column, values in rows.items()}]
    return Log(kept)


def _customer_months_table(played: PlayedMonth) -> pa.Table:
    """Lay out what each customer brought and cost in a played month: the value of the policy."""
    rows: dict[str, Any] = played.by_customer
    count = len(rows["orders"])
    ids: Ints = 1 + np.arange(count)
    columns = {
        "customer_id": integers(ids),
        "month": timestamps(np.full(count, day_number(played.month) * DAY)),
        "orders": integers(rows["orders"], small=True),
        "contacts": integers(rows["contacts"], small=True),
        "is_alive": pa.array(rows["is_alive"]),
        "has_unsubscribed": pa.array(rows["unsubscribed"] > 0),
    }
    for name in ("revenue", "margin", "discount", "offer_cost"):
        columns[name] = money(rows[name])
    return pa.table(columns)
