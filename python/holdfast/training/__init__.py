"""Training: from a training set in the warehouse to rows of the model registry.

`update_registry` is what the dbt model calls; `train` does the work: it reads the training set
through Ibis, splits it by time, fits the algorithms, writes them as ONNX, and decides which one is
the champion. `backtest` replays at past dates what that would have been.
"""

from __future__ import annotations

from holdfast.errors import TrainingError
from holdfast.registry import REGISTRY_SCHEMA
from holdfast.training._backtest import (
    BACKTEST_OF_VALUES_SCHEMA,
    BACKTEST_SCHEMA,
    BacktestError,
    backtest,
    backtest_project,
)
from holdfast.training._offers import (
    OFFER_EVALUATIONS_SCHEMA,
    OFFER_OUTCOMES,
    evaluate_offers,
    update_offer_models,
)
from holdfast.training._ticket_topics import TICKET_TOPICS_SCHEMA, update_ticket_topics
from holdfast.training._topics import SUPPORT_TOPICS_SCHEMA, update_support_topics
from holdfast.training._train import train, update_registry
from holdfast.training._value import fit_value_models

__all__ = [
    "BACKTEST_OF_VALUES_SCHEMA",
    "BACKTEST_SCHEMA",
    "OFFER_EVALUATIONS_SCHEMA",
    "OFFER_OUTCOMES",
    "REGISTRY_SCHEMA",
    "SUPPORT_TOPICS_SCHEMA",
    "TICKET_TOPICS_SCHEMA",
    "BacktestError",
    "TrainingError",
    "backtest",
    "backtest_project",
    "evaluate_offers",
    "fit_value_models",
    "train",
    "update_offer_models",
    "update_registry",
    "update_support_topics",
    "update_ticket_topics",
]
