"""Finding the inputs in warehouses that other systems filled."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from foreign_shops import ORDERS, SHOPS, make
from holdfast.setup import SetupError, Wishes
from holdfast.setup._models import select_of
from holdfast.setup._tables import Inputs, find_inputs, open_warehouse

EXPECTED = {
    "shopify": {"customer_id": "email", "order_id": "name", "ordered_at": "created_at", "amount": "total_price"},
    "woocommerce": {
        "customer_id": "customer_id", "order_id": "order_id", "ordered_at": "date_created_gmt", "amount": "net_total"
    },
    "german": {
        "customer_id": "kundennr", "order_id": "bestellnr", "ordered_at": "bestelldatum", "amount": "betrag"
    },
    "online_retail": {
        "customer_id": "Customer ID", "order_id": "Invoice", "ordered_at": "InvoiceDate", "quantity": "Quantity",
        "unit_price": "Price", "product_id": "StockCode",
    },
    "app": {"customer_id": "user_id", "order_id": "id", "ordered_at": "created_at", "amount": "total_cents"},
    "spree": {"customer_id": "user_id", "order_id": "id", "ordered_at": "created_at", "amount": "total"},
}  # fmt: skip
OTHERS = {
    "woocommerce": {"customers"},
    "german": {"customers"},
    "online_retail": {"order_items"},
    "spree": {"customers", "order_items"},
}


def inputs_of(warehouse: duckdb.DuckDBPyConnection, **how: Any) -> Inputs:
    return find_inputs(warehouse, **{"named": {}, **how})


def warehouse_with(sql: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(sql)
    return connection


def notes_of(inputs: Inputs) -> str:
    return "\n".join([*inputs.notes, *(note for one in inputs.found for note in one.notes)])


@pytest.mark.parametrize("shop", list(SHOPS))
def test_the_orders_of_a_foreign_shop_are_found_whole(shop: str, tmp_path: Path) -> None:
    with open_warehouse(make(shop, tmp_path / "shop.duckdb")) as warehouse:
        inputs = inputs_of(warehouse)
        orders = inputs.found[0]
        assert {role: reading.column for role, reading in orders.columns.items()} == EXPECTED[shop]
        assert {one.input for one in inputs.found[1:]} == OTHERS.get(shop, set())
        kept = {
            "woocommerce": "order_id % 20 > 0 and order_id % 10 <> 1",
            "online_retail": "order_id % 7 > 0",
        }
        found, expected = (
            warehouse.execute(
                f"select count(*), count(distinct customer_id), min(ordered_at), max(ordered_at), "
                f"round(sum(amount)) from ({sql}) where {where}"
            ).fetchone()
            for sql, where in (
                (select_of(orders), "true"),
                (ORDERS, kept.get(shop, "true")),
            )
        )
        assert found is not None
        assert expected is not None
        assert found[:4] == expected[:4]
        # the prices of lines are rounded
        assert float(found[4]) == pytest.approx(float(expected[4]), rel=1e-3)
        for one in inputs.found[1:]:
            assert warehouse.execute(f"select count(*) from ({select_of(one)})").fetchone() > (0,)


def test_a_table_with_holdfasts_own_names_needs_no_model() -> None:
    with warehouse_with(f"create schema raw; create table raw.orders as {ORDERS}") as warehouse:
        warehouse.execute("create table main.sales as select order_id as id, customer_id, ordered_at as day, amount "
                          "as total from raw.orders")  # fmt: skip
        orders = inputs_of(warehouse).found[0]
    assert orders.is_plain
    assert orders.table.sql == '"raw"."orders"'


def test_of_two_columns_the_better_is_taken_and_said_or_that_which_a_person_names() -> None:
    sql = f"create table orders as select *, amount * 1.2 as total, 1 as client_id from ({ORDERS})"
    with warehouse_with(sql) as warehouse:
        inputs = inputs_of(warehouse)
        # the other column tells no two customers apart
        assert inputs.found[0].columns["customer_id"].column == "customer_id"
        assert inputs.found[0].columns["amount"].column == "total"
        assert "amount is total; amount would fit as well (--column amount=amount" in notes_of(
            inputs
        )
        named = inputs_of(warehouse, wishes=Wishes({("orders", "amount"): "amount"}))
        assert named.found[0].is_plain
        asked: list[str] = []

        def ask(question: str, names: Any) -> str:
            asked.append(question)
            return str(names[-1])

        chosen = inputs_of(warehouse, ask=ask)
        assert asked == ["Which column of main.orders is amount?"]
        assert chosen.found[0].columns["amount"].column == "amount"


def test_of_two_tables_the_better_is_taken_and_said() -> None:
    with warehouse_with(
        f"create schema a; create schema b; create table a.orders as {ORDERS}"
    ) as warehouse:
        warehouse.execute("create table b.orders as from a.orders")
        inputs = inputs_of(warehouse)
        assert inputs.found[0].table.told == "a.orders"
        assert (
            "b.orders would fit as well (--orders b.orders takes it); if the orders are spread"
            in notes_of(inputs)
        )
        assert inputs_of(warehouse, named={"orders": "b.orders"}).found[0].table.told == "b.orders"
        with pytest.raises(SetupError, match=r"2 tables are called orders.*a\.orders, b\.orders"):
            inputs_of(warehouse, named={"orders": "orders"})


def test_totals_that_each_line_repeats_count_once() -> None:
    sql = f"create table orders as select o.* from ({ORDERS}) as o, range(1, 4) as lines"
    with warehouse_with(sql) as warehouse:
        inputs = inputs_of(warehouse)
        found = warehouse.execute(
            f"select count(*), sum(amount) from ({select_of(inputs.found[0])})"
        ).fetchone()
        assert (
            found == warehouse.execute(f"select count(*), sum(amount) from ({ORDERS})").fetchone()
        )
    assert "each row repeats amount, which counts once" in notes_of(inputs)


def test_rows_without_an_id_of_the_order_get_one_that_stays() -> None:
    sql = f"create table orders as select customer_id, ordered_at, amount from ({ORDERS})"
    with warehouse_with(sql) as warehouse:
        query = f"select order_id from ({select_of(inputs_of(warehouse).found[0])})"
        before = {row[0] for row in warehouse.execute(query).fetchall()}
        warehouse.execute("insert into orders values (999, timestamp '2026-01-01', 5)")
        after = {row[0] for row in warehouse.execute(query).fetchall()}
    assert len(after) == len(before) + 1
    assert before < after


def test_guests_and_what_came_to_nothing_are_left_out_and_counted() -> None:
    sql = (
        "create table orders as select order_id, case order_id % 5 when 0 then null else customer_id end as "
        f"customer_id, ordered_at, amount, case when order_id % 9 = 0 then timestamp '2026-01-01' end as cancelled_at from ({ORDERS})"
    )
    with warehouse_with(sql) as warehouse:
        inputs = inputs_of(warehouse)
        found = warehouse.execute(
            f"select count(*), count(customer_id) from ({select_of(inputs.found[0])})"
        ).fetchone()
        kept = warehouse.execute(
            f"select count(*), count(*) from ({ORDERS}) where order_id % 5 > 0 and order_id % 9 > 0"
        ).fetchone()
    assert found == kept
    assert "rows without a customer, such as guests, are left out" in notes_of(inputs)
    assert "rows with cancelled_at are left out" in notes_of(inputs)


def test_a_customer_whose_id_is_0_is_one_unless_it_has_far_more_orders_than_others() -> None:
    few = (
        f"create table orders as select * replace (customer_id - 1 as customer_id) from ({ORDERS})"
    )
    many = f"create table orders as select * replace (case when customer_id % 3 = 0 then 0 else customer_id end as customer_id) from ({ORDERS})"
    for sql, customers in ((few, 60), (many, 40)):
        with warehouse_with(sql) as warehouse:
            query = select_of(inputs_of(warehouse).found[0])
            found = warehouse.execute(f"select count(distinct customer_id) from ({query})")
            assert found.fetchone() == (customers,)


def test_subscriptions_of_which_none_has_ended_are_used() -> None:
    with warehouse_with(f"create table orders as {ORDERS}") as warehouse:
        warehouse.execute(
            "create table abos as select order_id as vertrag_id, customer_id as kunden_id, "
            "cast(ordered_at as date) as beginn, cast(null as date) as ende from orders"
        )
        assert [one.input for one in inputs_of(warehouse).found] == ["orders", "subscriptions"]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (
            "data_2024",
            "customer_id as Kunde, ordered_at as Datum, amount as Betrag, order_id as Belegnummer",
        ),
        (
            "charges",
            "'ch_' || order_id as id, 'cus_' || customer_id as customer, amount, ordered_at as created",
        ),
        (
            "sales_order",
            "order_id as entity_id, customer_id, ordered_at as created_at, amount as grand_total",
        ),
    ],
)
def test_orders_are_found_whatever_their_table_is_called(table: str, columns: str) -> None:
    with warehouse_with(f"create table {table} as select {columns} from ({ORDERS})") as warehouse:
        orders = inputs_of(warehouse).found[0]
    assert orders.columns["order_id"].column in ("Belegnummer", "id", "entity_id")


def test_customers_with_other_ids_are_not_used() -> None:
    with warehouse_with(f"create table orders as {ORDERS}") as warehouse:
        warehouse.execute(
            "create table customers as select 100000 + n as customer_id, timestamp '2023-01-01' as "
            "created_at from range(50) as t (n)"
        )
        inputs = inputs_of(warehouse)
        assert [one.input for one in inputs.found] == ["orders"]
        assert "no column of it holds the customer_id of the orders" in notes_of(inputs)
        with pytest.raises(
            SetupError, match=r"main\.customers cannot be customers: no column of it"
        ):
            inputs_of(warehouse, named={"customers": "customers"})


def test_ids_of_another_type_are_brought_to_that_of_the_orders() -> None:
    with warehouse_with(f"create table orders as {ORDERS}") as warehouse:
        warehouse.execute(
            "create table crm_contacts as select distinct ' ' || customer_id || ' ' as client_no, "
            f"timestamp '2023-01-01' as registered_at from ({ORDERS})"
        )
        inputs = inputs_of(warehouse)
        assert [one.input for one in inputs.found] == ["orders", "customers"]
        sql = select_of(inputs.found[1])
        lost = warehouse.execute(
            f"select count(*) from orders where customer_id not in (select customer_id from ({sql}))"
        ).fetchone()
    assert lost == (0,)


def test_other_columns_of_customers_stay_for_attributes() -> None:
    with warehouse_with(f"create table orders as {ORDERS}") as warehouse:
        warehouse.execute(
            "create table kunden as select distinct customer_id as kundennr, timestamp '2023-01-01' "
            f"as angelegt_am, 'DE' as land, 1 as customer_id from ({ORDERS})"
        )
        sql = select_of(inputs_of(warehouse).found[1])
        columns = [name for name, *_ in warehouse.execute(f"describe {sql}").fetchall()]
    assert columns == ["customer_id", "created_at", "land"]
    assert '"kundennr" as customer_id' in sql


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("create table t as select 1 as a, 2 as b, 3 as c", "no table of the warehouse is recognised"),
        ("create table orders as select 1 as order_id, 2 as customer_id, 3.5 as amount", "the moment of the order"),
        (f"create table orders as select * from ({ORDERS}) where false", "it has no rows"),
        ("create schema s", "The warehouse has no table"),
    ],
)  # fmt: skip
def test_a_warehouse_without_orders_is_told_what_to_name(sql: str, told: str) -> None:
    with warehouse_with(sql) as warehouse, pytest.raises(SetupError, match=told) as raised:
        inputs_of(warehouse)
    assert "--orders" in str(raised.value)
    assert "--column" in str(raised.value)


def test_a_column_that_is_not_there_or_cannot_be_read_is_refused() -> None:
    with warehouse_with(f"create table orders as {ORDERS}") as warehouse:
        with pytest.raises(
            SetupError, match=r"has no column price, which --column names for amount; it has"
        ):
            inputs_of(warehouse, wishes=Wishes({("orders", "amount"): "price"}))
        with pytest.raises(
            SetupError, match=r"ordered_at of main.orders cannot be read as amount: it is TIMESTAMP"
        ):
            inputs_of(warehouse, wishes=Wishes({("orders", "amount"): "ordered_at"}))


def test_a_column_that_a_person_names_is_looked_for_in_every_table() -> None:
    sql = (
        f"create table sales as select *, amount * 1.2 as total from ({ORDERS}); "
        "create table a_clients as select customer_id, 'x' as name, min(ordered_at) as created_at, "
        f"1 as amount from ({ORDERS}) group by customer_id"
    )
    with warehouse_with(sql) as warehouse:
        # the words that the note of two fitting columns offers, without --orders
        inputs = inputs_of(warehouse, wishes=Wishes({("orders", "amount"): "total"}))
        assert inputs.found[0].table.told == "main.sales"
        with pytest.raises(SetupError, match=r"recognised.*has no column price"):
            inputs_of(warehouse, wishes=Wishes({("orders", "amount"): "price"}))
        with pytest.raises(SetupError, match=r"no table is used as customers.*no column since"):
            inputs_of(warehouse, wishes=Wishes({("customers", "created_at"): "since"}))
        with pytest.raises(SetupError, match=r"--without takes.*webevents is none of .*web_events"):
            inputs_of(warehouse, without=["webevents"])


@pytest.mark.parametrize("form", ["dd.mm.yyyy", "%Q"])
def test_a_date_format_that_is_none_is_refused(form: str) -> None:
    told = r"is no format of dates; write %d for the day"
    with warehouse_with("select 1") as warehouse, pytest.raises(SetupError, match=told):
        inputs_of(warehouse, wishes=Wishes(date_format=form))


def test_amounts_in_several_currencies_are_said() -> None:
    for other, is_said in (("USD", True), ("EUR", False)):
        sql = (
            f"create table orders as select *, if(order_id % 3 = 0, '{other}', 'EUR') as currency "
            f"from ({ORDERS})"
        )
        with warehouse_with(sql) as warehouse:
            assert ("currency names 2 currencies" in notes_of(inputs_of(warehouse))) == is_said


def test_of_a_price_and_a_cost_neither_is_taken_without_a_word() -> None:
    sql = f"create table orders as select * exclude amount, amount as price, amount / 2 as total_cost from ({ORDERS})"
    with warehouse_with(sql) as warehouse:
        assert "amount is price; total_cost would fit as well" in notes_of(inputs_of(warehouse))


@pytest.mark.parametrize(
    ("column", "best"), [("created_at", "created_at"), ("inserted_at", "date")]
)
def test_the_time_of_an_import_is_not_taken_without_a_word(column: str, best: str) -> None:
    sql = (
        "create table orders as select * exclude ordered_at, ordered_at as date, "
        f"timestamp '2025-09-01' as {column} from ({ORDERS})"
    )
    with warehouse_with(sql) as warehouse:
        inputs = inputs_of(warehouse)
        assert inputs.found[0].columns["ordered_at"].column == best
        assert f"ordered_at is {best}; " in notes_of(inputs)


def test_hostile_names_stay_names() -> None:
    sql = (
        'create schema "or""ders"; create table "or""ders"."select" as select order_id as "order id", customer_id '
        f"""as "kunden'nr", ordered_at as "ordered at", amount as "to""tal" from ({ORDERS})"""
    )
    with warehouse_with(sql) as warehouse:
        wishes = Wishes({("orders", "amount"): 'to"tal', ("orders", "customer_id"): "kunden'nr"})
        inputs = inputs_of(warehouse, named={"orders": "select"}, wishes=wishes)
        found = warehouse.execute(
            f"select count(*), sum(amount) from ({select_of(inputs.found[0])})"
        ).fetchone()
        assert (
            found == warehouse.execute(f"select count(*), sum(amount) from ({ORDERS})").fetchone()
        )
        # dbt would take these for Jinja
        warehouse.execute('create table "{{ x }}" as select 1 as order_id')
        assert inputs_of(warehouse, named={"orders": "select"}, wishes=wishes).found


def test_holdfasts_own_tables_are_not_taken_for_inputs() -> None:
    with warehouse_with(
        f"create schema r; create table r.stg_holdfast__orders as {ORDERS}"
    ) as warehouse:
        warehouse.execute(f"create table sales as select * from ({ORDERS})")
        warehouse.execute(f"create table r.orders_for_holdfast as {ORDERS}")
        assert inputs_of(warehouse).found[0].table.told == "main.sales"


def test_a_warehouse_that_is_no_duckdb_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"there is no warehouse at .*--warehouse"):
        open_warehouse(tmp_path / "shop.duckdb")
    (tmp_path / "shop.duckdb").write_text("no database", encoding="utf-8")
    with pytest.raises(SetupError, match="cannot be opened as a DuckDB file"):
        open_warehouse(tmp_path / "shop.duckdb")


def test_cents_of_the_amount_are_exact() -> None:
    sql = f"create table orders as select order_id, customer_id, ordered_at, cast(amount * 100 as int) as total_cents from ({ORDERS})"
    with warehouse_with(sql) as warehouse:
        query = select_of(inputs_of(warehouse).found[0])
        rows = warehouse.execute(
            f"select amount from ({query}) order by order_id limit 1"
        ).fetchall()
    assert rows == [(Decimal("11.00"),)]
