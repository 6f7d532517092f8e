"""Two trainings at once must not give each other threads back."""

from __future__ import annotations

import threading
import time
from functools import partial

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from holdfast.threads import one_thread, side_by_side


def blas_threads() -> set[int]:
    """Give the number of threads of each BLAS that is loaded."""
    np.ones((2, 2)) @ np.ones((2, 2))
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_blocks_of_several_threads_compute_on_one_and_give_all_back() -> None:
    before, found = blas_threads(), []

    def train(rounds: int) -> None:
        for _ in range(rounds):
            with one_thread():
                for _ in range(20):
                    found.append(blas_threads())
                    time.sleep(0.0002)

    threads = [threading.Thread(target=train, args=(rounds,)) for rounds in (3, 5, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [{1}] * 320
    assert blas_threads() == before


def test_a_block_may_stand_within_another_and_an_error_gives_the_threads_back() -> None:
    before = blas_threads()
    with one_thread():
        with pytest.raises(ValueError, match="no model"), one_thread():
            raise ValueError("no model")
        assert blas_threads() == {1}
    assert blas_threads() == before


def test_tasks_side_by_side_return_in_order_each_on_one_thread(monkeypatch) -> None:
    monkeypatch.setattr("holdfast.threads._cores", lambda: 2)
    both_run = threading.Barrier(2, timeout=30)

    def task(number: int) -> tuple[int, set[int]]:
        both_run.wait()
        pools = threadpool_info()
        return number, {each["num_threads"] for each in pools if each["user_api"] == "openmp"}

    with one_thread():
        found = side_by_side([partial(task, number) for number in range(4)])
    assert [number for number, _ in found] == [0, 1, 2, 3]
    assert all(threads <= {1} for _, threads in found)


def test_the_first_task_that_fails_tells_why() -> None:
    def fail(reason: str) -> None:
        raise ValueError(reason)

    with pytest.raises(ValueError, match="first"):
        side_by_side([lambda: None, partial(fail, "first"), partial(fail, "second")])


def test_what_has_not_begun_is_not_done_after_a_failure(monkeypatch) -> None:
    monkeypatch.setattr("holdfast.threads._cores", lambda: 2)
    failed, done = threading.Event(), []

    def fail() -> None:
        failed.set()
        raise ValueError("first")

    def wait(number: int) -> None:
        # begins beside the first task; time for its error to be seen before the next would begin
        failed.wait(timeout=30)
        done.append(number)
        threading.Event().wait(0.2)

    with pytest.raises(ValueError, match="first"):
        side_by_side([fail, *(partial(wait, number) for number in range(50))])
    assert len(done) < 50
