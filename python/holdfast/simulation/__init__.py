"""A shop made of causes: simulated customers, their events, and the truth behind them.

Every customer has latent traits (taste, price sensitivity, patience, purchase rate, season,
response to offers) and a *mood* that moves with experience: late parcels, slow tickets, price
rises and empty shelves lower it. Mood drives purchases, visits, opens, answers and, with
further causes, the hazard of leaving; so signs precede churn, and both have reasons.
See ``docs/simulation.md``.
"""

from __future__ import annotations

from holdfast.simulation._contacts import no_contacts, read_contacts, tidy
from holdfast.simulation._continue import Continued, continue_shop, write_record
from holdfast.simulation._errors import SimulationArgumentError
from holdfast.simulation._oracle import TrueState, true_state
from holdfast.simulation._parameters import ShopParameters
from holdfast.simulation._shop import PlayedMonth, Shop, ShopArguments
from holdfast.simulation._simulate import simulate_shop

__all__ = [
    "Continued",
    "PlayedMonth",
    "Shop",
    "ShopArguments",
    "ShopParameters",
    "SimulationArgumentError",
    "TrueState",
    "continue_shop",
    "no_contacts",
    "read_contacts",
    "simulate_shop",
    "tidy",
    "true_state",
    "write_record",
]
