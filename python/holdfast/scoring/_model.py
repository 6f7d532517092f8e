"""A model as it is stored: opened in ONNX Runtime, and explained."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from holdfast.contract import (
    LINEAR_LOG_ODDS,
    PROBABILITY_TOLERANCE,
    RESTORE,
    ModelError,
    ModelFile,
    last_column,
    open_session,
)
from holdfast.scoring._agreement import agrees
from holdfast.scoring._explain import Explainer, make_explainer
from holdfast.scoring._linear import LinearForm, linear_part_of, read_linear
from holdfast.scoring._quick_trees import borders_of, quicken, without_parts
from holdfast.scoring._tree_scores import TreeScores

if TYPE_CHECKING:
    import onnx
    import onnxruntime

__all__ = ["OnnxModel"]

FloatArray = npt.NDArray[np.float32]
T = TypeVar("T")


class OnnxModel:
    """A binary classifier, or a regression, read from the bytes of its ONNX file.

    Made by :meth:`from_bytes`, which refuses everything that is not a model of contract 1. The
    object may be used by several threads at once.

    Examples
    --------
    >>> blob, sha256 = connection.execute(
    ...     "select onnx, onnx_sha256 from model_registry where stage = 'champion'"
    ... ).fetchone()  # doctest: +SKIP
    >>> model = OnnxModel.from_bytes(blob, sha256)  # doctest: +SKIP
    >>> model.predict(np.zeros((2, len(model.feature_names)), np.float32))  # doctest: +SKIP
    array([0.271, 0.271], dtype=float32)
    """

    def __init__(self, file: ModelFile) -> None:
        self._file = file
        self._session = file.session()
        self._quick = self._running(self._quick_form)
        self._explainer: Explainer | None = None
        self._lock = threading.Lock()

    @classmethod
    def from_bytes(cls, blob: bytes, sha256: str | None = None) -> OnnxModel:
        """Read and verify a model.

        Parameters
        ----------
        blob : bytes
            The ONNX file, as in the column ``onnx`` of the model registry.
        sha256 : str, optional
            The hash that was stored with it, in hexadecimal. Given, the bytes must match it.

        Returns
        -------
        OnnxModel
            The model, ready to score.

        Raises
        ------
        ModelError
            The bytes do not match the hash, are no ONNX model, or the model is not of the
            contract: another version, other inputs or outputs, an operator that is not allowed,
            or data kept outside the file.

        Examples
        --------
        >>> OnnxModel.from_bytes(b"not a model")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        holdfast.contract._errors.ModelError: The model cannot be read: ...
        """
        return cls(ModelFile.from_bytes(blob, sha256))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the columns that ``predict`` takes."""
        return self._file.header.feature_names

    @property
    def algorithm(self) -> str:
        """Name of the algorithm, e.g. ``logistic_regression``."""
        return self._file.header.algorithm

    @property
    def task(self) -> str:
        """Name of the task, e.g. ``churn``."""
        return self._file.header.task

    @property
    def target(self) -> str:
        """What it predicts: ``classification`` a probability, ``regression`` a number."""
        return self._file.header.target

    @property
    def base_value(self) -> float:
        """Average log-odds, or average value, from which contributions are counted."""
        return self._file.base_value

    @property
    def graph(self) -> onnx.GraphProto:
        """The verified graph, not to be changed."""
        return self._file.proto.graph

    def predict(self, features: npt.ArrayLike) -> FloatArray:
        """Probability of the event, or the predicted value, for every row.

        Parameters
        ----------
        features : array_like, float32 [N, F]
            One column per name of `feature_names`; missing values are NaN. N may be 0.

        Returns
        -------
        numpy.ndarray, float32 [N]
            Probabilities between 0 and 1; of a regression, values in the unit of its label.

        Raises
        ------
        ModelError
            The array has another shape, a row has no probability (an infinite feature in a
            linear model) or one outside 0 to 1, or ONNX Runtime fails.

        Examples
        --------
        >>> model.predict([[1.0, float("nan")]])  # doctest: +SKIP
        array([0.643], dtype=float32)
        """
        matrix = self._as_matrix(features)
        if len(matrix) == 0:
            return np.empty(0, np.float32)
        form = self._quick or self._run
        probability = self._running(lambda: form(matrix))
        # NaN sorts above every number in DuckDB: unchecked, it would be the riskiest customer.
        undefined = np.isnan(probability)
        if undefined.any():
            row = matrix[int(undefined.argmax())]
            self._refuse_infinite(row, int(undefined.sum()))
        if self.target == "classification":
            self._refuse_beyond_one(probability)
        return probability

    def contributions(self, features: npt.ArrayLike) -> FloatArray:
        """Exact SHAP values: what every feature adds to the log-odds of every row.

        ``base_value`` plus a row's contributions is the log-odds of its ``predict``; of a
        regression, which has no log-odds, it is the value itself. Trees use
        path-dependent TreeSHAP with the training row counts that the model carries
        (Lundberg et al. 2020, https://doi.org/10.1038/s42256-019-0138-9); linear models
        the closed form against the training mean, which their graph computes itself; a blend of
        the two has the sum of both, for Shapley values add up as the log-odds do.

        Parameters
        ----------
        features : array_like, float32 [N, F]
            As for `predict`.

        Returns
        -------
        numpy.ndarray, float32 [N, F]
            Contributions in log-odds, or in the unit of the value, in the order of `feature_names`.

        Raises
        ------
        ModelError
            The array has another shape, a row has no contributions (an infinite feature in a
            linear model), or the model does not carry what exact contributions need.

        Examples
        --------
        >>> shares = model.contributions(features)  # doctest: +SKIP
        >>> model.base_value + shares.sum(axis=1)  # doctest: +SKIP
        array([ 0.589, -1.204], dtype=float32)
        """
        matrix = self._as_matrix(features)
        if len(matrix) == 0:
            return np.empty(matrix.shape, np.float32)
        values = self._explain().contributions(np.ascontiguousarray(matrix))
        undefined = ~np.isfinite(values).all(axis=1)
        if undefined.any():
            row = matrix[int(undefined.argmax())]
            self._refuse_infinite(row, int(undefined.sum()))
        return values

    def _running(self, run: Callable[[], T]) -> T:
        """Run the graph; what fails in it is told as a fault of the model."""
        try:
            return run()
        except ModelError:
            raise
        except Exception as error:  # ONNX Runtime's errors have no common base
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ModelError(
                f"{self._file.name} cannot be run by ONNX Runtime: {reason} {RESTORE}"
            ) from None

    def _run(self, matrix: FloatArray) -> FloatArray:
        """Return the probabilities, or the values, that ONNX Runtime gives."""
        inputs = {"features": np.ascontiguousarray(matrix)}
        return last_column(self._session, self._file.result, inputs)

    def _quick_form(self) -> Callable[[FloatArray], FloatArray] | None:
        """Return a faster way to the same results, where there is one."""
        file = self._file
        if self.target == "classification":
            linear = read_linear(self.graph, file.width, self._run)
            if linear is not None:
                return linear.predict
        borders = borders_of(file.proto, file.width)
        inside = {output for node in self.graph.node for output in node.output}
        part = linear_part_of(self.graph, file.width) if LINEAR_LOG_ODDS in inside else None
        parts = (None,) if part is None else (part, None)
        # ONNX Runtime adds up float32: of large values the last digits would be others than its own
        looks_up = self.target == "classification"
        forms = (self._looked_up, self._rewritten) if looks_up else (self._rewritten,)
        for way, linear in itertools.product(forms, parts):
            form = way(linear)
            if form is not None and agrees(form, self._run, file.width, borders):
                return form
        return None

    def _looked_up(self, linear: LinearForm | None) -> Callable[[FloatArray], FloatArray] | None:
        """Return the graph with its trees looked up, and a linear part in its closed form."""
        file = self._file
        given = None if linear is None else LINEAR_LOG_ODDS
        left = without_parts(file.proto, file.width, file.result, given)
        if left is None:
            return None
        model, node, tensor = left
        try:
            trees = TreeScores.from_node(node, file.width)
            session = open_session(model.SerializeToString())
        except Exception:  # other trees, or a graph that nobody has thought of: it runs as it is
            return None
        takes_features = any(each.name == "features" for each in model.graph.input)

        def inputs_of(features: FloatArray) -> dict[str, Any]:
            inputs = {tensor: trees.predict(features)[:, None]}
            if takes_features:
                inputs["features"] = np.ascontiguousarray(features)
            return inputs

        return _form_of(session, file.result, inputs_of, linear)

    def _rewritten(self, linear: LinearForm | None) -> Callable[[FloatArray], FloatArray] | None:
        """Return a rewritten graph, to which the log-odds of a linear part are given."""
        file = self._file
        given = None if linear is None else LINEAR_LOG_ODDS
        rewritten = quicken(file.proto, file.width, file.result, given)
        if rewritten is None:
            return None
        try:
            session = open_session(rewritten.model.SerializeToString())
        except Exception:  # a graph that nobody has thought of: it runs as it is
            return None

        def inputs_of(features: FloatArray) -> dict[str, Any]:
            return {"features": rewritten.widen(features)}

        return _form_of(session, file.result, inputs_of, linear)

    def _as_matrix(self, features: npt.ArrayLike) -> FloatArray:
        """Return the features as a float32 matrix of the right width."""
        with np.errstate(over="ignore"):
            matrix: FloatArray = np.asarray(features, dtype=np.float32)
        width = self._file.width
        if matrix.ndim != 2 or matrix.shape[1] != width:
            raise ModelError(
                f"{self._file.name} takes a matrix of {width} columns"
                f" ({', '.join(self.feature_names)}), got shape {matrix.shape}."
            )
        return matrix

    def _refuse_infinite(self, row: FloatArray, count: int) -> None:
        """Say which features leave a row without a result."""
        names = [n for n, x in zip(self.feature_names, row, strict=True) if np.isinf(x)]
        cause = f"infinite {', '.join(names)}" if names else "overflow in its arithmetic"
        raise ModelError(
            f"{self._file.name} has no result for {count} row(s); the first has {cause}."
            " Make the value NULL or finite in the feature's SQL (nullif under a division)."
        )

    def _refuse_beyond_one(self, probability: FloatArray) -> None:
        """Refuse what is no probability: the graph is not the one that training wrote."""
        least, greatest = float(probability.min()), float(probability.max())
        if least < -PROBABILITY_TOLERANCE or greatest > 1 + PROBABILITY_TOLERANCE:
            beyond = least if least < -PROBABILITY_TOLERANCE else greatest
            raise ModelError(
                f"{self._file.name} gives {beyond:.6g}, which is not a probability. {RESTORE}"
            )

    def _explain(self) -> Explainer:
        """Return the explainer, built at first use and checked against the model's own output."""
        with self._lock:
            if self._explainer is None:
                self._explainer = make_explainer(self._file, self._session, self.predict)
            return self._explainer


def _form_of(
    session: onnxruntime.InferenceSession,
    output: str,
    inputs_of: Callable[[FloatArray], dict[str, Any]],
    linear: LinearForm | None,
) -> Callable[[FloatArray], FloatArray]:
    """Return what a session makes of rows, given the log-odds of a linear part if there is one."""

    def form(features: FloatArray) -> FloatArray:
        inputs = inputs_of(features)
        if linear is not None:
            with np.errstate(all="ignore"):
                inputs[LINEAR_LOG_ODDS] = linear.log_odds(features)[:, None]
        return last_column(session, output, inputs)

    return form
