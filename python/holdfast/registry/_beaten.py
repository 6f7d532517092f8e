"""Whether a model is worth more than a simple rule, by its ranking and by its loss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Defeat", "defeats"]

# metric, how people call it, and whether more is better: first the ranking, then the loss
_COMPARED = {
    "classification": (("auroc", "AUROC", True), ("log_loss", "log loss", False)),
    "regression": (("gini", "Gini", True), ("rmse", "RMSE", False)),
}


@dataclass(frozen=True)
class Defeat:
    """A baseline that a model does not beat in one metric.

    Attributes
    ----------
    baseline
        Its algorithm, in words.
    metric
        The metric, in words.
    own, simple
        The figure of the model and that of the baseline, on the same test rows.

    Examples
    --------
    >>> str(Defeat("base rate", "log loss", 0.0643, 0.0621))
    'log loss 0.0643 on test rows, against 0.0621 of the baseline base rate'
    """

    baseline: str
    metric: str
    own: float
    simple: float

    def __str__(self) -> str:
        return (
            f"{self.metric} {self.own:,.4f} on test rows, against {self.simple:,.4f} of the "
            f"baseline {self.baseline}"
        )


def defeats(
    own: Mapping[str, float | None],
    baselines: Iterable[tuple[str, Mapping[str, float | None]]],
    *,
    target: str = "classification",
) -> list[Defeat]:
    """Name the baselines that a model does not beat: it ranks no better, or its loss is greater.

    The two differ: a model may rank customers well, and still give probabilities that are further
    off than one and the same share for everybody.

    Parameters
    ----------
    own
        Test metrics of the model, by name.
    baselines
        Algorithm and test metrics of each baseline.
    target
        What is predicted: ``classification`` or ``regression``.

    Returns
    -------
    list of Defeat
        Empty where it beats all of them, or nothing is known.

    Examples
    --------
    >>> own = {"auroc": 0.61, "log_loss": 0.0643}
    >>> simple = {"auroc": 0.5, "log_loss": 0.0621}
    >>> [defeat.metric for defeat in defeats(own, [("base_rate", simple)])]
    ['log loss']
    """
    found = []
    for algorithm, figures in baselines:
        for metric, word, more_is_better in _COMPARED[target]:
            mine, simple = own.get(metric), figures.get(metric)
            if mine is None or simple is None:
                continue
            if mine <= simple if more_is_better else mine > simple:
                found.append(Defeat(algorithm.replace("_", " "), word, mine, simple))
    return found
