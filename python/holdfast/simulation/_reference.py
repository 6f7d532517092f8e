"""Small tables that do not depend on the customers, and the customers table itself."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from holdfast.simulation._arrow import integers, money, timestamps
from holdfast.simulation._calendar import DAY, Calendar
from holdfast.simulation._catalogue import CAMPAIGN_CHANNELS, CATEGORIES, OFFERS, Catalogue
from holdfast.simulation._customers import Customers
from holdfast.simulation._parameters import ACQUISITION_CHANNELS, COUNTRIES, ShopParameters


def customers_table(customers: Customers) -> pa.Table:
    """Tell what the shop knows of customers; the newsletter flag is the choice at sign-up."""
    return pa.table(
        {
            "customer_id": integers(customers.ids),
            "created_at": timestamps(customers.created_at),
            "country": pa.array(COUNTRIES).take(pa.array(customers.country)),
            "acquisition_channel": pa.array(ACQUISITION_CHANNELS).take(
                pa.array(customers.acquisition)
            ),
            "is_newsletter_subscriber": pa.array(customers.is_newsletter_subscriber),
        }
    )


def products_table(catalogue: Catalogue) -> pa.Table:
    """Lay out the catalogue as the shop knows it."""
    return pa.table(
        {
            "product_id": integers(np.arange(catalogue.products) + 1, small=True),
            "product_name": pa.array(catalogue.names),
            "category": pa.array(list(CATEGORIES)).take(pa.array(catalogue.category)),
            "unit_cost": money(catalogue.cost_cents),
            "is_replenishable": pa.array(catalogue.is_replenishable),
        }
    )


def offers_table(parameters: ShopParameters) -> pa.Table:
    """Lay out the offers that campaigns carry; a discount costs nothing beside itself."""
    names, kinds, percents = zip(*OFFERS, strict=True)
    return pa.table(
        {
            "offer_id": integers(np.arange(len(OFFERS)) + 1, small=True),
            "offer_name": pa.array(names),
            "offer_type": pa.array(kinds),
            "discount_percent": integers(np.array(percents), small=True),
            "discount": pa.array(np.array(percents) / 100.0),
            "cost": money(np.array(parameters.offer_cost_cents, dtype=np.int64)),
        }
    )


def campaigns_table(catalogue: Catalogue, calendar: Calendar) -> pa.Table:
    """Lay out the campaigns, each with one offer and one channel."""
    count = len(catalogue.campaign_step)
    day = calendar.step_day[catalogue.campaign_step]
    names = [
        f"{month} {OFFERS[offer][0].lower()}"
        for month, offer in zip(
            np.datetime_as_string(day.astype("datetime64[D]"), unit="M").tolist(),
            catalogue.campaign_offer.tolist(),
            strict=True,
        )
    ]
    return pa.table(
        {
            "campaign_id": integers(np.arange(count) + 1, small=True),
            "campaign_name": pa.array(names, pa.string()),
            "started_at": timestamps(day * DAY),
            "channel": pa.array(CAMPAIGN_CHANNELS).take(pa.array(catalogue.campaign_channel)),
            "offer_id": integers(catalogue.campaign_offer + 1, small=True),
        }
    )
