"""Topics that people have given to texts: multinomial logistic regression on TF-IDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.contract import write_topics
from holdfast.errors import TrainingError
from holdfast.estimators._topics import Terms

__all__ = ["TextLabels", "fit_text_labels"]

# chosen by cross-validation on the part of Banking77 that is there to train on
_INVERSE_PENALTY = 30.0
_MOST_STEPS = 200


@dataclass(frozen=True, eq=False)
class TextLabels:
    """A model that tells the label of a text.

    Parameters
    ----------
    script
        Script of the texts.
    labels
        The labels, k of them.
    vocabulary
        Hashes of the terms, shape (v,).
    effects
        What each term adds to the log-odds of each label, shape (v, k).
    rarity
        Weight of each term, and behind the last that of an unknown word, shape (v + 1,).
    intercept
        What the log-odds begin with, shape (k,).
    """

    script: str
    labels: tuple[str, ...]
    vocabulary: NDArray[np.uint64]
    effects: NDArray[np.float16]
    rarity: NDArray[np.float32]
    intercept: NDArray[np.float32]

    def to_onnx(self) -> bytes:
        """Write the model as an ONNX file, which `holdfast.scoring.TopicModel` reads.

        Returns
        -------
        bytes
            Its topics are the numbers of the labels, its certainties their probabilities.
        """
        count = len(self.labels)
        return write_topics(
            self.script,
            self.vocabulary,
            self.effects,
            self.rarity,
            np.eye(count, dtype=np.float32),
            np.zeros(count, np.float32),
            (),
            self.intercept,
        )


def fit_text_labels(
    texts: Sequence[str], labels: Sequence[str], *, script: str = "latin"
) -> TextLabels:
    """Learn to tell labels of texts.

    Parameters
    ----------
    texts
        Texts, cleaned and in lower case, shape (n,).
    labels
        Their labels, shape (n,), at least two different ones.
    script
        Their script.

    Returns
    -------
    TextLabels

    Raises
    ------
    TrainingError
        There is one label only, or the texts have next to no terms in common.

    Examples
    --------
    >>> texts = [f"the parcel {n} is late" for n in range(20)]
    >>> texts += [f"my card {n} was declined" for n in range(20)]
    >>> fit_text_labels(texts, ["delivery"] * 20 + ["billing"] * 20).labels
    ('billing', 'delivery')
    """
    import scipy.sparse as sp
    from sklearn.linear_model import LogisticRegression

    if len(set(labels)) < 2:
        raise TrainingError("there is one label only")
    terms = Terms(texts)
    rows = sp.diags(1.0 / np.maximum(terms.length, 1e-12)) @ terms.weighted
    model = LogisticRegression(C=_INVERSE_PENALTY, max_iter=_MOST_STEPS)
    model.fit(rows, np.asarray(labels, dtype=object).astype(str))
    effects, intercept = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        # of two, scikit-learn keeps the log-odds of the second
        effects = np.vstack([-effects / 2, effects / 2])
        intercept = np.array([-intercept[0] / 2, intercept[0] / 2])
    rarity = terms.rarity[:-1].astype(np.float64)
    return TextLabels(
        script,
        tuple(str(name) for name in model.classes_),
        terms.vocabulary,
        (effects.T * rarity[:, None]).astype(np.float16),
        terms.rarity,
        intercept.astype(np.float32),
    )
