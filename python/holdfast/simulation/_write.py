"""Parquet files that grow by row groups aside and appear only when whole."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

_LEVEL = 3
# About one chunk of customers: the next one is drawn while this one is being compressed.
_MOST_WAITING = 12


class TableWriter:
    """Write tables in chunks; on success rename them into place, on failure remove them.

    Parameters
    ----------
    folder
        Where ``<table>.parquet`` shall appear; created when absent. A name with a slash
        lands in a folder below.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, pq.ParquetWriter] = {}
        self.row_counts: dict[str, int] = {}
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> TableWriter:
        return self

    def append(self, name: str, table: pa.Table) -> None:
        """Append a chunk of rows to a table; an earlier failure to write is raised here."""
        if name not in self._writers:
            path = self._aside(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writers[name] = _open(path, table.schema)
            self.row_counts[name] = 0
        if len(self._waiting) >= _MOST_WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._worker.submit(self._writers[name].write_table, table))
        self.row_counts[name] += table.num_rows

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        is_whole = False
        try:
            self._worker.shutdown(wait=True, cancel_futures=kind is not None)
            for writer in self._writers.values():
                writer.close()
            if kind is None:
                while self._waiting:
                    self._waiting.popleft().result()
                is_whole = True
        finally:
            for name in self._writers:
                if is_whole:
                    os.replace(self._aside(name), self._folder / f"{name}.parquet")
                else:
                    self._aside(name).unlink(missing_ok=True)

    def _aside(self, name: str) -> Path:
        """Name the temporary file, in the same folder so that renaming is atomic."""
        path = self._folder / f"{name}.parquet"
        return path.with_name(f".{path.name}.partial")


def _open(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Encode ids and times as deltas, the rest by dictionary: the files stay small."""
    deltas = [
        field.name
        for field in schema
        if pa.types.is_timestamp(field.type) or pa.types.is_int64(field.type)
    ]
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=_LEVEL,
        use_dictionary=[name for name in schema.names if name not in deltas],
        column_encoding=dict.fromkeys(deltas, "DELTA_BINARY_PACKED"),
        store_decimal_as_integer=True,
    )
