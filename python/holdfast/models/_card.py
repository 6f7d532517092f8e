"""A model card: what a model is, how good it was, what it cannot do, how to make it again."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import duckdb

from holdfast import __version__
from holdfast.models._errors import RegistryError
from holdfast.models._export import write_aside
from holdfast.models._plot import Bin, calibration_plot
from holdfast.models._registry import (
    Figure,
    RegisteredModel,
    matching,
    read_models,
    reading,
)
from holdfast.project import Project, ProjectError

__all__ = ["card_sections", "write_card"]

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
_LARGE_DRIFT = 0.25
# a segment of fewer rows says little, and might tell of single customers
_LEAST_SEGMENT = 50

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2430; background: #fff;
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p.id { color: #5a6675; margin-top: 0.2rem; }
table { border-collapse: collapse; margin: 0.6rem 0; } caption { text-align: left; color: #5a6675; }
th, td { padding: 0.25rem 0.8rem 0.25rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid #e3e7ec; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.code, code { font-family: ui-monospace, monospace; font-size: 0.86em; overflow-wrap: anywhere; }
.interval { color: #5a6675; font-size: 0.86em; }
svg text { font: 11px system-ui, sans-serif; fill: #5a6675; }
svg .frame { fill: none; stroke: #c6ced8; }
svg .diagonal { stroke: #c6ced8; stroke-dasharray: 4 4; }
svg .interval { stroke: #2b6cb0; stroke-width: 1.5; } svg circle { fill: #2b6cb0; }
.bar { background: #2b6cb0; height: 0.6rem; display: inline-block; }
"""


def write_card(project: Project, output: Path, model_id: str | None = None) -> RegisteredModel:
    """Write the model card of a model as one HTML file that needs nothing else.

    The sections follow Mitchell et al. 2019, Model Cards for Model Reporting
    (https://doi.org/10.1145/3287560.3287596). A card holds figures over many rows only, nothing
    of any one customer.

    Parameters
    ----------
    project
        A built project, from `holdfast.project.open_project`.
    output
        The file to write; a former one is replaced.
    model_id
        The id of the model, or its first characters; the champion of churn when None.

    Returns
    -------
    RegisteredModel
        The model that the card describes.

    Raises
    ------
    RegistryError
        If there is no such model, or the file cannot be written.
    holdfast.project.ProjectError
        If the warehouse cannot be read.

    Examples
    --------
    >>> write_card(open_project(Path("my_shop")), Path("card.html")).stage  # doctest: +SKIP
    'champion'
    """
    with reading(project) as connection:
        models = read_models(project, connection)
        model = _choose(models, model_id)
        facts = _read_facts(project, connection, model)
    write_aside(output, _render(project, model, models, facts).encode())
    return model


def card_sections(project: Project, model_id: str) -> list[tuple[str, str]]:
    """Give the sections of a model card, to be put into another page.

    Parameters
    ----------
    project
        A built project, from `holdfast.project.open_project`.
    model_id
        The id of the model, or its first characters.

    Returns
    -------
    list of (str, str)
        The heading, as text, and the content, as HTML in which all that comes from data is
        escaped.

    Raises
    ------
    RegistryError
        If there is no such model.
    holdfast.project.ProjectError
        If the warehouse cannot be read.
    """
    with reading(project) as connection:
        models = read_models(project, connection)
        model = matching(models, model_id)
        facts = _read_facts(project, connection, model)
    return _sections(project, model, models, facts)


@dataclass(frozen=True)
class _Facts:
    """What the warehouse says of a model besides its row."""

    descriptions: dict[str, str]
    bins: dict[str, list[Bin]]
    segments: list[tuple[str, int, float | None, float | None, float | None]]
    drift: list[tuple[str, float, float]]


def _choose(models: list[RegisteredModel], model_id: str | None) -> RegisteredModel:
    """Choose the model of an id, else the champion of churn, else the only one."""
    if model_id is not None:
        return matching(models, model_id)
    champions = [model for model in models if model.stage == "champion"]
    of_churn = [model for model in champions if model.task == "churn"]
    if len(of_churn or champions) != 1:
        raise RegistryError(
            "there is no champion to describe; name a model of `holdfast models list`"
        )
    return (of_churn or champions)[0]


