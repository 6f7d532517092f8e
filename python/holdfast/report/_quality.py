"""Whether the scores can be trusted: champion and baseline on months that neither has seen."""

from __future__ import annotations

from dataclasses import dataclass, field

import altair as alt

from holdfast.registry import COMPARED_STAGES, Stage, defeats
from holdfast.report import _words as words
from holdfast.report._calibration import calibration_chart, diagonal
from holdfast.report._chart import Section, draw, legend, spec
from holdfast.report._choice import choice
from holdfast.report._tables import Row, Tables

__all__ = ["Quality", "quality"]

_NO_MODEL = (
    "There is no model yet: there is too little mature history to train and test one. `dbt build` "
    "says what is missing."
)
_IN_USE = "model in use"
# columns of model_performance that the report shows
_SHOWN = (
    "task",
    "algorithm",
    "stage",
    "model_id",
    "evaluated_as",
    "trained_at",
    "training_to",
    "split",
    "row_count",
    "base_rate",
    "mean_probability",
    "auroc",
    "auroc_lower",
    "auroc_upper",
    "log_loss",
    "expected_calibration_error",
    "top_decile_lift",
)
# intervals, and figures for those who could still be kept, that earlier versions may not have
_INTERVALS = tuple(
    f"{column}_{end}"
    for column in ("log_loss", "expected_calibration_error", "top_decile_lift")
    for end in ("lower", "upper")
)
_OF_KEEPABLE = tuple(
    f"keepable_{name}"
    for name in (
        "row_count",
        "base_rate",
        "mean_probability",
        "auroc",
        "auroc_lower",
        "auroc_upper",
        "log_loss",
        "log_loss_lower",
        "log_loss_upper",
        "expected_calibration_error",
        "expected_calibration_error_lower",
        "expected_calibration_error_upper",
        "top_decile_lift",
        "top_decile_lift_lower",
        "top_decile_lift_upper",
    )
)
# the segment of evaluations that holds them
_KEEPABLE = "lifecycle: keepable"


@dataclass
class Quality(Section):
    """What the section shows: models, baselines, charts and sentences by name.

    `keepable` are the tested models with their figures for customers who could still be kept.
    `fallback` says that a simple rule scores for want of a model, and is empty otherwise.
    `choice` says why the champion is in use where another model looks better on a figure.
    """

    champion: Row | None = None
    baseline: str | None = None
    beaten: list[str] = field(default_factory=list)
    models: list[Row] = field(default_factory=list)
    keepable: list[Row] = field(default_factory=list)
    choice: list[str] = field(default_factory=list)
    fallback: str = ""


def quality(tables: Tables) -> Quality:
    """Read and draw how good the champion is.

    Parameters
    ----------
    tables
        What a build made.

    Returns
    -------
    Quality
        The comparison of models, and the charts `calibration` and `gain`.
    """
    found = Quality()
    if not tables.has("model_performance", *_SHOWN):
        found.empty["models"] = tables.absent("model_performance")
        return found
    optional = (*_INTERVALS, *_OF_KEEPABLE)
    present = [name for name in optional if tables.has("model_performance", name)]
    found.models = tables.rows(
        f"""
        select {", ".join((*_SHOWN, *present))}
        from {{model_performance}}
        where
            task = 'churn'
            and (
                (split = 'test' and list_contains(?, stage))
                or (split = 'live' and stage in ('champion', 'fallback'))
            )
        order by
            stage = 'champion' desc,
            stage = 'fallback' desc,
            split = 'test' desc, stage = 'baseline', log_loss, model_id
        """,  # noqa: S608 - constant names
        [[stage.value for stage in COMPARED_STAGES]],
    )
    tested = [model for model in found.models if model["split"] == "test"]
    found.champion = _in_use(found.models)
    if found.champion is None or found.champion["stage"] == Stage.FALLBACK:
        found.fallback = _fallback(tables)
    if found.champion is None or not tested:
        found.champion = None
        found.empty["models"] = found.fallback or _NO_MODEL
        return found
    found.keepable = _of_keepable(tested)
    # ranking those who are silent already is easy, so what counts is how well the others are told
    told = found.keepable or tested
    # a champion that was fitted again on all rows has the figures of its twin
    champion = _in_use(told)
    baseline = max(
        (model for model in told if model["stage"] == Stage.BASELINE),
        key=lambda model: model["auroc"] or 0.0,
        default=None,
    )
    compared = {}
    if champion is not None:
        compared[champion["evaluated_as"] or champion["model_id"]] = _IN_USE
    if baseline is not None:
        compared[baseline["model_id"]] = "simple rule"
        found.baseline = words.plain_name(baseline["algorithm"])
    segment = _KEEPABLE if found.keepable else None
    _add_calibration(tables, found, compared, segment)
    _add_gain(tables, found, compared, segment)
    _add_note(found, champion, baseline)
    groups = [("all customers", tested)]
    if found.keepable:
        groups.insert(0, ("customers who could still be kept", found.keepable))
    found.choice = choice(tables, found.champion, groups)
    found.beaten = _beaten(groups)
    return found


