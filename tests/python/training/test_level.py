"""The level of a season that only the dates of the refit span."""

from __future__ import annotations

import json

import duckdb
import numpy as np
import pytest

from holdfast.contract import predict_onnx
from holdfast.estimators import CLASSIFICATION
from holdfast.training import train
from holdfast.training._candidates import _are_known
from holdfast.training._dataset import Dataset

# in every September half as many leave
SHOP = """(
    select
        customer_id,
        timestamp '2024-01-01' + to_months(month::integer) as as_of,
        hash(customer_id, month) % 400
            < customer_id * if(month % 12 = 8, 0.5, 1) as churned,
        customer_id::float as days_since_order,
        ((dayofyear(timestamp '2024-01-01' + to_months(month::integer)) - 1) / 366e0)::float
            as calendar_year_share,
    from range(300) as c(customer_id), range(14) as m(month)
)"""


@pytest.fixture(scope="module")
def rows() -> dict[str, dict]:
    with duckdb.connect() as session:
        made = train(session, SHOP).to_pylist()
    return {row["stage"]: row for row in made if row["stage"] in ("champion", "evaluated")}


def test_champion_takes_a_season_that_its_twin_could_not_see(rows):
    champion, twin = rows["champion"], rows["evaluated"]
    assert champion["algorithm"] == "blend"
    assert champion["feature_names"] == ["days_since_order", "calendar_year_share"]
    assert twin["feature_names"] == ["days_since_order"]
    of_champion, of_twin = (json.loads(row["parameters"]) for row in (champion, twin))
    assert of_champion["dropped_features"]["calendar"] == []
    assert of_twin["dropped_features"]["calendar"] == ["calendar_year_share"]
    assert 0 < of_champion["hyperparameters"]["hist_gradient_boosting"]["season_share"] <= 1


def test_champion_expects_fewer_to_leave_in_the_season_in_which_fewer_left(rows):
    shares = np.array([[150, 244 / 366], [150, 31 / 366]], np.float32)
    september, february = predict_onnx(rows["champion"]["onnx"], shares)
    assert september < february - 0.03


def test_dates_of_a_young_shop_are_not_known():
    as_of = np.repeat(np.array(["2025-01-01", "2025-07-01"], "datetime64[us]"), 2)
    age = np.array([[20.0], [np.nan], [200.0], [10.0]], np.float32)
    data = Dataset(
        ("first_order_age_days",),
        age,
        np.zeros(4, int),
        as_of,
        np.arange(4, dtype=np.uint64),
        CLASSIFICATION,
    )
    assert _are_known(data).tolist() == [False, False, True, True]
