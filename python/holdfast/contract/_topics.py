"""The file of a topic model: counted terms of a text in, the nearest topic out.

It is ONNX as all models are, with inputs of its own: `terms`, int64 [N, L], the places of a text's
terms in the vocabulary, `counts`, float32 [N, L], how often it has them, and `unknown`, float32
[N, 1], how much of it the vocabulary does not have, counted in words. Rows are filled up with the
place behind the last term. The hashes of the vocabulary are a constant of the file.

The nearest topic is told by the direction of a text among those of the topics; how near it is, by
the whole text, so that a text of which little is known is near to none. Where topics were learned
from labels, a term adds to the log-odds of each, and how near a text is, is a probability.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.contract._errors import RESTORE, ModelError
from holdfast.contract._format import CONTRACT, IR_VERSION, OPSETS, PREFIX
from holdfast.contract._session import open_session
from holdfast.contract._verify import parse, verify_hash

__all__ = ["GRAM_WEIGHT", "TopicFile", "write_topics"]

# topics that were found, and those that people have named
_FOUND, _LABELLED = "support_topic", "ticket_topic"
# of texts: a file knows the terms of one way to clean and to count, and of no other
_READING = "1"
# of an n-gram, the weight beside that of a word, for a word has several
GRAM_WEIGHT = 0.7
_OPERATORS = frozenset(
    {
        "Add", "ArgMax", "Cast", "Div", "Gather", "Less", "Log", "MatMul", "Max", "Mul",
        "ReduceMax", "ReduceSum", "Softmax", "Sqrt", "Squeeze", "Transpose", "Unsqueeze",
    }
)  # fmt: skip
_INPUTS = {"terms", "counts", "unknown"}
_OUTPUTS = {"topic", "certainty", "is_other"}


@dataclass(frozen=True, eq=False)
class TopicFile:
    """A topic model as it is stored.

    Parameters
    ----------
    script
        Script of the texts that it reads, a key of `holdfast.texts.SCRIPTS`.
    vocabulary
        Hashes of its terms, shape (v,).
    words
        Words that may be shown, in order.
    topics
        How many it tells apart.
    blob
        Its bytes.
    """

    script: str
    vocabulary: NDArray[np.uint64]
    words: tuple[str, ...]
    topics: int
    blob: bytes

    @classmethod
    def from_bytes(cls, blob: bytes, sha256: str | None = None) -> TopicFile:
        """Read and verify a file; nothing of it is run.

        Parameters
        ----------
        blob
            The ONNX file, as in the column ``onnx`` of ``support_topic_model``.
        sha256
            The hash that was stored with it. Given, the bytes must match it.

        Returns
        -------
        TopicFile

        Raises
        ------
        ModelError
            The bytes do not match the hash, or are no topic model that this version reads.
        """
        if sha256 is not None:
            verify_hash(blob, sha256)
        try:
            return cls._read(blob)
        except ModelError:
            raise
        except Exception as error:  # whatever else bytes can be
            raise ModelError(f"The topic model cannot be read: {error}. {RESTORE}") from None

    @classmethod
    def _read(cls, blob: bytes) -> TopicFile:
        """Read a file whose bytes are those that were stored."""
        import onnx
        from onnx import numpy_helper

        proto = parse(blob)
        told = {entry.key.removeprefix(PREFIX): entry.value for entry in proto.metadata_props}
        if told.get("contract") != CONTRACT or told.get("task") not in (_FOUND, _LABELLED):
            raise ModelError(f"The file is no topic model of Holdfast. {RESTORE}")
        if told.get("reading") != _READING:
            raise ModelError(
                "The topic model was learned by another version of Holdfast, which read texts in "
                "another way: build once with --vars '{holdfast_retrain: true}'."
            )
        graph = proto.graph
        found = {node.op_type for node in graph.node} | {node.domain for node in graph.node}
        tensors = {tensor.name: tensor for tensor in graph.initializer}
        is_ours = found <= _OPERATORS | {""} and not proto.functions and not proto.training_info
        is_ours = is_ours and {value.name for value in graph.input} == _INPUTS
        is_ours = is_ours and {value.name for value in graph.output} == _OUTPUTS
        is_ours = is_ours and not any(
            tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL
            for tensor in graph.initializer
        )
        if not is_ours:
            raise ModelError(f"The topic model holds what no topic model does. {RESTORE}")
        return cls(
            told["script"],
            numpy_helper.to_array(tensors["vocabulary"]).view(np.uint64),
            tuple(json.loads(told["words"])),
            int(tensors["centres"].dims[0]),
            blob,
        )

    def session(self) -> Any:
        """Open the file in ONNX Runtime.

        Raises
        ------
        ModelError
            ONNX Runtime refuses it.
        """
        try:
            return open_session(self.blob)
        except Exception as error:  # ONNX Runtime's errors have no common base
            reason = str(error).strip().splitlines()[0]
            raise ModelError(
                f"The topic model cannot be run by ONNX Runtime: {reason} {RESTORE}"
            ) from None


def write_topics(
    script: str,
    vocabulary: NDArray[np.uint64],
    embedding: NDArray[np.float16],
    rarity: NDArray[np.float32],
    centres: NDArray[np.float32],
    limits: NDArray[np.float32],
    words: Sequence[str],
    intercept: NDArray[np.float32] | None = None,
) -> bytes:
    """Write a topic model as an ONNX file.

    Parameters
    ----------
    script
        Script of its texts.
    vocabulary
        Hashes of the terms, shape (v,).
    embedding
        What each term adds to a text's place, shape (v, d).
    rarity
        Weight of each term, and behind the last that of a word that is unknown, shape (v + 1,).
    centres
        Places of the topics, of length one, shape (k, d).
    limits
        Least similarity to its centre of a text on each topic, shape (k,).
    words
        Words that may be shown.
    intercept
        Of topics learned from labels, what their log-odds begin with, shape (k,): similarities are
        log-odds then, and the nearest topic is the likeliest.

    Returns
    -------
    bytes
        The same for the same model.
    """
    from onnx import TensorProto, helper, numpy_helper

    task = _FOUND if intercept is None else _LABELLED
    width = embedding.shape[1]
    # the last row is that of the places that fill a text up
    padded = np.vstack([embedding, np.zeros((1, width), np.float16)])
    # what is filled up weighs nothing
    squared = np.append(rarity[:-1].astype(np.float32) ** 2, np.float32(0))
    constants: dict[str, NDArray[Any]] = {
        "vocabulary": vocabulary.view(np.int64),
        "embedding": padded.astype(np.float16),
        "squared_rarity": squared,
        "unknown_rarity": np.array(rarity[-1] ** 2, np.float32),
        "centres": centres.astype(np.float32),
        "limits": limits.astype(np.float32),
        "one": np.array(1, np.float32),
        "least": np.array(1e-12, np.float32),
        "first": np.array([1], np.int64),
    }
    nearness, chances = "similarity", list[tuple[str, list[str], str, dict[str, Any]]]()
    if intercept is not None:
        constants["intercept"] = intercept.astype(np.float32)
        nearness = "probability"
        chances = [
            ("Add", ["similarity", "intercept"], "log_odds", {}),
            ("Softmax", ["log_odds"], nearness, {"axis": 1}),
        ]
    steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("Cast", ["embedding"], "places", {"to": TensorProto.FLOAT}),
        ("Max", ["counts", "one"], "at_least_one", {}),
        ("Log", ["at_least_one"], "logarithm", {}),
        ("Add", ["logarithm", "one"], "weight", {}),
        ("Unsqueeze", ["weight", "first"], "weights", {}),
        ("Gather", ["places", "terms"], "of_terms", {"axis": 0}),
        ("MatMul", ["weights", "of_terms"], "summed", {}),
        ("Squeeze", ["summed", "first"], "place", {}),
        ("Gather", ["squared_rarity", "terms"], "rarities", {"axis": 0}),
        ("Mul", ["weight", "weight"], "squared_weight", {}),
        ("Mul", ["squared_weight", "rarities"], "known_parts", {}),
        ("ReduceSum", ["known_parts", "first"], "known_part", {"keepdims": 1}),
        ("Mul", ["unknown", "unknown_rarity"], "unknown_part", {}),
        ("Add", ["known_part", "unknown_part"], "square", {}),
        ("Sqrt", ["square"], "length", {}),
        ("Max", ["length", "least"], "norm", {}),
        ("Div", ["place", "norm"], "direction", {}),
        ("Transpose", ["centres"], "turned", {"perm": [1, 0]}),
        ("MatMul", ["direction", "turned"], "similarity", {}),
        *chances,
        ("ArgMax", [nearness], "topic", {"axis": 1, "keepdims": 0}),
        ("ReduceMax", [nearness, "first"], "certainty", {"keepdims": 0}),
        ("Gather", ["limits", "topic"], "limit", {"axis": 0}),
        ("Less", ["certainty", "limit"], "is_other", {}),
    ]
    nodes = [
        helper.make_node(name, given, [out], name=out, **more) for name, given, out, more in steps
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        task,
        [
            value("terms", TensorProto.INT64, [None, None]),
            value("counts", TensorProto.FLOAT, [None, None]),
            value("unknown", TensorProto.FLOAT, [None, 1]),
        ],
        [
            value("topic", TensorProto.INT64, [None]),
            value("certainty", TensorProto.FLOAT, [None]),
            value("is_other", TensorProto.BOOL, [None]),
        ],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSETS[""])], ir_version=IR_VERSION
    )
    told = {
        "contract": CONTRACT,
        "task": task,
        "reading": _READING,
        "script": script,
        "words": json.dumps(list(words), ensure_ascii=False),
    }
    for key, text in told.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = PREFIX + key, text
    return bytes(model.SerializeToString())
