"""Orders as they are placed, and what becomes of the parcels."""

from __future__ import annotations

import numpy as np

from holdfast.simulation._calendar import DAY, Bools, Floats, Ints, draw_second_of_day
from holdfast.simulation._churn import taste_mismatch
from holdfast.simulation._customers import DISCOUNT_CHANNEL
from holdfast.simulation._parameters import ORDER_CHANNELS
from holdfast.simulation._service import tickets_after_orders
from holdfast.simulation._state import State, World

STORE = ORDER_CHANNELS.index("store")


def place_orders(world: World, state: State, step: int) -> None:
    """Place the orders of a step: first ones, those on a whim and those out of habit."""
    calendar, customers = world.calendar, world.customers
    count = len(customers)
    arrivals = np.flatnonzero(customers.arrival_step == step)
    whims = world.draws("whims due", world.everybody).poisson(_purchase_rate(world, state, step))
    whims = np.minimum(whims, 3)
    kept, due_day = _habits_due(world, state, step)
    has_habit = np.logical_or.reduce(kept.T)

    on_whim = np.repeat(np.arange(count), whims)
    out_of_habit = np.flatnonzero(has_habit & (whims == 0))
    is_first_of_step = np.diff(on_whim, prepend=-1) != 0
    days = np.concatenate(
        [
            calendar.draw_day(world.draws("order day", on_whim), np.full(len(on_whim), step)),
            due_day[out_of_habit],
        ]
    )
    buyers = np.concatenate([on_whim, out_of_habit])
    at = days * DAY + draw_second_of_day(
        world.draws("order time", buyers), customers.preferred_hour[buyers]
    )
    carries = np.concatenate([is_first_of_step, np.ones(len(out_of_habit), dtype=np.bool_)])
    habits = kept[buyers] & carries[:, None]
    is_whim = np.arange(len(buyers)) < len(on_whim)

    rng = world.draws("first order", arrivals)
    first_at = customers.created_at[arrivals] + rng.integers(240, 3000, len(arrivals))
    buyers = np.concatenate([buyers, arrivals])
    at = np.concatenate([at, first_at])
    habits = np.concatenate([habits, np.zeros((len(arrivals), habits.shape[1]), dtype=np.bool_)])
    is_whim = np.concatenate([is_whim, np.ones(len(arrivals), dtype=np.bool_)])
    is_first = np.arange(len(buyers)) >= len(buyers) - len(arrivals)

    happens = at < state.leaves_at[buyers]
    buyers, at, habits = buyers[happens], at[happens], habits[happens]
    is_whim, is_first = is_whim[happens], is_first[happens]
    _welcome(world, state, arrivals)
    _plan_habits(world, state, buyers, at, habits)
    np.maximum.at(state.last_order_at, buyers, at)

    percent, offer = _use_offers(world, state, buyers, is_first)
    u = world.draws("order channel", buyers).random(len(buyers))
    app_share = customers.app_share[buyers]
    channel = np.where(u < app_share, 1, np.where(u < 0.88 + 0.12 * app_share, 0, STORE))
    promised_at, delivered_at, days_late = _deliver(world, state, step, buyers, at, channel)
    world.log.add(
        "orders",
        customer=buyers,
        at=at,
        step=np.full(len(buyers), step),
        channel=channel,
        percent=percent,
        offer=offer,
        is_whim=is_whim,
        habits=habits,
        promised_at=promised_at,
        delivered_at=delivered_at,
        is_late=days_late > 0,
    )
    tickets_after_orders(world, state, step, buyers, at, promised_at, days_late > 0)


def _purchase_rate(world: World, state: State, step: int) -> Floats:
    """Expect orders on a whim: from own rate, season, mood, prices, offers and regularity."""
    p, calendar, customers = world.parameters, world.calendar, world.customers
    month = calendar.step_month[step]
    daily = customers.base_rate / 30.0
    rate = daily * calendar.step_weight[step]
    rate *= calendar.step_season[step] ** customers.season_strength
    dearer = customers.taste @ (world.catalogue.price_level[month] - 1.0)
    exponent = p.purchase_mood * state.mood + state.offer_effect
    exponent -= p.purchase_price * customers.price_sensitivity * dearer
    rate *= np.exp(exponent)
    rate *= 1.0 + p.subscriber_rate * (state.subscription >= 0)
    rate *= 1.0 - 0.5 * taste_mismatch(world, step)
    waited = np.maximum(calendar.step_day[step] - state.last_order_at / DAY, 0.0) * daily
    rate *= when_it_is_time(waited, p.regularity)
    return np.asarray(np.where(state.is_alive, rate, 0.0))


def when_it_is_time(waited: Floats, shape: int) -> Floats:
    """Give the hazard of an Erlang gap of mean 1: few buy at once, most when it is time."""
    y = shape * waited
    term = np.ones_like(y)
    total = np.ones_like(y)
    for power in range(1, shape):
        term = term * y / power
        total += term
    return np.asarray(shape * term / total)


