"""One chunk of customers passes through a window: what happens to it, and its tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.simulation._acquisition import acquisition_costs_table
from holdfast.simulation._baskets import (
    Lines,
    Returns,
    fill_baskets,
    orders_tables,
    send_back,
)
from holdfast.simulation._calendar import Calendar, Ints
from holdfast.simulation._campaigns import sends_table
from holdfast.simulation._catalogue import Catalogue
from holdfast.simulation._consents import consents_table
from holdfast.simulation._events import web_events_table
from holdfast.simulation._journey import Journey, travel
from holdfast.simulation._parameters import ShopParameters
from holdfast.simulation._reference import (
    campaigns_table,
    customers_table,
    offers_table,
    products_table,
)
from holdfast.simulation._service import feedback_table, tickets_table
from holdfast.simulation._state import Rows, State, World
from holdfast.simulation._truth import (
    causes_table,
    churn_hazard_table,
    customer_traits_table,
    offer_effects_table,
    price_elasticities_table,
    replenishment_cycles_table,
)
from holdfast.simulation._write import TableWriter


@dataclass(frozen=True)
class Passed:
    """What a chunk did in a window."""

    journey: Journey
    placed: Rows
    lines: Lines
    returns: Returns
    pending: Returns  # on their way back when the window ends


def write_reference(
    writer: TableWriter,
    rng: np.random.Generator,
    customers: int,
    calendar: Calendar,
    catalogue: Catalogue,
    parameters: ShopParameters,
) -> None:
    """Append the tables that do not depend on what customers do."""
    writer.append("products", products_table(catalogue))
    writer.append("offers", offers_table(parameters))
    writer.append("campaigns", campaigns_table(catalogue, calendar))
    costs = acquisition_costs_table(rng, customers, calendar, parameters)
    writer.append("acquisition_costs", costs)
    writer.append("truth/replenishment_cycles", replenishment_cycles_table(catalogue))
    writer.append("truth/price_elasticities", price_elasticities_table(catalogue))
    writer.append("truth/causes", causes_table(parameters))


def pass_through(world: World, state: State, pending: Returns | None = None) -> Passed:
    """Let a chunk pass through the window of its world; ``state`` moves on."""
    journey = travel(world, state)
    placed = world.log.rows("orders")
    lines = fill_baskets(world, placed)
    returns = send_back(world, placed, lines)
    if pending is not None:
        returns = pending.and_those(returns)
    is_here = returns.at < world.calendar.end_second
    return Passed(journey, placed, lines, returns.where(is_here), returns.where(~is_here))


def write_chunk(
    writer: TableWriter, world: World, passed: Passed, first_session: int, is_new: bool = True
) -> int:
    """Append the tables of a chunk but its subscriptions; give its number of web sessions."""

    def next_id(name: str) -> int:
        return 1 + writer.row_counts.get(name, 0)

    placed, lines = passed.placed, passed.lines
    orders, items = orders_tables(world, placed, lines, passed.returns, next_id("orders"))
    events, sessions = web_events_table(
        world, placed, lines, next_id("web_events"), 1 + first_session
    )
    if is_new:
        writer.append("customers", customers_table(world.customers))
    writer.append("orders", orders)
    writer.append("order_items", items)
    writer.append("web_events", events)
    writer.append("support_tickets", tickets_table(world, next_id("support_tickets")))
    writer.append("campaign_sends", sends_table(world, next_id("campaign_sends")))
    writer.append("consents", consents_table(world, is_new))
    writer.append("feedback", feedback_table(world))
    writer.append("truth/churn_hazard", churn_hazard_table(world, passed.journey))
    if is_new:
        writer.append("truth/customer_traits", customer_traits_table(world))
        writer.append("truth/offer_effects", offer_effects_table(world))
    return sessions


def gains(world: World, passed: Passed) -> Rows:
    """Count what each customer of the chunk brought and cost in the window, in cents."""
    count = len(world.customers)
    placed, lines, returns = passed.placed, passed.lines, passed.returns
    cost_cents = world.catalogue.cost_cents

    def by_customer(customer: Ints, cents: Ints | None = None) -> Ints:
        return np.bincount(customer, cents, minlength=count).astype(np.int64)

    gross = lines.total(len(placed["at"]))
    discount = gross * placed["percent"] // 100
    goods = by_customer(placed["customer"][lines.order], lines.quantity * cost_cents[lines.product])
    back = returns.lines
    goods += by_customer(returns.customer[back.order], back.quantity * cost_cents[back.product])
    revenue = by_customer(placed["customer"], gross - discount)
    revenue += by_customer(returns.customer, back.total(len(returns.at)))
    offer_cost = np.array(world.parameters.offer_cost_cents)[placed["offer"]]
    offer_cost = np.where(placed["offer"] >= 0, offer_cost, 0)
    sends = world.log.rows("sends")
    is_treated = ~sends["is_control"]
    return {
        "orders": by_customer(placed["customer"]),
        "revenue": revenue,
        "margin": revenue - goods,
        "discount": by_customer(placed["customer"], discount),
        "offer_cost": by_customer(placed["customer"], offer_cost),
        "contacts": by_customer(sends["customer"][is_treated]),
        "controls": by_customer(sends["customer"][sends["is_control"]]),
        "unsubscribed": by_customer(sends["customer"][sends["unsubscribed_at"] > 0]),
        "is_alive": passed.journey.state.is_alive.copy(),
        "is_opted_in": passed.journey.state.is_opted_in.copy(),
    }
