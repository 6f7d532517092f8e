"""Mood and leaving: why customers go, and the signs they give before."""

from __future__ import annotations

import numpy as np

from holdfast.simulation._calendar import DAY, Floats
from holdfast.simulation._customers import DISCOUNT_CHANNEL, Customers
from holdfast.simulation._parameters import ShopParameters
from holdfast.simulation._state import FAR_FUTURE, State, World


def move_mood(world: World, state: State, step: int) -> None:
    """Let the last step's experiences settle into mood, service memory and fatigue."""
    p, customers = world.parameters, world.customers
    felt = state.scheduled_service[:, 0].copy()
    state.scheduled_service[:, :-1] = state.scheduled_service[:, 1:]
    state.scheduled_service[:, -1] = 0.0
    state.bad_service = p.service_keep * state.bad_service + felt
    state.slow_delivery *= 0.93
    state.fatigue *= p.fatigue_keep
    state.offer_steps_left -= 1
    state.offer_effect[state.offer_steps_left <= 0] = 0.0
    state.coupon_steps_left -= 1
    noise = world.draws("mood", world.everybody).standard_normal(len(customers))
    state.mood *= p.mood_keep
    state.mood += p.mood_noise * noise
    state.mood -= p.mood_service * customers.impatience * felt
    state.mood -= p.mood_taste * taste_mismatch(world, step)
    state.mood -= p.mood_price * customers.price_sensitivity * price_pain(world, step)


def taste_mismatch(world: World, step: int) -> Floats:
    """Measure the share of a customer's taste that the shelves no longer hold."""
    month = world.calendar.step_month[step]
    return np.asarray(world.customers.taste @ (1.0 - world.catalogue.availability[month]))


def price_pain(world: World, step: int) -> Floats:
    """Measure recent price rises in the customer's categories; 1 is a fresh rise of 10 %."""
    return np.asarray(world.customers.taste @ world.catalogue.recent_rise[step])


def leaving_probability(world: World, state: State, step: int) -> Floats:
    """Compute the hazard: to leave within the step, for one who is still there."""
    calendar = world.calendar
    logit = leaving_logit(
        world.parameters,
        world.customers,
        state,
        int(calendar.step_day[step]),
        state.mood,
        state.bad_service,
        state.slow_delivery,
        state.fatigue,
        state.offer_effect,
        price_pain(world, step),
        taste_mismatch(world, step),
        bool(calendar.is_post_holiday[step]),
    )
    weekly = 1.0 / (1.0 + np.exp(-logit))
    return np.asarray(1.0 - (1.0 - weekly) ** (calendar.step_days[step] / 7.0))


def leaving_logit(
    p: ShopParameters,
    customers: Customers,
    state: State,
    day: int,
    mood: Floats,
    bad_service: Floats,
    slow_delivery: Floats,
    fatigue: Floats,
    offer_effect: Floats,
    pain: Floats,
    mismatch: Floats,
    is_post_holiday: bool,
) -> Floats:
    """Add up why customers leave: the logit of leaving within 7 days."""
    tenure = np.maximum(day - customers.created_at / DAY, 0.0)
    logit = p.hazard_base + customers.frailty
    logit += p.hazard_mood * mood
    logit += p.hazard_service * customers.impatience * bad_service
    logit += p.hazard_delivery * slow_delivery
    logit += p.hazard_price * customers.price_sensitivity * pain
    logit += p.hazard_taste * mismatch
    logit += p.hazard_season * is_post_holiday
    logit += p.hazard_new * np.exp(-tenure / p.hazard_new_days)
    from_discount = customers.acquisition == DISCOUNT_CHANNEL
    logit += p.hazard_discount_channel * from_discount * np.exp(-tenure / p.hazard_discount_days)
    logit += p.hazard_fatigue * fatigue
    logit += p.hazard_offer * offer_effect
    logit += p.hazard_subscriber * (state.subscription >= 0)
    return np.asarray(logit)


def leave_or_return(world: World, state: State, step: int) -> Floats:
    """Decide who leaves in this step and who comes back; the hazard used is returned."""
    p, calendar = world.parameters, world.calendar
    probability = leaving_probability(world, state, step)
    count = len(probability)
    rng = world.draws("leaving", world.everybody)
    u, when = rng.random(count), rng.random(count)
    step_at = calendar.step_day[step] * DAY
    moment = step_at + (when * calendar.step_days[step] * DAY).astype(np.int64)
    leaves = state.is_alive & (u < probability)
    state.leaves_at = np.where(leaves, moment, FAR_FUTURE)

    weekly = p.reactivation * np.exp(p.reactivation_offer * np.maximum(state.offer_effect, 0.0))
    returns = ~state.is_alive & state.is_present
    returns &= u < weekly * calendar.step_days[step] / 7.0
    state.is_alive |= returns
    state.mood[returns] = 0.0
    world.log.add(
        "departures",
        customer=np.flatnonzero(leaves),
        at=moment[leaves],
        step=np.full(int(leaves.sum()), step),
    )
    return probability


def settle(world: World, state: State) -> None:
    """Make those who left gone, at the step's end."""
    state.is_alive &= state.leaves_at == FAR_FUTURE
