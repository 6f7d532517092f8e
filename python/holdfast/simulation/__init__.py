"""A shop made of causes: simulated customers, their events, and the truth behind them.

Every customer has latent traits (taste, price sensitivity, patience, purchase rate, season,
response to offers) and a *mood* that moves with experience: late parcels, slow tickets, price
rises and empty shelves lower it. Mood drives purchases, visits, opens, answers and, with
further causes, the hazard of leaving; so signs precede churn, and both have reasons.
See ``docs/simulation.md``.
"""

from __future__ import annotations

from holdfast.simulation._parameters import ShopParameters
from holdfast.simulation._simulate import SimulationArgumentError, simulate_shop

__all__ = ["ShopParameters", "SimulationArgumentError", "simulate_shop"]
