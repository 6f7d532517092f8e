"""Every constant of the simulated shop, in one place."""

from __future__ import annotations

from dataclasses import dataclass

SEGMENTS = (
    "loyal_regular",
    "bargain_hunter",
    "convenience_seeker",
    "occasional_gifter",
    "explorer",
)
PERSUASION_TYPES = ("persuadable", "sure_thing", "lost_cause", "sleeping_dog")
COUNTRIES = ("DE", "AT", "NL", "FR", "CH", "PL")
ACQUISITION_CHANNELS = (
    "organic",
    "search_ads",
    "social",
    "referral",
    "discount_portal",
    "marketplace",
)
ORDER_CHANNELS = ("web", "app", "store")
PLANS = ("basic", "plus", "family")
PLAN_MRR_CENTS = (490, 990, 1490)


@dataclass(frozen=True)
class ShopParameters:
    """Constants of the simulation. Tuples over segments follow ``SEGMENTS``.

    A *step* is a quarter of a calendar month (7 to 9 days), the grid on which state moves.
    Coefficients named ``hazard_*`` act on the logit of the probability to leave within
    7 days; those named ``mood_*`` act on mood, the latent engagement of a customer, which
    in turn drives purchases, visits, opens, answers and the hazard itself. That is why signs
    come before churn.

    Examples
    --------
    >>> ShopParameters().control_share
    0.2
    """

    # Who the customers are.
    existing_share: float = 0.5
    existing_tenure_days: float = 300.0
    segment_share: tuple[float, ...] = (0.25, 0.22, 0.20, 0.18, 0.15)
    orders_per_30_days: tuple[float, ...] = (0.54, 0.40, 0.44, 0.28, 0.40)
    rate_shape: float = 6.0
    regularity: int = 3  # 1: gaps without memory; higher: more even gaps
    price_sensitivity: tuple[float, ...] = (0.7, 1.7, 0.7, 1.0, 1.0)
    impatience: tuple[float, ...] = (0.8, 1.0, 1.5, 0.8, 1.0)
    frailty: tuple[float, ...] = (-0.45, 0.20, -0.05, 0.10, 0.25)
    frailty_spread: float = 0.35
    season_strength: tuple[float, ...] = (0.8, 1.0, 0.7, 2.4, 1.0)
    taste_breadth: tuple[float, ...] = (0.5, 0.6, 0.4, 0.5, 1.3)
    subscription_share: tuple[float, ...] = (0.42, 0.18, 0.50, 0.06, 0.20)
    app_share: tuple[float, ...] = (0.35, 0.45, 0.55, 0.15, 0.45)
    newsletter_share: float = 0.78
    # Rows: segments. Columns: persuadable, sure thing, lost cause, sleeping dog.
    persuasion_share: tuple[tuple[float, ...], ...] = (
        (0.15, 0.62, 0.08, 0.15),
        (0.62, 0.15, 0.15, 0.08),
        (0.20, 0.35, 0.13, 0.32),
        (0.32, 0.14, 0.44, 0.10),
        (0.42, 0.18, 0.25, 0.15),
    )
    # The same order of columns: share per acquisition channel.
    channel_share: tuple[tuple[float, ...], ...] = (
        (0.34, 0.18, 0.12, 0.26, 0.03, 0.07),
        (0.14, 0.18, 0.16, 0.08, 0.36, 0.08),
        (0.25, 0.27, 0.15, 0.17, 0.05, 0.11),
        (0.28, 0.24, 0.20, 0.10, 0.08, 0.10),
        (0.18, 0.20, 0.32, 0.10, 0.10, 0.10),
    )
    # Euros per customer that a channel is expected to win; what costs nothing is not recorded.
    acquisition_cost: tuple[float, ...] = (0.0, 34.0, 42.0, 12.0, 21.0, 27.0)
    acquisition_cost_spread: float = 0.20
    country_share: tuple[float, ...] = (0.46, 0.14, 0.13, 0.12, 0.09, 0.06)

    # When people buy.
    season_by_month: tuple[float, ...] = (
        *(0.88, 0.88, 0.96, 0.98, 1.0, 0.96),
        *(0.92, 0.93, 1.0, 1.04, 1.22, 1.55),
    )
    weekday_weight: tuple[float, ...] = (1.08, 1.03, 1.0, 1.0, 0.93, 0.84, 1.12)
    purchase_mood: float = 0.90
    purchase_price: float = 0.8
    habit_slots: int = 3
    habit_share: tuple[float, ...] = (0.28, 0.24, 0.24, 0.05, 0.15)
    habit_noise: float = 0.13
    habit_keep: float = 0.86
    subscriber_rate: float = 0.14
    extra_lines: float = 0.95
    return_share: float = 0.045
    return_share_late: float = 0.06
    voucher_share: float = 0.04

    # The catalogue.
    products: int = 150
    promotion_share: float = 0.10
    elasticity_range: tuple[float, float] = (0.8, 2.8)
    # As a share of the window: when, by how much, and in which categories (None: everywhere).
    price_rises: tuple[tuple[float, float, tuple[int, ...] | None], ...] = (
        (0.375, 0.06, None),
        (0.71, 0.12, (0, 1, 4)),
    )
    # As a share of the window: from, to, category, remaining availability.
    stock_troubles: tuple[tuple[float, float, int, float], ...] = (
        (0.29, 0.42, 5, 0.45),
        (0.58, 1.01, 7, 0.25),
    )

    # Deliveries, by country in days; the strike slows one country down.
    delivery_days: tuple[float, ...] = (1.8, 2.4, 2.6, 3.0, 4.2, 4.4)
    promised_days: tuple[int, ...] = (4, 5, 5, 6, 7, 7)
    delivery_season: float = 0.7
    delivery_noise: float = 1.25
    strike: tuple[float, float, int, float] = (0.46, 0.52, 0, 2.6)
    late_shock: float = 1.0

    # Support.
    ticket_per_order: float = 0.030
    ticket_if_late: float = 0.30
    ticket_background: float = 0.013
    ticket_mood: float = 0.45
    ticket_price: float = 0.020
    resolution_hours: float = 15.0
    resolution_spread: float = 1.05
    resolution_season: float = 1.7
    slow_hours: float = 48.0
    slow_shock: float = 1.2
    csat_share: float = 0.55
    feedback_share: float = 0.10
    # A new kind of issue: the first of its seven days, and its tickets per day and customer.
    wave_day: int | None = None
    wave_tickets: float = 0.006
    survey_share: float = 0.10

    # Mood: an autoregression with causes.
    mood_keep: float = 0.935
    mood_noise: float = 0.19
    mood_spread: float = 0.50
    mood_service: float = 0.50
    mood_taste: float = 0.055
    mood_price: float = 0.045

    # Leaving.
    hazard_base: float = -5.75
    hazard_mood: float = -1.60
    hazard_service: float = 1.10
    hazard_delivery: float = 0.12
    hazard_price: float = 0.70
    hazard_taste: float = 0.9
    hazard_season: float = 0.30
    hazard_new: float = 0.55
    hazard_new_days: float = 90.0
    hazard_discount_channel: float = 0.60
    hazard_discount_days: float = 180.0
    hazard_fatigue: float = 0.08
    hazard_offer: float = -0.70
    hazard_subscriber: float = -0.55
    service_keep: float = 0.88
    fatigue_keep: float = 0.80
    price_memory_steps: float = 8.0
    reactivation: float = 0.0022
    reactivation_offer: float = 0.8

    # Campaigns. Offer strength is the effect on the log purchase rate of a persuadable
    # customer of price sensitivity 1; rows: no discount, 10 %, free shipping, 20 %, gift.
    control_share: float = 0.20
    audience_share: float = 0.92
    offer_steps: int = 4
    coupon_steps: int = 2
    offer_strength: tuple[float, ...] = (0.12, 0.65, 0.55, 1.00, 0.60)
    offer_is_price: tuple[bool, ...] = (False, True, True, True, False)
    # Cents that an order with the offer costs beside its discount: the parcel, the gift.
    offer_cost_cents: tuple[int, ...] = (0, 0, 490, 0, 350)
    type_response: tuple[float, ...] = (1.0, 0.10, 0.02, -0.15)
    type_annoyance: tuple[float, ...] = (0.0, 0.0, 0.0, -0.40)
    effect_spread: float = 0.25
    open_logit: float = -0.75
    open_mood: float = 0.85
    open_hour: float = 0.75
    click_share: float = 0.22
    unsubscribe_logit: float = -5.3

    # Subscriptions: weekly sign-up of those inclined, and renewal every month.
    signup: float = 0.075
    resubscribe: float = 0.022
    cancel_logit: float = -3.5
    cancel_mood: float = -0.9
    cancel_gone: float = 2.9
    plan_share: tuple[float, ...] = (0.5, 0.35, 0.15)

    # The web shop.
    sessions_per_week: float = 0.42
    browse_spread: float = 0.55
    visit_mood: float = 1.05
    visits_when_gone: float = 0.05
    views_per_session: float = 1.0

    # The pipeline that loads the rows.
    late_load_share: float = 0.03