def _read_facts(
    project: Project, connection: duckdb.DuckDBPyConnection, model: RegisteredModel
) -> _Facts:
    """Read descriptions, calibration, segments and drift."""
    descriptions = dict(
        connection.execute(
            f"select feature, description from {project.relation('feature_registry')}"  # noqa: S608
        ).fetchall()
    )
    bins: dict[str, list[Bin]] = {}
    for split, *values in connection.execute(
        f"""
        select split, predicted, observed, observed_lower, observed_upper, row_count, gain
        from {project.relation("model_calibration")}
        where as_of is null and segment is null
            and (model_id = ? and split = 'live' or model_id = ? and split = 'test')
        order by split, bin
        """,  # noqa: S608 - the relation is dbt's own, quoted
        [model.model_id, model.evaluated_as],
    ).fetchall():
        bins.setdefault(split, []).append(Bin(*values))
    segments = connection.execute(
        f"""
        select
            segment,
            cast(max(value) filter (where metric = 'row_count') as bigint) as row_count,
            max(value) filter (where metric in ('auroc', 'gini')) as ranking,
            max(value) filter (
                where metric in ('mean_probability', 'mean_prediction')
            ) as predicted,
            max(value) filter (where metric in ('base_rate', 'mean_label')) as observed,
        from {project.relation("model_evaluations")}
        where model_id = ? and split = 'test' and segment is not null
        group by segment
        having row_count >= ?
        order by segment
        """,  # noqa: S608 - the relation is dbt's own, quoted
        [model.evaluated_as, _LEAST_SEGMENT],
    ).fetchall()
    drift = connection.execute(
        f"""
        select feature, psi, missing_rate_change
        from {project.relation("feature_drift")}
        where model_id = ? and (psi >= ? or abs(missing_rate_change) >= 0.1)
        order by psi desc, feature
        """,  # noqa: S608 - the relation is dbt's own, quoted
        [model.model_id, _LARGE_DRIFT],
    ).fetchall()
    return _Facts(descriptions, bins, segments, drift)


def _render(
    project: Project, model: RegisteredModel, models: Sequence[RegisteredModel], facts: _Facts
) -> str:
    """Put the page together."""
    title = f"{model.task}: {model.algorithm.replace('_', ' ')}"
    sections = _sections(project, model, models, facts)
    body = "\n".join(f"<h2>{escape(name)}</h2>\n{content}" for name, content in sections)
    written = dt.datetime.now(dt.UTC)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Model card: {escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n"
        f'<p class="id">Model <code>{escape(model.model_id)}</code>, stage {escape(model.stage)}. '
        f"Model card written by Holdfast {escape(__version__)} on {written:%Y-%m-%d %H:%M} UTC."
        f"</p>\n{body}\n</body>\n</html>\n"
    )


def _sections(
    project: Project, model: RegisteredModel, models: Sequence[RegisteredModel], facts: _Facts
) -> list[tuple[str, str]]:
    """Write all sections, with their headings."""
    return [
        ("What it predicts", _purpose(project, model)),
        ("What it learned from", _data(model, models)),
        ("How good it was", _performance(model, models, facts)),
        ("Calibration", _calibration(model, facts)),
        ("Features", _features(model, facts)),
        ("Known limits", _limits(model, models, facts)),
        ("To make it again", _reproduction(model)),
    ]


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
    return _paragraphs(
        (
            f"The value of <code>{escape(str(parameters.get('label')))}</code> "
            if model.word == "value"
            else f"The probability that <code>{escape(str(parameters.get('label')))}</code> comes "
            "true "
        )
        + f"for a customer within {horizon} days, counted from {begin}the moment of the score. "
        "Only what was known before that moment counts.",
        escape(" ".join(labels.split())),
        "It is meant to decide whom to look after first. It is not meant to decide on a person's "
        "rights, prices or credit.",
    )


def _data(model: RegisteredModel, models: Sequence[RegisteredModel]) -> str:
    """Give the data range, and how it was split."""
    split = model.parameters.get("split", {})
    rows = [
        ("observation dates", f"{_day(model.training_from)} to {_day(model.training_to)}"),
        ("rows (customer and date)", _count(model.row_count)),
    ]
    if model.word == "probability":
        rows.append(("with the event", _count(model.positive_count)))
    tested_on = _tested_on(model, models)
    for name, dates in (("chosen on", split.get("validation")), ("tested on", tested_on)):
        if dates:
            rows.append((name, ", ".join(_day(date) for date in dates)))
    subject = "it learned from and what it was"
    if model.evaluated_as != model.model_id:
        subject = "its twin learned from and what that was"
        rows.append(("tested as", f"its twin {model.evaluated_as}, fitted without the test dates"))
    gap = split.get("gap_days")
    return _table(("", ""), ((escape(name), escape(value)) for name, value in rows)) + _paragraphs(
        f"Between what {subject} tested on lie at least {gap} days, so that no outcome was known "
        "to it."
        if gap is not None and tested_on
        else ""
    )


