"""The sections of a model card, as HTML in which all that comes from data is escaped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from holdfast.registry import (
    COMPARED_STAGES,
    Figure,
    RegisteredModel,
    Stage,
    defeats,
    measured_model,
)
from holdfast.report import _html as write
from holdfast.report import _words as words
from holdfast.warehouse.project import Project, ProjectError

__all__ = ["LARGE_DRIFT", "LEAST_SEGMENT", "Bin", "Card", "Facts", "card_of"]

# metric, name, decimals, whether it is a share
_METRICS = (
    ("auroc", "AUROC", 3, False),
    ("average_precision", "average precision", 3, False),
    ("log_loss", "log loss", 3, False),
    ("brier", "Brier score", 3, False),
    ("expected_calibration_error", "calibration error", 3, False),
    ("calibration_slope", "calibration slope", 2, False),
    ("calibration_intercept", "calibration intercept", 2, False),
    ("lift_decile_1", "lift of the riskiest tenth", 2, False),
    ("precision_at_budget", "precision at the contact budget", 3, True),
    ("mean_probability", "mean probability", 3, True),
    ("base_rate", "observed rate", 3, True),
)
_METRICS_OF_VALUES = (
    ("rmse", "root mean squared error", 2, False),
    ("mae", "mean absolute error", 2, False),
    ("r2", "R²", 3, False),
    ("gini", "Gini of the ranking", 3, False),
    ("lift_decile_1", "lift of the highest tenth", 2, False),
    ("gain_decile_1", "share of the total in the highest tenth", 3, True),
    ("mean_prediction", "mean prediction", 2, False),
    ("mean_label", "mean observed", 2, False),
)
LARGE_DRIFT = 0.25
# a segment of fewer rows says little, and might tell of single customers
LEAST_SEGMENT = 50


@dataclass(frozen=True)
class Bin:
    """A group of rows: mean prediction, what was observed and its interval, rows, gain.

    Observed is the share with the event, or the mean of the values; gain is the share of it all
    in this group and those before.
    """

    predicted: float
    observed: float
    lower: float | None
    upper: float | None
    row_count: int
    gain: float | None = None


@dataclass(frozen=True)
class Card:
    """A model card: its sections, and the charts in them by name.

    Attributes
    ----------
    sections
        The heading of each, as text, and its content, as HTML in which all that comes from data is
        escaped.
    charts
        Specifications of charts, for the places that the content leaves to them.
    """

    sections: list[tuple[str, str]] = field(default_factory=list)
    charts: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """What the warehouse says of a model besides its row."""

    descriptions: dict[str, str]
    bins: dict[str, list[Bin]]
    segments: list[tuple[str, int, float | None, float | None, float | None]]
    drift: list[tuple[str, float, float]]


def card_of(
    project: Project, model: RegisteredModel, models: Sequence[RegisteredModel], facts: Facts
) -> Card:
    """Write all sections, with their headings, and draw the charts."""
    charts = _charts(model, facts)
    sections = [
        ("What it predicts", _purpose(project, model)),
        ("Training data", _data(model, models)),
        ("Performance", _performance(model, models, facts)),
        ("Calibration", _calibration(model, facts, charts)),
        ("Features", _features(model, facts)),
        ("Known limits", _limits(model, models, facts)),
        ("Reproduction", _reproduction(model)),
    ]
    return Card(sections, charts)


def _purpose(project: Project, model: RegisteredModel) -> str:
    """Say what the label is."""
    parameters = model.parameters
    horizon, lead = parameters.get("horizon_days"), parameters.get("lead_days") or 0
    begin = f"{lead} days after " if lead else ""
    try:
        labels = project.node(f"{model.task}_labels")["description"]
    except ProjectError:
        # a training set may take its labels from elsewhere
        labels = ""
    return write.paragraphs(
        (
            f"The value of <code>{escape(str(parameters.get('label')))}</code> "
            if model.word == "value"
            else f"The probability that <code>{escape(str(parameters.get('label')))}</code> comes "
            "true "
        )
        + f"for a customer within {horizon} days, counted from {begin}the moment of the score. "
        "Only what was known before that moment counts.",
        escape(" ".join(labels.split())),
        "It is meant to help decide which customers to contact first. It is not meant for "
        "decisions about a person's rights, prices or credit.",
    )


def _data(model: RegisteredModel, models: Sequence[RegisteredModel]) -> str:
    """Give the data range, and how it was split."""
    split = model.parameters.get("split", {})
    rows = [
        (
            "observation dates",
            f"{write.day(model.training_from)} to {write.day(model.training_to)}",
        ),
        ("rows (customer and date)", words.count(model.row_count)),
    ]
    if model.word == "probability":
        rows.append(("with the event", words.count(model.positive_count)))
    tested_on = _tested_on(model, models)
    for name, dates in (("chosen on", split.get("validation")), ("tested on", tested_on)):
        if dates:
            rows.append((name, ", ".join(write.day(date) for date in dates)))
    subject = "its training data and the data it was"
    if model.has_twin:
        subject = "its twin's training data and the data the twin was"
        rows.append(("tested as", f"its twin {model.evaluated_as}, fitted without the test dates"))
    gap, told = split.get("gap_days"), ""
    if measured_model(model, models).parameters.get("split", {}).get("customers_below"):
        told = (
            "The history is too short for later dates, so the test is of other customers than the "
            "training, on the same dates. How good the model is on a later date is not known yet."
        )
    elif gap is not None and tested_on:
        told = (
            f"At least {gap} days lie between {subject} tested on, so that it knew none of the "
            "outcomes."
        )
    return write.table(
        ("", ""), ((escape(name), escape(value)) for name, value in rows)
    ) + write.paragraphs(told)


def _performance(model: RegisteredModel, models: Sequence[RegisteredModel], facts: Facts) -> str:
    """Show metrics with intervals beside the baselines, then live ones and segments."""
    beside = [model] + [
        other
        for other in models
        if other.task == model.task
        and other.stage in COMPARED_STAGES
        and other.model_id not in (model.model_id, model.evaluated_as)
        and "test" in other.figures
    ]
    columns = [(each, "test") for each in beside if "test" in each.figures]
    columns += [(model, "live")] if "live" in model.figures else []
    if not columns:
        return write.paragraphs("This has not been measured yet.")
    head = [
        "metric",
        *(
            escape(
                each.algorithm.replace("_", " ")
                + (" (live)" if split == "live" else "")
                + (" (baseline)" if each.stage == Stage.BASELINE else "")
            )
            for each, split in columns
        ),
    ]
    rows = [
        ["dates", *(_dates(each, models) if split == "test" else "" for each, split in columns)],
        [
            "rows",
            *(words.count(write.whole(each.figure("row_count", split))) for each, split in columns),
        ],
    ]
    for metric, name, digits, is_share in _METRICS_OF_VALUES if model.word == "value" else _METRICS:
        cells = [
            write.figure(each.figure(metric, split), digits, is_share) for each, split in columns
        ]
        rows.append([escape(name), *cells])
    html = write.table(head, rows, numbers=range(1, len(head)))
    html += write.paragraphs(
        "In brackets: 95% bootstrap intervals over customers."
        + (
            " Live: scores that were used, and whose horizon is over by now."
            if "live" in model.figures
            else ""
        )
    )
    if facts.segments:
        html += write.table(
            (
                "segment",
                "rows",
                "Gini" if model.word == "value" else "AUROC",
                "predicted",
                "observed",
            ),
            (
                (escape(name), words.count(count), *(words.number(value, 3) for value in values))
                for name, count, *values in facts.segments
            ),
            numbers=range(1, 5),
        )
    return html


# where a model was measured, and what that is called
_SPLITS = (("test", "On the test dates"), ("live", "Live"))


def _charts(model: RegisteredModel, facts: Facts) -> dict[str, dict[str, Any]]:
    """Draw the calibration of the test and live; nothing where the libraries are not installed."""
    try:
        import vl_convert  # noqa: F401 - the page that holds the charts needs it

        from holdfast.report._calibration import calibration_chart
    except ImportError:
        # a card without charts needs no extra: tables have the same figures
        return {}
    is_share = model.word == "probability"
    what = "share" if is_share else "mean"
    return {
        f"card_{split}": calibration_chart(
            [
                {
                    "model": model.algorithm.replace("_", " "),
                    "predicted": group.predicted,
                    "observed": group.observed,
                    "observed_lower": group.lower,
                    "observed_upper": group.upper,
                    "row_count": group.row_count,
                }
                for group in facts.bins[split]
            ],
            looks={model.algorithm.replace("_", " "): ("@accent", "circle")},
            titles=(f"predicted {what}", f"observed {what}"),
            description=f"Observed {what} against prediction in ten groups: {name}",
            is_share=is_share,
        )
        for split, name in _SPLITS
        if facts.bins.get(split)
    }


def _calibration(model: RegisteredModel, facts: Facts, charts: Mapping[str, dict[str, Any]]) -> str:
    """Leave a place to the chart of the test and live, with the figures of its groups below."""
    is_share = model.word == "probability"
    plots = [
        (f'<div class="chart" data-chart="card_{split}"></div>\n' * (f"card_{split}" in charts))
        + _tenths(bins, name, is_share)
        for split, name in _SPLITS
        if (bins := facts.bins.get(split))
    ]
    return "\n".join(plots) + write.paragraphs(
        "Ten groups of equal size. "
        + ("On the dashed line, the" if charts else "The closer the better: the")
        + f" predicted and the observed {'share' if is_share else 'mean'} agree."
        if plots
        else "This has not been measured yet."
    )


def _tenths(bins: Sequence[Bin], name: str, is_share: bool) -> str:
    """List what was predicted and observed for each tenth, and the share of all down to it."""
    return write.table(
        ("tenth", "rows", "predicted", "observed", "share of the total so far"),
        (
            (
                str(place),
                words.count(group.row_count),
                write.figure(Figure(group.predicted), 2, is_share),
                write.figure(Figure(group.observed, group.lower, group.upper), 2, is_share),
                write.figure(Figure(group.gain), 1, True),
            )
            for place, group in enumerate(bins, start=1)
        ),
        numbers=range(1, 5),
        caption=name,
    )


def _features(model: RegisteredModel, facts: Facts) -> str:
    """List the features by importance."""
    importance = {
        name: float(value) for name, value in (model.metrics.get("importance") or {}).items()
    }
    largest = max(importance.values(), default=0.0)
    names = sorted(model.feature_names, key=lambda name: (-importance.get(name, 0.0), name))
    rows = []
    for name in names:
        value = importance.get(name)
        bar = ""
        if value is not None and largest > 0:
            bar = f'<span class="bar" style="width: {6 * value / largest:.2f}rem"></span>'
        rows.append(
            (
                f"<code>{escape(name)}</code>",
                words.number(value, 3),
                bar,
                escape(facts.descriptions.get(name) or ""),
            )
        )
    return write.table(
        ("feature", "importance", "compared", "what it is"), rows, numbers=(1,)
    ) + write.paragraphs(
        "Importance is the mean size of the contribution to the "
        + ("value, in its unit." if model.word == "value" else "log-odds.")
    )


def _limits(model: RegisteredModel, models: Sequence[RegisteredModel], facts: Facts) -> str:
    """Say what the model cannot do, and what its own figures warn of."""
    parameters = model.parameters
    limits = [
        _what_it_says(model),
        "Reasons and importances show what moves the score, not what causes the outcome.",
        "Customers with too little history, or without recent activity, are not scored.",
    ]
    if model.training_from and model.training_to:
        days = (model.training_to - model.training_from).days
        if days < 365:
            limits.append(
                f"It was trained on {days} days of observation dates, less than a year, so it has "
                "not seen every season."
            )
    if model.stage != Stage.BASELINE:
        baselines = [
            other for other in models if other.task == model.task and other.stage == Stage.BASELINE
        ]
        limits += _beside_baselines(model, baselines)
        beaten = defeats(
            _test_figures(model),
            [(baseline.algorithm, _test_figures(baseline)) for baseline in baselines],
            target="regression" if model.word == "value" else "classification",
        )
        if beaten:
            told = "; ".join(map(str, beaten))
            limits.insert(0, f"Do not act on its scores: no better than a simple rule, {told}.")
    slope = model.figure("calibration_slope").value
    if slope is not None and not 0.8 <= slope <= 1.25:
        limits.append(
            f"Its calibration slope is {slope:.2f}: probabilities are too "
            f"{'extreme' if slope < 1 else 'timid'}."
        )
    limits += _missed_mean(model)
    if facts.drift:
        listed = ", ".join(name for name, *_ in facts.drift[:8])
        count = len(facts.drift)
        limits.append(
            f"{count} of its features {'differs' if count == 1 else 'differ'} a lot from the "
            f"training data, among them {listed}; see feature_drift."
        )
    if parameters.get("suspected_leaks"):
        limits.append(
            "These features predict the outcome suspiciously well: "
            + ", ".join(map(str, parameters["suspected_leaks"]))
            + "."
        )
    if "live" not in model.figures:
        limits.append("None of its own scores is old enough yet to be compared with its outcome.")
    if not facts.segments:
        limits.append(
            "It has not been compared between groups of customers; the var holdfast_segments "
            "names them."
        )
    dropped = {
        reason: names for reason, names in parameters.get("dropped_features", {}).items() if names
    }
    for reason, names in dropped.items():
        listed = ", ".join(map(str, names))
        limits.append(f"Left out in training ({reason.replace('_', ' ')}): {listed}.")
    items = "\n".join(f"<li>{escape(limit)}</li>" for limit in limits)
    return f"<ul>\n{items}\n</ul>\n"


def _what_it_says(model: RegisteredModel) -> str:
    """Say what a score must not be taken for."""
    if model.word == "value":
        return (
            "It predicts a mean. For a single customer it may be far off, or below 0, and it does "
            "not say what an action would change."
        )
    if model.task == "churn":
        return (
            "It says who is likely to leave, not whom an offer would keep: that takes a randomised "
            "test of the offer."
        )
    return (
        f"It says for whom {model.parameters.get('label')} is likely, not for whom an action would "
        "change it: that takes a randomised test."
    )


def _test_figures(model: RegisteredModel) -> dict[str, float | None]:
    """Give what was measured of a model on test rows, by metric."""
    return {name: figure.value for name, figure in model.figures.get("test", {}).items()}


def _beside_baselines(
    model: RegisteredModel, baselines: Sequence[RegisteredModel]
) -> Iterator[str]:
    """Name the baselines that a model does not clearly beat, in what it is compared by."""
    is_value = model.word == "value"
    metric, name, beyond, digits = (
        ("rmse", "RMSE", "below", 2) if is_value else ("auroc", "AUROC", "above", 3)
    )
    own = model.figure(metric)
    for baseline in baselines:
        simple = baseline.figure(metric).value
        if simple is None or own.lower is None or own.upper is None:
            continue
        if simple <= own.upper if is_value else simple >= own.lower:
            yield (
                f"Its {name} is not clearly {beyond} the {words.number(simple, digits)} of the "
                f"baseline {baseline.algorithm.replace('_', ' ')}."
            )


def _missed_mean(model: RegisteredModel) -> Iterator[str]:
    """Say so when the predicted mean lies outside the interval of the observed one."""
    given, observed = model.figure("mean_prediction").value, model.figure("mean_label")
    if given is None or observed.lower is None or observed.upper is None:
        return
    if not observed.lower <= given <= observed.upper:
        yield (
            f"On the test dates it predicted a mean of {words.number(given, 2)}, and the observed "
            f"mean was {words.number(observed.value, 2)}: its sums are off by as much."
        )


def _reproduction(model: RegisteredModel) -> str:
    """Give what the same training needs, and the hashes to compare."""
    parameters = {
        name: value for name, value in model.parameters.items() if name != "dropped_features"
    }
    rows: list[tuple[str, Any]] = [
        ("trained at", f"{model.trained_at} UTC"),
        ("SHA-256 of the file", model.onnx_sha256),
        ("hash of features and label", model.feature_hash),
        *sorted(parameters.items()),
        *((f"version of {name}", version) for name, version in model.library_versions.items()),
    ]
    cells = (
        (
            escape(name.replace("_", " ")),
            escape(value if isinstance(value, str) else json.dumps(value, default=str)),
        )
        for name, value in rows
    )
    return write.table(("", ""), cells, code=(1,)) + write.paragraphs(
        "The same rows, settings and versions give the same file; "
        "<code>dbt build --vars '{holdfast_retrain: true}'</code> trains a new one."
    )


def _dates(model: RegisteredModel, models: Sequence[RegisteredModel]) -> str:
    """Give the dates that a model, or its twin, was tested on."""
    dates = _tested_on(model, models)
    return f"{write.day(dates[0])} to {write.day(dates[-1])}" if dates else "-"


def _tested_on(model: RegisteredModel, models: Sequence[RegisteredModel]) -> list[str]:
    """Give the test dates of the model whose figures stand for this one."""
    return list(measured_model(model, models).parameters.get("split", {}).get("test") or [])
