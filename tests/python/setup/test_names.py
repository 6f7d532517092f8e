"""What a column or a table is for, told by its name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.setup._names import INPUTS, plain_name, points, table_points
from holdfast.setup._tables import known_columns

CUSTOMER = "customer_id CustomerID customerKey client_id user_id kundennr Kunden-Nr KundenID kunde_id member_no id_client"
ORDER = "order_id OrderID order_number bestellnr Bestell-Nr bestellungs_id auftragsnummer rechnungsnr InvoiceNo txn_id commande_id pedido_id id_order"
MOMENT = (
    "ordered_at order_date OrderDate created_at bestelldatum date_created_gmt InvoiceDate purchase_timestamp "
    "order_purchase_timestamp transaction_date fecha_pedido date_commande datum erstellt_am auftragsdatum"
)
AMOUNT = (
    "amount total total_price order_total grand_total net_total total_sales betrag gesamtbetrag Umsatz summe bestellwert "
    "total_cents amount_eur montant importe TotalDue revenue total_paid nettobetrag order_value"
)
NONE = (
    "shipping_address updated_at tax_total versandkosten discount_code note currency country first_name "
    "shipped_at delivery_date vat mwst weight birthdate phone_model item_count deleted_at"
)
ROLES = {"customer_id": CUSTOMER, "order_id": ORDER, "ordered_at": MOMENT, "amount": AMOUNT}


@pytest.mark.parametrize(
    ("role", "column"), [(role, name) for role, names in ROLES.items() for name in names.split()]
)
def test_a_column_of_orders_is_known_for_what_it_is(role: str, column: str) -> None:
    found = {name: points(INPUTS["orders"].roles[name], column) for name in ROLES}
    assert found[role] >= 60
    assert all(found[other] < found[role] for other in found if other != role)


@pytest.mark.parametrize("column", NONE.split())
def test_a_column_that_is_none_of_them_is_taken_for_none(column: str) -> None:
    assert {name for name in ROLES if points(INPUTS["orders"].roles[name], column)} == set()


@pytest.mark.parametrize("role", list(ROLES))
@given(data=st.data())
def test_how_a_name_is_written_does_not_matter(role: str, data: st.DataObject) -> None:
    words = plain_name(data.draw(st.sampled_from(ROLES[role].split()))).split("_")
    written = data.draw(
        st.sampled_from(
            [
                "_".join(words).upper(),
                " ".join(word.title() for word in words),
                "-".join(words),
                words[0] + "".join(word.title() for word in words[1:]),
            ]
        )
    )
    told = INPUTS["orders"].roles[role]
    assert points(told, written) == points(told, "_".join(words))


@pytest.mark.parametrize(
    ("table", "input"),
    [
        ("orders", "orders"),
        ("shopify_orders", "orders"),
        ("wp_wc_order_stats", "orders"),
        ("Bestellungen", "orders"),
        ("SalesOrderHeader", "orders"),
        ("fct_orders", "orders"),
        ("rechnungen", "orders"),
        ("order_lines", "order_items"),
        ("SalesOrderDetail", "order_items"),
        ("bestellpositionen", "order_items"),
        ("kunden", "customers"),
        ("dim_customer", "customers"),
        ("artikel", "products"),
        ("page_views", "web_events"),
        ("zendesk_tickets", "support_tickets"),
        ("email_sends", "campaign_sends"),
        ("abos", "subscriptions"),
        ("nps_answers", "feedback"),
    ],
)
def test_a_table_is_known_for_what_it_is(table: str, input: str) -> None:
    assert [name for name in INPUTS if table_points(name, table)] == [input]


@pytest.mark.parametrize("table", ["orders_backup", "order_status", "refunds", "payments", "tmp"])
def test_a_table_beside_the_orders_is_not_taken_for_them(table: str) -> None:
    assert table_points("orders", table) == 0


@pytest.mark.parametrize("input", list(INPUTS))
def test_the_roles_are_columns_that_the_dbt_package_reads(input: str) -> None:
    # how orders are made of lines, and which of them came to nothing
    of_lines = {"quantity", "unit_price", "product_id", "status", "cancelled_at"}
    roles = set(INPUTS[input].roles) - (of_lines if input == "orders" else set())
    assert roles <= set(known_columns(input))
