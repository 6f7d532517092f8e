"""What an offer would truly gain: the policy that nobody can have, as a measure for the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.simulation._calendar import DAY, Bools, Calendar, Floats, build_calendar, shift_months
from holdfast.simulation._catalogue import OFFERS
from holdfast.simulation._churn import leaving_logit
from holdfast.simulation._orders import when_it_is_time
from holdfast.simulation._shop import Shop
from holdfast.simulation._state import State, World

_NET_OF_RETURNS = 0.94


@dataclass(frozen=True)
class TrueState:
    """The truth about every customer today; entries follow the ids, from 1."""

    is_alive: Bools
    is_opted_in: Bools
    is_sleeping_dog: Bools
    hazard: Floats  # chance to leave within the next step, for those who are there
    gain: Floats  # (customers, offers): expected profit over leaving alone, in cents


def true_state(shop: Shop, contact_cents: int = 0, months_ahead: int = 6) -> TrueState:
    """Tell who is there, and what each offer would gain if it were sent today.

    The gain counts orders, discounts, costs and the customers kept over the months ahead, with
    nothing else sent meanwhile. It follows the expected course of each customer (chance to be
    there, time since the last order), so an order that an offer only brings forward counts for
    little.

    Parameters
    ----------
    shop
        The shop, as it is now.
    contact_cents
        Cost of a contact.
    months_ahead
        How far the gain looks.

    Returns
    -------
    TrueState
        One entry per customer.

    Examples
    --------
    >>> from holdfast.simulation import ShopArguments
    >>> true_state(Shop(ShopArguments(customers=20, months=6))).gain.shape
    (20, 5)
    """
    calendar = build_calendar(shift_months(shop.now, months_ahead), months_ahead, shop.parameters)
    parts = []
    for chunk in shop.chunks:
        world, state = chunk.world, chunk.state
        alone, hazard = _expected_profit(world, state, calendar, None)
        gain = [
            _expected_profit(world, state, calendar, offer)[0] - alone - contact_cents
            for offer in range(len(OFFERS))
        ]
        is_dog = world.customers.persuasion == 3
        parts.append((state.is_alive, state.is_opted_in, is_dog, hazard, np.stack(gain, axis=1)))
    return TrueState(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _expected_profit(
    world: World, state: State, calendar: Calendar, offer: int | None
) -> tuple[Floats, Floats]:
    """Expect the profit of the steps ahead, in cents, and the chance to leave in the first."""
    p, customers, shelves = world.parameters, world.customers, world.catalogue
    taste = customers.taste
    mismatch = taste @ (1.0 - shelves.availability[-1])
    dearer = taste @ (shelves.price_level[-1] - 1.0)
    revenue, margin = _whim(world)
    habit_revenue, habit_value, habit_rate = _habits(world)
    # An order out of habit takes along something else at times.
    along = 0.35 / (1 + p.extra_lines)
    habit_revenue, habit_value = habit_revenue + along * revenue, habit_value + along * margin
    daily = customers.base_rate / 30.0
    # How likely the last order was the known one, or lies in a step ahead; and when that was.
    since = np.zeros((calendar.steps + 1, len(customers)))
    since[0] = 1.0
    when = np.zeros_like(since)
    when[0] = state.last_order_at / DAY

    alive = state.is_alive.astype(np.float64)
    gone = (state.is_present & ~state.is_alive).astype(np.float64)
    coupon = np.ones(len(customers))
    mood, fatigue = state.mood.copy(), state.fatigue.copy()
    service, slow = state.bad_service.copy(), state.slow_delivery.copy()
    profit = np.zeros(len(customers))
    first_hazard = np.zeros(len(customers))
    # A new offer takes the place of one that is still open, whose cost falls away with it.
    if offer is None:
        taken, open_steps = state.coupon_offer, state.coupon_steps_left - 1
    else:
        taken, open_steps = np.full(len(customers), offer), np.full(len(customers), p.coupon_steps)
    percent = np.array([terms[2] for terms in OFFERS])[taken]
    fixed_cost = np.where(percent > 0, 0, np.array(p.offer_cost_cents)[taken])
    redeems = np.clip(0.45 + 0.20 * customers.price_sensitivity, 0.0, 0.9)
    redeems = np.where(percent > 0, redeems, 1.0)
    for step in range(calendar.steps):
        pain = taste @ (shelves.recent_rise[-1] * np.exp(-(1 + step) / p.price_memory_steps))
        mood = p.mood_keep * mood - p.mood_taste * mismatch
        mood -= p.mood_price * customers.price_sensitivity * pain
        fatigue, service, slow = p.fatigue_keep * fatigue, p.service_keep * service, 0.93 * slow
        if step == 0 and offer is not None:
            fatigue = fatigue + 1.0
        effect = np.zeros(len(customers))
        if offer is not None and step < p.offer_steps:
            effect = customers.effect[:, offer]
        elif offer is None and step < p.offer_steps:
            effect = np.where(state.offer_steps_left > step + 1, state.offer_effect, 0.0)
        logit = leaving_logit(
            p,
            customers,
            state,
            int(calendar.step_day[step]),
            mood,
            service,
            slow,
            fatigue,
            effect,
            pain,
            mismatch,
            bool(calendar.is_post_holiday[step]),
        )
        weeks = calendar.step_days[step] / 7.0
        hazard = 1.0 - (1.0 - 1.0 / (1.0 + np.exp(-logit))) ** weeks
        if step == 0:
            first_hazard = hazard
        back = p.reactivation * np.exp(p.reactivation_offer * np.maximum(effect, 0.0)) * weeks
        there = alive * (1.0 - hazard / 2)
        exponent = p.purchase_mood * mood + effect
        exponent = exponent - p.purchase_price * customers.price_sensitivity * dearer
        rate = daily * calendar.step_weight[step] * np.exp(exponent)
        rate = rate * calendar.step_season[step] ** customers.season_strength
        rate = rate * (1.0 + p.subscriber_rate * (state.subscription >= 0))
        rate = rate * (1.0 - 0.5 * mismatch)
        day = float(calendar.step_day[step])
        waited = np.maximum(day - when[: step + 1], 0.0) * daily
        due = rate * when_it_is_time(waited, p.regularity)
        orders = (since[: step + 1] * due).sum(axis=0)
        keeps = np.minimum(p.habit_keep * np.exp(0.30 * mood), 0.97)
        habits = habit_rate * calendar.step_days[step] * keeps
        # An order out of habit ends the wait for the next one on a whim, too.
        since[: step + 1] *= np.exp(-due - habits)
        since[step + 1] = 1.0 - since[: step + 1].sum(axis=0)
        when[step + 1] = day + calendar.step_days[step] / 2
        profit += there * (orders * margin + habits * habit_value)
        # Two orders within a step may both use it; a habit that is due with a whim rides along.
        open_here = there * coupon * redeems * (step < open_steps)
        parcels = orders + habits * np.exp(-orders)
        spent = orders * revenue + habits * habit_revenue
        profit -= open_here * (parcels * fixed_cost + _NET_OF_RETURNS * spent * percent / 100)
        coupon = coupon - open_here * (1.0 - np.exp(-orders - habits))
        alive, gone = alive * (1 - hazard) + gone * back, gone * (1 - back) + alive * hazard
    return profit, first_hazard


def _whim(world: World) -> tuple[Floats, Floats]:
    """Expect revenue and margin of an order on a whim, by the customer's taste."""
    shelves, p = world.catalogue, world.parameters
    slots = shelves.product_slots[-1]
    price = shelves.price_cents[-1][slots].mean(axis=1)
    cost = shelves.cost_cents[slots].mean(axis=1)
    shares = world.customers.taste * shelves.availability[-1]
    shares = shares / shares.sum(axis=1, keepdims=True)
    pieces = (1 + p.extra_lines) * 1.22
    revenue = pieces * (shares @ price)
    return revenue, _NET_OF_RETURNS * (revenue - pieces * (shares @ cost))


def _habits(world: World) -> tuple[Floats, Floats, Floats]:
    """Expect revenue and margin of a replenishment, and how many there are a day."""
    shelves, customers = world.catalogue, world.customers
    product = customers.habit_product
    has = product >= 0
    known = np.where(has, product, 0)
    cycle = shelves.cycle_days[known] * customers.habit_multiplier[:, None]
    rate = np.where(has, 1.0 / np.where(has, cycle, 1.0), 0.0)
    price, cost = shelves.price_cents[-1][known], shelves.cost_cents[known]
    total = rate.sum(axis=1)
    pieces = 1.2 * rate / np.maximum(total, 1e-9)[:, None]
    revenue = (pieces * price).sum(axis=1)
    return revenue, _NET_OF_RETURNS * (revenue - (pieces * cost).sum(axis=1)), total
