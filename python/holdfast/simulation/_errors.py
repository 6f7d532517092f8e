"""What the simulator raises."""

from __future__ import annotations

from holdfast.errors import HoldfastError


class SimulationArgumentError(HoldfastError):
    """An argument of the simulator is not allowed."""
