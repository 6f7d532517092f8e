"""What the shop sells, at which prices, and which campaigns it sends."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from holdfast.simulation._calendar import Bools, Calendar, Floats, Ints
from holdfast.simulation._parameters import ShopParameters

CATEGORIES: dict[str, tuple[tuple[str, ...], float, bool]] = {
    # name: (nouns, typical price, holds replenishables)
    "coffee_tea": (("Espresso", "Filter Coffee", "Green Tea", "Herbal Tea", "Cocoa"), 11, True),
    "pantry": (("Olive Oil", "Muesli", "Pasta", "Honey", "Nut Butter"), 8, True),
    "pet_care": (("Dry Food", "Wet Food", "Cat Litter", "Chew Toy", "Treats"), 17, True),
    "beauty": (("Face Cream", "Shampoo", "Soap Bar", "Sun Care", "Hand Balm"), 14, True),
    "household": (("Detergent", "Dish Tabs", "Candles", "Storage Box", "Cloths"), 10, True),
    "kitchen": (("Chef Knife", "Saucepan", "Mixing Bowl", "Grinder", "Cutting Board"), 39, False),
    "fashion": (("Wool Scarf", "T-Shirt", "Rain Jacket", "Socks", "Tote Bag"), 32, False),
    "outdoor": (("Flask", "Headlamp", "Camp Mug", "Day Pack", "Blanket"), 36, False),
}
_LINES = ("Classic", "Organic", "Nordic", "Everyday", "Reserve", "Studio", "Alpine", "Harbour")
RETURN_PRONE = (1.0, 0.6, 0.7, 0.8, 0.7, 1.4, 2.6, 1.5)

OFFERS: tuple[tuple[str, str, int], ...] = (
    ("No discount", "none", 0),
    ("10 % off", "percent", 10),
    ("Free shipping", "free_shipping", 0),
    ("20 % off", "percent", 20),
    ("Gift with your order", "gift", 0),
)
CAMPAIGN_CHANNELS = ("email", "push")
_PRODUCT_SLOTS = 4096


@dataclass(frozen=True)
class Catalogue:
    """Products, prices by month in cents, availability and campaigns."""

    names: list[str]
    category: Ints
    list_cents: Ints
    cost_cents: Ints
    is_replenishable: Bools
    cycle_days: Floats  # not a number unless replenishable
    elasticity: Floats
    popularity: Floats
    price_cents: Ints  # (months, products)
    product_slots: Ints  # (months, categories, 4096): product indices to draw from
    availability: Floats  # (months, categories)
    price_level: Floats  # (months, categories), 1 at the start
    recent_rise: Floats  # (steps, categories): fading memory of price rises
    campaign_step: Ints
    campaign_offer: Ints
    campaign_channel: Ints

    @property
    def products(self) -> int:
        """Number of products."""
        return len(self.names)


def build_catalogue(
    rng: np.random.Generator, calendar: Calendar, parameters: ShopParameters
) -> Catalogue:
    """Draw the catalogue and the campaign plan."""
    count, groups = parameters.products, len(CATEGORIES)
    category = np.arange(count) % groups
    rank = np.arange(count) // groups
    details = list(CATEGORIES.values())
    names = [
        f"{_LINES[(r // 5 + 2 * r + c) % len(_LINES)]} {details[c][0][r % 5]}"
        + (f" {r // 5 + 1}" if r >= 5 else "")
        for c, r in zip(category.tolist(), rank.tolist(), strict=True)
    ]
    typical = np.array([detail[1] for detail in details])[category]
    list_cents = np.maximum(
        np.round(typical * np.exp(rng.normal(0.0, 0.45, count)) * 10) * 10 - 1, 199
    ).astype(np.int64)
    may_replenish = np.array([detail[2] for detail in details])[category]
    is_replenishable = may_replenish & (rng.random(count) < 0.55)
    cycle = np.where(is_replenishable, np.round(rng.uniform(24, 78, count)), np.nan)
    elasticity = rng.uniform(*parameters.elasticity_range, count)
    popularity = rng.gamma(1.3, 1.0, count) + 0.15

    months = len(calendar.month_day)
    price_level = np.ones((months, groups))
    recent_rise = np.zeros((calendar.steps, groups))
    for share, rise, where in parameters.price_rises:
        members = list(range(groups) if where is None else where)
        first_month = calendar.share_to_month(share)
        price_level[first_month:, members] *= 1 + rise
        age = np.arange(calendar.steps) - np.searchsorted(calendar.step_month, first_month)
        memory = np.where(age >= 0, np.exp(-np.abs(age) / parameters.price_memory_steps), 0.0)
        recent_rise[:, members] += 10 * rise * memory[:, None]
    availability = np.ones((months, groups))
    for low, high, group, remaining in parameters.stock_troubles:
        availability[calendar.share_to_month(low) : calendar.share_to_month(high), group] = (
            remaining
        )

    price_cents = _draw_prices(rng, list_cents, price_level[:, category], parameters)
    # Ranks beyond the remaining availability are off the shelf.
    on_shelf = (rank + 0.5) / (rank.max() + 1) < availability[:, category]
    weight = popularity * (price_cents / list_cents) ** -elasticity * on_shelf

    campaign_step, campaign_offer = _plan_campaigns(rng, calendar)
    return Catalogue(
        names=names,
        category=category,
        list_cents=list_cents,
        cost_cents=np.round(list_cents * rng.uniform(0.45, 0.68, count)).astype(np.int64),
        is_replenishable=is_replenishable,
        cycle_days=cycle,
        elasticity=elasticity,
        popularity=popularity,
        price_cents=price_cents,
        product_slots=_fill_slots(weight, category),
        availability=availability,
        price_level=price_level,
        recent_rise=recent_rise,
        campaign_step=campaign_step,
        campaign_offer=campaign_offer,
        campaign_channel=(np.arange(len(campaign_step)) % 4 == 3).astype(np.int64),
    )


def month_ahead(
    rng: np.random.Generator, before: Catalogue, calendar: Calendar, parameters: ShopParameters
) -> Catalogue:
    """Give the catalogue of the months after: other promotions, no further rise or shortage."""
    months, category = len(calendar.month_day), before.category
    rank = np.arange(before.products) // len(CATEGORIES)
    level = np.repeat(before.price_level[-1:], months, axis=0)
    availability = np.repeat(before.availability[-1:], months, axis=0)
    prices = _draw_prices(rng, before.list_cents, level[:, category], parameters)
    on_shelf = (rank + 0.5) / (rank.max() + 1) < availability[:, category]
    weight = before.popularity * (prices / before.list_cents) ** -before.elasticity * on_shelf
    age = 1 + np.arange(calendar.steps)
    fading = np.exp(-age / parameters.price_memory_steps)
    nothing = np.zeros(0, dtype=np.int64)
    return replace(
        before,
        price_cents=prices,
        product_slots=_fill_slots(weight, category),
        availability=availability,
        price_level=level,
        recent_rise=before.recent_rise[-1] * fading[:, None],
        campaign_step=nothing,
        campaign_offer=nothing,
        campaign_channel=nothing,
    )


def _draw_prices(
    rng: np.random.Generator, list_cents: Ints, level: Floats, parameters: ShopParameters
) -> Ints:
    """Draw who is on promotion in which month, and give the prices in cents."""
    is_promoted = rng.random(level.shape) < parameters.promotion_share
    factor = np.where(is_promoted, 1 - rng.uniform(0.10, 0.25, level.shape), 1.0)
    price = list_cents * level * factor
    return np.asarray(np.maximum(np.round(price / 10).astype(np.int64) * 10 - 1, 99))


def _fill_slots(weight: Floats, category: Ints) -> Ints:
    """Lay out the products of each month and category as slots that are equally likely."""
    months, groups = len(weight), len(CATEGORIES)
    slots = np.empty((months, groups, _PRODUCT_SLOTS), dtype=np.int64)
    centre = (np.arange(_PRODUCT_SLOTS) + 0.5) / _PRODUCT_SLOTS
    for month in range(months):
        for group in range(groups):
            members_of = np.flatnonzero(category == group)
            cumulated = np.cumsum(weight[month, members_of])
            slots[month, group] = members_of[np.searchsorted(cumulated / cumulated[-1], centre)]
    return slots


def _plan_campaigns(rng: np.random.Generator, calendar: Calendar) -> tuple[Ints, Ints]:
    """One campaign a month and a second one in busy months; offers take turns at random."""
    steps = []
    for month in range(len(calendar.month_day)):
        own = np.flatnonzero(calendar.step_month == month)
        if len(own) < 4:
            continue
        steps.append(int(own[1]))
        if (calendar.is_busy[own[0]] or month % 5 == 3) and not calendar.is_post_holiday[own[0]]:
            steps.append(int(own[3]))
    rounds = -(-len(steps) // len(OFFERS))
    turns = np.concatenate([rng.permutation(len(OFFERS)) for _ in range(rounds)])
    return np.array(steps, dtype=np.int64), turns[: len(steps)].astype(np.int64)
