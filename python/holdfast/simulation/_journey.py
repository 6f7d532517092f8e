"""The loop over steps: what happens to a chunk of customers, in which order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holdfast.simulation._calendar import Bools
from holdfast.simulation._campaigns import send_campaigns, send_contacts
from holdfast.simulation._churn import leave_or_return, move_mood, settle
from holdfast.simulation._events import visit
from holdfast.simulation._orders import place_orders
from holdfast.simulation._service import survey, tickets_without_orders
from holdfast.simulation._state import State, World, initial_state
from holdfast.simulation._subscriptions import renew_or_cancel, sign_up


@dataclass(frozen=True)
class Journey:
    """What the truth files need from the loop, one column per step."""

    hazard: npt.NDArray[np.float32]
    is_present: Bools
    is_alive: Bools
    state: State


def travel(world: World, state: State | None = None) -> Journey:
    """Run the steps; everything that happens lands in the world's log, and moves the state."""
    count, steps = len(world.customers), world.calendar.steps
    state = initial_state(world) if state is None else state
    hazard = np.zeros((count, steps), dtype=np.float32)
    is_present = np.zeros((count, steps), dtype=np.bool_)
    is_alive = np.zeros((count, steps), dtype=np.bool_)
    for step in range(steps):
        world.moment = int(world.calendar.step_day[step])
        is_present[:, step], is_alive[:, step] = state.is_present, state.is_alive
        move_mood(world, state, step)
        if world.seed is None:
            send_campaigns(world, state, step)
        else:
            send_contacts(world, state, step)
        hazard[:, step] = leave_or_return(world, state, step)
        # In this order, or someone could sign up again before the old subscription ends.
        sign_up(world, state, step)
        renew_or_cancel(world, state, step)
        tickets_without_orders(world, state, step)
        visit(world, state, step)
        place_orders(world, state, step)
        survey(world, state, step)
        settle(world, state)
    return Journey(hazard, is_present, is_alive, state)
