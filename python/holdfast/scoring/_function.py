"""The DuckDB functions that score rows with a model of the registry."""

from __future__ import annotations

import re
import secrets
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from holdfast.contract import RESTORE, ROW_COLUMNS, ModelError, ModelFile, check_row
from holdfast.errors import HoldfastError
from holdfast.scoring._model import FloatArray, OnnxModel
from holdfast.scoring._topics import TopicFunctions
from holdfast.warehouse.quoting import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["register"]

_PREDICT = "holdfast_predict"
_CONTRIBUTIONS = "holdfast_contributions"
_TOPICS = "holdfast_topics"
_MASKED = "holdfast_masked_text"
_CACHED_MODELS = 16
# Seconds for which a model is not compared with its row again: a query scores in many calls.
_TRUSTED_FOR = 1.0

_PART = r'"(?:[^"\x00]|"")+"|[A-Za-z_][A-Za-z0-9_$]*'
_TABLE = re.compile(rf"({_PART})(?:\.({_PART}))?(?:\.({_PART}))?")

# DuckDB keeps a bare pointer to a function after the connection that registered it is gone, while
# other connections to the same database can still call it. So a scorer lives as long as the
# process; it lets go of its models with its last connection, and is small without them.
_SCORERS: list[_Scorer] = []
_SCORERS_LOCK = threading.Lock()
# Connections on their way to a scorer that exists already, by a token only this process knows.
_JOINING: dict[str, DuckDBPyConnection] = {}
_JOIN = "holdfast:join"


def register(connection: DuckDBPyConnection) -> None:
    """Give a DuckDB connection the functions that score with stored models.

    ``holdfast_predict(registry, model_id, feature_1, …, feature_n) -> FLOAT``
        the probability of the event, or the value where the task is a regression, never NULL;
    ``holdfast_contributions(registry, model_id, feature_1, …, feature_n) -> FLOAT[]``
        every feature's exact share in the log-odds, or in the value, in the model's order of
        features;
    ``holdfast_topics(registry, model_ids, text) -> STRUCT``
        what a text is about, by topic models whose ids have commas between them: ``model_id``,
        ``cluster`` (the number of the topic), ``certainty`` and ``status``, never NULL itself;
    ``holdfast_masked_text(registry, model_id, text) -> VARCHAR``
        a text, shortened, with all masked but the words that this topic model may show.

    ``registry`` names the table that holds the model (columns ``model_id``, ``onnx``,
    ``onnx_sha256``) in one to three identifiers, plain or quoted, such as
    ``'"shop"."main"."churn_model"'``. Where it has ``task``, ``algorithm``, ``feature_names`` or
    ``parameters``, as the registry has, they must be those of the file. Features come in the
    model's order, of any numeric type or boolean; NULL is missing. The model must be committed:
    it is read on a connection of its own and kept while its row stays what it was; a row that was
    altered since is read, and verified, again.

    The functions belong to the database, so cursors and later connections to the same database
    in this process have them as well. Registering again is harmless. At least one of the
    connections that registered must stay open while the functions are used.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        The connection, or a cursor of it.

    Raises
    ------
    HoldfastError
        The database has functions of these names that Holdfast did not register.

    Examples
    --------
    >>> import duckdb
    >>> connection = duckdb.connect()
    >>> register(connection)
    >>> connection.sql(
    ...     "select customer_id, holdfast_predict('churn_model', 'a1b2', order_count_30d)"
    ...     " from customer_features"
    ... )  # doctest: +SKIP
    """
    from duckdb.func import FunctionNullHandling, PythonUDFType

    with _SCORERS_LOCK:
        if _is_registered(connection):
            _join(connection)
            return
        scorer = _Scorer(connection)
        for name, function, result in scorer.functions:
            connection.create_function(
                name,
                function,
                None,
                result,
                type=PythonUDFType.ARROW,
                null_handling=FunctionNullHandling.SPECIAL,
            )
        _SCORERS.append(scorer)


