from __future__ import annotations

import numpy as np
import onnx

from holdfast.contract import LINEAR_ROWS, OnnxHeader, read_linear_part
from holdfast.estimators import constant_model
from scoring_models import linear_model


def graph_of_a_constant() -> onnx.GraphProto:
    header = OnnxHeader("churn", "base_rate", "base rate", ("order_count",))
    return onnx.load_model_from_string(constant_model(0.25).to_onnx(header)).graph


def test_the_part_that_an_estimator_wrote_is_read() -> None:
    part = read_linear_part(graph_of_a_constant(), 1)
    assert part is not None
    assert part.base_value == np.log(0.25 / 0.75)
    assert list(part.rows) == list(LINEAR_ROWS)
    assert part.rows["scale"].tolist() == [1.0]


def test_other_graphs_and_other_widths_have_none() -> None:
    assert read_linear_part(linear_model([1.0]).graph, 1) is None
    assert read_linear_part(graph_of_a_constant(), 2) is None
