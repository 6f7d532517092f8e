"""Warehouses as other systems leave them: the same orders under other names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

# every shop has these: 60 customers with an order a month for 20 months, less those of some
ORDERS = (
    "select 1000 + c * 20 + m as order_id, c as customer_id, "
    "timestamp '2024-01-03 09:30:00' + interval (m) month + interval (c % 25) day as ordered_at, "
    "cast(10 + c + m / 4 as decimal(10, 2)) as amount "
    "from range(1, 61) as customers (c), range(20) as months (m) where c % 7 < 5 or m < 12"
)
LINES = (
    f"select o.*, 'P' || (o.order_id % 9 + line) as product_id, line as quantity, "
    f"cast(o.amount / 3 / line as decimal(10, 2)) as unit_price from ({ORDERS}) as o, range(1, 4) as l (line)"
)


def shopify(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute(
        "create table shopify_orders as select '#' || order_id as name, 'c' || customer_id || "
        "'@Example.org' as email, ordered_at as created_at, ordered_at + interval 1 hour as updated_at, "
        f"cast(amount as varchar) as total_price, 'paid' as financial_status from ({ORDERS})"
    )


def woocommerce(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute(
        "create table wp_wc_order_stats as select order_id, 0 as parent_id, ordered_at + interval 2 hour as "
        "date_created, ordered_at as date_created_gmt, 3 as num_items_sold, amount * 1.2 as total_sales, "
        "amount * 0.2 as tax_total, amount as net_total, case when order_id % 20 = 0 then 'wc-cancelled' "
        "else 'wc-completed' end as status, case when order_id % 10 = 1 then 0 else customer_id end as "
        f"customer_id from ({ORDERS})"
    )
    warehouse.execute(
        "create table wp_wc_customer_lookup as select customer_id, 'u' || customer_id as username, "
        f"min(ordered_at) as date_registered from ({ORDERS}) group by customer_id"
    )


def german(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute("create schema erp")
    warehouse.execute(
        "create table erp.bestellungen as select cast(order_id as double) as bestellnr, 'K-' || customer_id "
        "as kundennr, strftime(ordered_at, '%d.%m.%Y %H:%M') as bestelldatum, "
        f"replace(cast(amount as varchar), '.', ',') || ' €' as betrag from ({ORDERS})"
    )
    warehouse.execute(
        "create table erp.kunden as select 'K-' || customer_id as kundennr, "
        f"strftime(min(ordered_at), '%d.%m.%Y') as angelegt_am from ({ORDERS}) group by customer_id"
    )


def online_retail(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute(
        'create table online_retail_ii as select cast(order_id as varchar) as "Invoice", product_id as '
        '"StockCode", \'thing\' as "Description", quantity as "Quantity", ordered_at as "InvoiceDate", '
        'unit_price as "Price", case when order_id % 7 > 0 then cast(customer_id as double) end as '
        f'"Customer ID", \'UK\' as "Country" from ({LINES})'
    )


def app(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute(
        "create table sales as select order_id as id, customer_id as user_id, cast(epoch(ordered_at) as "
        f"bigint) as created_at, cast(amount * 100 as integer) as total_cents from ({ORDERS})"
    )


def spree(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Ids of several kinds side by side, and tables beside the orders."""
    warehouse.execute(
        "create table spree_orders as select order_id as id, 'R' || order_id as number, customer_id as user_id, "
        "ordered_at + interval 1 hour as completed_at, ordered_at as created_at, amount as total, "
        f"amount * 0.9 as item_total, 0 as adjustment_total, 'complete' as state from ({ORDERS})"
    )
    warehouse.execute(
        "create table spree_users as select distinct customer_id as id, 'x' as login, "
        f"timestamp '2023-12-01' as created_at from ({ORDERS})"
    )
    warehouse.execute(
        "create table spree_line_items as select row_number() over () as id, order_id, product_id as variant_id, "
        f"quantity, unit_price as price from ({LINES})"
    )
    warehouse.execute(
        "create table spree_payments as select order_id as id, order_id, amount, ordered_at as created_at "
        f"from ({ORDERS})"
    )


SHOPS: dict[str, Callable[[duckdb.DuckDBPyConnection], None]] = {
    shop.__name__: shop for shop in (shopify, woocommerce, german, online_retail, app, spree)
}


def make(shop: str, file: Path) -> Path:
    """Make the warehouse of a shop."""
    with duckdb.connect(str(file)) as connection:
        SHOPS[shop](connection)
    return file
