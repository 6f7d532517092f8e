"""Writing graphs as files that are the same, byte for byte, for the same model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.contract._format import CONTRACT, IR_VERSION, OPSETS, RESULTS
from holdfast.contract._header import OnnxHeader, properties_of

if TYPE_CHECKING:
    import onnx

__all__ = ["Graph", "finish", "result_outputs"]


class Graph:
    """A graph under construction, from `features` to `probabilities` or `values`.

    Parameters
    ----------
    width
        Number of features.

    Examples
    --------
    >>> graph = Graph(1)
    >>> graph.node("Neg", ["features"], "values")
    'values'
    >>> graph.model(has_contributions=False).graph.output[0].name
    'values'
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: Any, dtype: Any = np.float64) -> str:
        """Add an initializer."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node with one output."""
        from onnx import helper

        made = helper.make_node(operator, inputs, [output], name=output, **attributes)
        self.nodes.append(made)
        return output

    def outputs(self, probability: str, one: str) -> None:
        """Add what turns a probability, double [N, 1], into the outputs that every model has."""
        from onnx import TensorProto

        complement = self.node("Sub", [one, probability], "complement")
        both = self.node("Concat", [complement, probability], "both", axis=1)
        self.node("Cast", [both], "probabilities", to=TensorProto.FLOAT)
        self.node("ArgMax", ["probabilities"], "label", axis=1, keepdims=0)

    def results(self, score: str, one: str, target: str) -> None:
        """Add what turns log-odds, or the value, [N, 1], into the outputs of a model."""
        from onnx import TensorProto

        if RESULTS[target] == "values":
            self.node("Cast", [score], "values", to=TensorProto.FLOAT)
        else:
            self.outputs(self.node("Sigmoid", [score], "probability"), one)

    def model(self, *, has_contributions: bool) -> onnx.ModelProto:
        """Give the whole as a model."""
        from onnx import TensorProto, helper

        is_numeric = any("values" in node.output for node in self.nodes)
        outputs = result_outputs("regression" if is_numeric else "classification")
        if has_contributions:
            shape = [None, self.width]
            outputs.append(helper.make_tensor_value_info("contributions", TensorProto.FLOAT, shape))
        features = helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, self.width])
        graph = helper.make_graph(
            self.nodes, "holdfast", [features], outputs, initializer=self.constants
        )
        return helper.make_model(graph)


def result_outputs(target: str) -> list[onnx.ValueInfoProto]:
    """Give the outputs that a model for a kind of target must have."""
    from onnx import TensorProto, helper

    if RESULTS[target] == "values":
        return [helper.make_tensor_value_info("values", TensorProto.FLOAT, [None, 1])]
    return [
        helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
    ]


def finish(
    model: onnx.ModelProto,
    header: OnnxHeader,
    base_value: float,
    noted: Mapping[str, str] | None = None,
) -> bytes:
    """Replace whatever depends on tool versions by our own, check the model, and serialise it.

    Parameters
    ----------
    model
        The graph; it is changed.
    header
        What the file says of itself.
    base_value
        Log-odds, or value, from which contributions are counted.
    noted
        Further metadata, by keys without the prefix.

    Returns
    -------
    bytes
        The model file.
    """
    import onnx
    from onnx import helper

    model.ir_version = IR_VERSION
    model.producer_name = "holdfast"
    model.producer_version = CONTRACT
    model.domain = ""
    model.model_version = 0
    model.doc_string = ""
    model.graph.name = "holdfast"
    model.graph.doc_string = ""
    del model.opset_import[:]
    domains = {node.domain for node in model.graph.node} | {""}
    model.opset_import.extend(
        helper.make_opsetid(domain, version)
        for domain, version in OPSETS.items()
        if domain in domains
    )
    del model.metadata_props[:]
    helper.set_model_props(model, properties_of(header, base_value, noted))
    onnx.checker.check_model(model, full_check=True)
    blob: bytes = model.SerializeToString(deterministic=True)
    return blob
