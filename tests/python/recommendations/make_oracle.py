"""Ask Cornac what TIFU-KNN and UP-CF say of a small shop, and keep its answers in oracle.json.

    python -m venv oracle && oracle/bin/pip install cornac==3.0.1 similaripy==0.5.0
    oracle/bin/python tests/python/recommendations/make_oracle.py

Cornac (Apache-2.0) is no dependency of Holdfast, nor of its tests: the tests compare the SQL with
the answers in the file. Three things that its 3.0.1 does are worth knowing.

- Its TIFU-KNN adds to a customer's own vector the mean of all numbers in the neighbours' vectors,
  one number for all products. So it ranks by the own vector, which is what is kept here.
- The matrix of its UP-CF counts how often a customer bought a product, where the paper's has ones.
  It is set to ones here.
- Its UP-CF compares a customer with all customers of the training set, the customer included, and
  with the customer's history once more. Similarities are those to the others.
"""

from __future__ import annotations

import json
from pathlib import Path

import cornac
import numpy as np
import similaripy
from cornac.data import BasketDataset
from cornac.models import TIFUKNN, UPCF
from scipy.sparse import csr_matrix, vstack

CUSTOMERS, PRODUCTS, SEED = 30, 18, 11
GROUPS, WITHIN, ACROSS = 7, 0.9, 0.7
RECENCY, ASYMMETRY = 5, 0.25


def make_baskets() -> dict[int, list[list[int]]]:
    """Give each customer one to thirty baskets, with favourites."""
    rng = np.random.default_rng(SEED)
    baskets = {}
    for customer in range(CUSTOMERS):
        taste = rng.dirichlet(np.full(PRODUCTS, 0.4))
        baskets[customer] = [
            sorted({int(x) for x in rng.choice(PRODUCTS, size=rng.integers(1, 6), p=taste)})
            for _ in range(customer + 1)
        ]
    return baskets


def main() -> None:
    """Ask, and write the file."""
    baskets = make_baskets()
    rows = [
        (f"c{customer}", f"b{customer}-{number}", f"p{product}")
        for customer, own in baskets.items()
        for number, basket in enumerate(own)
        for product in basket
    ]
    shop = BasketDataset.from_ubi(rows, seed=SEED)
    users = shop.uid_map
    items = shop.iid_map

    def history(customer: int) -> list[list[int]]:
        return [[items[f"p{product}"] for product in basket] for basket in baskets[customer]]

    # with alpha 1 the score is the customer's own vector
    tifu = TIFUKNN(
        n_neighbors=5,
        within_decay_rate=WITHIN,
        group_decay_rate=ACROSS,
        alpha=1.0,
        n_groups=GROUPS,
    ).fit(shop)
    upcf = UPCF(recency=RECENCY, locality=1, asymmetry=ASYMMETRY).fit(shop)
    upcf.user_item_matrix.data[:] = 1.0
    own = {
        customer: csr_matrix(
            [[float(any(items[f"p{p}"] == i for b in baskets[customer] for p in b))
              for i in range(len(items))]]
        )
        for customer in baskets
    }  # fmt: skip
    matrix = vstack([own[customer] for customer in baskets]).tocsr()
    vectors, similarities, scores = {}, {}, {}
    for customer in baskets:
        index = users[f"c{customer}"]
        vector = tifu.score(index, history(customer))
        score = np.asarray(upcf.score(index, history(customer)))
        # what UPCF.score asks for, with the other customers by name
        similarity = (
            similaripy.asymmetric_cosine(
                vstack([own[customer], matrix]).tocsr(),
                alpha=ASYMMETRY,
                target_rows=[0],
                verbose=False,
            )
            .toarray()[0][1:]
            .tolist()
        )
        vectors[customer] = {
            product: float(vector[items[f"p{product}"]])
            for product in range(PRODUCTS)
            if f"p{product}" in items
        }
        scores[customer] = {
            product: float(score[items[f"p{product}"]])
            for product in range(PRODUCTS)
            if f"p{product}" in items
        }
        similarities[customer] = {
            other: float(similarity[other]) for other in baskets if other != customer
        }
    answers = {
        "cornac": cornac.__version__,
        "parameters": {
            "groups": GROUPS,
            "within": WITHIN,
            "across": ACROSS,
            "recency": RECENCY,
            "asymmetry": ASYMMETRY,
        },
        "baskets": baskets,
        "tifu_knn": vectors,
        "up_cf_similarity": similarities,
        "up_cf": scores,
    }
    for key in ("tifu_knn", "up_cf_similarity", "up_cf"):
        answers[key] = {
            customer: {name: float(f"{value:.7g}") for name, value in values.items() if value}
            for customer, values in answers[key].items()
        }
    path = Path(__file__).with_name("oracle.json")
    path.write_text(json.dumps(answers, indent=None, separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes, Cornac {cornac.__version__}")


if __name__ == "__main__":
    main()