def _is_registered(connection: DuckDBPyConnection) -> bool:
    """Whether the database has the functions already."""
    with connection.cursor() as cursor:
        found = cursor.execute(
            "select count(*) from duckdb_functions() where function_name = ?", [_PREDICT]
        ).fetchone()
    return found is not None and found[0] > 0


def _join(connection: DuckDBPyConnection) -> None:
    """Let the scorer that serves this database read models through this connection, too."""
    token = secrets.token_hex(16)
    _JOINING[token] = connection
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"select {_PREDICT}(?, ?)", [_JOIN, token]).fetchall()
    finally:
        joined = _JOINING.pop(token, None) is None
    if not joined:
        raise HoldfastError(
            f"The database has a function {_PREDICT} that Holdfast did not register."
            " Drop or rename it, then register again."
        )


class _Scores(Protocol):
    """What scoring needs of a model."""

    def predict(self, features: FloatArray) -> FloatArray: ...

    def contributions(self, features: FloatArray) -> FloatArray: ...


@dataclass
class _Kept:
    """A model that was read, with what tells whether its row has changed since."""

    model: OnnxModel
    query: str
    state: int
    checked_at: float


class _Scorer:
    """Reads models for one database and runs them on Arrow columns."""

    def __init__(self, connection: DuckDBPyConnection) -> None:
        # Weak: the database owns the functions, so a strong reference would be a cycle that keeps
        # the file open after its user let go of it.
        self._connections = [weakref.ref(connection, self._forget)]
        self._models: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._topics = TopicFunctions(self._read_topics)
        # Held here, because a bound method is otherwise gone with the connection.
        self.functions = (
            (_PREDICT, self._function(_predict), "FLOAT"),
            (_CONTRIBUTIONS, self._function(_contributions), "FLOAT[]"),
            (_TOPICS, self._topic_function(self._topics.assign), TopicFunctions.RESULT),
            (_MASKED, self._topic_function(self._topics.mask), "VARCHAR"),
        )

    def _function(self, score: Callable[[_Scores, FloatArray], Any]) -> Callable[..., Any]:
        """Return the Arrow function that DuckDB calls with one chunk of rows."""
        return _afresh(lambda columns: self._run(score, columns))

    def _topic_function(self, read: Callable[[str, str, Any], Any]) -> Callable[..., Any]:
        """Return the Arrow function that reads one chunk of texts with topic models."""

        def run(columns: tuple[Any, ...]) -> Any:
            if len(columns) != 3:
                raise HoldfastError(
                    f"{_TOPICS} and {_MASKED} take the table of models, their ids and a text, in"
                    f" this order; got {len(columns)} argument(s)."
                )
            registry, keys, texts = columns
            if len(registry) == 0:
                return read("", "", texts) if read == self._topics.assign else texts
            table = _constant(registry, "registry", "the table of topic models")
            return read(table, _constant(keys, "model_ids", "ids of models in it"), texts)

        return _afresh(run)

    def _read_topics(self, registry: str, model_id: str) -> tuple[bytes, str]:
        """Fetch the bytes and the hash of a topic model."""
        import duckdb

        table = _quote_table(registry)
        with self._cursor() as cursor:
            # The table's name was taken apart and quoted by _quote_table.
            try:
                query = f"select onnx, onnx_sha256 from {table} where model_id = ?"  # noqa: S608
                rows = cursor.execute(query, [model_id]).fetchall()
            except duckdb.Error as error:
                reason = str(error).strip().splitlines()[0]
                raise HoldfastError(f"The topic models {table} cannot be read: {reason}") from None
        if len(rows) != 1 or None in rows[0]:
            raise ModelError(f"{table} holds no topic model with the id {model_id!r}. {RESTORE}")
        return rows[0]

    def _run(self, score: Callable[[_Scores, FloatArray], Any], columns: tuple[Any, ...]) -> Any:
        """Score one chunk: the columns are registry, model id, and the features."""
        if len(columns) < 2:
            raise HoldfastError(
                f"{_PREDICT} and {_CONTRIBUTIONS} take the table of models, a model id and the"
                f" features, in this order; got {len(columns)} argument(s)."
            )
        registry, model_id, *features = columns
        if len(registry) == 0:
            return score(_NoModel(), np.empty((0, len(features)), np.float32))
        table = _constant(registry, "registry", "the table of models, such as 'main.churn_model'")
        key = _constant(model_id, "model_id", "the id of a model in it")
        if table == _JOIN:
            self._admit(key)
            return score(_NoModel(), np.zeros((len(registry), 0), np.float32))
        model = self._model(table, key)
        return score(model, _to_matrix(features, model))

    def _admit(self, token: str) -> None:
        """Add a connection through which models can be read."""
        connection = _JOINING.pop(token, None)
        if connection is not None:
            alive = [known for known in self._connections if known() is not None]
            self._connections = [*alive, weakref.ref(connection, self._forget)]

    def _forget(self, _: weakref.ref[DuckDBPyConnection]) -> None:
        """Let go of the models when no connection is left to score on."""
        if all(known() is None for known in self._connections):
            # Another dictionary, without the lock: this may run while its holder is interrupted.
            self._models = OrderedDict()
            self._topics.forget()

    def _model(self, registry: str, model_id: str) -> OnnxModel:
        """Return the model, from the cache or from its table."""
        key = (registry, model_id)
        with self._lock:
            models = self._models
            kept = models.get(key)
            if kept is None or self._is_altered(kept, model_id):
                kept = self._read(_quote_table(registry), model_id)
                models[key] = kept
                if len(models) > _CACHED_MODELS:
                    models.popitem(last=False)
            models.move_to_end(key)
            return kept.model

    def _is_altered(self, kept: _Kept, model_id: str) -> bool:
        """Tell whether the row of a model is another one by now, asked now and then."""
        import duckdb

        now = time.monotonic()
        if now - kept.checked_at < _TRUSTED_FOR:
            return False
        with self._cursor() as cursor:
            try:
                found = cursor.execute(kept.query, [model_id]).fetchall()
            except duckdb.Error:  # reading it again says what is wrong
                return True
        kept.checked_at = now
        return found != [(kept.state,)]

    def _read(self, table: str, model_id: str) -> _Kept:
        """Fetch a model from its table and verify it."""
        import duckdb

        with self._cursor() as cursor:
            # The table's name was taken apart and quoted by _quote_table.
            try:
                described = cursor.execute(f"describe {table}").fetchall()
                has = {str(name).lower() for name, *_ in described}
                told = [name for name in ROW_COLUMNS if name in has]
                listed = ", ".join(["onnx", "onnx_sha256", *told])
                state = f"hash({listed})"
                source = f"from {table} where model_id = ?"
                query = f"select distinct {listed}, {state} {source}"
                now = time.monotonic()
                rows = cursor.execute(query, [model_id]).fetchall()
            except duckdb.Error as error:
                reason = str(error).strip().splitlines()[0]
                raise HoldfastError(
                    f"The table of models {table} cannot be read: {reason}"
                    " Name it with database and schema, and commit it before scoring."
                ) from None
        if len(rows) != 1:
            found = "no model" if not rows else f"{len(rows)} different models"
            raise ModelError(
                f"{table} holds {found} with the id {model_id!r}. Check the id; a model must be"
                " committed before another connection scores with it."
            )
        blob, sha256, *facts, found = rows[0]
        if blob is None or sha256 is None:
            raise ModelError(
                f"{table} has no {'bytes' if blob is None else 'SHA-256'} for the model"
                f" {model_id!r}. {RESTORE}"
            )
        try:
            file = ModelFile.from_bytes(blob, sha256)
            model = OnnxModel(file)
        except ModelError as error:
            raise ModelError(f"Model {model_id!r} of {table}: {error}") from None
        check_row(file, {"model_id": model_id, **dict(zip(told, facts, strict=True))}, table)
        return _Kept(model, f"select distinct {state} {source}", found, now)

    def _cursor(self) -> DuckDBPyConnection:
        """Return a connection of its own to the database, closed by the caller."""
        import duckdb

        for reference in self._connections:
            connection = reference()
            if connection is not None:
                try:
                    return connection.cursor()
                except duckdb.ConnectionException:
                    continue
        raise HoldfastError(
            "The connection on which holdfast.scoring.register was called is closed."
            " Keep it open while others score, or register on this one."
        )


