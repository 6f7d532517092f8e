"""A shop is played on with somebody's contacts, and its past stays what it was."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from holdfast.cli import main
from holdfast.errors import HoldfastError
from holdfast.simulation import (
    Shop,
    ShopArguments,
    continue_shop,
    no_contacts,
    simulate_shop,
    tidy,
    true_state,
    write_record,
)

MADE = ShopArguments(customers=300, months=8, seed=4)
# filled in when it happens, so that a later look knows more
LATER = {
    "orders": {"delivered_at"},
    "support_tickets": {"resolved_at", "csat"},
    "campaign_sends": {"opened_at", "clicked_at"},
    "subscriptions": {"ended_at"},
}


def contacts(customers: Any, offer: int = 3, **columns: Any) -> pa.Table:
    ids = list(customers)
    rows = {"customer_id": ids, "channel": ["email"] * len(ids), "offer_id": [offer] * len(ids)}
    return pa.table(rows | columns)


def everybody(count: int, offer: int = 3) -> pa.Table:
    return tidy(contacts(range(1, count + 1), offer))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    simulate_shop(folder, customers=300, months=8, seed=4)
    write_record(folder, MADE, [])
    return folder


def tables(folder: Path) -> dict[str, pa.Table]:
    return {
        path.relative_to(folder).with_suffix("").as_posix(): pq.read_table(path)
        for path in folder.rglob("*.parquet")
        if path.parent.name != "played"
    }


def assert_is_past_of(before: dict[str, pa.Table], after: dict[str, pa.Table]) -> None:
    for name, table in before.items():
        now = after[name].slice(0, len(table))
        for column in table.column_names:
            if column in LATER.get(name, ()):
                # what was known stays
                known = np.flatnonzero(table[column].is_valid().to_numpy())
                assert now[column].take(known).equals(table[column].take(known)), (name, column)
            else:
                assert now[column].equals(table[column]), (name, column)


def test_playing_on_adds_to_the_tables_and_changes_nothing_that_they_told(folder: Path) -> None:
    window = tables(folder)
    continue_shop(folder, everybody(300))
    july = tables(folder)
    assert_is_past_of(window, july)
    continue_shop(folder, everybody(300, 4))
    august = tables(folder)
    assert_is_past_of(july, august)
    for name in ("orders", "web_events", "campaign_sends", "customers", "subscriptions"):
        assert len(window[name]) < len(july[name]) < len(august[name]), name


def test_events_of_a_played_month_lie_in_it_and_keys_stay_unique(folder: Path) -> None:
    before = {name: len(table) for name, table in tables(folder).items()}
    continue_shop(folder, everybody(300))
    for name, at, key in (
        ("orders", "ordered_at", "order_id"),
        ("web_events", "occurred_at", "event_id"),
        ("support_tickets", "opened_at", "ticket_id"),
        ("campaign_sends", "sent_at", "send_id"),
        ("feedback", "answered_at", None),
        ("customers", "created_at", "customer_id"),
        ("consents", "changed_at", None),
    ):
        table = pq.read_table(folder / f"{name}.parquet")
        new = table[at].slice(before[name]).to_pylist()
        assert all(datetime(2026, 7, 1) <= moment < datetime(2026, 8, 1) for moment in new), name
        assert key is None or len(table[key].unique()) == len(table), name
    for name, at in (("orders", "delivered_at"), ("subscriptions", "ended_at")):
        assert max(pq.read_table(folder / f"{name}.parquet")[at].drop_null().to_pylist()) < (
            datetime(2026, 8, 1)
        )
    items = pq.read_table(folder / "order_items.parquet")
    assert set(items["order_id"].to_pylist()) == set(
        pq.read_table(folder / "orders.parquet")["order_id"].to_pylist()
    )


def test_what_was_pending_when_the_window_ended_happens(folder: Path) -> None:
    window = tables(folder)
    continue_shop(folder, None)
    now = tables(folder)
    orders = now["orders"].slice(0, len(window["orders"]))
    assert orders["delivered_at"].null_count < window["orders"]["delivered_at"].null_count
    fresh = now["orders"].slice(len(window["orders"])).to_pylist()
    back = [row for row in fresh if row["amount"] < 0]
    bought = {row["customer_id"] for row in fresh if row["amount"] > 0}
    assert any(row["customer_id"] not in bought for row in back)


def test_the_tables_of_a_played_shop_are_those_of_the_shop_in_memory(folder: Path) -> None:
    continue_shop(folder, everybody(300))
    played = continue_shop(folder, None).month
    shop = Shop(MADE)
    shop.play(everybody(300))
    in_memory = shop.play(no_contacts())
    for name, column in played.by_customer.items():
        np.testing.assert_array_equal(column, in_memory.by_customer[name], err_msg=name)
    told = duckdb.sql(
        f"""
        select sum(amount) from '{folder}/orders.parquet' where ordered_at >= timestamp '2026-08-01'
        """
    ).fetchone()
    assert told is not None
    assert int(told[0] * 100) == played.total("revenue")
    truth = duckdb.sql(
        f"""
        select sum(revenue), sum(contacts) from '{folder}/truth/customer_months.parquet'
        where month = timestamp '2026-08-01'
        """
    ).fetchone()
    assert truth is not None
    assert (int(truth[0] * 100), truth[1]) == (played.total("revenue"), 0)


def test_the_same_contacts_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    simulate_shop(other, customers=300, months=8, seed=4)
    for place in (folder, other):
        continue_shop(place, contacts(range(1, 90)), arguments=MADE)
    first, second = (
        {path.relative_to(place): path.read_bytes() for path in place.rglob("*.parquet")}
        for place in (folder, other)
    )
    assert first == second


def test_customers_treated_alike_live_alike_under_two_policies() -> None:
    shop = Shop(ShopArguments(customers=600, months=8, seed=4))
    one, other = shop.fork(), shop.fork()
    left, right = one.play(no_contacts()), other.play(everybody(300))
    left, right = one.play(no_contacts()), other.play(everybody(300))
    for name in ("orders", "revenue", "is_alive"):
        alone, treated = left.by_customer[name], right.by_customer[name]
        np.testing.assert_array_equal(alone[300:], treated[300:], err_msg=name)
    assert (left.by_customer["revenue"][:300] != right.by_customer["revenue"][:300]).any()


def test_offers_make_the_persuadable_buy_and_the_sleeping_dogs_leave() -> None:
    shop = Shop(ShopArguments(customers=8000, months=8, seed=4))
    kinds = np.concatenate([chunk.world.customers.persuasion for chunk in shop.chunks])
    changed = np.zeros(3)
    for offer, sign in ((None, -1), (3, 1)):
        fork = shop.fork()
        months = [
            fork.play(no_contacts() if offer is None else everybody(8000, offer)) for _ in range(2)
        ]
        orders = sum(month.by_customer["orders"][:8000] for month in months)
        alive = months[-1].by_customer["is_alive"][:8000].astype(int)
        changed += sign * np.array(
            [orders[kinds == 0].sum(), orders[kinds == 3].sum(), alive[kinds == 3].sum()]
        )
    assert changed[0] > 100
    assert changed[1] < 0
    assert changed[2] < 0


def test_free_shipping_costs_where_it_is_used_and_a_discount_lowers_the_price() -> None:
    shop = Shop(ShopArguments(customers=600, months=8, seed=4))
    shipped, cheaper = shop.fork(), shop.fork()
    shipping, discount = shipped.play(everybody(600, 3)), cheaper.play(everybody(600, 4))
    assert shipping.total("offer_cost") % 490 == 0
    assert shipping.total("offer_cost") > 0
    assert discount.total("discount") > shipping.total("discount")
    paid = shipping.total("margin") - shipping.total("offer_cost") - 2 * shipping.total("contacts")
    assert shipping.profit(contact_cents=2) == paid


def test_nobody_who_opted_out_is_sent_anything_and_controls_are_only_recorded(folder: Path) -> None:
    asked = contacts(
        range(1, 301),
        decision_id=[f"d{number}" for number in range(1, 301)],
        propensity=[0.25] * 300,
        is_control=[number <= 40 for number in range(1, 301)],
    )
    month = continue_shop(folder, asked).month
    sends = pq.read_table(folder / "campaign_sends.parquet").to_pylist()
    sends = [row for row in sends if row["sent_at"] >= datetime(2026, 7, 1)]
    allowed = duckdb.sql(
        f"""
        select customer_id from '{folder}/consents.parquet' where changed_at < '2026-07-01'
        group by customer_id having bool_and(is_allowed)
        """
    ).fetchall()
    there = sorted(customer for (customer,) in allowed if customer <= 300)
    # as comparable as they were drawn: those who opted out are in neither group
    assert [row["customer_id"] for row in sends] == there
    assert month.dropped == {"opted out": 300 - len(there)}
    controls = [row for row in sends if row["is_control"]]
    assert [row["customer_id"] for row in controls] == [who for who in there if who <= 40]
    assert not any(row["opened_at"] for row in controls)
    assert {(row["decision_id"], row["propensity"]) for row in sends} <= {
        (f"d{number}", 0.25) for number in range(1, 301)
    }
    assert month.by_customer["contacts"][:40].sum() == 0


def test_contacts_go_out_with_the_batch_of_their_week(folder: Path) -> None:
    allowed = Shop(MADE).chunks[0].state.is_opted_in
    who = (1 + np.flatnonzero(allowed)[:7]).tolist()
    asked = contacts(
        who,
        send_at=[
            datetime(2026, 7, 3, 18, 30),
            datetime(2026, 7, 20, 9),
            datetime(2026, 6, 28, 12),
            datetime(2026, 8, 2, 9),
            datetime(2026, 7, 25, 9),
            None,
            None,
        ],
        expires_at=[None, None, None, None, datetime(2026, 7, 22), None, None],
    )
    asked = pa.concat_tables([asked, asked.slice(5, 1)])
    month = continue_shop(folder, asked).month
    assert month.dropped == {"due in a later month": 1, "expired": 1, "repeated": 1}
    sends = pq.read_table(folder / "campaign_sends.parquet").to_pylist()
    sent = {row["customer_id"]: row["sent_at"] for row in sends if row["decision_id"] is None}
    assert [sent[customer] for customer in who[:3] + who[5:6]] == [
        datetime(2026, 7, 1, 18, 30),
        datetime(2026, 7, 16, 9),
        datetime(2026, 7, 1, 12),
        datetime(2026, 7, 1, 10),
    ]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (pa.table({"customer_id": [1], "offer_id": [1]}), "lack the column channel"),
        (contacts([1, 99_999]), "1 of 2 contacts have a customer_id .* such as 99999"),
        (contacts([1], offer=6), "an? offer_id that the shop does not have, such as 6"),
        (
            pa.table({"customer_id": [1], "channel": ["sms"], "offer_id": [1]}),
            "a channel that the shop does not have, such as sms; it has email and push",
        ),
        (
            pa.table({"customer_id": ["Ada"], "channel": ["email"], "offer_id": [1]}),
            "the column customer_id of the contacts must hold values of type int64",
        ),
        (contacts([None]), "a customer_id that the shop does not have, such as None"),
    ],
    ids=["column", "customer", "offer", "channel", "text", "null"],
)
def test_bad_contacts_are_refused_and_nothing_is_written(
    folder: Path, asked: pa.Table, message: str
) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(HoldfastError, match=message):
        continue_shop(folder, asked)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_month_is_not_played_twice_with_the_same_list(folder: Path) -> None:
    dated = contacts([1, 2], as_of_date=[date(2026, 7, 1)] * 2)
    named = contacts([1, 2], decision_id=["a", "b"])
    continue_shop(folder, dated)
    with pytest.raises(HoldfastError, match=r"decided on 2026-07-01.*begins on 2026-08-01"):
        continue_shop(folder, dated)
    continue_shop(folder, named)
    with pytest.raises(HoldfastError, match="2 of these decisions were played before, such as a"):
        continue_shop(folder, named)
    assert json.loads((folder / "simulation.json").read_text())["played"] == ["2026-07", "2026-08"]


def test_a_run_that_breaks_off_loses_nothing_and_can_be_repeated(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    asked = contacts([1, 2, 3], decision_id=["a", "b", "c"])
    before = tables(folder)
    with monkeypatch.context() as patch:
        patch.setattr("holdfast.simulation._shop.Shop.finish", stop)
        with pytest.raises(KeyboardInterrupt):
            continue_shop(folder, asked)
    assert tables(folder) == before
    with monkeypatch.context() as patch:
        # the tables are there, and the record is not
        patch.setattr("holdfast.simulation._continue.write_record", stop)
        with pytest.raises(KeyboardInterrupt):
            continue_shop(folder, asked)
    after = tables(folder)
    continue_shop(folder, asked)
    assert tables(folder) == after


def test_another_shop_in_the_folder_is_not_written_over(folder: Path) -> None:
    simulate_shop(folder, customers=300, months=8, seed=5)
    with pytest.raises(HoldfastError, match="was not simulated with these arguments"):
        continue_shop(folder, None)
    (folder / "simulation.json").write_text("{}")
    with pytest.raises(HoldfastError, match="is not what holdfast simulate wrote"):
        continue_shop(folder, None)
    (folder / "simulation.json").unlink()
    with pytest.raises(HoldfastError, match="does not say what it was made with"):
        continue_shop(folder, None)
    with pytest.raises(HoldfastError, match="holds no simulated shop"):
        continue_shop(folder / "nowhere", None)


def test_a_broken_month_cannot_be_played_on(tmp_path: Path) -> None:
    simulate_shop(tmp_path, customers=5, months=6, end=date(2026, 3, 31))
    with pytest.raises(HoldfastError, match="whose window ends with a month"):
        continue_shop(tmp_path, None, arguments=ShopArguments(5, 6, date(2026, 3, 31)))


def test_a_warehouse_gives_its_contact_list_and_the_controls_of_its_random_arm(
    folder: Path, tmp_path: Path
) -> None:
    allowed = (1 + np.flatnonzero(Shop(MADE).chunks[0].state.is_opted_in)).tolist()
    one, two, three = allowed[:3]
    warehouse = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema analytics")
        connection.execute(
            f"""
            create table analytics.contact_list as
            select * from (values
                ('p', {one}, 'email', 3, timestamp '2026-07-01 09:00', null, 0.9, null),
                ('r', {two}, 'email', 4, timestamp '2026-07-01 09:00', null, 0.1, 'long')
            ) as t (decision_id, customer_id, channel, offer_id, send_at, expires_at,
                propensity, variant), (select date '2026-07-01' as as_of_date);
            create view analytics.decisions as
            select *, timestamp '2026-07-01' as as_of, date '2026-07-01' as as_of_date
            from (values
                ('p', {one}, 'policy', '3', 'email', 0.9),
                ('r', {two}, 'random', '4', 'email', 0.1),
                ('c', {three}, 'random', 'leave_alone', null, 0.5)
            ) as t (decision_id, customer_id, arm, action, channel, propensity)
            """
        )
    assert main(["simulate", "--output", str(folder), "--continue", str(warehouse)]) == 0
    sends = duckdb.sql(
        f"""
        select decision_id, customer_id, sends.offer_id, is_control, propensity, variant,
            campaign_name
        from '{folder}/campaign_sends.parquet' as sends
        join '{folder}/campaigns.parquet' using (campaign_id)
        where sent_at >= timestamp '2026-07-01' order by customer_id
        """
    ).fetchall()
    assert sends == [
        ("p", one, 3, False, 0.9, None, "2026-07 free shipping, policy"),
        ("r", two, 4, False, 0.1, "long", "2026-07 20 % off, random"),
        ("c", three, 4, True, 0.5, None, "2026-07 20 % off, random"),
    ]


def test_the_command_tells_what_the_month_brought(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = tmp_path / "contacts.csv"
    asked.write_text("customer_id,channel,offer_id\n1,email,3\n2,email,leave_alone\n")
    words = ["simulate", "--output", str(folder), "--continue", str(asked)]
    assert main([*words, "--overwrite"]) == 1
    assert "--continue adds to the tables" in capsys.readouterr().err
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "played 2026-07" in told
    assert "not sent: leave alone" in told
    assert main(["simulate", "--output", str(folder), "--continue", str(tmp_path / "no.csv")]) == 1
    assert "there is no file" in capsys.readouterr().err


def test_simulating_again_forgets_the_months_played(
    folder: Path,
) -> None:
    continue_shop(folder, None)
    assert (
        main(
            [
                "simulate",
                "--output",
                str(folder),
                "--overwrite",
                "--customers",
                "50",
                "--months",
                "6",
            ]
        )
        == 0
    )
    assert not list(folder.glob("played/*"))
    assert not (folder / "truth" / "customer_months.parquet").exists()
    assert continue_shop(folder, None).now == date(2026, 8, 1)


def test_the_gains_that_the_oracle_expects_are_those_that_happen() -> None:
    shop = Shop(ShopArguments(customers=20_000, months=8, seed=6))
    truth = true_state(shop)
    chosen = truth.is_opted_in & (truth.gain[:, 3] > 0)
    expected = truth.gain[chosen, 3].sum()
    alone, treated = shop.fork(), shop.fork()
    who = tidy(contacts(1 + np.flatnonzero(chosen), 4))
    happened = 0
    for month in range(6):
        happened += treated.play(who if month == 0 else no_contacts()).profit()
        happened -= alone.play(no_contacts()).profit()
    assert 0.6 * expected < happened < 1.5 * expected


def test_sleeping_dogs_gain_nothing_by_any_offer_and_those_who_left_little() -> None:
    truth = true_state(Shop(ShopArguments(customers=2000, months=8, seed=6)), contact_cents=5)
    best = truth.gain.max(axis=1)
    assert (best[truth.is_sleeping_dog & truth.is_alive] < 0).all()
    worth = np.maximum(best, 0)
    assert worth[truth.is_alive].mean() > 5 * worth[~truth.is_alive].mean()


def test_an_offer_that_takes_the_place_of_an_open_one_saves_its_cost() -> None:
    shop = Shop(ShopArguments(customers=1000, seed=1))
    with_coupons = true_state(shop).gain[:, 0]
    state = shop.chunks[0].state
    is_open = (state.coupon_steps_left > 1) & state.is_alive
    assert is_open.sum() > 50
    state.coupon_steps_left[:] = 0
    saved = with_coupons - true_state(shop).gain[:, 0]
    assert (saved[is_open] > 0).all()
    assert (saved[~is_open] == 0).all()
