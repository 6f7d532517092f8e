"""Questions about what works: offers and campaigns."""

from __future__ import annotations

from holdfast.assistants._arguments import Argument, Given, limit
from holdfast.assistants._file import Snapshot
from holdfast.assistants._tool import Found, Tool, columns, with_bounds
from holdfast.assistants._views import Condition, View, select

__all__ = ["CAMPAIGN_RESULTS", "OFFER_EFFECTS"]


_EFFECTS = View(
    "offer_effects",
    {
        "offer_id": "id",
        **columns("text", "channel"),
        **columns("code", "segment", "outcome", "status"),
        **columns("whole", "campaigns", "treated", "control"),
        **columns("number", "treated_mean", "control_mean"),
        **with_bounds("effect", "effect_shrunk"),
        "smallest_detectable": "number",
        "finding": "text",
    },
)
# what the offers are called
_OFFERS = View("next_best_offer", {"offer_id": "id", "offer_name": "text"})


def _offer_effects(snapshot: Snapshot, given: Given) -> Found:
    """Give the effects of offers, the best first."""
    where: list[Condition] = [
        ("offer_id", "id", given["offer_id"]),
        ("channel", "=", given["channel"]),
        ("segment", "=", given["lifecycle_state"]),
        ("outcome", "=", given["outcome"]),
        ("status", "=", "estimated" if given["only_estimated"] else None),
    ]
    effects = select(
        snapshot,
        _EFFECTS,
        where=where,
        order=("-effect_shrunk", "offer_id", "channel", "segment"),
        limit=given["limit"],
    )
    names = select(
        snapshot,
        _OFFERS,
        where=[("offer_id", "known", True), ("offer_id", "id", given["offer_id"])],
        order=("offer_id", "offer_name"),
        limit=100,
        distinct=True,
    )
    return Found([effects, names])


_CAMPAIGNS = View(
    "campaign_performance",
    {
        "campaign_id": "id",
        "status": "code",
        **columns("date", "first_sent_at", "last_sent_at"),
        "is_ended": "flag",
        **columns("whole", "sends", "control_sends", "mature_sends", "immature_sends"),
        **columns("number", "response_rate", "control_response_rate"),
        **with_bounds("incremental_customers", "incremental_revenue"),
        "cost": "number",
        **with_bounds("profit", "return_on_cost"),
        "has_sample_ratio_mismatch": "flag",
        "finding": "text",
    },
)


def _campaign_results(snapshot: Snapshot, given: Given) -> Found:
    """Give what campaigns brought, the newest first."""
    where: list[Condition] = [
        ("campaign_id", "id", given["campaign_id"]),
        ("status", "=", "estimated" if given["only_estimated"] else None),
    ]
    return Found(
        [
            select(
                snapshot,
                _CAMPAIGNS,
                where=where,
                order=("-last_sent_at", "campaign_id"),
                limit=given["limit"],
            )
        ]
    )


def _only_estimated(*, default: bool) -> Argument:
    return Argument(
        "only_estimated",
        "flag",
        "Whether to leave out what has no comparable control group, and so no known effect.",
        default,
    )


OFFER_EFFECTS = Tool(
    "offer_effects",
    "Effects of offers",
    "Tells which offers work: the effect of each offer against customers who were held out "
    "at random, with intervals, the best first.",
    (
        Argument(
            "outcome",
            "text",
            "What the effect is on.",
            "revenue",
            choices=("retained", "orders", "revenue", "margin"),
        ),
        Argument("offer_id", "id", "Only this offer."),
        Argument("channel", "text", "Only sends on this channel, written as in the data."),
        Argument(
            "lifecycle_state",
            "text",
            "Only customers who were in this lifecycle state at the send, such as slipping; "
            "all for everybody together.",
            "all",
        ),
        _only_estimated(default=True),
        limit(20, 100),
    ),
    (_EFFECTS, _OFFERS),
    _offer_effects,
)


CAMPAIGN_RESULTS = Tool(
    "campaign_results",
    "Results of campaigns",
    "Tells what each campaign cost and brought against its control group, with intervals, "
    "the newest first.",
    (
        Argument("campaign_id", "id", "Only this campaign."),
        _only_estimated(default=False),
        limit(20, 100),
    ),
    (_CAMPAIGNS,),
    _campaign_results,
)