def _afresh(run: Callable[[tuple[Any, ...]], Any]) -> Callable[..., Any]:
    """Return a function of Arrow columns that raises errors without what led to them."""

    def function(*columns):  # type: ignore[no-untyped-def]  # DuckDB evaluates annotations
        try:
            return run(columns)
        except HoldfastError as error:
            # Raised afresh: DuckDB prints the traceback below the message.
            failure = type(error)(str(error))
        raise failure

    return function


class _NoModel:
    """Stands for the model where there is nothing to score."""

    def predict(self, features: FloatArray) -> FloatArray:
        """Zeros, float32 [N]."""
        return np.zeros(len(features), np.float32)

    def contributions(self, features: FloatArray) -> FloatArray:
        """Zeros, float32 [N, F]."""
        return np.zeros(features.shape, np.float32)


def _predict(model: _Scores, features: FloatArray) -> Any:
    """Probabilities as an Arrow array."""
    import pyarrow

    return pyarrow.array(model.predict(features))


def _contributions(model: _Scores, features: FloatArray) -> Any:
    """Contributions as an Arrow array of lists."""
    import pyarrow

    values = model.contributions(features)
    rows, width = values.shape
    offsets = pyarrow.array(np.arange(rows + 1, dtype=np.int32) * np.int32(width))
    return pyarrow.ListArray.from_arrays(offsets, pyarrow.array(values.reshape(-1)))


