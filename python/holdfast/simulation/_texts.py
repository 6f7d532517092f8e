"""Short English texts, composed from templates: no personal data, no free generation."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.simulation._calendar import Ints
from holdfast.simulation._draws import Draws

TOPICS = ("delivery", "product", "billing", "return", "account", "subscription")

# Per topic: openings, the matter, closings.
TICKET_TEXTS: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("Hello,", "Good morning,", "Once more about my parcel:", "Hi team,"),
        (
            "my order should have been here days ago and tracking has not moved.",
            "the parcel with my {goods} order is late and nobody tells me why.",
            "the carrier says delivered, but nothing arrived.",
            "the delivery date has been moved twice now.",
            "half of my {goods} order is missing from the box.",
            "the box arrived late and crushed on one side.",
        ),
        ("When will it come?", "Please check with the carrier.", "I need it this week.", "Thanks."),
    ),
    (
        ("Hello,", "Hi,", "Dear team,", "A question about an item:"),
        (
            "one of the {goods} items does not look like the picture.",
            "the quality of the last {goods} item was poorer than before.",
            "the item stopped working after a few days.",
            "is the usual size of this {goods} item coming back?",
            "the item I always buy is out of stock again.",
            "the package was open and something is missing.",
        ),
        ("What can you do?", "Please advise.", "Can I get a replacement?", "Kind regards."),
    ),
    (
        ("Hello,", "Hi,", "About my invoice:", "Dear team,"),
        (
            "I was charged twice for the same order.",
            "the prices of {goods} went up a lot and I would like to know why.",
            "the voucher was not taken off the total.",
            "my invoice shows another amount than the order.",
            "your price is now higher than elsewhere.",
            "the refund has not reached my account.",
        ),
        ("Please correct it.", "I am not happy about this.", "Please explain.", "Thank you."),
    ),
    (
        ("Hello,", "Hi,", "About a return:", "Good day,"),
        (
            "I sent the {goods} item back and have heard nothing since.",
            "the return label cannot be printed.",
            "can I exchange the item for another size?",
            "the item does not fit and I would like to return it.",
            "how long does a refund take?",
        ),
        ("Please confirm.", "Thank you.", "I am waiting for an answer.", "Best regards."),
    ),
    (
        ("Hello,", "Hi,", "Quick question:", "Dear team,"),
        (
            "I cannot log in since the last update.",
            "the password reset mail does not arrive.",
            "how do I change my delivery address?",
            "please stop sending me so many newsletters.",
            "how can I close my account?",
            "the app shows the wrong order history.",
        ),
        ("Please help.", "Thanks.", "What do I need to do?", "Thank you."),
    ),
    (
        ("Hello,", "Hi,", "About my plan:", "Dear team,"),
        (
            "I would like to change my plan.",
            "I was billed for the plan although I had cancelled.",
            "the benefits of the plan do not show in the app.",
            "how do I pause the plan for a month?",
            "is the plan still worth it after the price change?",
        ),
        ("Please advise.", "Thanks.", "Please confirm.", "Kind regards."),
    ),
)

# What a planted wave is about: a kind of issue that the shop has not had.
WAVE_TOPIC = "app"
WAVE_TEXTS = (
    ("Hello,", "Hi,", "Since this morning:", "Dear team,"),
    (
        "the app crashes as soon as I open the shopping cart.",
        "your app closes by itself when I tap on checkout.",
        "the checkout screen of the app freezes and then crashes.",
        "the app crashes at the checkout, again and again.",
    ),
    ("Please fix the crash.", "I cannot order like this.", "Please help.", "Thank you."),
)

# Per score band: 0 to 5, 6 to 7, 8 to 10.
COMMENTS: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("Disappointed.", "Not what I expected.", "It used to be better.", "Sadly"),
        (
            "delivery took too long.",
            "support did not answer in time.",
            "it has become too expensive.",
            "the items I like are gone.",
            "I received too many mails.",
        ),
        ("I will look elsewhere.", "Please improve.", ""),
    ),
    (
        ("All right.", "Fine so far.", "Good, but", "Mostly fine,"),
        (
            "delivery could be faster.",
            "prices went up.",
            "the choice could be wider.",
            "the app is a bit slow.",
            "packaging is wasteful.",
        ),
        ("", "Otherwise fine.", "I may order again."),
    ),
    (
        ("Great shop.", "Very happy.", "As always:", "Perfect,"),
        (
            "fast delivery.",
            "good quality.",
            "friendly support.",
            "easy to order again.",
            "good offers.",
        ),
        ("Thank you!", "", "See you soon."),
    ),
)


def compose(
    rng: Draws,
    texts: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...],
    kind: Ints,
) -> pa.Array:
    """One text per row: an opening, a matter and a closing of its kind."""
    count = len(kind)
    parts = []
    for part in range(3):
        choices = [options[part] for options in texts]
        start = np.cumsum([0] + [len(options) for options in choices])[:-1]
        size = np.array([len(options) for options in choices])
        index = start[kind] + (rng.random(count) * size[kind]).astype(np.int64)
        flat = pa.array([text for options in choices for text in options], pa.string())
        parts.append(flat.take(pa.array(index)))
    joined = pc.binary_join_element_wise(*parts, " ")
    return pc.utf8_rtrim_whitespace(joined)
