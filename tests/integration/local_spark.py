"""A Spark of the tests' own: one Java machine beside this process, and all files in one folder."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

# Neither UTC nor a zone that the machine is likely to be in, and half an hour off.
TIME_ZONE = "America/St_Johns"


def has_java() -> bool:
    """Tell whether Spark would find a Java machine."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=f"{home}/bin" if home else None) is not None


@contextmanager
def local_session(directory: Path) -> Iterator[Any]:
    """Give a SparkSession with two threads, and stop it afterwards."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").appName("holdfast tests")
    for name, value in {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.local.dir": str(directory / "local"),
        "spark.sql.session.timeZone": TIME_ZONE,
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": str(directory / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }.items():
        builder = builder.config(name, value)
    # Spark's workers are to run in this environment, whatever python3 is on the path.
    with mock.patch.dict(os.environ, PYSPARK_PYTHON=sys.executable):
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        try:
            yield session
        finally:
            session.stop()
