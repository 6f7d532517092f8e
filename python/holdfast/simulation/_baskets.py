"""What is in the orders: lines, prices, discounts and returns, to the cent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from holdfast.simulation._arrow import integers, is_null_from, money, timestamps
from holdfast.simulation._calendar import DAY, Bools, Ints, draw_loaded_at
from holdfast.simulation._catalogue import RETURN_PRONE
from holdfast.simulation._customers import draw_category
from holdfast.simulation._parameters import ORDER_CHANNELS
from holdfast.simulation._state import Rows, World


@dataclass(frozen=True)
class Lines:
    """Order lines; ``order`` counts within the chunk and ascends."""

    order: Ints
    product: Ints
    quantity: Ints
    unit_cents: Ints

    def total(self, orders: int) -> Ints:
        """Cents per order."""
        total = np.zeros(orders, dtype=np.int64)
        np.add.at(total, self.order, self.quantity * self.unit_cents)
        return total


@dataclass(frozen=True)
class Returns:
    """What customers send back; ``lines.order`` counts within these returns."""

    customer: Ints
    at: Ints
    channel: Ints
    lines: Lines

    def where(self, chosen: Bools) -> Returns:
        """Give some of them."""
        kept = chosen[self.lines.order]
        lines = self.lines
        number = (np.cumsum(chosen) - 1)[lines.order[kept]]
        return Returns(
            self.customer[chosen],
            self.at[chosen],
            self.channel[chosen],
            Lines(number, lines.product[kept], lines.quantity[kept], lines.unit_cents[kept]),
        )

    def and_those(self, other: Returns) -> Returns:
        """Give these, then the others."""
        mine, yours = self.lines, other.lines
        return Returns(
            np.concatenate([self.customer, other.customer]),
            np.concatenate([self.at, other.at]),
            np.concatenate([self.channel, other.channel]),
            Lines(
                np.concatenate([mine.order, yours.order + len(self.at)]),
                np.concatenate([mine.product, yours.product]),
                np.concatenate([mine.quantity, yours.quantity]),
                np.concatenate([mine.unit_cents, yours.unit_cents]),
            ),
        )


def orders_tables(
    world: World, placed: Rows, lines: Lines, returns: Returns, first_id: int
) -> tuple[pa.Table, pa.Table]:
    """Orders and order items of a chunk, returns among them, by customer and time."""
    count = len(placed["at"])
    gross = lines.total(count)
    discount = gross * placed["percent"] // 100
    customer = np.concatenate([placed["customer"], returns.customer])
    at = np.concatenate([placed["at"], returns.at])
    rank = np.lexsort((at, customer))
    position = np.empty(len(rank), dtype=np.int64)
    position[rank] = np.arange(len(rank))
    nothing = np.zeros(len(returns.at), dtype=np.int64)
    channel = np.concatenate([placed["channel"], returns.channel])[rank]
    promised_at = np.concatenate([placed["promised_at"], nothing])[rank]
    delivered_at = np.concatenate([placed["delivered_at"], nothing])[rank]
    paid_back = returns.lines.total(len(returns.at))
    amount = np.concatenate([gross - discount, paid_back])[rank]
    draws = world.draws("order loaded", customer[rank], at[rank])
    loaded_at = draw_loaded_at(draws, at[rank], 35.0, world.parameters.late_load_share)
    order_id = first_id + np.arange(len(rank))
    orders = pa.table(
        {
            "order_id": integers(order_id),
            "customer_id": integers(world.customers.first_id + customer[rank]),
            "ordered_at": timestamps(at[rank]),
            "amount": money(amount),
            "discount_amount": money(np.concatenate([discount, nothing])[rank]),
            "channel": pa.array(ORDER_CHANNELS).take(pa.array(channel)),
            "promised_at": timestamps(promised_at, promised_at == 0),
            "delivered_at": timestamps(
                delivered_at, is_null_from(delivered_at, world.known_until_second)
            ),
            "loaded_at": timestamps(loaded_at),
        }
    )
    back = returns.lines
    of_line = np.concatenate([position[lines.order], position[count + back.order]])
    by_order = np.argsort(of_line, kind="stable")
    of_line = of_line[by_order]
    items = pa.table(
        {
            "order_id": integers(order_id[of_line]),
            "product_id": integers(
                np.concatenate([lines.product, back.product])[by_order] + 1, small=True
            ),
            "quantity": integers(
                np.concatenate([lines.quantity, back.quantity])[by_order], small=True
            ),
            "unit_price": money(np.concatenate([lines.unit_cents, back.unit_cents])[by_order]),
            "loaded_at": timestamps(loaded_at[of_line]),
        }
    )
    return orders, items


def fill_baskets(world: World, placed: Rows) -> Lines:
    """Draw products by taste, availability and price; a product stands once per order."""
    p, catalogue = world.parameters, world.catalogue
    count = len(placed["at"])
    rng = world.draws("basket", placed["customer"], placed["at"])
    month = world.calendar.step_month[placed["step"]]
    habits = placed["habits"]
    extra = np.where(
        placed["is_whim"], 1 + rng.poisson(p.extra_lines, count), rng.poisson(0.35, count)
    )
    free = np.repeat(np.arange(count), np.minimum(extra, 6))
    customer = placed["customer"][free]
    rng = world.draws("whims", customer, placed["at"][free])
    shares = world.customers.taste[customer] * catalogue.availability[month[free]]
    group = draw_category(rng, shares)
    draw = rng.integers(0, catalogue.product_slots.shape[2], len(free))
    habit_order, slot = np.nonzero(habits)
    habit_product = world.customers.habit_product[placed["customer"][habit_order], slot]
    of_habits = world.draws("habits", placed["customer"][habit_order], placed["at"][habit_order])

    order = np.concatenate([habit_order, free])
    product = np.concatenate([habit_product, catalogue.product_slots[month[free], group, draw]])
    quantity = np.concatenate(
        [
            1 + (of_habits.random(len(habit_order)) < 0.2).astype(np.int64),
            1 + rng.poisson(0.22, len(free)),
        ]
    )
    _, first = np.unique(order * catalogue.products + product, return_index=True)
    first = first[np.argsort(order[first], kind="stable")]
    order, product, quantity = order[first], product[first], quantity[first]
    return Lines(order, product, quantity, catalogue.price_cents[month[order], product])


def send_back(world: World, placed: Rows, lines: Lines) -> Returns:
    """Draw the lines that come back, paid back at the net price, some after the window's end."""
    p = world.parameters
    count = len(placed["at"])
    rng = world.draws("return", placed["customer"], placed["at"])
    prone = np.array(RETURN_PRONE)[world.catalogue.category[lines.product]]
    probability = p.return_share * prone + p.return_share_late * placed["is_late"][lines.order]
    received_at = np.maximum(placed["delivered_at"], placed["at"])
    when = (rng.gamma(2.5, 4.0, count) * DAY).astype(np.int64) + 2 * DAY
    of_lines = world.draws(
        "return line", placed["customer"][lines.order], placed["at"][lines.order]
    )
    back = of_lines.random(len(lines.order)) < probability
    order, unit = lines.order[back], lines.unit_cents[back]
    net = unit - unit * placed["percent"][order] // 100
    orders, number = np.unique(order, return_inverse=True)
    return Returns(
        placed["customer"][orders],
        (received_at + when)[orders],
        placed["channel"][orders],
        Lines(number, lines.product[back], -lines.quantity[back], net),
    )