def _in_use(models: list[Row]) -> Row | None:
    """Give the model that scores: the champion, or else the fallback."""
    for stage in (Stage.CHAMPION, Stage.FALLBACK):
        for model in models:
            if model["stage"] == stage:
                return model
    return None


def _fallback(tables: Tables) -> str:
    """Say that a simple rule scores while nothing can be trained; nothing where none does."""
    if not tables.has("model_registry", "task", "stage", "algorithm", "parameters"):
        return ""
    row = tables.row(
        """
        select algorithm, parameters ->> '$.missing' as missing
        from {model_registry}
        where task = 'churn' and stage = 'fallback'
        """
    )
    if row is None:
        return ""
    rule = words.plain_name(row["algorithm"])
    told = f"No model can be trained yet, so a simple rule scores: {rule}."
    return f"{told} What is missing: {row['missing']}." if row["missing"] else told


def _of_keepable(tested: list[Row]) -> list[Row]:
    """Give models with their figures for customers who could be kept; none if any is unknown."""
    if any(model.get("keepable_row_count") is None for model in tested):
        return []
    return [
        {
            **dict.fromkeys(_INTERVALS),
            **model,
            **{name.removeprefix("keepable_"): model.get(name) for name in _OF_KEEPABLE},
        }
        for model in tested
    ]


def _beaten(groups: list[tuple[str, list[Row]]]) -> list[str]:
    """Name the simple rules that the champion does not beat, and among whom."""
    found = []
    for group, rows in groups:
        champion = _in_use(rows) or {}
        rules = [
            (words.plain_name(model["algorithm"]), model)
            for model in rows
            if model["stage"] == Stage.BASELINE
        ]
        of_whom = f" (among {group})" if len(groups) > 1 else ""
        found += [f"{defeat}{of_whom}" for defeat in defeats(champion, rules)]
    return found


def _add_note(found: Quality, champion: Row | None, baseline: Row | None) -> None:
    """Say in words what the table says."""
    if champion is None or champion["top_decile_lift"] is None:
        return
    told = (
        f"Tested on {words.count(champion['row_count'])} observations"
        f"{' of customers who could still be kept,' if found.keepable else ''} from months that "
        f"the model had not seen. Among the tenth of customers that it ranks as riskiest, "
        f"{champion['top_decile_lift']:.1f} times as many left as among all customers"
    )
    if baseline is not None and baseline["top_decile_lift"] is not None:
        told += (
            f"; with the best simple rule, {found.baseline}, it is "
            f"{baseline['top_decile_lift']:.1f} times"
        )
    found.notes["models"] = (
        f"{told}. It expected {words.share(champion['mean_probability'])} to leave, and "
        f"{words.share(champion['base_rate'])} did."
    )


