"""Subscriptions: sign-up, monthly renewal, cancellation, and coming back after a gap."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from holdfast.simulation._arrow import integers, money, timestamps
from holdfast.simulation._calendar import DAY, draw_second_of_day, shift_months_array
from holdfast.simulation._customers import draw_category
from holdfast.simulation._parameters import PLAN_MRR_CENTS, PLANS
from holdfast.simulation._state import FAR_FUTURE, State, World


def renew_or_cancel(world: World, state: State, step: int) -> None:
    """Renew what falls due in this step; the unhappy and the departed cancel more often."""
    p, calendar = world.parameters, world.calendar
    holders = np.flatnonzero(state.subscription >= 0)
    renewal_day = shift_months_array(
        state.subscription_since[holders] // DAY, state.subscription_renewals[holders] + 1
    )
    is_due = renewal_day < calendar.step_day[step] + calendar.step_days[step]
    holders, renewal_day = holders[is_due], renewal_day[is_due]
    is_gone = ~state.is_alive[holders] | (state.leaves_at[holders] < renewal_day * DAY)
    logit = p.cancel_logit + p.cancel_mood * state.mood[holders] * ~is_gone
    logit += p.cancel_gone * is_gone
    cancels = world.draws("cancels", holders).random(len(holders)) < 1 / (1 + np.exp(-logit))
    ended_at = renewal_day * DAY + state.subscription_since[holders] % DAY
    world.log.add(
        "subscription_ends", number=state.subscription[holders[cancels]], at=ended_at[cancels]
    )
    state.subscription[holders[cancels]] = -1
    state.subscription_renewals[holders[~cancels]] += 1


def sign_up(world: World, state: State, step: int) -> None:
    """Sign up those inclined; former subscribers return at a lower rate."""
    p, calendar, customers = world.parameters, world.calendar, world.customers
    count = len(customers)
    weekly = np.where(state.has_subscribed, p.resubscribe, p.signup) * np.exp(0.3 * state.mood)
    probability = weekly * calendar.step_days[step] / 7.0
    may = state.is_alive & customers.subscription_inclined & (state.subscription < 0)
    who = np.flatnonzero(
        may & (world.draws("signs up", world.everybody).random(count) < probability)
    )
    rng = world.draws("sign-up", who)
    day = calendar.draw_day(rng, np.full(len(who), step))
    at = day * DAY + draw_second_of_day(rng, customers.preferred_hour[who])
    happens = (at < state.leaves_at[who]) & (at > customers.created_at[who])
    who, at = who[happens], at[happens]
    started = sum(len(part["at"]) for part in world.log.parts.get("subscriptions", []))
    number = started + np.arange(len(who))
    plan = draw_category(world.draws("plan", who), np.tile(np.array(p.plan_share), (len(who), 1)))
    state.subscription[who] = number
    state.subscription_since[who] = at
    state.subscription_renewals[who] = 0
    state.subscription_plan[who] = plan
    state.has_subscribed[who] = True
    world.log.add("subscriptions", customer=who, at=at, plan=plan)


def subscriptions_table(
    world: World, first_id: int, first: int = 0, after: int | None = None
) -> pa.Table:
    """Lay out subscriptions of a chunk, by running number; one that runs has no end."""
    rows, ends = world.log.rows("subscriptions"), world.log.rows("subscription_ends")
    ended_at = np.full(len(rows["at"]), FAR_FUTURE, dtype=np.int64)
    ended_at[ends["number"]] = ends["at"]
    order = np.lexsort((rows["at"], rows["customer"]))
    order = order[(order >= first) & (order < (len(order) if after is None else after))]
    ended_at, plan = ended_at[order], rows["plan"][order]
    runs = ended_at >= world.known_until_second
    return pa.table(
        {
            "subscription_id": integers(first_id + np.arange(len(order))),
            "customer_id": integers(world.customers.first_id + rows["customer"][order]),
            "started_at": timestamps(rows["at"][order]),
            "ended_at": timestamps(np.where(runs, 0, ended_at), runs),
            "plan": pa.array(PLANS).take(pa.array(plan)),
            "mrr": money(np.array(PLAN_MRR_CENTS)[plan]),
        }
    )
