"""Questions about what people have to decide, and what the answers rest on."""

from __future__ import annotations

import datetime as dt

from holdfast.assistants._arguments import Argument, Given, limit
from holdfast.assistants._file import Snapshot
from holdfast.assistants._tool import Found, Tool, columns, with_bounds
from holdfast.assistants._views import View, select
from holdfast.publishing import MANIFEST

__all__ = ["DATA_AND_MODELS", "WAITING_FOR_REVIEW"]


_WAITING = View(
    "decisions",
    {
        "decision_id": "code",
        "customer_id": "id",
        "system": "code",
        **columns("text", "action", "offer_name", "channel"),
        "arm": "code",
        **with_bounds("expected_profit"),
        **columns("text", "reason", "owner"),
        **columns("date", "due_at", "expires_at"),
    },
)
_PROBLEMS = View(
    "approval_problems",
    {**columns("code", "problem", "decision_id"), "customer_id": "id", "told": "text"},
)
_PRICES = View(
    "price_suggestions",
    {
        "product_id": "id",
        "product_name": "text",
        "status": "code",
        **columns("number", "current_price", "suggested_price"),
        **with_bounds("contribution_change"),
        "lowest_price_30d": "number",
        "reason": "text",
    },
)


def _waiting_for_review(snapshot: Snapshot, given: Given) -> Found:
    """Give what a person has to decide."""
    decisions = select(
        snapshot,
        _WAITING,
        where=[("status", "=", "needs_review"), ("system", "=", given["system"])],
        order=("-expected_profit", "expires_at", "decision_id"),
        limit=given["limit"],
    )
    problems = select(
        snapshot, _PROBLEMS, order=("problem", "decision_id", "customer_id"), limit=20
    )
    prices = select(
        snapshot,
        _PRICES,
        where=[("status", "=", "suggested")],
        order=("-contribution_change", "product_id"),
        limit=20,
    )
    return Found([decisions, problems, prices], leading=3)


_MODELS = View(
    "model_performance",
    {
        **columns("code", "task", "algorithm", "stage", "model_id", "split"),
        **columns("date", "trained_at", "training_from", "training_to"),
        "row_count": "whole",
        **columns("number", "base_rate", "mean_probability"),
        **with_bounds("auroc", "keepable_auroc"),
        **columns("number", "average_precision", "brier", "log_loss", "top_decile_lift"),
        **with_bounds("expected_calibration_error"),
        **columns("number", "calibration_slope", "calibration_intercept"),
        **columns("number", "rmse", "mae", "r2", "mean_prediction", "mean_label"),
        **columns(
            "number", "coverage_80", "total_error", "hit_rate_at_10", "recall_at_10", "accuracy"
        ),
    },
)
# stages of the models that the tables rest on
_IN_USE = ("champion", "fallback")
_DRIFT = View(
    "feature_drift",
    {
        **columns("code", "task", "feature", "drift"),
        **columns("number", "psi", "importance", "missing_rate_change"),
    },
)
_TABLES = View(
    MANIFEST,
    {"table_name": "code", "row_count": "whole", "holdfast_version": "code"},
)


def _data_and_models(snapshot: Snapshot, given: Given) -> Found:
    """Say what the answers rest on."""
    task = given["task"]
    models = select(
        snapshot,
        _MODELS,
        where=[("task", "=", task), ("stage", "in", None if given["all_models"] else _IN_USE)],
        order=("task", "split", "stage", "algorithm", "model_id"),
        limit=100,
    )
    drift = select(
        snapshot,
        _DRIFT,
        where=[("task", "=", task), ("drift", "<>", "small")],
        order=("-importance", "task", "feature"),
        limit=30,
    )
    tables = select(snapshot, _TABLES, order=("table_name",), limit=200)
    message = None
    if snapshot.facts.as_of_date is not None:
        days = (dt.datetime.now(dt.UTC).date() - snapshot.facts.as_of_date).days
        message = f"The data count up to {snapshot.facts.as_of_date}, {days} days ago."
    return Found([models, drift, tables], leading=3, message=message)


WAITING_FOR_REVIEW = Tool(
    "waiting_for_review",
    "Waiting for review",
    "Lists what a person has to decide: decisions that wait for approval, approvals that are "
    "of no use, and suggested prices. It approves nothing; `holdfast review` does.",
    (
        Argument("system", "text", "Only decisions of this policy, such as offers."),
        limit(20, 100),
    ),
    (_WAITING, _PROBLEMS, _PRICES),
    _waiting_for_review,
    tells_customers=True,
)


DATA_AND_MODELS = Tool(
    "data_and_models",
    "Data and models",
    "Tells what all answers rest on: how fresh the data are, how good the models were on data "
    "they had not seen (AUROC, calibration), which features have drifted, and which tables "
    "there are.",
    (
        Argument("task", "text", "Only models of this task, such as churn."),
        Argument(
            "all_models",
            "flag",
            "Whether to show challengers, former models and the baselines to beat, too.",
            False,
        ),
    ),
    (_MODELS, _DRIFT, _TABLES),
    _data_and_models,
)
