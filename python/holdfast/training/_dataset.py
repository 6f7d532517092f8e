"""Reading a training set out of the warehouse through Ibis, as Arrow, into one float32 matrix."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
import logging
import operator
from dataclasses import dataclass
from typing import Any, TypeAlias

import ibis
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.errors import TrainingError
from holdfast.estimators import CLASSIFICATION, TARGETS, Target
from holdfast.tasks import Recipe, Task, changed
from holdfast.training._sample import sample_rows
from holdfast.warehouse.relations import Source

__all__ = ["Dataset", "Description", "describe", "read_dataset"]

logger = logging.getLogger("holdfast.training")

Matrix: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class Description:
    """What can be known of a training set without reading its rows.

    `features` maps the name of each feature to its type, in column order; `last_as_of` is that of
    the rows whose label is known, None when there are none.
    """

    features: dict[str, str]
    row_count: int
    last_as_of: np.datetime64 | None

    def feature_hash(self, task: Task, recipe: Recipe) -> str:
        """Hash the features, the label and what the user asked for, whatever the column order."""
        definition = {
            "features": sorted(self.features.items()),
            "label": task.label,
            "horizon_days": task.horizon_days,
            "lead_days": task.lead_days,
            **changed(task, "target"),
            **changed(recipe, "estimator", "estimator_parameters", "seed", "trusted_features"),
        }
        text = json.dumps(definition, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def describe(source: Source, task: Task, recipe: Recipe) -> Description:
    """Check the columns of a training set and count its rows with a known label."""
    schema = source.table.schema()
    label = task.label
    missing = [name for name in (*task.keys, label) if name not in schema]
    if missing:
        raise TrainingError(
            f"The training set has no column {missing[0]!r}; it has {', '.join(schema.names)}. "
            "Add the column, or name the right one in the settings."
        )
    if not (schema["as_of"].is_timestamp() or schema["as_of"].is_date()):
        raise TrainingError(
            f"The column 'as_of' must be a timestamp, but it is {schema['as_of']}. Cast it in the "
            "training set."
        )
    if task.is_numeric:
        _check_values(source, label)
    else:
        _check_label(source, label)
    features = _features(schema, task, recipe)
    known = source.table.filter(source.table[label].notnull())
    (totals,) = source.rows(
        known.aggregate(
            row_count=known.count(),
            keyless=functools.reduce(
                operator.or_, (known[name].isnull() for name in task.keys)
            ).sum(),
            last_as_of=known["as_of"].max(),
        )
    )
    if totals["keyless"]:
        raise TrainingError(
            f"{totals['keyless']} rows of the training set have no {' or no '.join(task.keys)}. "
            "Filter them in the spine."
        )
    last = totals["last_as_of"]
    if isinstance(last, dt.datetime) and last.tzinfo is not None:
        last = last.astimezone(dt.UTC).replace(tzinfo=None)
    last_as_of = None if last is None else np.datetime64(last, "us")
    return Description(features, int(totals["row_count"]), last_as_of)


def _features(schema: ibis.Schema, task: Task, recipe: Recipe) -> dict[str, str]:
    """Map the features that are asked for to their types, and refuse what cannot be one."""
    present = [name for name in schema.names if name not in (*task.keys, task.label)]
    for setting in ("features", "exclude_features"):
        unknown = [name for name in getattr(recipe, setting) if name not in present]
        if unknown:
            raise TrainingError(
                f"The training set has no feature {unknown[0]!r}, which {setting} names. It has "
                f"{', '.join(present)}."
            )
    wanted = [
        name
        for name in present
        if name in (recipe.features or present) and name not in recipe.exclude_features
    ]
    for name in wanted:
        if not (schema[name].is_numeric() or schema[name].is_boolean()):
            raise TrainingError(
                f"The feature {name!r} is of type {schema[name]}, but a feature must be numeric or "
                "boolean. Encode it as numbers in SQL, or name it in exclude_features."
            )
    if not wanted:
        raise TrainingError(
            "The training set has no feature columns. Add at least one."
            if not present
            else "features and exclude_features leave no feature to learn from. Leave one out."
        )
    return {name: str(schema[name]) for name in wanted}


def _check_label(source: Source, label: str) -> None:
    """Refuse a label that holds anything but true, false, 0, 1 and NULL, and name what it holds."""
    column = source.table[label]
    if column.type().is_boolean():
        return
    strange = column.notnull()
    if column.type().is_numeric():
        strange &= ~column.isin([0, 1])
    if column.type().is_floating():
        # Ibis takes NaN for NULL on Spark: it would pass as a label that is not known
        strange |= column.isnan()
    values = source.table.filter(strange).select(value=column.cast("string")).distinct()
    found = sorted(str(row["value"]) for row in source.rows(values.limit(5)))
    if found or not column.type().is_numeric():
        holds = f"it holds {', '.join(map(repr, found))}" if found else "it holds no value"
        raise TrainingError(
            f"The label {label!r} must be boolean, or 0 and 1, and NULL where it is not known, but "
            f"it is {column.type()} and {holds}. Put it right in the labels of the task."
        )


def _check_values(source: Source, label: str) -> None:
    """Refuse a label that holds anything but finite numbers and NULL."""
    column = source.table[label]
    advice = "Put it right in the labels of the task."
    if not column.type().is_numeric():
        raise TrainingError(
            f"The label {label!r} must be a number for regression, and NULL where it is not known, "
            f"but it is {column.type()}. {advice}"
        )
    if not column.type().is_floating():
        return
    strange = column.isnan() | column.isinf()
    ((count,),) = (
        row.values() for row in source.rows(source.table.aggregate(strange=strange.sum()))
    )
    if count:
        raise TrainingError(
            f"The label {label!r} is infinite or not a number in {int(count)} rows, which no model "
            f"can learn; use NULL for unknown values. {advice}"
        )


@dataclass(frozen=True)
class Dataset:
    """Training rows in memory, sorted by as_of and customer.

    Parameters
    ----------
    names
        Feature names, length F.
    features
        Features, float32, shape (n, F); missing is NaN.
    y
        Outcome 0 or 1, int64, shape (n,).
    as_of
        Observation, datetime64[us], shape (n,).
    customer
        Stable 64-bit hash of the customer, shape (n,).
    """

    names: tuple[str, ...]
    features: Matrix
    y: NDArray[Any]
    as_of: NDArray[np.datetime64]
    customer: NDArray[np.uint64]
    target: Target = CLASSIFICATION

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.y)

    def rows(self, keep: NDArray[Any]) -> Dataset:
        """Return the rows that a mask or an index picks; rows side by side are not copied."""
        picked = np.flatnonzero(keep) if keep.dtype == np.bool_ else keep
        if len(picked) and np.array_equal(picked, np.arange(picked[0], picked[0] + len(picked))):
            return self._pick(slice(picked[0], picked[0] + len(picked)))
        return self._pick(picked)

    def _pick(self, keep: Any) -> Dataset:
        """Return the rows of a slice or an index."""
        return Dataset(
            self.names,
            self.features[keep],
            self.y[keep],
            self.as_of[keep],
            self.customer[keep],
            self.target,
        )

    def columns(self, names: tuple[str, ...]) -> Matrix:
        """Return the matrix of some features, in the order asked for, C-contiguous."""
        if names == self.names:
            return self.features
        position = {name: index for index, name in enumerate(self.names)}
        return np.ascontiguousarray(self.features[:, [position[name] for name in names]])

    def fingerprint(self) -> str:
        """Hash keys, labels and features, in row order."""
        digest = hashlib.sha256(json.dumps(self.names).encode())
        for values in (self.as_of.view(np.int64), self.customer, self.y, self.features):
            digest.update(np.ascontiguousarray(values).data)
        return digest.hexdigest()


def read_dataset(source: Source, task: Task, recipe: Recipe, description: Description) -> Dataset:
    """Read the rows with a known label; infinite values become missing, with a warning."""
    label, target = task.label, TARGETS[task.target]
    table, count = source.table.filter(source.table[label].notnull()), description.row_count
    if count > recipe.max_rows:
        table, count = sample_rows(source, table, task, recipe, count)
    names = tuple(description.features)
    # A position as the column's name, so that no feature can collide with a key.
    columns = {
        f"f{index}": table[name] if dtype == "float32" else table[name].cast("float32")
        for index, (name, dtype) in enumerate(description.features.items())
    }
    as_of = table["as_of"]
    if as_of.type().is_date():
        as_of = as_of.cast("timestamp")
    others = [name for name in task.entity if name != "customer_id"]
    expression = table.order_by(["as_of", "customer_id", *others]).select(
        as_of=as_of,
        customer=table["customer_id"].cast("string"),
        y=table[label].cast("float64" if target.is_numeric else "int8"),
        **columns,
        **{f"k{index}": table[name].cast("string") for index, name in enumerate(others)},
    )
    features = np.empty((count, len(names)), dtype=np.float32)
    y = np.empty(count, dtype=np.float64 if target.is_numeric else np.int64)
    moments = np.empty(count, dtype=np.int64)
    customers: list[pa.Array] = []
    keys: list[list[pa.Array]] = [[] for _ in others]
    position = 0
    for batch in source.batches(expression):
        end = position + batch.num_rows
        if end > count:
            break
        moments[position:end] = _microseconds(batch.column(0))
        customers.append(batch.column(1).cast(pa.string()))
        y[position:end] = batch.column(2).to_numpy(zero_copy_only=False)
        for index in range(len(names)):
            features[position:end, index] = batch.column(3 + index).to_numpy(zero_copy_only=False)
        for index, parts in enumerate(keys, start=3 + len(names)):
            parts.append(batch.column(index).cast(pa.string()))
        position = end
    if position != count:
        raise TrainingError(
            "The training set changed while it was read. Run the build again when nothing else "
            "writes to it."
        )
    _blank_infinities(features, names)
    # NULL and NaN may differ in their bits, and so may zeros; one form makes hashes comparable.
    features[np.isnan(features)] = np.nan
    features += np.float32(0)
    codes, hashes, texts = _encode(customers)
    as_ofs = moments.view("datetime64[us]")
    _refuse_duplicates(as_ofs, codes, texts, [_encode(parts)[0] for parts in keys], task)
    return Dataset(names, features, y, as_ofs, hashes[codes], target)


def _microseconds(moments: pa.Array) -> NDArray[np.int64]:
    """Return microseconds since 1970 in UTC, whatever the zone and unit of the column."""
    # Without the column's own zone the cast would read the instant as a local time.
    unified = moments.cast(pa.timestamp("us", tz=moments.type.tz)).cast(pa.int64())
    values: NDArray[np.int64] = unified.to_numpy(zero_copy_only=False)
    return values


def _blank_infinities(features: Matrix, names: tuple[str, ...]) -> None:
    """Turn infinite values into missing ones and name the columns."""
    for index, name in enumerate(names):
        infinite = np.isinf(features[:, index])
        if infinite.any():
            features[infinite, index] = np.nan
            logger.warning(
                "Feature %s has %d infinite values; they count as missing. Guard the division "
                "in its SQL with nullif.",
                name,
                int(infinite.sum()),
            )


def _encode(
    customers: list[pa.Array],
) -> tuple[NDArray[np.intp], NDArray[np.uint64], list[str]]:
    """Return a code per row, a stable hash per code and the text per code."""
    encoded = pa.chunked_array(customers, type=pa.string()).combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    texts = encoded.dictionary.to_pylist()
    digests = b"".join(hashlib.sha256(text.encode()).digest()[:8] for text in texts)
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.intp)
    return codes, np.frombuffer(digests, dtype="<u8").astype(np.uint64), texts


def _refuse_duplicates(
    as_of: NDArray[np.datetime64],
    codes: NDArray[np.intp],
    texts: list[str],
    others: list[NDArray[np.intp]],
    task: Task,
) -> None:
    """Refuse two rows with the same keys; sorted rows have them side by side."""
    same = (as_of[1:] == as_of[:-1]) & (codes[1:] == codes[:-1])
    for other in others:
        same &= other[1:] == other[:-1]
    if same.any():
        first = int(np.argmax(same))
        also = "".join(f", {name}" for name in task.entity if name != "customer_id")
        raise TrainingError(
            f"The training set has {int(same.sum()) + 1} or more rows for the same customer{also} "
            f"and as_of, first for customer {texts[codes[first]]!r} at {as_of[first]}. Make "
            f"({', '.join(task.keys)}) unique in the spine."
        )
