"""The package's own errors: every one names what is wrong and says what to do next."""

from __future__ import annotations

__all__ = ["HoldfastError", "TrainingError"]


class HoldfastError(Exception):
    """Base of every error that Holdfast raises on purpose.

    Catch it to tell Holdfast's own refusals (bad input, a corrupt model, a missing feature) from
    defects and from errors of the libraries below.
    """


class TrainingError(HoldfastError):
    """Training cannot go on until someone changes a setting, a column or the registry.

    Too little history is not an error: then the build goes on without a new model.
    """
