"""Who the customers are: latent traits, and the table the shop sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.simulation._calendar import DAY, Bools, Calendar, Floats, Ints, draw_second_of_day
from holdfast.simulation._catalogue import Catalogue
from holdfast.simulation._draws import Draws
from holdfast.simulation._parameters import ACQUISITION_CHANNELS, ShopParameters

DISCOUNT_CHANNEL = ACQUISITION_CHANNELS.index("discount_portal")


@dataclass(frozen=True)
class Customers:
    """Latent traits of one chunk of customers; ``first_id`` is the id of the first."""

    first_id: int
    created_at: Ints
    arrival_step: Ints  # -1: there when the window opens
    segment: Ints
    persuasion: Ints
    country: Ints
    acquisition: Ints
    is_newsletter_subscriber: Bools
    price_sensitivity: Floats
    impatience: Floats
    base_rate: Floats  # discretionary orders per 30 days
    frailty: Floats
    season_strength: Floats
    taste: Floats  # (customers, categories)
    preferred_hour: Floats
    responsiveness: Floats
    browse_rate: Floats
    app_share: Floats
    subscription_inclined: Bools
    effect: Floats  # (customers, offers), on the log purchase rate
    habit_product: Ints  # (customers, slots), -1: none
    habit_multiplier: Floats

    def __len__(self) -> int:
        return len(self.created_at)

    @property
    def ids(self) -> Ints:
        """Customer ids."""
        return self.first_id + np.arange(len(self))


def draw_category(rng: Draws, shares: Floats) -> Ints:
    """Draw one column per row of ``shares``."""
    cumulated = np.cumsum(shares, axis=1)
    u = rng.random(len(shares)) * cumulated[:, -1]
    return np.asarray((u[:, None] >= cumulated[:, :-1]).sum(axis=1), dtype=np.int64)


def draw_customers(
    rng: np.random.Generator,
    count: int,
    first_id: int,
    calendar: Calendar,
    catalogue: Catalogue,
    parameters: ShopParameters,
) -> Customers:
    """Draw a chunk of customers, ordered by the time they came."""
    p = parameters
    created_at, arrival_step = _draw_arrivals(rng, count, calendar, p)
    segment = rng.choice(len(p.segment_share), count, p=np.array(p.segment_share))
    persuasion = draw_category(rng, np.array(p.persuasion_share)[segment])
    hour = np.where(
        rng.random(count) < 0.55, rng.normal(19.5, 1.8, count), rng.normal(11.5, 2.6, count)
    )
    sensitivity = np.array(p.price_sensitivity)[segment] * rng.gamma(6.0, 1 / 6.0, count)
    taste = rng.gamma(np.array(p.taste_breadth)[segment][:, None], 1.0, (count, 8)) + 0.01
    taste /= taste.sum(axis=1, keepdims=True)
    is_sure = persuasion == 1
    is_lost = persuasion == 2
    base_rate = np.array(p.orders_per_30_days)[segment] * rng.gamma(
        p.rate_shape, 1 / p.rate_shape, count
    )
    return Customers(
        first_id=first_id,
        created_at=created_at,
        arrival_step=arrival_step,
        segment=segment,
        persuasion=persuasion,
        country=rng.choice(len(p.country_share), count, p=np.array(p.country_share)),
        acquisition=draw_category(rng, np.array(p.channel_share)[segment]),
        is_newsletter_subscriber=rng.random(count) < p.newsletter_share,
        price_sensitivity=sensitivity,
        impatience=np.array(p.impatience)[segment] * rng.gamma(5.0, 0.2, count),
        base_rate=np.maximum(base_rate, 0.06) * np.where(is_sure, 1.15, 1.0),
        frailty=np.array(p.frailty)[segment]
        + rng.normal(0.0, p.frailty_spread, count)
        + 0.3 * is_lost
        - 0.2 * is_sure,
        season_strength=np.array(p.season_strength)[segment] * rng.uniform(0.7, 1.3, count),
        taste=taste,
        preferred_hour=hour % 24.0,
        responsiveness=rng.normal(0.0, 0.5, count)
        + np.array((0.45, 0.1, -0.35, -0.65))[persuasion],
        browse_rate=p.sessions_per_week * np.exp(rng.normal(-0.15, p.browse_spread, count)),
        app_share=np.clip(np.array(p.app_share)[segment] + rng.normal(0, 0.15, count), 0.02, 0.9),
        subscription_inclined=rng.random(count) < np.array(p.subscription_share)[segment],
        effect=_draw_effects(rng, persuasion, sensitivity, p),
        habit_product=_draw_habits(rng, segment, taste, catalogue, p),
        habit_multiplier=np.exp(rng.normal(0.0, 0.22, count)),
    )


def _draw_arrivals(
    rng: np.random.Generator, count: int, calendar: Calendar, p: ShopParameters
) -> tuple[Ints, Ints]:
    """Draw when customers came: before the window opens, or during it and more in season."""
    weight = calendar.step_weight * np.sqrt(calendar.step_season)
    step = np.searchsorted(np.cumsum(weight) / weight.sum(), rng.random(count))
    step = np.minimum(step, calendar.steps - 1)
    day = calendar.draw_day(rng, step)
    tenure = np.ceil(rng.exponential(p.existing_tenure_days, count)).astype(np.int64)
    is_existing = rng.random(count) < p.existing_share
    day = np.where(is_existing, calendar.start_day - np.clip(tenure, 1, 1500), day)
    second = draw_second_of_day(rng, np.full(count, 17.0))
    # A first order follows within the hour and must still fall into the window.
    second = np.where(is_existing, second, np.minimum(second, DAY - 2 * 3600))
    created_at = day * DAY + second
    order = np.argsort(created_at, kind="stable")
    return created_at[order], np.where(is_existing, -1, step)[order]


def _draw_effects(
    rng: np.random.Generator, persuasion: Ints, sensitivity: Floats, p: ShopParameters
) -> Floats:
    """Draw the true effect of every offer on every customer's log purchase rate."""
    strength = np.array(p.offer_strength)
    by_price = np.where(
        np.array(p.offer_is_price), np.clip(sensitivity, 0.4, 2.0)[:, None] ** 0.6, 1.0
    )
    spread = np.exp(rng.normal(0.0, p.effect_spread, (len(persuasion), 1)))
    response = np.array(p.type_response)[persuasion][:, None]
    annoyance = np.array(p.type_annoyance)[persuasion][:, None]
    effect: Floats = spread * (strength * by_price * response + annoyance)
    return effect


def _draw_habits(
    rng: np.random.Generator,
    segment: Ints,
    taste: Floats,
    catalogue: Catalogue,
    p: ShopParameters,
) -> Ints:
    """Draw the replenishable products that a customer buys on a cycle."""
    count = len(segment)
    candidates = np.flatnonzero(catalogue.is_replenishable)
    habits = np.full((count, p.habit_slots), -1, dtype=np.int64)
    if len(candidates) == 0:
        return habits
    shares = np.cumsum(taste[:, catalogue.category[candidates]], axis=1)
    for slot in range(p.habit_slots):
        u = rng.random(count) * shares[:, -1]
        chosen = candidates[(u[:, None] >= shares[:, :-1]).sum(axis=1)]
        has_habit = rng.random(count) < np.array(p.habit_share)[segment]
        is_new = ~(habits == chosen[:, None]).any(axis=1)
        habits[:, slot] = np.where(has_habit & is_new, chosen, -1)
    return habits
