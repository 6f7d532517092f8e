"""Who may be written to: the choice at sign-up, and what was withdrawn since."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from holdfast.simulation._arrow import integers, timestamps
from holdfast.simulation._catalogue import CAMPAIGN_CHANNELS
from holdfast.simulation._state import World


def consents_table(world: World, is_new: bool = True) -> pa.Table:
    """Lay out the consents of a chunk by customer and time, a row per channel.

    Choices at sign-up stand where the customers are new, withdrawals where they happen.

    They follow from what was drawn before and draw nothing, so that no other table moves.
    """
    customers, sends = world.customers, world.log.rows("sends")
    at = sends["unsubscribed_at"]
    left = (at > 0) & (at < world.calendar.end_second)
    new = np.arange(len(customers) if is_new else 0)
    customer = np.concatenate([new, sends["customer"][left]])
    changed_at = np.concatenate([customers.created_at[new], at[left]])
    is_allowed = np.concatenate(
        [customers.is_newsletter_subscriber[new], np.zeros(int(left.sum()), dtype=np.bool_)]
    )
    order = np.lexsort((changed_at, customer))
    # Who leaves the list by a link in a message leaves it for every channel.
    of_row = np.repeat(order, len(CAMPAIGN_CHANNELS))
    channel = np.tile(np.arange(len(CAMPAIGN_CHANNELS)), len(order))
    return pa.table(
        {
            "customer_id": integers(customers.first_id + customer[of_row]),
            "channel": pa.array(CAMPAIGN_CHANNELS).take(pa.array(channel)),
            "is_allowed": pa.array(is_allowed[of_row]),
            "changed_at": timestamps(changed_at[of_row]),
        }
    )
