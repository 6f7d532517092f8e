"""What contacting customers costs and brings."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.measuring._errors import MeasuringError

__all__ = ["Costs"]


@dataclass(frozen=True)
class Costs:
    """Costs and values of a contact, and how many customers can be contacted.

    After Verbraken, Verbeke & Baesens (2013), https://doi.org/10.1109/TKDE.2012.50, with the save
    rate given. The defaults are those of the vars `holdfast_contact_budget` and so on.

    Parameters
    ----------
    contact_budget
        Who is contacted at each date: a share below 1 of the customers, or so many of them.
    contact_cost, offer_cost
        What a contact costs, and an offer that is taken.
    save_rate
        The share of contacted churners who take the offer and stay, from 0 to 1.
    customer_value
        What a customer who stays is worth.

    Raises
    ------
    MeasuringError
        A number is not one of these.

    Examples
    --------
    >>> Costs(customer_value=100).of_churner
    26.0
    """

    contact_budget: float = 0.1
    contact_cost: float = 1.0
    offer_cost: float = 10.0
    save_rate: float = 0.3
    customer_value: float = 200.0

    def __post_init__(self) -> None:
        """Refuse what is no cost."""
        budget = float(self.contact_budget)
        if not (0 < budget < 1 or (budget >= 1 and budget.is_integer())):
            raise MeasuringError(
                "contact_budget must be a share above 0 and below 1, or a whole number of "
                f"customers; got {self.contact_budget!r}"
            )
        if not 0 <= self.save_rate <= 1:
            raise MeasuringError(f"save_rate must lie between 0 and 1; got {self.save_rate!r}")
        for name in ("contact_cost", "offer_cost", "customer_value"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise MeasuringError(
                    f"{name} must be a number, 0 or more; got {getattr(self, name)!r}"
                )

    @property
    def of_churner(self) -> float:
        """What a contacted churner brings: with the save rate, one stays and takes the offer."""
        return self.save_rate * (self.customer_value - self.offer_cost) - self.contact_cost

    @property
    def of_stayer(self) -> float:
        """What a contact costs with someone who would have stayed, and takes the offer, too."""
        return self.contact_cost + self.offer_cost

    def contacts(self, row_count: NDArray[np.int64]) -> NDArray[np.float64]:
        """How many of so many customers are contacted: at least one."""
        if self.contact_budget < 1:
            # a half is rounded up
            share: NDArray[np.float64] = np.floor(self.contact_budget * row_count + 0.5)
            return np.maximum(share, 1.0, out=share)
        return np.full(len(row_count), float(self.contact_budget))
