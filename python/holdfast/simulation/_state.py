"""What changes from step to step, and the log of what happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from holdfast.simulation._calendar import DAY, Bools, Calendar, Floats, Ints
from holdfast.simulation._catalogue import Catalogue
from holdfast.simulation._customers import Customers
from holdfast.simulation._draws import Draws, KeyedDraws, hash_keys
from holdfast.simulation._parameters import ShopParameters

Rows = dict[str, npt.NDArray[Any]]

# Steps ahead for which the consequence of a parcel or a ticket can be scheduled.
HORIZON = 8


@dataclass
class Log:
    """Rows of each kind as they happen, joined at the end."""

    parts: dict[str, list[Rows]] = field(default_factory=dict)

    def add(self, kind: str, **columns: npt.NDArray[Any]) -> None:
        """Note a batch of rows."""
        self.parts.setdefault(kind, []).append(columns)

    def rows(self, kind: str) -> Rows:
        """Join all rows of a kind, in the order they were noted."""
        parts = self.parts[kind]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@dataclass
class World:
    """What every mechanism needs to know."""

    rng: np.random.Generator
    calendar: Calendar
    catalogue: Catalogue
    customers: Customers
    parameters: ShopParameters
    log: Log = field(default_factory=Log)
    # In a month that is played on: where draws begin, and the day of the step that runs.
    seed: int | None = None
    moment: int = 0
    # Until when the columns that are filled in later are known; the window's end when None.
    known_until: int | None = None
    contacts: Rows = field(default_factory=dict)
    sent: pa.Table | None = None
    first_campaign: int = 1

    def draws(self, purpose: str, who: Ints, *more: Ints | int) -> Draws:
        """Give the stream of the window; in a month that is played on, numbers by customer."""
        if self.seed is None:
            return self.rng
        keys = (self.seed, *(more or (self.moment,)), self.customers.first_id + who)
        return KeyedDraws(hash_keys(purpose, *keys))

    @property
    def everybody(self) -> Ints:
        """The customers of this chunk, as indices."""
        return np.arange(len(self.customers))

    @property
    def known_until_second(self) -> int:
        """What happens at this second or later is not known yet."""
        return self.calendar.end_second if self.known_until is None else self.known_until


@dataclass
class State:
    """State of one chunk of customers at the start of a step; one entry per customer."""

    is_present: Bools
    is_alive: Bools
    mood: Floats
    bad_service: Floats
    slow_delivery: Floats
    fatigue: Floats
    offer_effect: Floats
    offer_steps_left: Ints
    coupon_percent: Ints
    coupon_steps_left: Ints
    coupon_offer: Ints  # -1: none
    is_opted_in: Bools
    last_order_at: Ints
    leaves_at: Ints  # within the step; the far future for those who stay
    habit_due: Floats  # (customers, slots) day number; infinite without a habit
    scheduled_service: Floats  # (customers, HORIZON) bad service by step ahead
    subscription: Ints  # running number within the chunk, -1: none
    subscription_since: Ints
    subscription_renewals: Ints
    subscription_plan: Ints
    has_subscribed: Bools

    def schedule_service(self, customers: Ints, steps_ahead: Ints, amount: Floats) -> None:
        """Let bad service be felt some steps later."""
        soon = steps_ahead < HORIZON
        np.add.at(self.scheduled_service, (customers[soon], steps_ahead[soon]), amount[soon])


FAR_FUTURE = np.iinfo(np.int64).max


def initial_state(world: World) -> State:
    """Set the state when the window opens."""
    rng, customers, p = world.rng, world.customers, world.parameters
    count = len(customers)
    start = world.calendar.start_day
    existing = customers.arrival_step < 0
    gap_days = rng.exponential(1.0, count) * np.minimum(30.0 / customers.base_rate, 60.0)
    due = start + rng.uniform(0.0, 60.0, (count, p.habit_slots))
    return State(
        is_present=existing.copy(),
        is_alive=existing.copy(),
        mood=rng.normal(0.15, p.mood_spread, count),
        bad_service=np.zeros(count),
        slow_delivery=np.zeros(count),
        fatigue=np.zeros(count),
        offer_effect=np.zeros(count),
        offer_steps_left=np.zeros(count, dtype=np.int64),
        coupon_percent=np.zeros(count, dtype=np.int64),
        coupon_steps_left=np.zeros(count, dtype=np.int64),
        coupon_offer=np.full(count, -1, dtype=np.int64),
        is_opted_in=customers.is_newsletter_subscriber.copy(),
        last_order_at=((start - gap_days) * DAY).astype(np.int64),
        leaves_at=np.full(count, FAR_FUTURE, dtype=np.int64),
        habit_due=np.where((customers.habit_product >= 0) & existing[:, None], due, np.inf),
        scheduled_service=np.zeros((count, HORIZON)),
        subscription=np.full(count, -1, dtype=np.int64),
        subscription_since=np.zeros(count, dtype=np.int64),
        subscription_renewals=np.zeros(count, dtype=np.int64),
        subscription_plan=np.zeros(count, dtype=np.int64),
        has_subscribed=np.zeros(count, dtype=np.bool_),
    )
