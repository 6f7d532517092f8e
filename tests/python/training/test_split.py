from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from holdfast.training._split import (
    are_held_out,
    grouped_folds,
    rolling_folds,
    silent_dates,
    split_by_customer,
    split_by_time,
)

HOUR = np.timedelta64(1, "h")


def as_ofs_at(hours: list[int]) -> np.ndarray:
    return np.datetime64("2024-01-01", "us") + np.array(sorted(hours)) * HOUR


@given(
    st.lists(st.integers(0, 20_000), min_size=0, max_size=30, unique=True),
    st.integers(1, 200),
)
def test_no_label_window_reaches_into_a_later_part(hours: list[int], gap_days: int):
    as_ofs = as_ofs_at(hours) if hours else np.array([], dtype="datetime64[us]")
    split = split_by_time(as_ofs, gap_days)
    gap = np.timedelta64(gap_days, "D")
    if split is None:
        # None is right only when not one row was mature at the first test date.
        assert len(as_ofs) < 2 or as_ofs[0] + gap > as_ofs[-1]
        return
    assert (split.training + gap <= split.test[0]).all()
    if len(split.validation):
        assert (split.fit + gap <= split.validation[0]).all()


@given(
    st.lists(st.integers(0, 20_000), min_size=2, max_size=30, unique=True),
    st.integers(1, 200),
)
def test_an_as_of_is_in_at_most_one_part(hours: list[int], gap_days: int):
    as_ofs = as_ofs_at(hours)
    split = split_by_time(as_ofs, gap_days)
    if split is None:
        return
    together = np.concatenate([split.fit, split.validation, split.test])
    assert len(np.unique(together)) == len(together)
    assert np.isin(together, as_ofs).all()
    assert np.isin(np.concatenate([split.fit, split.validation]), split.training).all()
    assert len(split.fit)
    assert (split.test == as_ofs[-len(split.test) :]).all()


@given(st.integers(2, 60), st.integers(1, 30), st.integers(1, 120))
def test_three_dates_or_more_are_tested_on_where_twice_as_many_are_left(
    count: int, step_days: int, gap_days: int
):
    as_ofs = as_ofs_at([24 * step_days * each for each in range(count)])
    split = split_by_time(as_ofs, gap_days)
    known_before_three = np.sum(as_ofs + np.timedelta64(gap_days, "D") <= as_ofs[-min(3, count)])
    if known_before_three >= 6:
        assert split is not None
        assert len(split.test) >= 3
        assert len(split.training) >= 1


def test_as_many_dates_are_tested_on_as_are_asked_for():
    months = np.arange("2025-01", "2027-01", dtype="datetime64[M]").astype("datetime64[us]")
    split = split_by_time(months, 90, test_dates=2)
    assert split is not None
    assert len(split.test) == 2


def test_a_row_whose_window_ends_exactly_at_the_first_held_out_as_of_trains():
    days = np.datetime64("2024-01-01", "us") + np.arange(3) * np.timedelta64(30, "D")
    split = split_by_time(days, 30)
    assert split is not None
    assert [len(split.fit), len(split.validation), len(split.test)] == [1, 1, 1]
    late = split_by_time(days + np.array([0, 1, 0]) * np.timedelta64(1, "us"), 30)
    assert late is not None
    assert [len(late.fit), len(late.validation), len(late.test)] == [1, 0, 1]


def test_a_short_history_has_no_validation_part():
    months = np.arange("2024-01", "2024-06", dtype="datetime64[M]").astype("datetime64[us]")
    split = split_by_time(months, 90)
    assert split is not None
    assert not len(split.validation)
    assert (split.fit == split.training).all()


def test_folds_keep_a_customer_on_one_side():
    groups = np.random.default_rng(0).integers(0, 30, 200).astype(np.uint64)
    y = np.arange(200) % 2
    folds = grouped_folds(groups, y)
    assert len(folds) == 5
    for fit, held_out in folds:
        assert not np.isin(groups[held_out], groups[fit]).any()
    assert sorted(np.concatenate([held_out for _, held_out in folds])) == list(range(200))


def test_no_folds_without_both_outcomes_on_every_fitting_side():
    groups = np.array([1, 1, 2, 2], dtype=np.uint64)
    assert grouped_folds(groups, np.array([0, 0, 1, 1])) == []
    assert grouped_folds(groups[:2], np.array([0, 1])) == []


@given(
    st.lists(st.integers(0, 20_000), min_size=1, max_size=30, unique=True),
    st.integers(1, 200),
)
def test_rolling_folds_keep_the_gap_and_go_back_in_time(hours: list[int], gap_days: int):
    as_ofs = as_ofs_at(hours)
    folds = rolling_folds(as_ofs, gap_days)
    assert len(folds) <= 4
    for fit, held_out in folds:
        assert len(fit)
        assert (fit + np.timedelta64(gap_days, "D") <= held_out[0]).all()
    for (_, later), (_, earlier) in pairwise(folds):
        assert earlier[-1] < later[0]


def test_number_of_test_dates_may_be_asked_for():
    months = np.arange("2024-01", "2025-01", dtype="datetime64[M]").astype("datetime64[us]")
    split = split_by_time(months, 90, test_dates=1)
    assert split is not None
    assert len(split.test) == 1
    assert len(split.training) == 9


def test_a_fifth_of_the_customers_is_held_out_whatever_their_number():
    customer = np.random.default_rng(1).integers(0, 2**63, 20_000).astype(np.uint64)
    held_out = are_held_out(customer)
    assert abs(held_out.mean() - 0.2) < 0.02
    assert (are_held_out(customer[:100]) == held_out[:100]).all()
    assert not are_held_out(customer, "00").any()


def test_customers_are_held_out_on_all_dates():
    months = np.arange("2024-01", "2024-03", dtype="datetime64[M]").astype("datetime64[us]")
    split = split_by_customer(months)
    assert (split.training == months).all()
    assert (split.test == months).all()
    assert not len(split.validation)
    assert split.customers_below is not None


def test_a_date_is_silent_when_chance_cannot_have_made_all_alike():
    months = np.arange("2024-01", "2024-05", dtype="datetime64[M]").astype("datetime64[us]")
    as_of = np.repeat(months, [40, 40, 40, 3])
    half = np.tile([0, 1], 20)
    all_lost, three_lost = np.ones(40, dtype=np.int64), np.ones(3, dtype=np.int64)
    y = np.concatenate([half, all_lost, half, three_lost])
    assert silent_dates(as_of, y).tolist() == [months[1].item()]
    # nobody was lost: as odd
    y[40:80] = 0
    assert silent_dates(as_of, y).tolist() == [months[1].item()]
    # where nearly everybody is lost, all are now and then
    often = np.append(0, np.ones(39, dtype=np.int64))
    assert not len(silent_dates(as_of, np.concatenate([often, all_lost, often, three_lost])))


def test_without_a_date_of_both_outcomes_none_is_called_silent():
    months = np.repeat(np.array(["2024-01", "2024-02"], dtype="datetime64[us]"), 100)
    assert not len(silent_dates(months, np.ones(200)))
    assert not len(silent_dates(months[:0], np.ones(0)))
