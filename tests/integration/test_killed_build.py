"""A build that is killed leaves the former tables usable, and the next build completes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from projects import ROOT, DbtProject
from test_demo_build import content


def build_and_kill_at(project: DbtProject, line: str, *words: str) -> None:
    """Start a build and kill it with SIGKILL when it prints a line."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        ["dbt", "--no-use-colors", "build", *words],
        cwd=project.directory,
        env={
            **os.environ,
            "PATH": path,
            "PYTHONPATH": str(ROOT / "python"),
            "PYTHONUNBUFFERED": "1",
        },
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for printed in process.stdout:
        if line in printed:
            os.killpg(process.pid, signal.SIGKILL)
            break
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL, f"the build ended before it printed: {line}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        "START python table model main.churn_model",
        "OK created python table model main.churn_model",
        "START sql incremental model main.churn_scores",
    ],
    ids=["during training", "after training", "during scoring"],
)
def test_a_killed_build_loses_nothing_and_the_next_one_completes(
    built_demo: DbtProject, demo: DbtProject, line: str
) -> None:
    build_and_kill_at(demo, line, "--vars", "{holdfast_retrain: true}")
    before, after_kill = content(built_demo), content(demo)
    assert after_kill["churn_scores"] == before["churn_scores"]
    assert len(after_kill["model_registry"]) >= len(before["model_registry"])

    demo.dbt("build")
    tables = "select table_name from duckdb_tables() order by 1"
    assert content(demo) == before
    assert demo.query(tables) == built_demo.query(tables)