def _add_calibration(
    tables: Tables, found: Quality, compared: dict[str, str], segment: str | None
) -> None:
    """Add predicted against observed shares of ten groups."""
    columns = ("split", "as_of", "segment", "bin", "predicted", "observed", "observed_lower")
    if not tables.has("model_calibration", "model_id", *columns, "observed_upper", "row_count"):
        found.empty["calibration"] = tables.absent("model_calibration")
        return
    rows = tables.rows(
        """
        select model_id, predicted, observed, observed_lower, observed_upper, row_count
        from {model_calibration}
        where
            split = 'test'
            and as_of is null
            and segment is not distinct from ?
            and list_contains(?, model_id)
        order by model_id, bin
        """,
        [segment, list(compared)],
    )
    for row in rows:
        row["model"] = compared[row.pop("model_id")]
    if not rows:
        found.empty["calibration"] = "This has not been measured yet."
        return
    found.charts["calibration"] = calibration_chart(
        rows,
        looks={name: (_colour(name), _shape(name)) for name in compared.values()},
        titles=("predicted share leaving", "share that left"),
        description="Share that left against predicted probability, in ten groups",
    )
    found.notes["calibration"] = (
        "Ten groups of equal size, from the safest to the riskiest. On the dashed line, as many "
        "left as predicted. Bars are 95% intervals."
    )


def _add_gain(
    tables: Tables, found: Quality, compared: dict[str, str], segment: str | None
) -> None:
    """Add the share of all leavers that each further tenth of the riskiest reaches."""
    if not tables.has("model_evaluations", "model_id", "split", "as_of", "segment", "metric"):
        found.empty["gain"] = tables.absent("model_evaluations")
        return
    rows = tables.rows(
        """
        select
            model_id,
            cast(regexp_extract(metric, '([0-9]+)$', 1) as integer) / 10e0 as contacted,
            value as reached,
        from {model_evaluations}
        where
            split = 'test'
            and as_of is null
            and segment is not distinct from ?
            and regexp_matches(metric, '^gain_decile_[0-9]+$')
            and list_contains(?, model_id)
        order by model_id, contacted
        """,
        [segment, list(compared)],
    )
    if not rows:
        found.empty["gain"] = "This has not been measured yet."
        return
    rows += [{"model_id": name, "contacted": 0, "reached": 0} for name in compared]
    for row in rows:
        row["model"] = compared[row.pop("model_id")]
    domain = list(compared.values())
    base = draw(rows).encode(
        x=alt.X(
            "contacted:Q",
            title="share of customers contacted, riskiest first",
            axis=alt.Axis(format=".0%", tickCount=5),
            scale=alt.Scale(domain=[0, 1]),
        ),
        y=alt.Y(
            "reached:Q",
            title="share of leavers reached",
            axis=alt.Axis(format=".0%", tickCount=5),
            scale=alt.Scale(domain=[0, 1]),
        ),
        color=_model_colour(domain),
        shape=alt.Shape(
            "model:N",
            scale=alt.Scale(domain=domain, range=[_shape(name) for name in domain]),
            legend=legend(),
        ),
        tooltip=[
            alt.Tooltip("model:N", title="model"),
            alt.Tooltip("contacted:Q", format=".0%", title="contacted"),
            alt.Tooltip("reached:Q", format=".1%", title="leavers reached"),
        ],
    )
    chart = diagonal() + base.mark_line(strokeWidth=2) + base.mark_point(filled=True, size=45)
    found.charts["gain"] = spec(
        chart,
        description="Share of leavers reached by the share of customers contacted",
        height=320,
    )
    best = next(
        (row["reached"] for row in rows if row["model"] == _IN_USE and row["contacted"] == 0.2),
        None,
    )
    if best is not None:
        found.notes["gain"] = (
            f"Contacting the riskiest fifth of the customers reaches {words.share(best, 0)} "
            "of those who leave. The dashed line is a random choice."
        )


def _model_colour(domain: list[str]) -> alt.Color:
    """Colour the champion, and grey the baselines."""
    colours = [_colour(name) for name in domain]
    return alt.Color("model:N", scale=alt.Scale(domain=domain, range=colours), legend=legend())


def _colour(name: str) -> str:
    """Give the colour of a model."""
    return "@accent" if name == _IN_USE else "@baseline"


def _shape(name: str) -> str:
    """Give the shape of a model, which tells it from others without colour, too."""
    return "circle" if name == _IN_USE else "diamond"
