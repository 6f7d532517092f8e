"""Probabilities and predicted numbers, beside scikit-learn, hand counts and the former SQL."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from numpy.typing import NDArray
from sklearn import metrics as reference

from holdfast.measuring import METRICS_SCHEMA, Costs, MeasuringError, evaluate, evaluate_values

Doubles = NDArray[np.float64]
Figures = dict[str, tuple[float | None, float | None, float | None]]
DAY = dt.datetime(2026, 1, 1)


def predictions(
    predicted: Any, outcome: Any, customers: Any = None, as_of: Any = None, **more: Any
) -> pa.Table:
    """Give predictions of as many customers, on one day where no other is told."""
    count = len(predicted)
    name = more.pop("name", "probability")
    return pa.table(
        {
            "customer_id": range(count) if customers is None else customers,
            "as_of": [DAY] * count if as_of is None else as_of,
            name: predicted,
            "outcome": outcome,
            **more,
        }
    )


def figures(table: pa.Table, as_of: Any = None, segment: str | None = None) -> Figures:
    """Give the metrics of a slice as {metric: (value, lower, upper)}."""
    return {
        row["metric"]: (row["value"], row["lower"], row["upper"])
        for row in table.to_pylist()
        if row["as_of"] == as_of and row["segment"] == segment
    }


def simulated(sql_outcome: str, name: str = "probability") -> pa.Table:
    """Give 600 predictions for 150 customers at four months, with ties, the same everywhere."""
    return duckdb.sql(
        f"""
        select
            i % 150 as customer_id,
            timestamp '2026-01-01' + to_months((i // 150)::integer) as as_of,
            (i * 37 % 101 + 1) / 103e0 as {name},
            {sql_outcome} as outcome
        from range(600) as numbers (i)
        """
    ).to_arrow_table()


def test_values_are_those_of_scikit_learn() -> None:
    table = simulated("(i * 37 % 101 + i * 53 % 97 > 120)::integer")
    y, p = table["outcome"].to_numpy(), table["probability"].to_numpy()
    months = table["as_of"].to_numpy()
    found = evaluate(table)
    assert found.schema == METRICS_SCHEMA
    for month in (None, *np.unique(months)):
        here = np.ones(len(y), bool) if month is None else months == month
        of_slice = figures(found, None if month is None else month.astype(dt.datetime))
        expected = {
            "row_count": float(here.sum()),
            "base_rate": y[here].mean(),
            "mean_probability": p[here].mean(),
            "auroc": reference.roc_auc_score(y[here], p[here]),
            "average_precision": reference.average_precision_score(y[here], p[here]),
            "log_loss": reference.log_loss(y[here], p[here]),
            "brier": reference.brier_score_loss(y[here], p[here]),
        }
        for metric, value in expected.items():
            assert of_slice[metric][0] == pytest.approx(value, abs=1e-11), metric


def test_recalibration_is_a_logistic_regression_on_the_log_odds() -> None:
    from sklearn.linear_model import LogisticRegression

    table = simulated("(i * 37 % 101 + i * 53 % 97 > 120)::integer")
    y, p = table["outcome"].to_numpy(), table["probability"].to_numpy()
    fit = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000)
    fit.fit(np.log(p / (1 - p))[:, None], y)
    found = figures(evaluate(table))
    assert found["calibration_slope"][0] == pytest.approx(fit.coef_[0, 0], abs=1e-6)
    assert found["calibration_intercept"][0] == pytest.approx(fit.intercept_[0], abs=1e-6)


def test_budget_and_profit_are_those_counted_by_hand() -> None:
    later = DAY + dt.timedelta(days=30)
    table = predictions(
        [0.9, 0.8, 0.2, 0.7, 0.6, 0.1], [1, 0, 0, 1, 1, 0], [1, 2, 3, 1, 2, 3],
        [DAY, DAY, DAY, later, later, later],
    )  # fmt: skip
    costs = Costs(contact_budget=2, contact_cost=1, offer_cost=4, save_rate=0.5, customer_value=24)
    # a churner brings 0.5 * 20 - 1 = 9, any other costs 5; contacted are two at each date
    found = figures(evaluate(table, costs))
    assert found["precision_at_budget"][0] == 0.75
    assert found["profit_at_budget"][0] == pytest.approx((3 * 9 - 5) / 6)
    assert found["maximum_profit"][0] == pytest.approx((3 * 9 - 5) / 6)
    assert found["maximum_profit_share"][0] == pytest.approx(4 / 6)
    assert figures(evaluate(table, costs), DAY)["precision_at_budget"][0] == 0.5

    dear = figures(evaluate(table, Costs(contact_cost=1000)))
    assert dear["maximum_profit"][0] == dear["maximum_profit_share"][0] == 0


def test_share_of_a_budget_rounds_halves_up_and_contacts_one_at_least() -> None:
    contacts = Costs(contact_budget=0.1).contacts(np.array([1, 5, 15, 25, 100]))
    assert contacts.tolist() == [1, 1, 2, 3, 10]


def test_tenths_put_equal_predictions_in_order_of_customers() -> None:
    count = 20
    table = predictions([0.5] * count, [1] * 2 + [0] * 18, [f"{n:02}" for n in range(count)])
    shuffled = table.take(np.random.default_rng(3).permutation(count))
    for each in (table, shuffled):
        found = figures(evaluate(each))
        assert found["observed_decile_1"][0] == 1
        assert found["lift_decile_1"][0] == pytest.approx(10)
        assert found["gain_decile_1"][0] == 1
        assert found["auroc"][0] == 0.5
        # no slope fits equal predictions better than another
        assert found["calibration_slope"][0] is None


@pytest.mark.parametrize("measure", [evaluate, evaluate_values])
def test_the_order_of_rows_makes_no_difference(measure: Any) -> None:
    """A task may have several rows of a customer and a date, as one per product."""
    draw = np.random.default_rng(5)
    customers = [f"{number:03}" for number in range(40) for _ in range(11)]
    outcome = draw.integers(0, 2, 440)
    name = "probability" if measure is evaluate else "predicted_value"
    table = predictions(np.full(440, 0.5), outcome, customers, name=name)
    expected = figures(measure(table))
    for _ in range(3):
        assert figures(measure(table.take(draw.permutation(440)))) == expected


def test_fewer_rows_than_tenths_have_fewer_tenths() -> None:
    found = figures(evaluate(predictions([0.9, 0.5, 0.1], [1, 1, 0])))
    tenths = {metric for metric in found if metric.startswith("row_count_decile")}
    assert tenths == {"row_count_decile_1", "row_count_decile_4", "row_count_decile_7"}


@pytest.mark.parametrize("outcome", [0, 1])
def test_of_one_class_there_is_no_ranking_and_no_recalibration(outcome: int) -> None:
    found = figures(evaluate(predictions([0.2, 0.4, 0.9], [outcome] * 3)))
    for metric in ("auroc", "calibration_slope", "calibration_intercept"):
        assert found[metric] == (None, None, None)
    assert found["base_rate"][0] == outcome
    assert (found["average_precision"][0] is None) == (outcome == 0)
    assert (found["lift_decile_1"][0] is None) == (outcome == 0)


def test_outcomes_that_a_threshold_separates_have_no_finite_slope() -> None:
    found = figures(evaluate(predictions([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])))
    assert found["auroc"][0] == 1
    assert found["calibration_slope"][0] is None


def test_certain_probabilities_have_a_finite_loss() -> None:
    found = figures(evaluate(predictions([1.0, 0.0, 0.3], [0, 1, 1])))
    assert found["log_loss"][0] == pytest.approx(
        reference.log_loss([0, 1, 1], np.clip([1.0, 0.0, 0.3], 1e-15, 1 - 1e-15))
    )


@pytest.mark.parametrize("measure", [evaluate, evaluate_values])
def test_one_row_is_measured_and_no_row_gives_none(measure: Any) -> None:
    name = "probability" if measure is evaluate else "predicted_value"
    table = predictions([0.25], [1.0], name=name)
    found = figures(measure(table))
    assert found == figures(measure(table), DAY)
    assert found["row_count"] == (1, None, None)
    assert found["observed_decile_1"] == (1, 1, 1)
    empty = measure(table.slice(0, 0))
    assert empty.num_rows == 0
    assert empty.schema == METRICS_SCHEMA


def test_segments_are_measured_beside_everybody_and_not_by_date() -> None:
    table = simulated("(i * 37 % 101 + i * 53 % 97 > 120)::integer")
    halves = [f"half: {customer % 2}" for customer in table["customer_id"].to_pylist()]
    whole = table.append_column("segment", pa.nulls(len(table), pa.string()))
    both = pa.concat_tables([table.append_column("segment", pa.array(halves)), whole])
    found = evaluate(both)
    assert found.filter(pc.is_null(found["segment"])).equals(evaluate(table))
    for number in (0, 1):
        name = f"half: {number}"
        half = table.filter(pa.array([one == name for one in halves]))
        assert figures(found, segment=name) == figures(evaluate(half))
    months = {row["as_of"] for row in found.to_pylist() if row["segment"] is not None}
    assert months == {None}


@pytest.mark.parametrize("id_type", [pa.int32(), pa.uint64(), pa.string(), pa.large_string()])
def test_ids_of_every_type_give_the_same_intervals(id_type: pa.DataType) -> None:
    # three digits: texts are in the order of the numbers
    ids = pa.array(range(100, 250))
    p = np.linspace(0.1, 0.9, 150)
    outcome = np.arange(150) * 7 % 3 == 0
    expected = evaluate(predictions(p, outcome, ids))
    assert evaluate(predictions(p, outcome, ids.cast(id_type))).equals(expected)


def test_values_and_intervals_are_those_that_the_sql_gave() -> None:
    """Figures of the macros `evaluate` and `evaluate_values`, the last time that they ran."""
    found = figures(evaluate(simulated("(i * 37 % 101 + i * 53 % 97 > 120)::integer")))
    assert_equal(found, FORMER)
    table = simulated("(i * 37 % 101) + (i * 53 % 97) - 30e0", name="predicted_value")
    found = figures(evaluate_values(table))
    assert_equal(found, FORMER_VALUES)


def assert_equal(found: Figures, expected: Figures) -> None:
    """Compare to the last digit that is kept, which a sum in another order may change."""
    for metric, values in expected.items():
        for one, other in zip(found[metric], values, strict=True):
            if other is None:
                assert one is None, metric
            else:
                assert one == pytest.approx(other, rel=2e-12, abs=2e-12), metric


FORMER: Figures = {
    "auroc": (0.849878581191, 0.803764237833, 0.888036430205),
    "average_precision": (0.661953926995, 0.547200964665, 0.764977656978),
    "brier": (0.184342068055, 0.155938827056, 0.211543726833),
    "calibration_intercept": (-1.257413044601, None, None),
    "calibration_slope": (1.071902655446, None, None),
    "expected_calibration_error": (0.196262135922, 0.142701209965, 0.249065794945),
    "gain_decile_3": (0.620111731844, None, None),
    "lift_decile_1": (2.569832402235, 2.05345965631, 3.286584125832),
    "log_loss": (0.552386825324, 0.482883197929, 0.618651095356),
    "maximum_profit": (12.581666666667, None, None),
    "maximum_profit_share": (0.673333333333, None, None),
    "observed_decile_10": (0.0, 0.0, 0.0),
    "precision_at_budget": (0.766666666667, None, None),
    "profit_at_budget": (4.036666666667, None, None),
}
FORMER_VALUES: Figures = {
    "gain_decile_3": (0.452078053102, None, None),
    "gini": (0.728132999261, 0.675642331502, 0.771056832407),
    "lift_decile_1": (1.71017987647, 1.58049577506, 1.91636010297),
    "mae": (68.3971682848, 63.206822571, 73.4864564497),
    "mean_label": (67.7316666667, 62.1532573375, 72.9638392857),
    "mean_prediction": (0.494595469256, 0.454975413264, 0.528072809836),
    "observed_decile_10": (24.7833333333, 16.9837719298, 33.9233630952),
    "r2": (-2.76336044655, -3.3155039113, -2.25546944234),
    "rmse": (78.3229820682, 72.648304939, 83.2264001964),
}


def hard(kind: str) -> pa.Table:
    """Give numbers that are hard to measure: of both signs, all equal, losses, or 0 and 1."""
    outcome = {
        "mixed": "(i * 37 % 20) * 3 + i * 101 % 50 - 40",
        "equal": "1e9 + 0.1",
        "loss": "-(i % 7)",
        "yes or no": "(i * 37 % 20 + i * 101 % 23 > 18)::integer",
    }[kind]
    return duckdb.sql(
        f"""
        select
            i % 150 as customer_id,
            timestamp '2026-01-01' + to_months((i // 150)::integer) as as_of,
            (i * 37 % 20) * 5e0 - 20 as predicted_value,
            cast({outcome} as double) as outcome
        from range(300) as numbers (i)
        """
    ).to_arrow_table()


def test_numbers_of_both_signs_are_measured_as_numpy_and_scikit_learn_do() -> None:
    from scipy.stats import rankdata

    table = hard("mixed")
    y, p = table["outcome"].to_numpy(), table["predicted_value"].to_numpy()
    customer, as_of = table["customer_id"].to_numpy(), table["as_of"].to_numpy()
    assert y.min() < 0
    expected = {
        "row_count": 300.0,
        "mean_label": y.mean(),
        "mean_prediction": p.mean(),
        "rmse": reference.root_mean_squared_error(y, p),
        "mae": reference.mean_absolute_error(y, p),
        "r2": reference.r2_score(y, p),
        "gini": np.cov(y, rankdata(p))[0, 1] / np.cov(y, rankdata(y))[0, 1],
    }
    tenth = np.empty(300, int)
    tenth[np.lexsort((as_of, customer, -p))] = np.arange(300) // 30 + 1
    for k in range(1, 11):
        expected |= {
            f"row_count_decile_{k}": 30.0,
            f"predicted_decile_{k}": p[tenth == k].mean(),
            f"observed_decile_{k}": y[tenth == k].mean(),
            f"lift_decile_{k}": y[tenth == k].mean() / y.mean(),
            f"gain_decile_{k}": y[tenth <= k].sum() / y.sum(),
        }
    found = figures(evaluate_values(table))
    assert found.keys() == expected.keys()
    for metric, value in expected.items():
        assert found[metric][0] == pytest.approx(value, rel=1e-11, abs=1e-11), metric


def test_equal_outcomes_have_no_variance_to_explain() -> None:
    table = hard("equal")
    found = figures(evaluate_values(table))
    assert found["r2"] == found["gini"] == (None, None, None)
    errors = 1e9 + 0.1 - table["predicted_value"].to_numpy()
    assert found["rmse"][0] == pytest.approx(np.sqrt(np.mean(errors**2)))


def test_equal_predictions_rank_by_chance() -> None:
    table = hard("mixed")
    same = table.set_column(2, "predicted_value", pa.array([3.5] * len(table)))
    assert figures(evaluate_values(same))["gini"] == (0, 0, 0)


def test_there_is_no_share_of_a_loss() -> None:
    found = figures(evaluate_values(hard("loss")))
    assert found["lift_decile_1"] == found["gain_decile_10"] == (None, None, None)
    assert found["observed_decile_1"][0] is not None


def test_gini_of_yes_and_no_is_that_of_auroc() -> None:
    table = hard("yes or no")
    area = reference.roc_auc_score(table["outcome"], table["predicted_value"])
    assert figures(evaluate_values(table))["gini"][0] == pytest.approx(2 * area - 1)


def test_large_numbers_are_rounded_to_twelve_digits() -> None:
    table = predictions([2e15 + 1.0, 1e9 / 3], [2e15 + 1.0, 1e9 / 3], name="predicted_value")
    found = figures(evaluate_values(table.slice(0, 1)))
    assert found["mean_label"][0] == 2e15
    assert figures(evaluate_values(table.slice(1)))["mean_label"][0] == 333333333.333


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probability": [float("nan"), 0.5]}, "'probability' must be a finite number"),
        ({"probability": [None, 0.5]}, "1 of 2 are not, such as NULL or NaN"),
        ({"probability": [1.5, 0.5]}, "from 0 to 1 in every row; 1 of 2 are not, such as 1.5"),
        ({"probability": [float("inf"), 0.5]}, "'probability' must be a finite number"),
        ({"outcome": [None, 1]}, "'outcome' must be a finite number"),
        ({"outcome": [0.5, 1.0]}, "'outcome' must be 0 or 1"),
        ({"customer_id": [None, 1]}, "'customer_id' is NULL in 1 rows"),
        ({"as_of": [None, DAY]}, "'as_of' is NULL in 1 rows"),
        (
            {"outcome": None},
            "no column 'outcome'; they need customer_id, as_of, probability, outco",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(change: dict[str, Any], message: str) -> None:
    columns = {
        "customer_id": [1, 2], "as_of": [DAY, DAY], "probability": [0.5, 0.5], "outcome": [0, 1],
    }  # fmt: skip
    columns |= change
    table = pa.table({name: values for name, values in columns.items() if values is not None})
    with pytest.raises(MeasuringError, match=message):
        evaluate(table)


@pytest.mark.parametrize(
    "wrong",
    [
        {"contact_budget": 0}, {"contact_budget": 1.5}, {"contact_budget": -3},
        {"save_rate": 1.1}, {"save_rate": float("nan")},
        {"contact_cost": -1}, {"offer_cost": float("nan")}, {"customer_value": float("inf")},
    ],
)  # fmt: skip
def test_what_is_no_cost_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(MeasuringError, match=next(iter(wrong))):
        Costs(**wrong)
