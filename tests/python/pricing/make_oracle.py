"""Ask fairlearn and statsmodels about a small shop, and keep their answers in oracle.json.

    python -m venv oracle && oracle/bin/pip install fairlearn==0.13.0 statsmodels==0.15.0
    oracle/bin/python tests/python/pricing/make_oracle.py

Neither is a dependency of Holdfast, nor of its tests: the tests compare the SQL with the answers in
the file. fairlearn (MIT) gives rates by group, their ratios and bootstrapped intervals of the
rates; statsmodels (BSD-3-Clause) gives slopes with one dummy variable per unit and week.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.api as sm
from fairlearn.metrics import MetricFrame, mean_prediction, selection_rate

SEED, LEAST_GROUP = 5, 10
GROUPS = {"north": 120, "south": 80, "west": 60, "island": 4, "ship": 7}
CONTACT = {"north": 0.5, "south": 0.3, "west": 0.45, "island": 0.5, "ship": 0.5}


def decision_rates() -> dict[str, object]:
    """Give customers with what was decided, and fairlearn's answers by group."""
    rng = np.random.default_rng(SEED)
    rows = []
    for group, size in GROUPS.items():
        for _ in range(size):
            contact = int(rng.random() < CONTACT[group])
            # nobody in the west gets a discount
            discount = int(contact and group != "west" and rng.random() < 0.6)
            rows.append([group, contact, discount, round(float(rng.beta(20, 2)), 4)])
    frame = pd.DataFrame(rows, columns=["customer_group", "contact", "discount", "price"])
    shown = frame["customer_group"].where(
        frame.groupby("customer_group")["contact"].transform("size") >= LEAST_GROUP, "other"
    )
    answers = []
    for outcome, metric in (
        ("contact", selection_rate),
        ("discount", selection_rate),
        ("price", mean_prediction),
    ):
        for group in sorted(set(shown)):
            values = frame[outcome]
            against = MetricFrame(
                metrics=metric,
                y_true=values,
                y_pred=values,
                sensitive_features=(shown == group).rename("is_member"),
                n_boot=2000,
                ci_quantiles=[0.025, 0.975],
                random_state=SEED,
            )
            lower, upper = against.by_group_ci
            answers.append(
                {
                    "outcome": outcome,
                    "segment": group,
                    "customers": int((shown == group).sum()),
                    "rate": float(against.by_group[True]),
                    "rate_lower": float(lower[True]),
                    "rate_upper": float(upper[True]),
                    "rest_rate": float(against.by_group[False]),
                    "difference": float(against.difference()),
                    # fairlearn divides the smaller by the larger
                    "ratio": float(against.ratio()),
                }
            )
    return {"customers": rows, "answers": answers}


def price_slopes() -> dict[str, object]:
    """Give sales and prices in six stores, and the slopes of the regression with dummies."""
    rng = np.random.default_rng(SEED)
    rows = []
    for unit in range(6):
        for week in range(30):
            if rng.random() < 0.1:
                continue
            price = round(float(np.log(10) + 0.12 * rng.standard_normal()), 4)
            feature = int(rng.random() < 0.2)
            mean = 2.5 + 0.4 * unit + 0.3 * np.sin(week) - 2 * (price - np.log(10)) + 0.3 * feature
            rows.append([unit, week, int(rng.poisson(np.exp(mean))), price, feature])
    frame = pd.DataFrame(rows, columns=["unit", "week", "sales", "log_price", "feature"])
    effects = pd.get_dummies(frame[["unit", "week"]].astype(str), dtype=float)
    columns = effects.drop(columns="week_0")
    slopes = {}
    for name, controls in (("plain", []), ("with_feature", ["feature"])):
        given = pd.concat([frame[["log_price", *controls]].astype(float), columns], axis=1)
        counts = sm.GLM(frame["sales"], given, family=sm.families.Poisson()).fit(tol=1e-12)
        logs = sm.OLS(np.log(frame["sales"] + 1.0), given).fit()
        slopes[name] = {
            "poisson": float(counts.params["log_price"]),
            "logarithm": float(logs.params["log_price"]),
        }
    return {"panel": rows, "slopes": slopes}


def main() -> None:
    """Ask, and write the file."""
    answers = {"decision_rates": decision_rates(), "price_slopes": price_slopes()}
    path = Path(__file__).with_name("oracle.json")
    path.write_text(json.dumps(answers, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
