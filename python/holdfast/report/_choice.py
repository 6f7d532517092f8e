"""Why the champion is in use although another model looks better on a figure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.registry import Stage
from holdfast.report import _words as words
from holdfast.report._tables import Row, Tables

__all__ = ["FIGURES", "choice"]

# column of model_performance, how people call it, decimals, unit, and whether more is better
FIGURES = (
    ("auroc", "ranking (AUROC)", 3, "", True),
    ("top_decile_lift", "riskiest tenth", 2, " times", True),
    ("expected_calibration_error", "calibration error", 1, "%", False),
    ("log_loss", "log loss", 3, "", False),
)
_Figure = tuple[str, str, int, str, bool]
_RULE_OF_CHOICE = (
    "A build picks the model with the lowest log loss on validation months, before it looks at the "
    "test months of this table. Picking by the test itself would flatter the winner."
)
_RULE_OF_KEEPING = (
    "A new model replaces the one in use unless its log loss is higher on the same test rows, and "
    "also in at least nine of ten bootstrap samples of them."
)


@dataclass(frozen=True)
class _Better:
    """A figure on which another model looks better than the champion, and among whom."""

    of_whom: str
    figure: _Figure
    rival: Row
    own: Row


def choice(tables: Tables, champion: Row, groups: Sequence[tuple[str, Sequence[Row]]]) -> list[str]:
    """Explain the choice where another model beats the champion on a figure of the tables.

    Parameters
    ----------
    tables
        What a build made.
    champion
        The champion in model_performance.
    groups
        Whom the figures are about, such as "all customers", and the rows of model_performance on
        test months, with intervals where they are known.

    Returns
    -------
    list of str
        Paragraphs; empty where no other model looks better.
    """
    metrics = _metrics(tables)
    better: dict[str, list[_Better]] = {}
    rivals: dict[str, tuple[Row, Row]] = {}
    for group, rows in groups:
        own = next((row for row in rows if row["stage"] == Stage.CHAMPION), None)
        for rival in rows if own else ():
            if own is None or rival["stage"] != Stage.CHALLENGER:
                continue
            rivals.setdefault(rival["model_id"], (rival, own))
            found = better.setdefault(rival["model_id"], [])
            of_whom = f" among {group}" if len(groups) > 1 else ""
            found += [
                _Better(of_whom, figure, rival, own)
                for figure in FIGURES
                if _is_better(rival, own, figure)
            ]
    told, picked = [], []
    for model_id, (rival, own) in rivals.items():
        kept = metrics.get(model_id, {}).get("comparison") or {}
        if kept.get("former_champion") == champion["model_id"]:
            told.append(_kept(rival, own, kept))
        elif better[model_id]:
            measured = metrics.get(own["evaluated_as"] or own["model_id"], {})
            losses = [
                (each.get("validation") or {}).get("log_loss")
                for each in (metrics.get(model_id, {}), measured)
            ]
            picked.append(_chosen(rival, own, better[model_id], losses))
    return [*told, *([_RULE_OF_CHOICE, *picked] if picked else [])]


def _metrics(tables: Tables) -> dict[str, dict[str, Any]]:
    """Read what the registry noted of each model of churn; nothing where it cannot be read."""
    if not tables.has("model_registry", "task", "model_id", "metrics"):
        return {}
    return {
        row["model_id"]: json.loads(row["metrics"]) if row["metrics"] else {}
        for row in tables.rows(
            "select model_id, cast(metrics as varchar) as metrics "
            "from {model_registry} where task = 'churn'"
        )
    }


def _is_better(rival: Row, own: Row, figure: _Figure) -> bool:
    """Tell whether a figure is better by as much as the table shows."""
    column, _, digits, unit, more_is_better = figure
    factor = 100.0 if unit == "%" else 1.0
    if rival[column] is None or own[column] is None:
        return False
    difference = round(factor * rival[column], digits) - round(factor * own[column], digits)
    return bool(difference > 0 if more_is_better else difference < 0)


def _chosen(rival: Row, own: Row, better: Sequence[_Better], losses: Sequence[float | None]) -> str:
    """Say why one of two models of the same training was picked."""
    name, in_use = words.plain_name(rival["algorithm"]), words.plain_name(own["algorithm"])
    figures = "; ".join(
        f"{word}{each.of_whom} {_write(each.rival, column, digits, unit)}, against "
        f"{_write(each.own, column, digits, unit)}"
        for each in better
        for column, word, digits, unit, _ in [each.figure]
    )
    told = f"{_capital(name)} looks better on {figures}."
    theirs, ours = losses
    if theirs is not None and ours is not None:
        told += (
            f" On the validation months its log loss was {theirs:.4f}, and that of {in_use} "
            f"{ours:.4f}; lower is better."
        )
    overlaps = [_overlap(each.rival, each.own, each.figure[0]) for each in better]
    if False in overlaps:
        return (
            f"{told} 95% intervals do not overlap, so it is worth a closer look: `holdfast models "
            f"promote {rival['model_id']}` would put {name} into use."
        )
    if all(overlaps):
        told += " The 95% intervals overlap, so a difference of this size may be chance."
    return told


def _kept(rival: Row, own: Row, noted: dict[str, Any]) -> str:
    """Say why a newer model did not replace the one in use."""
    told = (
        f"A newer model, {words.plain_name(rival['algorithm'])}, did not replace the one in use. "
        f"{_RULE_OF_KEEPING}"
    )
    difference = noted.get("log_loss_difference")
    if difference is not None:
        told += f" On {words.count(noted.get('row_count'))} rows its log loss was "
        told += f"{abs(difference):.4f} {'higher' if difference > 0 else 'lower'}"
        if noted.get("lower") is not None and noted.get("upper") is not None:
            told += f" (95% interval {noted['lower']:+.4f} to {noted['upper']:+.4f})"
        if noted.get("share_worse") is not None:
            told += f", and higher in {words.share(noted['share_worse'], 0)} of the samples"
        told += "."
    figures = [
        f"{word} {_write(rival, column, digits, unit)} against {_write(own, column, digits, unit)}"
        for column, word, digits, unit, _ in FIGURES
        if rival[column] is not None and own[column] is not None
    ]
    return f"{told} Both on the test months: {'; '.join(figures)}." if figures else told


def _write(row: Row, column: str, digits: int, unit: str) -> str:
    """Write a figure with its interval."""
    factor = 100.0 if unit == "%" else 1.0
    text = f"{factor * row[column]:.{digits}f}{unit}"
    lower, upper = row.get(f"{column}_lower"), row.get(f"{column}_upper")
    if lower is None or upper is None:
        return text
    return f"{text} ({factor * lower:.{digits}f} to {factor * upper:.{digits}f})"


def _overlap(one: Row, other: Row, column: str) -> bool | None:
    """Tell whether two intervals overlap; None where one is not known."""
    found = (each.get(f"{column}_{end}") for each in (one, other) for end in ("lower", "upper"))
    ends = [float(end) for end in found if end is not None]
    if len(ends) < 4:
        return None
    return ends[0] <= ends[3] and ends[2] <= ends[1]


def _capital(text: str) -> str:
    """Begin a sentence with a name."""
    return text[:1].upper() + text[1:]