def _constant(column: Any, name: str, meaning: str) -> str:
    """Return the one value of an argument that must not vary by row."""
    value = column[0].as_py()
    if value is None or column.null_count:
        raise HoldfastError(
            f"The argument {name} is NULL; it must be {meaning}. Without a trained model there is"
            " nothing to score with: train one first."
        )
    if not isinstance(value, str):
        raise HoldfastError(f"The argument {name} must be text, {meaning}; got {value!r}.")
    # Each like its neighbour: faster than a comparison with the value.
    if not column[1:].equals(column[:-1]):
        raise HoldfastError(
            f"The argument {name} differs between rows (one is {value!r}); score with one model"
            " at a time."
        )
    return value


def _quote_table(name: str) -> str:
    """Return the table name with every part quoted, refusing anything that is not a name."""
    match = _TABLE.fullmatch(name)
    if match is None:
        raise HoldfastError(
            f"The argument registry must name a table in one to three identifiers, such as"
            f' \'"shop"."main"."churn_model"\'; got {name!r}.'
        )
    parts = [part for part in match.groups() if part is not None]
    return ".".join(part if part.startswith('"') else quoted(part) for part in parts)


def _to_matrix(columns: list[Any], model: OnnxModel) -> FloatArray:
    """Return the feature columns side by side as float32, NULL as NaN."""
    import pyarrow

    names = model.feature_names
    if len(columns) != len(names):
        raise HoldfastError(
            f"The model takes {len(names)} features, got {len(columns)}."
            f" Pass them in this order: {', '.join(names)}."
        )
    ready = (pyarrow.float64(), pyarrow.float32())
    # Filled column by column, each in one piece; turned where that is needed.
    matrix = np.empty((len(columns), len(columns[0])), np.float32)
    # What is out of range for float32 becomes infinite, what is finer is rounded.
    with np.errstate(over="ignore"):
        for j, column in enumerate(columns):
            if column.type not in ready:
                if not _is_number(column.type):
                    raise HoldfastError(
                        f"Feature {j + 1}, `{names[j]}`, is of type {column.type}; a feature must"
                        " be a number or a boolean. Encode it in the feature's SQL."
                    )
                column = column.cast(ready[1], safe=False)
            matrix[j] = column.to_numpy(zero_copy_only=False)
    return matrix.T


def _is_number(kind: Any) -> bool:
    """Whether an Arrow type can be a feature."""
    from pyarrow import types

    return bool(
        types.is_floating(kind)
        or types.is_integer(kind)
        or types.is_boolean(kind)
        or types.is_decimal(kind)
        or types.is_null(kind)
    )
