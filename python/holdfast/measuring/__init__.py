"""How good predictions are: every measure of Holdfast, once.

`evaluate` measures probabilities and `evaluate_values` predicted numbers, each with 95 % bootstrap
intervals, for all dates together, date by date and by segment; `compare_forecasts` sets several
models beside each other. They take an Arrow table, from whatever engine; the dbt models
`model_evaluations` and `value_evaluations` are made of what they give. The other functions
are single measures of arrays, which training and the backtest share; docs/models.md defines them
all.
"""

from __future__ import annotations

from holdfast.measuring._costs import Costs
from holdfast.measuring._errors import MeasuringError
from holdfast.measuring._evaluate import METRICS_SCHEMA, evaluate, evaluate_values
from holdfast.measuring._forecasts import COMPARISON_SCHEMA, compare_forecasts
from holdfast.measuring._probabilities import MODEL_RESOLUTION, auroc, brier, log_loss, log_losses
from holdfast.measuring._uplift import (
    Estimate,
    Trial,
    auuc,
    gain_curve,
    policy_value,
    qini,
    uplift_by_tenth,
)
from holdfast.measuring._values import gini, mae, r2, rmse

__all__ = [
    "COMPARISON_SCHEMA",
    "METRICS_SCHEMA",
    "MODEL_RESOLUTION",
    "Costs",
    "Estimate",
    "MeasuringError",
    "Trial",
    "auroc",
    "auuc",
    "brier",
    "compare_forecasts",
    "evaluate",
    "evaluate_values",
    "gain_curve",
    "gini",
    "log_loss",
    "log_losses",
    "mae",
    "policy_value",
    "qini",
    "r2",
    "rmse",
    "uplift_by_tenth",
]