def _performance(model: RegisteredModel, models: Sequence[RegisteredModel], facts: _Facts) -> str:
    """Show metrics with intervals beside the baselines, then live ones and segments."""
    beside = [model] + [
        other
        for other in models
        if other.task == model.task
        and other.stage in ("champion", "challenger", "baseline")
        and other.model_id not in (model.model_id, model.evaluated_as)
        and "test" in other.figures
    ]
    columns = [(each, "test") for each in beside if "test" in each.figures]
    columns += [(model, "live")] if "live" in model.figures else []
    if not columns:
        return _paragraphs("It has not been measured yet.")
    head = [
        "metric",
        *(
            escape(
                each.algorithm.replace("_", " ")
                + (" (live)" if split == "live" else "")
                + (" (baseline)" if each.stage == "baseline" else "")
            )
            for each, split in columns
        ),
    ]
    rows = [
        ["dates", *(_dates(each, models) if split == "test" else "" for each, split in columns)],
        ["rows", *(_count(_whole(each.figure("row_count", split))) for each, split in columns)],
    ]
    for metric, name, digits, is_share in _METRICS_OF_VALUES if model.word == "value" else _METRICS:
        cells = [_figure(each.figure(metric, split), digits, is_share) for each, split in columns]
        rows.append([escape(name), *cells])
    html = _table(head, rows, numbers=range(1, len(head)))
    html += _paragraphs(
        "In brackets: 95 % bootstrap intervals over customers."
        + (
            " Live: scores given in earnest, whose horizon is over by now."
            if "live" in model.figures
            else ""
        )
    )
    if facts.segments:
        html += _table(
            (
                "segment",
                "rows",
                "Gini" if model.word == "value" else "AUROC",
                "predicted",
                "observed",
            ),
            (
                (escape(name), _count(count), *(_number(value, 3) for value in values))
                for name, count, *values in facts.segments
            ),
            numbers=range(1, 5),
        )
    return html


def _calibration(model: RegisteredModel, facts: _Facts) -> str:
    """Draw the calibration curve, of the test and live; of values the tenths stand beside it."""
    is_share = model.word == "probability"
    plots = [
        f"<figure>{calibration_plot(bins, is_share=is_share)}"
        f"<figcaption>{name}</figcaption></figure>" + ("" if is_share else _tenths(bins))
        for split, name in (("test", "On the test dates"), ("live", "Live"))
        if (bins := facts.bins.get(split))
    ]
    return "\n".join(plots) + _paragraphs(
        f"Ten groups of equal size. On the diagonal, a {model.word} can be taken at its word."
        if plots
        else "It has not been measured yet."
    )


def _tenths(bins: Sequence[Bin]) -> str:
    """List what each tenth was to bring, what it brought, and the share of all down to it."""
    return _table(
        ("tenth", "rows", "predicted", "observed", "share of the total so far"),
        (
            (
                str(place),
                _count(group.row_count),
                _number(group.predicted, 2),
                _figure(Figure(group.observed, group.lower, group.upper), 2, False),
                _figure(Figure(group.gain), 1, True),
            )
            for place, group in enumerate(bins, start=1)
        ),
        numbers=range(1, 5),
    )


def _features(model: RegisteredModel, facts: _Facts) -> str:
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
                _number(value, 3),
                bar,
                escape(facts.descriptions.get(name) or ""),
            )
        )
    return _table(("feature", "importance", "", "what it is"), rows, numbers=(1,)) + _paragraphs(
        "Importance is the mean size of the contribution to the "
        + ("value, in its unit." if model.word == "value" else "log-odds.")
    )


