"""Readers in other processes never fail and never see half, whatever happens to the builds."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

PROOF = Path(__file__).resolve().parents[3] / "benchmarks" / "publish_readers.py"


@pytest.mark.slow
def test_readers_see_whole_publications_while_builds_replace_them_and_are_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = importlib.util.spec_from_file_location("publish_readers", PROOF)
    assert spec is not None
    assert spec.loader is not None
    proof = importlib.util.module_from_spec(spec)
    # its dataclasses look their module up
    monkeypatch.setitem(sys.modules, spec.name, proof)
    spec.loader.exec_module(proof)
    seen = proof.prove(readers=4, builds=6, kills=2, customers=20_000, seed=3)
    assert (seen["failed"], seen["inconsistent"], seen["errors"]) == (0, 0, [])
    # the readers were at work, and the file did change under them
    assert seen["fewest_reads"] > 0
    assert seen["publications_seen"] > 1
    assert set(seen["left_behind"]) >= {"holdfast.duckdb", "holdfast_parquet"}
