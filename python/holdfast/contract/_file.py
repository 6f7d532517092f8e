"""A model file, read and verified."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.contract._errors import RESTORE, ModelError
from holdfast.contract._format import RESULTS
from holdfast.contract._header import OnnxHeader, in_words, read_properties
from holdfast.contract._session import open_session
from holdfast.contract._verify import check_graph, parse, verify_hash

if TYPE_CHECKING:
    import onnx

__all__ = ["ModelFile"]


@dataclass(frozen=True, eq=False, repr=False)
class ModelFile:
    """A model file of contract 1, made by :meth:`from_bytes`.

    Parameters
    ----------
    name
        The model in words, for messages.
    header
        What it says of itself.
    base_value
        Log-odds, or value, from which contributions are counted.
    properties
        All that it says, by keys without their prefix.
    proto
        The verified model, not to be changed.
    blob
        Its bytes.
    """

    name: str
    header: OnnxHeader
    base_value: float
    properties: Mapping[str, str]
    proto: onnx.ModelProto
    blob: bytes

    @classmethod
    def from_bytes(cls, blob: bytes, sha256: str | None = None) -> ModelFile:
        """Read and verify a file; nothing of it is run.

        Parameters
        ----------
        blob
            The ONNX file, as in the column ``onnx`` of the model registry.
        sha256
            The hash that was stored with it, in hexadecimal. Given, the bytes must match it.

        Returns
        -------
        ModelFile

        Raises
        ------
        ModelError
            The bytes do not match the hash, are no ONNX model, or the model is not of the
            contract: another version, other inputs or outputs, an operator that is not allowed,
            or data kept outside the file.

        Examples
        --------
        >>> ModelFile.from_bytes(b"not a model")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        holdfast.contract._errors.ModelError: The model cannot be read: ...
        """
        if sha256 is not None:
            verify_hash(blob, sha256)
        try:
            return cls._read(blob)
        except ModelError:
            raise
        except Exception as error:  # names that are no text, and whatever else bytes can be
            raise ModelError(f"The model cannot be read: {error}. {RESTORE}") from None

    @classmethod
    def _read(cls, blob: bytes) -> ModelFile:
        """Read and verify a file whose bytes are those that were stored."""
        proto = parse(blob)
        found = read_properties(proto)
        name = in_words(found)
        header = OnnxHeader(
            found["task"],
            found["algorithm"],
            found.get("label", ""),
            tuple(json.loads(found["feature_names"])),
            found.get("target", next(iter(RESULTS))),
        )
        check_graph(proto, name, header)
        return cls(name, header, float(found["base_value"]), found, proto, blob)

    @property
    def width(self) -> int:
        """Number of features."""
        return len(self.header.feature_names)

    @property
    def result(self) -> str:
        """Name of the output that holds the result."""
        return RESULTS[self.header.target]

    def session(self) -> Any:
        """Open the file in ONNX Runtime.

        Raises
        ------
        ModelError
            ONNX Runtime refuses it.
        """
        return self._open(self.blob)

    def session_inside(self, tensors: Sequence[str]) -> Any:
        """Open the graph with some of its inner tensors, double, as the only outputs."""
        import onnx

        copy = onnx.ModelProto()
        copy.CopyFrom(self.proto)
        del copy.graph.output[:]
        copy.graph.output.extend(
            onnx.helper.make_tensor_value_info(each, onnx.TensorProto.DOUBLE, None)
            for each in tensors
        )
        return self._open(copy.SerializeToString())

    def _open(self, blob: bytes) -> Any:
        """Open a graph, and name the model where that fails."""
        try:
            return open_session(blob)
        except Exception as error:  # ONNX Runtime's errors have no common base
            reason = str(error).strip().splitlines()[0]
            raise ModelError(
                f"{self.name} cannot be run by ONNX Runtime: {reason} {RESTORE}"
            ) from None