def _limits(model: RegisteredModel, models: Sequence[RegisteredModel], facts: _Facts) -> str:
    """Say what the model cannot do, and what its own figures warn of."""
    parameters = model.parameters
    limits = [
        _what_it_says(model),
        "Reasons and importances tell what moves the score, not what causes the outcome.",
        "Customers with too little history, or none of late, are not scored.",
    ]
    if model.training_from and model.training_to:
        days = (model.training_to - model.training_from).days
        if days < 365:
            limits.append(
                f"It learned from {days} days of observation dates, less than a year: it has not "
                "seen every season."
            )
    if model.stage != "baseline":
        baselines = [
            other for other in models if other.task == model.task and other.stage == "baseline"
        ]
        limits += _beside_baselines(model, baselines)
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
            f"{count} of its features {'differs' if count == 1 else 'differ'} much from what "
            f"training saw, among them {listed}; see feature_drift."
        )
    if parameters.get("suspected_leaks"):
        limits.append(
            "These features tell the outcome suspiciously well: "
            + ", ".join(map(str, parameters["suspected_leaks"]))
            + "."
        )
    if "live" not in model.figures:
        limits.append("No score of its own is old enough yet to be compared with what came.")
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
            "It gives the mean to be expected. Of a single customer it may be far off, or below "
            "0, and it does not say what an action of yours would change."
        )
    if model.task == "churn":
        return (
            "It says who is likely to leave, not who can be kept: that takes a randomised test of "
            "what is offered."
        )
    return (
        f"It says for whom {model.parameters.get('label')} is likely, not whom an action of yours "
        "would change: that takes a randomised test."
    )


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
                f"Its {name} is not clearly {beyond} the {_number(simple, digits)} of the baseline "
                f"{baseline.algorithm.replace('_', ' ')}."
            )


def _missed_mean(model: RegisteredModel) -> Iterator[str]:
    """Say so when the mean that was predicted lies outside the interval of what came."""
    given, came = model.figure("mean_prediction").value, model.figure("mean_label")
    if given is None or came.lower is None or came.upper is None:
        return
    if not came.lower <= given <= came.upper:
        yield (
            f"On the test dates it predicted a mean of {_number(given, 2)} where "
            f"{_number(came.value, 2)} came: its sums are off by as much."
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
    return _table(("", ""), cells, code=(1,)) + _paragraphs(
        "The same rows, settings and versions give the same file; "
        "<code>dbt build --vars '{holdfast_retrain: true}'</code> trains anew."
    )


def _table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Iterable[int] = (),
    code: Iterable[int] = (),
) -> str:
    """Make a table of cells that are HTML already."""
    classes = {**dict.fromkeys(numbers, "number"), **dict.fromkeys(code, "code")}

    def line(cells: Sequence[str], tag: str) -> str:
        return "".join(
            f'<{tag} class="{classes[i]}">{cell}</{tag}>'
            if i in classes
            else f"<{tag}>{cell}</{tag}>"
            for i, cell in enumerate(cells)
        )

    parts = ["<table>"]
    if any(head):
        parts.append(f"<tr>{line(head, 'th')}</tr>")
    parts += [f"<tr>{line(row, 'td')}</tr>" for row in rows]
    return "\n".join([*parts, "</table>", ""])


def _paragraphs(*texts: str) -> str:
    """Make paragraphs of texts that are HTML already; empty ones are left out."""
    return "".join(f"<p>{text}</p>\n" for text in texts if text)


def _figure(figure: Figure, digits: int, is_share: bool) -> str:
    """Write a figure with its interval."""
    if figure.value is None:
        return "-"
    factor, digits, unit = (100, 1, " %") if is_share else (1, digits, "")
    text = _number(factor * figure.value, digits) + unit
    if figure.lower is not None and figure.upper is not None:
        lower, upper = (_number(factor * end, digits) for end in (figure.lower, figure.upper))
        text += f' <span class="interval">({lower} to {upper})</span>'
    return text


def _dates(model: RegisteredModel, models: Sequence[RegisteredModel]) -> str:
    """Give the dates that a model, or its twin, was tested on."""
    dates = _tested_on(model, models)
    return f"{_day(dates[0])} to {_day(dates[-1])}" if dates else "-"


def _tested_on(model: RegisteredModel, models: Sequence[RegisteredModel]) -> list[str]:
    """Give the test dates of the model whose figures stand for this one."""
    tested = next((each for each in models if each.model_id == model.evaluated_as), model)
    return list(tested.parameters.get("split", {}).get("test") or [])


def _whole(figure: Figure) -> int | None:
    """Give a count as a whole number."""
    return None if figure.value is None else round(figure.value)


def _count(value: int | None) -> str:
    """Write a count, or a dash."""
    return "-" if value is None else f"{value:,}"


def _number(value: float | None, digits: int) -> str:
    """Write a number, or a dash."""
    # zero has no sign
    return "-" if value is None else f"{round(value, digits) + 0.0:,.{digits}f}"


def _day(moment: dt.datetime | str | None) -> str:
    """Write the day of a moment, given as such or as ISO text."""
    return "-" if moment is None else str(moment)[:10]
