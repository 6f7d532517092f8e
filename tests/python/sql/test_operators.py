"""What the compiler refuses, by name."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper, numpy_helper

from holdfast.contract import OPERATORS as ALLOWED
from holdfast.scoring import ModelError
from holdfast.sql import SqlError, SqlModel
from holdfast.sql._operators import OPERATORS
from scoring_models import linear_model, set_metadata
from sql_models import described, graph_model


def test_every_known_operator_is_one_of_the_contract():
    for domain, operators in OPERATORS.items():
        assert set(operators) <= ALLOWED[domain]


def compile_model(model):
    return SqlModel.from_bytes(model.SerializeToString())


def test_an_operator_without_sql_is_named():
    model = linear_model([1.0])
    (add,) = (node for node in model.graph.node if node.op_type == "Add")
    add.op_type = "Div"
    model.graph.node.insert(0, helper.make_node("Shape", ["features"], ["rows_and_columns"]))
    (where,) = (node for node in model.graph.node if node.op_type == "Where")
    where.input[1] = "as_float"
    model.graph.node.insert(1, helper.make_node("Cast", ["rows_and_columns"], ["as_float"], to=1))
    with pytest.raises(SqlError, match=r"`logistic_regression` uses the operator ai.onnx.Shape"):
        compile_model(model)


def test_a_way_of_using_an_operator_is_named():
    nodes = [
        helper.make_node("ReduceSum", ["features", "axis"], ["total"], keepdims=1),
        helper.make_node("Concat", ["total", "total"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
    ]
    axis = numpy_helper.from_array(np.array([0], np.int64), "axis")
    model = described(graph_model(nodes, 1, (axis,)), "sum of rows", 1)
    with pytest.raises(SqlError, match=r"ai.onnx.ReduceSum in a way .*: it sums over rows"):
        compile_model(model)


def test_what_the_contract_refuses_is_refused_first():
    model = linear_model([1.0])
    model.graph.node.append(helper.make_node("RandomUniformLike", ["x"], ["unused"]))
    with pytest.raises(ModelError, match="RandomUniformLike"):
        compile_model(model)
    broken = linear_model([1.0])
    set_metadata(broken, contract="2")
    with pytest.raises(ModelError, match="contract '2'"):
        compile_model(broken)
