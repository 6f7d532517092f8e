"""The season: what a year ago tells of the level, as one more tree of the model."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from holdfast.contract import OnnxHeader, check_parity, predict_onnx
from holdfast.estimators import (
    YEAR_SHARE,
    Season,
    blend,
    fit_linear,
    fit_season,
)
from holdfast.estimators._trees import fit_trees
from holdfast.scoring import OnnxModel
from holdfast.sql import SqlModel

MONTHS = np.arange("2023-01", "2025-01", dtype="datetime64[M]").astype("datetime64[us]")


def outcomes(rates: np.ndarray, rows: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Give outcomes and dates of which each month has its rate."""
    y = np.concatenate([np.arange(rows) < round(rate * rows) for rate in rates]).astype(np.int64)
    return y, np.repeat(MONTHS[: len(rates)], rows)


def of_month(season: Season, month: int) -> float:
    """Give the shift on the first day of a month."""
    day = np.datetime64(f"2026-{month:02d}-01") - np.datetime64("2026-01-01")
    share = np.array([day.astype(int) / 366], np.float32)
    return float(season.log_odds(share)[0])


def test_errors_that_come_back_shift_the_same_month_and_no_more_than_they_were():
    rates = np.where(np.arange(24) % 12 == 10, 0.2, 0.5)
    y, as_of = outcomes(rates)
    season = fit_season(np.zeros(len(y)), y, as_of, 30)
    assert season is not None
    assert 0.7 < season.share < 1.0
    november = np.log(0.2 / 0.8)
    assert november < of_month(season, 11) < 0.7 * november
    # as far above the mean of the year as all other months
    assert of_month(season, 5) == pytest.approx(-season.share * november / 12)


def test_months_with_windows_that_overlap_are_less_evidence():
    rates = np.where(np.arange(24) % 12 == 10, 0.2, 0.5)
    y, as_of = outcomes(rates)
    short, long = (fit_season(np.zeros(len(y)), y, as_of, days) for days in (30, 365))
    assert long.share < short.share


def test_half_of_an_error_is_expected_before_another_year_tells():
    rates = np.where(np.arange(12) == 10, 0.2, 0.5)
    y, as_of = outcomes(rates)
    season = fit_season(np.zeros(len(y)), y, as_of, 60)
    assert season is not None
    # less what chance alone moves
    assert 0.4 < season.share < 0.5


def test_no_season_within_a_year_or_where_errors_turn_round():
    y, as_of = outcomes(np.linspace(0.2, 0.5, 8))
    assert fit_season(np.zeros(len(y)), y, as_of, 90) is None
    turned = np.full(24, 0.5)
    turned[[10, 22]] = [0.2, 0.8]
    y, as_of = outcomes(turned)
    assert fit_season(np.zeros(len(y)), y, as_of, 30) is None
    assert fit_season(np.zeros(200), np.ones(200, np.int64), np.repeat(MONTHS[:1], 200), 90) is None


def test_dates_that_do_not_count_are_no_evidence():
    y, as_of = outcomes(np.where(np.arange(24) % 12 == 10, 0.2, 0.5))
    late = as_of >= MONTHS[18]
    assert fit_season(np.zeros(len(y)), y, as_of, 90, late) is None


