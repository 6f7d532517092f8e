"""Campaign sends: randomised control groups, offers and their true effects."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from holdfast.simulation._arrow import integers, is_null_from, timestamps
from holdfast.simulation._calendar import DAY, Bools, Floats, Ints
from holdfast.simulation._catalogue import CAMPAIGN_CHANNELS, OFFERS
from holdfast.simulation._draws import Draws
from holdfast.simulation._state import Rows, State, World

_SEND_HOURS = np.array([8, 10, 12, 15, 18, 20])


def send_campaigns(world: World, state: State, step: int) -> None:
    """Send the campaigns of this step on its first day and let their offers work."""
    for campaign in np.flatnonzero(world.catalogue.campaign_step == step).tolist():
        _send(world, state, step, int(campaign))


def _send(world: World, state: State, step: int, campaign: int) -> None:
    """Draw audience and control group of one campaign; apply the offer to the treated."""
    rng, p, customers = world.rng, world.parameters, world.customers
    day = int(world.calendar.step_day[step])
    offer = int(world.catalogue.campaign_offer[campaign])
    eligible = state.is_present & state.is_opted_in
    eligible &= customers.created_at < (day - 14) * DAY
    # The shop can only know who ordered lately, not who is still there at heart.
    eligible &= state.last_order_at >= (day - 300) * DAY
    audience = np.flatnonzero(eligible)
    audience = audience[rng.random(len(audience)) < p.audience_share]
    count = len(audience)
    is_control = rng.random(count) < p.control_share
    hour = _SEND_HOURS[rng.integers(0, len(_SEND_HOURS), count)]
    sent_at = day * DAY + hour * 3600 + rng.integers(0, 600, count)

    world.log.add(
        "sends",
        customer=audience,
        campaign=np.full(count, campaign),
        sent_at=sent_at,
        is_control=is_control,
        **_react(world, state, rng, audience, np.full(count, offer), hour, sent_at, is_control),
    )


def send_contacts(world: World, state: State, step: int) -> None:
    """Send the contacts of a played step; the shop never writes to those who opted out."""
    contacts = world.contacts
    here = contacts["step"] == step
    # Who opted out is no control either, or the treated would differ from their controls.
    here[here] = state.is_opted_in[contacts["customer"][here]]
    rows = {name: column[here] for name, column in contacts.items()}
    who, offer, sent_at = rows["customer"], rows["offer"], rows["sent_at"]
    draws = world.draws("reaction", who)
    hour = sent_at // 3600 % 24
    reaction = _react(world, state, draws, who, offer, hour, sent_at, rows["is_control"])
    kept = ("customer", "campaign", "sent_at", "is_control", "row")
    world.log.add("sends", **{name: rows[name] for name in kept}, **reaction)


def _react(
    world: World,
    state: State,
    rng: Draws,
    audience: Ints,
    offer: Ints,
    hour: Ints,
    sent_at: Ints,
    is_control: Bools,
) -> Rows:
    """Let the offers work on the treated; tell who opens, clicks and unsubscribes, and when."""
    p, customers = world.parameters, world.customers
    count = len(audience)
    percent = np.array([offer[2] for offer in OFFERS])[offer]
    treated, taken = audience[~is_control], offer[~is_control]
    np.add.at(state.fatigue, treated, 1.0)
    state.offer_effect[treated] = customers.effect[treated, taken]
    state.offer_steps_left[treated] = p.offer_steps
    state.coupon_percent[treated] = percent[~is_control]
    state.coupon_steps_left[treated] = p.coupon_steps
    state.coupon_offer[treated] = taken

    opened = ~is_control & (rng.random(count) < _open_probability(world, state, audience, hour))
    delay = (rng.exponential(3.5 * 3600, count) + 60).astype(np.int64)
    clicked = opened & (rng.random(count) < p.click_share * (1 + 0.6 * (percent > 0)))
    click_delay = (rng.exponential(240.0, count) + 5).astype(np.int64)
    logit = p.unsubscribe_logit - 0.8 * state.mood[audience] + 0.35 * state.fatigue[audience]
    logit += 0.9 * (customers.persuasion[audience] == 3) + 0.6 * ~state.is_alive[audience]
    leaves_list = ~is_control & (rng.random(count) < 1 / (1 + np.exp(-logit)))
    state.is_opted_in[audience[leaves_list]] = False
    return {
        "opened_at": np.where(opened, sent_at + delay, 0),
        "clicked_at": np.where(clicked, sent_at + delay + click_delay, 0),
        "unsubscribed_at": np.where(leaves_list, sent_at + delay + click_delay + 20, 0),
    }


def _open_probability(world: World, state: State, audience: Ints, hour: Ints) -> Floats:
    """Let opens follow mood, taste for advertising, fatigue and the hour of the day."""
    p, customers = world.parameters, world.customers
    distance = (hour - customers.preferred_hour[audience]) * (2 * np.pi / 24)
    logit = p.open_logit + p.open_mood * state.mood[audience] + p.open_hour * np.cos(distance)
    logit += customers.responsiveness[audience] - 0.10 * state.fatigue[audience]
    logit -= 1.9 * ~state.is_alive[audience]
    return np.asarray(1 / (1 + np.exp(-logit)))


def sends_table(world: World, first_id: int) -> pa.Table:
    """Lay out the sends of a chunk by customer and time."""
    rows = world.log.rows("sends")
    order = np.lexsort((rows["sent_at"], rows["customer"]))
    rows = {name: column[order] for name, column in rows.items()}
    campaign = rows["campaign"]
    end = world.known_until_second
    channel = pa.array(CAMPAIGN_CHANNELS).take(pa.array(world.catalogue.campaign_channel[campaign]))
    columns = {
        "send_id": integers(first_id + np.arange(len(order))),
        "customer_id": integers(world.customers.first_id + rows["customer"]),
        "campaign_id": integers(world.first_campaign + campaign, small=True),
        "sent_at": timestamps(rows["sent_at"]),
        "channel": channel,
        "offer_id": integers(world.catalogue.campaign_offer[campaign] + 1, small=True),
        "is_control": pa.array(rows["is_control"]),
        "opened_at": timestamps(rows["opened_at"], is_null_from(rows["opened_at"], end)),
        "clicked_at": timestamps(rows["clicked_at"], is_null_from(rows["clicked_at"], end)),
    }
    if world.known_until is not None:
        columns |= _decided(world, rows)
    return pa.table(columns)


def _decided(world: World, rows: Rows) -> dict[str, pa.Array]:
    """Tell which decision a send came from; in a shop that is played on, all sends have these."""
    names = {"decision_id": pa.string(), "propensity": pa.float64(), "variant": pa.string()}
    if world.sent is None:
        return {name: pa.nulls(len(rows["sent_at"]), kind) for name, kind in names.items()}
    row = pa.array(rows["row"])
    return {name: world.sent[name].take(row) for name in names}