def _habits_due(world: World, state: State, step: int) -> tuple[Bools, Ints]:
    """Find the replenishments that fall due and are bought here, and the day of the first."""
    p, calendar = world.parameters, world.calendar
    first_day, days = int(calendar.step_day[step]), int(calendar.step_days[step])
    is_due = (state.habit_due < first_day + days) & state.is_alive[:, None]
    rng = world.draws("habits due", world.everybody)
    keep = np.minimum(p.habit_keep * np.exp(0.30 * state.mood), 0.97)
    kept = is_due & (rng.random(is_due.shape) < keep[:, None])
    skipped = is_due & ~kept
    rows, slots = np.nonzero(skipped)
    state.habit_due[rows, slots] = np.maximum(state.habit_due[rows, slots], first_day) + _cycle(
        world, rows, slots
    )
    due = np.minimum.reduce(np.where(kept, state.habit_due, np.inf).T)
    return kept, np.where(np.isfinite(due), np.clip(due, first_day, None), 0).astype(np.int64)


def _cycle(world: World, rows: Ints, slots: Ints) -> Floats:
    """Draw the days until the next replenishment."""
    customers = world.customers
    product = customers.habit_product[rows, slots]
    rng = world.draws("cycle", rows, world.moment, slots)
    noise = np.exp(world.parameters.habit_noise * rng.standard_normal(len(rows)))
    cycle: Floats = world.catalogue.cycle_days[product] * customers.habit_multiplier[rows] * noise
    return cycle


def _plan_habits(world: World, state: State, buyers: Ints, at: Ints, habits: Bools) -> None:
    """Set the next replenishment a cycle after this one."""
    orders, slots = np.nonzero(habits)
    rows = buyers[orders]
    state.habit_due[rows, slots] = at[orders] / DAY + _cycle(world, rows, slots)


def _welcome(world: World, state: State, arrivals: Ints) -> None:
    """Welcome new customers, who form their habits in the first weeks."""
    state.is_present[arrivals] = True
    state.is_alive[arrivals] = True
    state.last_order_at[arrivals] = world.customers.created_at[arrivals]
    habits = world.customers.habit_product[arrivals]
    first_due = world.customers.created_at[arrivals][:, None] / DAY
    rng = world.draws("first cycle", arrivals)
    first_due = first_due + rng.uniform(5.0, 60.0, habits.shape)
    state.habit_due[arrivals] = np.where(habits >= 0, first_due, np.inf)


def _use_offers(world: World, state: State, buyers: Ints, is_first: Bools) -> tuple[Ints, Ints]:
    """Apply campaign coupons, welcome vouchers and the odd voucher; tell the offer used, or -1."""
    p, customers = world.parameters, world.customers
    rng = world.draws("voucher", buyers)
    u = rng.random(len(buyers))
    percent = np.where(u < p.voucher_share, np.where(u < p.voucher_share / 2, 5, 10), 0)
    from_discount = customers.acquisition[buyers] == DISCOUNT_CHANNEL
    percent = np.where(is_first & from_discount, 15, percent)
    redeems = np.clip(0.45 + 0.20 * customers.price_sensitivity[buyers], 0.0, 0.9)
    is_open = state.coupon_steps_left[buyers] > 0
    uses = is_open & (state.coupon_percent[buyers] > 0) & (rng.random(len(buyers)) < redeems)
    percent = np.where(uses, state.coupon_percent[buyers], percent)
    # Free shipping and a gift come with the next order, unasked.
    uses |= is_open & (state.coupon_percent[buyers] == 0)
    offer = np.where(uses, state.coupon_offer[buyers], -1)
    state.coupon_steps_left[buyers[uses]] = 0
    return percent, offer


def _deliver(
    world: World, state: State, step: int, buyers: Ints, at: Ints, channel: Ints
) -> tuple[Ints, Ints, Floats]:
    """Draw promise, delivery (0 for the store) and days late; the customer feels it later."""
    p, calendar = world.parameters, world.calendar
    rng = world.draws("delivery", buyers)
    country = world.customers.country[buyers]
    days = np.array(p.delivery_days)[country] + rng.gamma(2.0, p.delivery_noise / 2, len(buyers))
    days += p.delivery_season * calendar.is_busy[step]
    low, high, where, extra = p.strike
    if calendar.share_to_step(low) <= step < calendar.share_to_step(high):
        days += extra * (country == where)
    is_shipped = channel != STORE
    promised_days = np.array(p.promised_days)[country]
    promised_at = np.where(is_shipped, (at // DAY + promised_days + 1) * DAY - 6 * 3600, 0)
    delivered_at = np.where(is_shipped, at + (days * DAY).astype(np.int64), 0)
    days_late = np.where(is_shipped, np.maximum(delivered_at - promised_at, 0) / DAY, 0.0)

    shipped = buyers[is_shipped]
    slow = np.maximum(days[is_shipped] - 3.0, 0.0)
    state.slow_delivery[shipped] = 0.7 * state.slow_delivery[shipped] + 0.3 * slow
    late = days_late > 0
    until = promised_at[late] - (calendar.step_day[step] + calendar.step_days[step]) * DAY
    ahead = np.maximum(until, 0) // (7 * DAY)
    felt = p.late_shock * np.minimum(1.0, 0.5 + 0.2 * days_late[late])
    state.schedule_service(buyers[late], ahead, felt)
    return promised_at, delivered_at, days_late