def test_share_is_the_feature_of_the_package():
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select day, (dayofyear(day) - 1) / 366e0 from (select unnest([date '2024-01-01', "
            "date '2024-02-29', date '2025-03-01', date '2024-12-31']) as day)"
        ).fetchall()
    from holdfast.estimators._season import _year_share

    days = np.array([day for day, _ in rows], dtype="datetime64[us]")
    np.testing.assert_allclose(_year_share(days), [share for _, share in rows])


@pytest.fixture(scope="module")
def season() -> Season:
    random = np.random.default_rng(2)
    shifts = random.normal(0, 0.5, 25)
    shifts[3:6] = shifts[3]
    shifts[-1] = shifts[0]
    return Season(shifts, random.integers(1, 50, 25), 0.5)


@pytest.fixture(scope="module", params=["blend", "trees"])
def model(request, part, season):
    trees = fit_trees(part, {"max_iter": 12}, 0).scaled(1.2)
    if request.param == "trees":
        return trees.with_season(season)
    linear = fit_linear(part.features, part.y, part.names)
    return blend(linear, trees).with_season(season)


@pytest.fixture(scope="module")
def rows(part) -> np.ndarray:
    share = (np.arange(len(part.y)) % 366 / 366).astype(np.float32)
    return np.column_stack([part.features, share])


@pytest.fixture(scope="module")
def seasonal(header) -> OnnxHeader:
    return replace(header, feature_names=(*header.feature_names, YEAR_SHARE))


def test_file_and_compiled_sql_agree_with_the_model_on_every_day(model, rows, seasonal, season):
    odd = np.concatenate([rows, rows[:60]])
    odd[-60:-40, -1] = np.nan
    odd[-40:-36, -1] = season.edges[:4]
    odd[-36:-32, -1] = np.nextafter(season.edges[:4], np.float32(1))
    odd[-32:-30, -1] = [-1, 2]
    blob = model.to_onnx(seasonal)
    given = predict_onnx(blob, odd)
    assert check_parity("blend", model.predict(odd), given) <= 1e-6
    compiled = SqlModel.from_bytes(blob)
    columns = {name: odd[:, j] for j, name in enumerate(seasonal.feature_names)}
    with duckdb.connect() as connection:
        connection.register("odd", pa.table({"i": np.arange(len(odd)), **columns}))
        sql = f"select p from ({compiled.query('odd', keys=['i'], output='p')}) order by i"
        np.testing.assert_allclose(np.ravel(connection.execute(sql).fetchall()), given, atol=1e-6)


def test_reasons_are_exact_and_only_the_year_share_has_the_season(model, rows, seasonal, part):
    explained = OnnxModel.from_bytes(model.to_onnx(seasonal))
    given = explained.contributions(rows)
    total = explained.base_value + given.sum(axis=1, dtype=np.float64)
    np.testing.assert_allclose(total, model.log_odds(rows), atol=2e-5)
    of_season = (model if hasattr(model, "season") else model.trees).season
    expected = of_season.log_odds(rows[:, -1]) - of_season.base_value
    np.testing.assert_allclose(given[:, -1], expected, atol=1e-5)


def test_stretching_and_weighing_reaches_the_season(model, rows):
    base = model.base_value
    expected = 0.5 * (base + 0.8 * (model.log_odds(rows) - base))
    np.testing.assert_allclose(model.scaled(0.8, 0.5).log_odds(rows), expected, atol=1e-6)


@pytest.mark.filterwarnings("error")
def test_one_date_has_no_season_however_long_its_label_window_is():
    one = np.repeat(np.datetime64("2025-01-01", "us"), 40)
    assert fit_season(np.zeros(40), np.tile([0, 1], 20), one, 400) is None


def test_a_level_that_only_chance_moves_is_no_season() -> None:
    months = np.arange("2023-01", "2024-01", dtype="datetime64[M]").astype("datetime64[us]")
    shares = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        as_of = np.repeat(months, 50)
        y = (random.random(len(as_of)) < 0.4).astype(np.int64)
        season = fit_season(np.full(len(y), np.log(0.4 / 0.6)), y, as_of, 90)
        shares.append(0.0 if season is None else season.share)
    assert np.mean(shares) < 0.15


def test_a_long_window_makes_no_year_of_two_months() -> None:
    months = np.arange("2023-01", "2023-03", dtype="datetime64[M]").astype("datetime64[us]")
    y = np.r_[np.tile([0, 1], 100), np.tile([0, 1, 1, 1], 50)].astype(np.int64)
    assert fit_season(np.zeros(400), y, np.repeat(months, 200), 400) is None
