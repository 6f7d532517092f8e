"""Support tickets and feedback: what goes wrong, how it is handled and what people say."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.simulation._arrow import integers, is_null_from, timestamps
from holdfast.simulation._calendar import (
    DAY,
    Bools,
    Floats,
    Ints,
    draw_loaded_at,
    draw_second_of_day,
)
from holdfast.simulation._catalogue import CATEGORIES
from holdfast.simulation._churn import price_pain
from holdfast.simulation._state import Rows, State, World
from holdfast.simulation._texts import (
    COMMENTS,
    TICKET_TEXTS,
    TOPICS,
    WAVE_TEXTS,
    WAVE_TOPIC,
    compose,
)

DELIVERY, PRODUCT, BILLING, RETURN, ACCOUNT, SUBSCRIPTION = range(len(TOPICS))
_WAVE = len(TOPICS)
_WAVE_DAYS = 7
# Hours to resolve relative to the typical ticket.
_TOPIC_HOURS = np.array([1.3, 1.2, 0.8, 1.1, 0.5, 0.7, 1.0])


def tickets_after_orders(
    world: World,
    state: State,
    step: int,
    buyers: Ints,
    at: Ints,
    promised_at: Ints,
    is_late: Bools,
) -> None:
    """Open the tickets that orders lead to, most of them about parcels that are late."""
    p, rng = world.parameters, world.draws("ticket", buyers)
    u = rng.random(len(buyers))
    about_parcel = is_late & (u < p.ticket_if_late)
    about_goods = ~about_parcel & (u > 1 - p.ticket_per_order)
    topic = np.where(rng.random(len(buyers)) < 0.55, PRODUCT, RETURN)
    topic = np.where(about_parcel, DELIVERY, topic)
    wait = (rng.exponential(1.2 * DAY, len(buyers))).astype(np.int64)
    opened_at = np.where(about_parcel, promised_at + wait, at + 3 * DAY + 2 * wait)
    opens = about_parcel | about_goods
    _open(world, state, step, buyers[opens], opened_at[opens], topic[opens])
    _ask_feedback(world, state, buyers, np.maximum(promised_at, at) + DAY, is_late)


def tickets_without_orders(world: World, state: State, step: int) -> None:
    """Open tickets of the unhappy, of those hit by a price rise, and about daily matters."""
    p, calendar, customers = world.parameters, world.calendar, world.customers
    count = len(customers)
    background = p.ticket_background * np.exp(-p.ticket_mood * state.mood)
    background *= np.sqrt(customers.base_rate + 0.2)
    about_price = p.ticket_price * customers.price_sensitivity * price_pain(world, step)
    u = world.draws("tickets due", world.everybody).random(count)
    opens = state.is_alive & (u < background + about_price)
    who = np.flatnonzero(opens)
    weights = np.array([0.12, 0.30, 0.16, 0.12, 0.18, 0.12])
    rng = world.draws("daily ticket", who)
    topic = rng.choice(len(TOPICS), len(who), p=weights)
    topic = np.where((topic == SUBSCRIPTION) & (state.subscription[who] < 0), ACCOUNT, topic)
    topic = np.where(u[who] >= background[who], BILLING, topic)
    day = calendar.draw_day(rng, np.full(len(who), step))
    opened_at = day * DAY + draw_second_of_day(rng, customers.preferred_hour[who])
    happens = opened_at < state.leaves_at[who]
    _open(world, state, step, who[happens], opened_at[happens], topic[happens])
    if p.wave_day is not None:
        _open_wave(world, state, step, p.wave_day)


def _open_wave(world: World, state: State, step: int, wave_day: int) -> None:
    """Open the tickets of the planted wave that fall into the step."""
    first = int(world.calendar.step_day[step])
    days = range(
        max(first, wave_day),
        min(first + int(world.calendar.step_days[step]), wave_day + _WAVE_DAYS),
    )
    for day in days:
        u = world.draws(f"wave {day}", world.everybody).random(len(world.customers))
        who = np.flatnonzero(state.is_alive & (u < world.parameters.wave_tickets))
        rng = world.draws("wave ticket", who)
        opened_at = day * DAY + draw_second_of_day(rng, world.customers.preferred_hour[who])
        happens = opened_at < state.leaves_at[who]
        topic = np.full(int(happens.sum()), _WAVE)
        _open(world, state, step, who[happens], opened_at[happens], topic)


def _open(world: World, state: State, step: int, who: Ints, opened_at: Ints, topic: Ints) -> None:
    """Open tickets, resolve them, and let slow ones be felt when patience runs out."""
    p, calendar = world.parameters, world.calendar
    rng = world.draws("resolution", who, opened_at)
    count = len(who)
    hours = p.resolution_hours * _TOPIC_HOURS[topic]
    hours *= np.exp(p.resolution_spread * rng.standard_normal(count))
    hours *= p.resolution_season if calendar.is_busy[step] else 1.0
    resolved_at = opened_at + np.maximum(hours * 3600, 300).astype(np.int64)
    slowness = np.minimum(hours / p.slow_hours - 1.0, 2.0)
    is_slow = slowness > 0
    felt_at = opened_at + np.minimum(resolved_at - opened_at, int(p.slow_hours * 3600))
    until = felt_at - (calendar.step_day[step] + calendar.step_days[step]) * DAY
    ahead = np.maximum(until, 0) // (7 * DAY)
    felt = p.slow_shock * (0.6 + 0.4 * np.maximum(slowness, 0.0))
    state.schedule_service(who[is_slow], ahead[is_slow], felt[is_slow])

    satisfaction = 4.3 - 0.75 * np.log2(np.maximum(hours / 12, 0.6)) + 0.4 * state.mood[who]
    satisfaction += rng.normal(0.0, 0.8, count)
    answers = rng.random(count) < p.csat_share
    csat = np.where(answers, np.clip(np.round(satisfaction), 1, 5), 0).astype(np.int64)
    world.log.add(
        "tickets", customer=who, at=opened_at, resolved_at=resolved_at, topic=topic, csat=csat
    )


def _ask_feedback(world: World, state: State, who: Ints, at: Ints, is_late: Bools) -> None:
    """Ask some buyers how likely they are to recommend the shop."""
    rng = world.draws("feedback", who, at)
    asked = rng.random(len(who)) < world.parameters.feedback_share
    wait = (rng.exponential(0.8 * DAY, len(who))).astype(np.int64)
    _answer(world, state, who[asked], (at + wait)[asked], np.where(is_late[asked], 1.6, 0.0))


def survey(world: World, state: State, step: int) -> None:
    """Survey all customers once a quarter; the departed seldom answer."""
    p, calendar = world.parameters, world.calendar
    month = int(calendar.step_month[step])
    is_new = step == 0 or calendar.step_month[step - 1] != month
    is_survey = is_new and (calendar.first_month + month) % 3 == 2
    if not is_survey:
        return
    share = np.where(state.is_alive, p.survey_share, 0.1 * p.survey_share) * state.is_present
    who = np.flatnonzero(world.draws("survey", world.everybody).random(len(share)) < share)
    rng = world.draws("survey answer", who)
    day = calendar.step_day[step] + rng.integers(0, calendar.step_days[step], len(who))
    at = day * DAY + draw_second_of_day(rng, world.customers.preferred_hour[who])
    _answer(world, state, who, at, np.zeros(len(who)))


def _answer(world: World, state: State, who: Ints, at: Ints, malus: Floats) -> None:
    """Let scores from 0 to 10 follow mood, service and the latest delivery."""
    rng = world.draws("score", who, at)
    score = 7.9 + 1.5 * state.mood[who] - malus - 0.7 * state.bad_service[who]
    score += rng.normal(0.0, 1.4, len(who))
    world.log.add(
        "feedback",
        customer=who,
        at=at,
        score=np.clip(np.round(score), 0, 10).astype(np.int64),
        has_comment=rng.random(len(who)) < 0.4,
    )


def _by_customer(world: World, kind: str) -> Rows:
    """Sort rows of a kind by customer and time, inside the window."""
    rows = world.log.rows(kind)
    order = np.lexsort((rows["at"], rows["customer"]))
    order = order[rows["at"][order] < world.calendar.end_second]
    return {name: column[order] for name, column in rows.items()}


def tickets_table(world: World, first_id: int) -> pa.Table:
    """Lay out the support tickets of a chunk."""
    rows = _by_customer(world, "tickets")
    count, end = len(rows["at"]), world.known_until_second
    unresolved = is_null_from(rows["resolved_at"], end)
    draws = world.draws("ticket loaded", rows["customer"], rows["at"])
    loaded_at = draw_loaded_at(draws, rows["at"], 50.0, world.parameters.late_load_share)
    taste = world.customers.taste[rows["customer"]]
    category = pa.array([name.replace("_", " ") for name in CATEGORIES])
    goods = category.take(pa.array(taste.argmax(axis=1)))
    pieces = pc.split_pattern(compose(draws, (*TICKET_TEXTS, WAVE_TEXTS), rows["topic"]), "{goods}")
    return pa.table(
        {
            "ticket_id": integers(first_id + np.arange(count)),
            "customer_id": integers(world.customers.first_id + rows["customer"]),
            "opened_at": timestamps(rows["at"]),
            "resolved_at": timestamps(rows["resolved_at"], unresolved),
            "topic": pa.array((*TOPICS, WAVE_TOPIC)).take(pa.array(rows["topic"])),
            "body": pc.binary_join(pieces, goods),
            "csat": integers(rows["csat"], small=True, is_null=unresolved | (rows["csat"] == 0)),
            "loaded_at": timestamps(loaded_at),
        }
    )


def feedback_table(world: World) -> pa.Table:
    """Lay out the feedback of a chunk."""
    rows = _by_customer(world, "feedback")
    band = np.searchsorted(np.array([6, 8]), rows["score"], side="right")
    draws = world.draws("comment", rows["customer"], rows["at"])
    comment = compose(draws, COMMENTS, band)
    return pa.table(
        {
            "customer_id": integers(world.customers.first_id + rows["customer"]),
            "answered_at": timestamps(rows["at"]),
            "score": integers(rows["score"], small=True),
            "comment": pc.if_else(
                pa.array(rows["has_comment"]), comment, pa.scalar(None, "string")
            ),
        }
    )
