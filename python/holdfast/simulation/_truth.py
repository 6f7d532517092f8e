"""What really happened and why: the files that no real shop has."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from holdfast.simulation._arrow import integers, is_null_from, timestamps
from holdfast.simulation._calendar import DAY, Floats
from holdfast.simulation._catalogue import CATEGORIES, OFFERS, Catalogue
from holdfast.simulation._journey import Journey
from holdfast.simulation._parameters import PERSUASION_TYPES, SEGMENTS, ShopParameters
from holdfast.simulation._state import World


def _float32(values: Floats) -> pa.Array:
    """Store in single precision: truth needs no more."""
    return pa.array(values.astype(np.float32))


def churn_hazard_table(world: World, journey: Journey) -> pa.Table:
    """Lay out the hazard: one row per customer and month since arrival."""
    calendar, customers = world.calendar, world.customers
    count, months = len(customers), len(calendar.month_day)
    first_step = np.searchsorted(calendar.step_month, np.arange(months))
    stays = np.where(journey.is_present, 1.0 - journey.hazard.astype(np.float64), 1.0)
    hazard = 1.0 - np.multiply.reduceat(stays, first_step, axis=1)
    is_churned = (journey.is_present & ~journey.is_alive)[:, first_step]
    churned_at = np.zeros((count, months), dtype=np.int64)
    departures = world.log.rows("departures")
    churned_at[departures["customer"], calendar.step_month[departures["step"]]] = departures["at"]
    arrival_month = np.where(
        customers.arrival_step < 0, 0, calendar.step_month[customers.arrival_step]
    )
    customer, month = np.nonzero(np.arange(months) >= arrival_month[:, None])
    gone = is_churned[customer, month]
    left_at = churned_at[customer, month]
    return pa.table(
        {
            "customer_id": integers(customers.first_id + customer),
            "month": timestamps(calendar.month_day[month] * DAY),
            "hazard": pa.array(hazard[customer, month].astype(np.float32), mask=gone),
            "is_churned": pa.array(gone),
            "churned_at": timestamps(left_at, is_null_from(left_at, calendar.end_second)),
        }
    )


def customer_traits_table(world: World) -> pa.Table:
    """Lay out the latent traits: one row per customer."""
    customers = world.customers
    columns = {
        "customer_id": integers(customers.ids),
        "segment": pa.array(SEGMENTS).take(pa.array(customers.segment)),
        "persuasion_type": pa.array(PERSUASION_TYPES).take(pa.array(customers.persuasion)),
        "favourite_category": pa.array(list(CATEGORIES)).take(
            pa.array(customers.taste.argmax(axis=1))
        ),
        "favourite_share": _float32(customers.taste.max(axis=1)),
        "price_sensitivity": _float32(customers.price_sensitivity),
        "patience": _float32(1.0 / customers.impatience),
        "base_rate": _float32(customers.base_rate),
        "season_strength": _float32(customers.season_strength),
        "frailty": _float32(customers.frailty),
        "responsiveness": _float32(customers.responsiveness),
        "browse_rate": _float32(customers.browse_rate),
        "preferred_hour": _float32(customers.preferred_hour),
        "is_subscription_inclined": pa.array(customers.subscription_inclined),
        "replenishment_multiplier": _float32(customers.habit_multiplier),
    }
    for slot in range(customers.habit_product.shape[1]):
        product = customers.habit_product[:, slot]
        columns[f"habit_product_id_{slot + 1}"] = integers(
            product + 1, small=True, is_null=product < 0
        )
    return pa.table(columns)


def offer_effects_table(world: World) -> pa.Table:
    """Lay out the true effects: one row per customer and offer."""
    customers, p = world.customers, world.parameters
    offers = len(OFFERS)
    effect = customers.effect.ravel()
    return pa.table(
        {
            "customer_id": integers(np.repeat(customers.ids, offers)),
            "offer_id": integers(np.tile(np.arange(offers) + 1, len(customers)), small=True),
            "effect_on_log_purchase_rate": _float32(effect),
            "effect_on_hazard_logit": _float32(p.hazard_offer * effect),
        }
    )


def replenishment_cycles_table(catalogue: Catalogue) -> pa.Table:
    """Lay out the cycles: one row per product that is bought on a cycle."""
    which = np.flatnonzero(catalogue.is_replenishable)
    return pa.table(
        {
            "product_id": integers(which + 1, small=True),
            "cycle_days": _float32(catalogue.cycle_days[which]),
        }
    )


def price_elasticities_table(catalogue: Catalogue) -> pa.Table:
    """Lay out own-price elasticities of a product's share within its category."""
    return pa.table(
        {
            "product_id": integers(np.arange(catalogue.products) + 1, small=True),
            "elasticity": _float32(-catalogue.elasticity),
        }
    )


def causes_table(p: ShopParameters) -> pa.Table:
    """List the coefficients of hazard, mood, purchases and returns, with their units."""
    rows: list[tuple[str, str, float, str]] = [
        ("hazard", "base", p.hazard_base, "logit of leaving within 7 days, all else zero"),
        ("hazard", "frailty", 1.0, "per unit of customer_traits.frailty"),
        ("hazard", "mood", p.hazard_mood, "per unit of mood (0 is ordinary)"),
        ("hazard", "bad_service", p.hazard_service, "per late parcel or slow ticket / patience"),
        ("hazard", "slow_delivery", p.hazard_delivery, "per day beyond 3, fading mean of orders"),
        ("hazard", "price_rise", p.hazard_price, "per fresh rise of 10 % x price sensitivity"),
        ("hazard", "taste_mismatch", p.hazard_taste, "per share of taste that is not on sale"),
        ("hazard", "post_holiday", p.hazard_season, "in January and February"),
        ("hazard", "new_customer", p.hazard_new, f"x exp(-tenure / {p.hazard_new_days:g} days)"),
        (
            "hazard",
            "discount_channel",
            p.hazard_discount_channel,
            f"x exp(-tenure / {p.hazard_discount_days:g} days)",
        ),
        ("hazard", "campaign_fatigue", p.hazard_fatigue, "per recent send, fading by step"),
        ("hazard", "offer", p.hazard_offer, "per unit of effect_on_log_purchase_rate, four steps"),
        ("hazard", "subscription", p.hazard_subscriber, "while a subscription runs"),
        ("mood", "persistence", p.mood_keep, "share kept per step (a quarter of a month)"),
        ("mood", "noise", p.mood_noise, "standard deviation per step"),
        ("mood", "bad_service", -p.mood_service, "per late parcel or slow ticket / patience"),
        ("mood", "taste_mismatch", -p.mood_taste, "per share of taste that is not on sale, a step"),
        ("mood", "price_rise", -p.mood_price, "per fresh rise of 10 % x price sensitivity, a step"),
        ("purchase", "mood", p.purchase_mood, "on the log purchase rate"),
        ("purchase", "price", -p.purchase_price, "on the log rate, per 100 % x price sensitivity"),
        ("purchase", "offer", 1.0, "per unit of effect_on_log_purchase_rate, four steps"),
        ("return", "base", p.reactivation, "probability to come back within 7 days"),
    ]
    target, cause, coefficient, unit = zip(*rows, strict=True)
    return pa.table(
        {
            "target": pa.array(target),
            "cause": pa.array(cause),
            "coefficient": pa.array(coefficient, pa.float64()),
            "unit": pa.array(unit),
        }
    )
