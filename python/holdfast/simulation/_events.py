"""The web shop and the app: sessions and the events in them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from holdfast.simulation._arrow import integers, timestamps
from holdfast.simulation._baskets import Lines
from holdfast.simulation._calendar import DAY, Ints, draw_loaded_at, draw_second_of_day
from holdfast.simulation._customers import draw_category
from holdfast.simulation._orders import STORE
from holdfast.simulation._state import FAR_FUTURE, Rows, State, World

EVENT_TYPES = ("login", "search", "view", "cart", "checkout", "unsubscribe")
_SECONDS_APART = 45
_BROWSE, _ORDER, _CLICK, _UNSUBSCRIBE = range(4)
# Per kind of session: chance of a login, of a search and of a cart, and extra views.
_LOGIN = np.array([0.10, 0.35, 0.05, 0.0])
_SEARCH = np.array([0.22, 0.25, 0.06, 0.0])
_CART = np.array([0.10, 1.0, 0.15, 0.0])
_VIEWS = np.array([1.0, 0.7, 0.6, 0.0])


def visit(world: World, state: State, step: int) -> None:
    """Draw visits without an order; they fade with mood, well before the last order."""
    p, calendar, customers = world.parameters, world.calendar, world.customers
    rate = customers.browse_rate * calendar.step_days[step] / 7.0
    rate *= calendar.step_season[step] ** 0.5
    rate *= np.where(state.is_alive, np.exp(p.visit_mood * state.mood), p.visits_when_gone)
    visits = world.draws("visits", world.everybody).poisson(rate * state.is_present)
    who = np.repeat(np.arange(len(customers)), visits)
    rng = world.draws("visit", who)
    day = calendar.draw_day(rng, np.full(len(who), step))
    at = day * DAY + draw_second_of_day(rng, customers.preferred_hour[who])
    leaves_now = state.leaves_at[who] < FAR_FUTURE
    happens = (~leaves_now | (at < state.leaves_at[who])) & (at > customers.created_at[who])
    world.log.add(
        "visits",
        customer=who[happens],
        at=at[happens],
        step=np.full(int(happens.sum()), step),
    )


def _sessions(world: World, placed: Rows, lines: Lines) -> Rows:
    """Gather all sessions of a chunk by customer and time, with the product bought."""
    calendar, customers = world.calendar, world.customers
    visits, sends = world.log.rows("visits"), world.log.rows("sends")
    online = placed["channel"] != STORE
    bought = np.zeros(len(placed["at"]), dtype=np.int64)
    bought[lines.order[::-1]] = lines.product[::-1]
    clicked, unsubscribed = sends["clicked_at"] > 0, sends["unsubscribed_at"] > 0
    customer = np.concatenate(
        [
            visits["customer"],
            placed["customer"][online],
            sends["customer"][clicked],
            sends["customer"][unsubscribed],
        ]
    )
    at = np.concatenate(
        [
            visits["at"],
            placed["at"][online],
            sends["clicked_at"][clicked],
            sends["unsubscribed_at"][unsubscribed],
        ]
    )
    sizes = [len(visits["at"]), int(online.sum()), int(clicked.sum()), int(unsubscribed.sum())]
    kind = np.repeat([_BROWSE, _ORDER, _CLICK, _UNSUBSCRIBE], sizes)
    product = np.full(len(at), -1, dtype=np.int64)
    product[sizes[0] : sizes[0] + sizes[1]] = bought[online]
    inside = at < calendar.end_second
    order = np.lexsort((at[inside], customer[inside]))
    rows = {"customer": customer, "at": at, "kind": kind, "product": product}
    rows = {name: column[inside][order] for name, column in rows.items()}
    step = np.searchsorted(calendar.step_day, rows["at"] // DAY, side="right") - 1
    rows["month"] = calendar.step_month[step]
    rows["opens_at"] = np.maximum(customers.created_at[rows["customer"]], calendar.start_day * DAY)
    return rows


def web_events_table(
    world: World, placed: Rows, lines: Lines, first_event: int, first_session: int
) -> tuple[pa.Table, int]:
    """Lay out the web events of a chunk; its number of sessions is returned too."""
    catalogue = world.catalogue
    sessions = _sessions(world, placed, lines)
    rng = world.draws("session", sessions["customer"], sessions["at"])
    kind, count = sessions["kind"], len(sessions["kind"])
    views = rng.poisson(world.parameters.views_per_session * _VIEWS[kind]) + 1
    parts = np.stack(
        [
            rng.random(count) < _LOGIN[kind],
            rng.random(count) < _SEARCH[kind],
            np.where(kind == _UNSUBSCRIBE, 0, np.minimum(views, 12)),
            rng.random(count) < _CART[kind],
            kind == _ORDER,
            kind == _UNSUBSCRIBE,
        ],
        axis=1,
    ).astype(np.int64)
    length = parts.sum(axis=1)
    group = draw_category(rng, world.customers.taste[sessions["customer"]])
    bought = sessions["product"]
    group = np.where(bought >= 0, catalogue.category[bought], group)
    # An order ends its session; other sessions begin at their time.
    start = sessions["at"] - np.where(kind == _ORDER, length * _SECONDS_APART, 0)
    start = np.maximum(start, sessions["opens_at"])

    of_session = np.repeat(np.arange(count), length)
    position = np.arange(len(of_session)) - np.repeat(np.cumsum(length) - length, length)
    event_type = np.repeat(np.tile(np.arange(len(EVENT_TYPES)), count), parts.ravel())
    visitor = sessions["customer"][of_session]
    jitter = world.draws("jitter", visitor, start[of_session]).integers(0, 30, len(of_session))
    at = start[of_session] + position * _SECONDS_APART + jitter
    product = _products(world, sessions, of_session, group, event_type)

    inside = at < world.calendar.end_second
    at, of_session, event_type = at[inside], of_session[inside], event_type[inside]
    rng = world.draws("event loaded", visitor[inside], at)
    loaded_at = draw_loaded_at(rng, at, 12.0, world.parameters.late_load_share)
    shows_product = (event_type == 2) | (event_type == 3)
    table = pa.table(
        {
            "event_id": integers(first_event + np.arange(len(at))),
            "customer_id": integers(world.customers.first_id + sessions["customer"][of_session]),
            "occurred_at": timestamps(at),
            "event_type": pa.array(EVENT_TYPES).take(pa.array(event_type)),
            "product_id": integers(product[inside] + 1, small=True, is_null=~shows_product),
            "session_id": integers(first_session + of_session),
            "loaded_at": timestamps(loaded_at),
        }
    )
    return table, count


def _products(
    world: World, sessions: Rows, of_session: Ints, group: Ints, event_type: Ints
) -> Ints:
    """Draw the products looked at, of one category per session; carts hold what was bought."""
    slots = world.catalogue.product_slots
    visitor = sessions["customer"][of_session]
    rng = world.draws("product", visitor, sessions["at"][of_session])
    draw = rng.integers(0, slots.shape[2], len(of_session))
    product = slots[sessions["month"][of_session], group[of_session], draw]
    bought = sessions["product"][of_session]
    takes_bought = (bought >= 0) & ((event_type == 3) | (rng.random(len(bought)) < 0.5))
    return np.asarray(np.where(takes_bought, bought, product), dtype=np.int64)
