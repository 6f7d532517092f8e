"""The algorithms that compete unless one is named, by what is predicted."""

from __future__ import annotations

from holdfast.estimators._base import Algorithm
from holdfast.estimators._linear import fit_setting, tune_linear
from holdfast.estimators._trees import fit_trees, tune_trees
from holdfast.estimators._two_part import TWO_PART, fit_two_part, tune_two_part

__all__ = ["ALGORITHMS", "ALGORITHMS_BY_TARGET"]

# On a tie the earlier one is chosen: the simpler.
ALGORITHMS: dict[str, Algorithm] = {
    "logistic_regression": Algorithm(tune_linear, fit_setting),
    "hist_gradient_boosting": Algorithm(tune_trees, fit_trees),
}
ALGORITHMS_BY_TARGET: dict[str, dict[str, Algorithm]] = {
    "classification": ALGORITHMS,
    "regression": {
        "linear_regression": Algorithm(tune_linear, fit_setting),
        "hist_gradient_boosting": Algorithm(tune_trees, fit_trees),
        TWO_PART: Algorithm(tune_two_part, fit_two_part),
    },
}
