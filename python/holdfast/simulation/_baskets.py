"""What is in the orders: lines, prices, discounts and returns, to the cent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from holdfast.simulation._arrow import integers, is_null_from, money, timestamps
from holdfast.simulation._calendar import DAY, Ints, draw_loaded_at
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


def orders_tables(
    world: World, placed: Rows, lines: Lines, first_id: int
) -> tuple[pa.Table, pa.Table]:
    """Orders and order items of a chunk, returns among them, by customer and time."""
    count = len(placed["at"])
    gross = lines.total(count)
    discount = gross * placed["percent"] // 100
    returned_at, returns = _return_lines(world, placed, lines)

    back = np.unique(returns.order)
    customer = np.concatenate([placed["customer"], placed["customer"][back]])
    at = np.concatenate([placed["at"], returned_at[back]])
    rank = np.lexsort((at, customer))
    position = np.empty(len(rank), dtype=np.int64)
    position[rank] = np.arange(len(rank))
    nothing = np.zeros(len(back), dtype=np.int64)
    channel = np.concatenate([placed["channel"], placed["channel"][back]])[rank]
    promised_at = np.concatenate([placed["promised_at"], nothing])[rank]
    delivered_at = np.concatenate([placed["delivered_at"], nothing])[rank]
    amount = np.concatenate([gross - discount, returns.total(count)[back]])[rank]
    loaded_at = draw_loaded_at(world.rng, at[rank], 35.0, world.parameters.late_load_share)
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
                delivered_at, is_null_from(delivered_at, world.calendar.end_second)
            ),
            "loaded_at": timestamps(loaded_at),
        }
    )
    return_position = np.zeros(count, dtype=np.int64)
    return_position[back] = position[count:]
    of_line = np.concatenate([position[lines.order], return_position[returns.order]])
    by_order = np.argsort(of_line, kind="stable")
    of_line = of_line[by_order]
    items = pa.table(
        {
            "order_id": integers(order_id[of_line]),
            "product_id": integers(
                np.concatenate([lines.product, returns.product])[by_order] + 1, small=True
            ),
            "quantity": integers(
                np.concatenate([lines.quantity, returns.quantity])[by_order], small=True
            ),
            "unit_price": money(np.concatenate([lines.unit_cents, returns.unit_cents])[by_order]),
            "loaded_at": timestamps(loaded_at[of_line]),
        }
    )
    return orders, items


def fill_baskets(world: World, placed: Rows) -> Lines:
    """Draw products by taste, availability and price; a product stands once per order."""
    rng, p, catalogue = world.rng, world.parameters, world.catalogue
    count = len(placed["at"])
    month = world.calendar.step_month[placed["step"]]
    habits = placed["habits"]
    extra = np.where(
        placed["is_whim"], 1 + rng.poisson(p.extra_lines, count), rng.poisson(0.35, count)
    )
    free = np.repeat(np.arange(count), np.minimum(extra, 6))
    customer = placed["customer"][free]
    shares = world.customers.taste[customer] * catalogue.availability[month[free]]
    group = draw_category(rng, shares)
    draw = rng.integers(0, catalogue.product_slots.shape[2], len(free))
    habit_order, slot = np.nonzero(habits)
    habit_product = world.customers.habit_product[placed["customer"][habit_order], slot]

    order = np.concatenate([habit_order, free])
    product = np.concatenate([habit_product, catalogue.product_slots[month[free], group, draw]])
    quantity = np.concatenate(
        [
            1 + (rng.random(len(habit_order)) < 0.2).astype(np.int64),
            1 + rng.poisson(0.22, len(free)),
        ]
    )
    _, first = np.unique(order * catalogue.products + product, return_index=True)
    first = first[np.argsort(order[first], kind="stable")]
    order, product, quantity = order[first], product[first], quantity[first]
    return Lines(order, product, quantity, catalogue.price_cents[month[order], product])


def _return_lines(world: World, placed: Rows, lines: Lines) -> tuple[Ints, Lines]:
    """Lines sent back, paid back at the net price, and when (per order)."""
    rng, p = world.rng, world.parameters
    count = len(placed["at"])
    prone = np.array(RETURN_PRONE)[world.catalogue.category[lines.product]]
    probability = p.return_share * prone + p.return_share_late * placed["is_late"][lines.order]
    received_at = np.maximum(placed["delivered_at"], placed["at"])
    when = (rng.gamma(2.5, 4.0, count) * DAY).astype(np.int64) + 2 * DAY
    returned_at = received_at + when
    in_window = returned_at < world.calendar.end_second
    back = (rng.random(len(lines.order)) < probability) & in_window[lines.order]
    order, unit = lines.order[back], lines.unit_cents[back]
    net = unit - unit * placed["percent"][order] // 100
    return returned_at, Lines(order, lines.product[back], -lines.quantity[back], net)
