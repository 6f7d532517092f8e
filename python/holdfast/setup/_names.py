"""What a column or a table may be for, by its name alone.

Each input has roles, one per column that Holdfast reads. A role has patterns with points, from 100
for a name that says it outright to 30 for one that may mean it. What the column holds decides the
rest, see `_content`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

__all__ = ["INPUTS", "Input", "Role", "plain_name", "points", "table_points"]

_ID = r"(?:_?(?:ids?|identifier|identifiant|keys?|no|nr|num|nummer|number|numero|code|ref|reference|uuid|guid|pk|sk|bk))"
_CUSTOMER = (
    r"(?:customers?|cust|clients?|users?|buyers?|shoppers?|purchasers?|subscribers?|members?|accounts?|contacts?|person"
    r"|household|profile|debtors?|debitor(?:en)?|kunde|kunden|kaeufer|klanten|klant|kund|client[e]?|clientes|acheteur"
    r"|comprador|usuario|utente|klient|klienta|asiakas|sold_?to|bill_?to|pokupatel|klienty)"
)
_ORDER = (
    r"(?:sales_?order|web_?order|orders?|purchases?|transactions?|trans|txn|trx|invoices?|receipts?|sales?|checkout"
    r"|bills?|voucher|bestell(?:ung|ungs|ungen)?|auftraege|auftrags?|rechnungen|rechnungs?|belege?|kauf|kaeufe|vorgang"
    r"|commandes?|factures?|pedidos?|compras?|ventas?|facturas?|ordini|ordine|fatture|zamowieni[ae]|faktury|faktura"
    r"|bestelling(?:en)?|ordrar|ordre|zakaz|zakazy)"
)
_PRODUCT = (
    r"(?:products?|prod|items?|articles?|artikel|skus?|variants?|stock|produkte?|produits?|productos?|prodotti|prodotto"
    r"|goods|asin|ean|gtin)"
)
_MONEY = r"(?:_?(?:in_)?(?:eur|euro|usd|gbp|chf|pln|sek|rub|cents?|ct|minor|pence|base_?currency|local|set|shop_?money))*"
_TAX = r"(?:_?(?:excl|incl|ex|inc|with|without|before|after)_?(?:tax|vat|mwst|discounts?))?"
_AT = (
    r"_?(?:at|on|date|datetime|date_?time|time|timestamp|ts|day|datum|zeit|zeitpunkt|am|dt|utc|gmt)"
)
_WHEN = r"(?:date|datum|day|tag|timestamp|time|ts|datetime|zeitpunkt|zeit|fecha|data|when|at|moment|event_?time|jour)"


@dataclass(frozen=True)
class Role:
    """A column that an input has.

    Attributes
    ----------
    kind
        What it holds: id, time, later (a time that may be missing), amount, number, flag or text.
    patterns
        Points by a pattern that the whole plain name matches.
    required
        Whether the input cannot do without it.
    """

    kind: str
    patterns: Mapping[str, int]
    required: bool = True


@dataclass(frozen=True)
class Input:
    """An input: how its table may be called, and its columns."""

    tables: str
    roles: Mapping[str, Role]
    not_tables: str = r"$^"


def _optional(kind: str, patterns: Mapping[str, int]) -> Role:
    return Role(kind, patterns, required=False)


_CUSTOMER_ID = Role(
    "id",
    {
        rf"{_CUSTOMER}_?unique{_ID}": 100,
        rf"(?:shop_?|web_?|crm_?|global_?|dim_?|fk_?|id_?)?{_CUSTOMER}{_ID}|id_{_CUSTOMER}|fk_{_CUSTOMER}": 100,
        _CUSTOMER: 80,
        rf"(?:{_CUSTOMER}|billing|bill_?to|contact)?_?e?_?mail(?:_?(?:address|adresse|hash))?": 70,
        rf".*_{_CUSTOMER}{_ID}": 60,
        rf"(?:{_CUSTOMER}|billing|contact)?_?(?:phone|telefon|mobile)(?:_?(?:number|no))?": 40,
    },
)
_ORDER_ID = Role(
    "id",
    {
        rf"{_ORDER}_?(?:ids?|keys?|uuid|guid|pk|sk)|id_{_ORDER}": 100,
        rf"{_ORDER}{_ID}": 90,
        # other tables refer to it, whatever number the customer is told
        "(?:entity_)?ids?": 95,
        rf"_?{_ID}|increment_id": 85,
        _ORDER: 80,
        rf"{_ORDER}_?name": 75,
        r"(?!(?:parent|original|refund|first|last|prev|next)_).*_" + _ORDER + _ID: 60,
        "name": 40,
    },
)
_ORDERED_AT = Role(
    "time",
    {
        rf"(?:{_ORDER}|bestelled|ordered|purchased|bought|sold){_AT}": 100,
        rf"{_ORDER}_(?:purchase|placed|created?|creation){_AT}": 100,
        rf"(?:date|datum|datetime|time|timestamp|fecha|data)_?(?:of_|de_|der_|del_)?(?:ordered|purchased|{_ORDER})": 100,
        rf"(?:created|creation|placed|processed|booked|erstellt|angelegt|submitted|gekauft|bestellt){_AT}": 90,
        # of the order, or of its load
        rf"inserted{_AT}": 80,
        r"(?:date|datum|time)_?(?:created|placed|add|added|erstellt)(?:_(?:gmt|utc))?": 90,
        rf"(?:paid|payment|completed|closed|bezahlt|confirmed|valuta|buchungs?|booking){_AT}|date_(?:paid|completed)": 55,
        rf"(?:{_ORDER}_)?(?:created|placed|ordered|bestellt|gekauft)": 85,
        # as good as created_at, which may be the time of an import
        rf"{_WHEN}": 84,
    },
)
_AMOUNT = Role(
    "amount",
    {
        r"(?:net|netto)_?(?:amount|total|sales|revenue|value|betrag|price|umsatz|wert|paid|order_?value|sum)?"
        + _MONEY: 100,
        rf"(?:{_ORDER}|grand|gesamt|basket|cart|current|warenkorb)_?(?:total|amount|value|revenue|sum|price|betrag|summe|"
        rf"preis|wert|net|netto|umsatz|total_?price|paid){_MONEY}{_TAX}": 98,
        rf"total_?(?:price|amount|sales|value|paid|sum|revenue|net|spent|order_?value|due)?{_MONEY}{_TAX}": 96,
        rf"(?:amount|revenue|betrag|summe|umsatz|turnover|sales|montant|importe|monto|importo|totale|kwota|belopp|"
        rf"summa|spend|spent|prix_?total|valor|valeur|wartosc){_MONEY}{_TAX}": 95,
        rf"(?:amount|total|betrag|umsatz|sales)_?(?:net|netto|paid|total){_MONEY}": 95,
        rf"(?:gross|brutto|gesamt|end)_?(?:amount|total|sales|revenue|value|betrag|price|preis|umsatz|wert|summe)?{_MONEY}": 85,
        rf"sub_?total(?:_?price)?{_MONEY}": 75,
        rf"(?:payment|paid|line|item|position|positions|zeilen)_?(?:value|amount|total|price|betrag|wert|summe|sum){_MONEY}": 75,
        # what the shop pays, or what the customer does
        rf"(?:value|wert|sum|price|preis|paid|payment|prix|precio|prezzo|total_?cost){_MONEY}": 60,
    },
)
_QUANTITY = _optional(
    "number",
    {
        r"(?:order(?:ed)?_?|line_?|item_?)?(?:quantity|qty|menge|anzahl|stueck|units?|pieces|quantite|cantidad|ilosc)(?:_?(?:ordered|sold))?": 100
    },
)
_UNIT_PRICE = _optional(
    "amount",
    {
        rf"(?:unit|single|item|einzel|stueck|line_item|product|selling|list|verkaufs?|sales)_?(?:price|preis|cost){_MONEY}": 100,
        rf"(?:price|preis|prix|precio|prezzo|cena)_?(?:per_?unit|each|unit|unitaire)?{_MONEY}": 90,
        r"prix_unitaire|precio_unitario": 100,
    },
)
_PRODUCT_ID = Role(
    "id",
    {
        rf"{_PRODUCT}{_ID}|id_{_PRODUCT}": 100,
        r"stock_?code|sku|ean|gtin|asin": 95,
        rf"{_PRODUCT}": 70,
        "id": 50,
        "name|title|bezeichnung|description": 20,
    },
)
_LOADED_AT = _optional("later", {"loaded_at": 100})

INPUTS: Mapping[str, Input] = {
    "orders": Input(
        rf"(?:.*_)?{_ORDER}(?:_?(?:table|data|fact|stats|header|headers|kopf|heads?|history|log|export|raw|i{{2,3}}))?(?:_\d+)*",
        {
            "customer_id": _CUSTOMER_ID,
            "order_id": _ORDER_ID,
            "ordered_at": _ORDERED_AT,
            "amount": _AMOUNT,
            "discount_amount": _optional(
                "amount",
                {
                    rf"(?:total_?|order_?)?(?:discounts?|rabatt)(?:_?(?:amount|total|betrag|value)){_MONEY}": 100,
                    rf"total_?discounts?{_MONEY}": 100,
                },
            ),
            "channel": _optional(
                "text", {r"(?:order_?|sales_?)?channel|vertriebskanal|kanal|source_?name": 100}
            ),
            "loaded_at": _LOADED_AT,
            "quantity": _QUANTITY,
            "unit_price": _UNIT_PRICE,
            "product_id": _optional(
                "id", {**_PRODUCT_ID.patterns, "id": 0, "name|title|bezeichnung|description": 0}
            ),
            "status": _optional(
                "text",
                {r"(?:order_?|financial_?|payment_?|bestell_?)?(?:status|state|zustand)": 100},
            ),
            "cancelled_at": _optional(
                "later", {r"(?:order_?)?cancell?ed_?(?:at|on|date)|storniert_am|storno_?datum": 100}
            ),
        },
        r".*(?:items?|lines?|details|positionen|status|refunds?|returns?|backup|archive?|tmp|temp|test|retouren)(?:_.*)?",
    ),
    "customers": Input(
        rf"(?:.*_)?{_CUSTOMER}(?:_?(?:table|data|dim|stamm|stammdaten|lookup|master|profiles?|base|raw|export))?(?:_\d+)*",
        {
            "customer_id": Role(
                "id", {**_CUSTOMER_ID.patterns, "(?:entity_)?id": 95, rf"_?{_ID}": 80}
            ),
            "created_at": Role(
                "time",
                {
                    rf"(?:created|creation|registered|registration|signed_?up|sign_?up|joined|join|erstellt|angelegt|anlage|"
                    rf"registriert|registrierungs?|anmelde|eintritts?|since|first_seen|account_created|{_CUSTOMER}_since|"
                    rf"{_CUSTOMER}_created|user_registered){_AT}?": 100,
                    r"(?:date|datum)_?(?:created|registered|joined|creation|erstellt)(?:_(?:gmt|utc))?": 100,
                    r"kunde_?seit|mitglied_?seit|member_?since|customer_?since|seit": 100,
                },
            ),
            "acquisition_channel": _optional(
                "text", {r"acquisition_?(?:channel|source)|utm_?source|herkunft": 100}
            ),
            "time_zone": _optional("text", {r"time_?zone|zeitzone": 100}),
        },
        r".*(?:groups?|address(?:es)?|events?|notes?|tags?|meta|tokens?|sessions?|logs?|segments?)(?:_.*)?",
    ),
    "order_items": Input(
        rf"(?:.*_)?(?:{_ORDER}_?(?:{_PRODUCT}_?)?(?:items?|lines?|details?|positionen|position|products?|pos|artikel|lookup|line_?items?)|line_?items?|positionen)"
        r"(?:_\d+)*",
        {
            "order_id": Role(
                "id",
                {
                    **_ORDER_ID.patterns,
                    "(?:entity_)?ids?": 0,
                    rf"_?{_ID}|increment_id": 0,
                    "name": 20,
                },
            ),
            "product_id": _PRODUCT_ID,
            "quantity": Role("number", _QUANTITY.patterns),
            "unit_price": Role("amount", _UNIT_PRICE.patterns),
            "loaded_at": _LOADED_AT,
        },
    ),
    "products": Input(
        rf"(?:.*_)?(?:{_PRODUCT}|catalog|catalogue|katalog|artikelstamm|sortiment)(?:_?(?:table|data|dim|master|raw|export))?(?:_\d+)*",
        {
            "product_id": _PRODUCT_ID,
            "category": Role(
                "text",
                {
                    r"(?:product_?|item_?|main_?|artikel_?)?(?:category|kategorie|categorie|categoria)(?:_?(?:name|id|title))?|warengruppe": 100,
                    r"(?:product_?)?(?:type|group|gruppe|department|family|class|collection)(?:_?name)?": 80,
                },
            ),
            "product_name": _optional(
                "text", {r"(?:product_?|item_?|artikel_?)?(?:name|title|bezeichnung)": 100}
            ),
            "unit_cost": _optional(
                "amount",
                {rf"(?:unit_?)?(?:cost|cost_price|einkaufspreis|ek_?preis|ek){_MONEY}": 100},
            ),
        },
        r".*(?:order|bestell|line|price|review|stock_level|inventory).*",
    ),
    "web_events": Input(
        r"(?:.*_)?(?:web_?|site_?|page_?|app_?|click_?|track(?:ing)?_?|browser_?|product_?|ga_?)(?:events?|views?|visits?|stream|logs?|hits?|clicks?)|events?|clickstream|tracks",
        {
            "event_id": Role(
                "id",
                {
                    rf"(?:web_?|page_?|hit_?)?(?:event|view|visit|hit|message|log){_ID}|insert_id": 100,
                    "id": 85,
                    rf"_?{_ID}": 60,
                },
            ),
            "customer_id": _CUSTOMER_ID,
            "occurred_at": Role(
                "time",
                {
                    rf"(?:occurred|event|happened|viewed|visited|visit|received|original|sent|logged|server|client){_AT}": 100,
                    rf"{_WHEN}": 90,
                    rf"(?:created){_AT}": 80,
                },
            ),
            "event_type": Role(
                "text",
                {
                    r"event_?(?:type|name|action)|event|ereignis(?:typ)?": 100,
                    r"type|action|typ|aktion|name": 75,
                },
            ),
            "product_id": _optional("id", {rf"{_PRODUCT}{_ID}": 100}),
            "session_id": _optional("id", {rf"(?:visit|session|sitzung)s?{_ID}": 100}),
            "loaded_at": _LOADED_AT,
        },
    ),
    "support_tickets": Input(
        r"(?:.*_)?(?:support_?(?:tickets?|cases?|requests?)|tickets?|helpdesk|kundenanfragen|anfragen|cases|zendesk_tickets?)",
        {
            "ticket_id": Role(
                "id",
                {
                    rf"(?:ticket|case|request|anfrage|vorgang){_ID}": 100,
                    "id": 90,
                    rf"_?{_ID}": 80,
                    "ticket": 70,
                },
            ),
            "customer_id": Role(
                "id", {**_CUSTOMER_ID.patterns, rf"(?:requester|reporter|author){_ID}?": 75}
            ),
            "opened_at": Role(
                "time",
                {
                    rf"(?:opened|created|eroeffnet|erstellt|submitted|raised|received|eingangs?|eingegangen){_AT}": 100,
                    rf"{_WHEN}": 70,
                },
            ),
            "resolved_at": _optional(
                "later", {rf"(?:resolved|solved|closed|geloest|geschlossen|erledigt){_AT}": 100}
            ),
            "topic": _optional("text", {r"topic|category|thema|kategorie": 100}),
            "body": _optional(
                "text", {r"body|description|message|text|nachricht|beschreibung": 100}
            ),
            "csat": _optional("number", {r"csat(?:_?score)?|satisfaction(?:_?score)?": 100}),
            "loaded_at": _LOADED_AT,
        },
    ),
    "campaign_sends": Input(
        r"(?:.*_)?(?:campaign_?(?:sends?|messages?|emails?|recipients|contacts)|(?:email_?|mail_?|message_?)?sends|mailings?|newsletter_?(?:sends|versand)|emails?_sent|messages_sent)",
        {
            "send_id": Role(
                "id",
                {
                    rf"(?:send|message|mail|email|mailing|versand){_ID}": 100,
                    "id": 90,
                    rf"_?{_ID}": 70,
                },
            ),
            "customer_id": Role("id", {**_CUSTOMER_ID.patterns, rf"recipient{_ID}?": 75}),
            "campaign_id": Role(
                "id",
                {
                    rf"(?:campaign|kampagne|kampagnen|newsletter){_ID}": 100,
                    r"campaign(?:_?name)?|kampagne": 85,
                },
            ),
            "sent_at": Role(
                "time",
                {rf"(?:sent|send|versand|versendet|delivered|gesendet){_AT}": 100, rf"{_WHEN}": 70},
            ),
            "channel": _optional("text", {"channel|kanal": 100}),
            "offer_id": _optional("id", {rf"offer{_ID}": 100}),
            "is_control": _optional("flag", {r"is_?(?:control|holdout)": 100}),
            "opened_at": _optional("later", {rf"(?:opened|first_opened|geoeffnet){_AT}": 100}),
            "clicked_at": _optional("later", {rf"(?:clicked|first_clicked|geklickt){_AT}": 100}),
        },
    ),
    "subscriptions": Input(
        r"(?:.*_)?(?:subscriptions?|abos?|abonnements?|contracts?|vertraege|memberships?)",
        {
            "subscription_id": Role(
                "id",
                {
                    rf"(?:subscription|abo|abonnement|contract|vertrags?|membership){_ID}": 100,
                    "id": 90,
                    rf"_?{_ID}": 70,
                },
            ),
            "customer_id": _CUSTOMER_ID,
            "started_at": Role(
                "time",
                {
                    rf"(?:started|start|begin|begins|activated|beginn|von|valid_?from|created){_AT}?|(?:vertrags|abo)_?beginn": 100
                },
            ),
            "ended_at": Role(
                "later",
                {
                    rf"(?:ended|end|ends|cancell?ed|churned|terminated|ende|bis|valid_?(?:to|until)|gekuendigt|expired){_AT}?|(?:vertrags|abo)_?ende": 100
                },
            ),
            "plan": _optional("text", {r"plan(?:_?(?:name|id|code))?|tarif": 100}),
            "mrr": _optional("amount", {r"mrr|monthly_?(?:amount|price|revenue)": 100}),
        },
    ),
    "feedback": Input(
        r"(?:.*_)?(?:feedback|nps(?:_.*)?|surveys?(?:_(?:answers|responses|results))?|umfragen?|csat_?(?:answers|responses|ratings)?)",
        {
            "customer_id": Role("id", {**_CUSTOMER_ID.patterns, rf"respondent{_ID}?": 75}),
            "answered_at": Role(
                "time",
                {
                    rf"(?:answered|responded|submitted|created|beantwortet|completed|received){_AT}": 100,
                    rf"{_WHEN}": 80,
                },
            ),
            "score": Role("number", {r"score|nps(?:_?score)?|rating|bewertung|punkte|note": 100}),
            "comment": _optional("text", {r"comment|kommentar|text|verbatim": 100}),
        },
    ),
}


@cache
def plain_name(name: str) -> str:
    """Write a name in lower case, with its words apart and its letters in ASCII.

    Examples
    --------
    >>> plain_name("InvoiceDate"), plain_name("Customer ID"), plain_name("Verträge")
    ('invoice_date', 'customer_id', 'vertraege')
    """
    for letter, plain in (
        ("ä", "ae"),
        ("ö", "oe"),
        ("ü", "ue"),
        ("ß", "ss"),
        ("Ä", "Ae"),
        ("Ö", "Oe"),
        ("Ü", "Ue"),
        ("ł", "l"),
    ):
        name = name.replace(letter, plain)
    name = unicodedata.normalize("NFKD", name)
    name = "".join(letter for letter in name if not unicodedata.combining(letter))
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def points(role: Role, column: str) -> int:
    """Give how well a column's name fits a role, 0 to 100.

    Examples
    --------
    >>> points(INPUTS["orders"].roles["customer_id"], "kundennr")
    100
    >>> points(INPUTS["orders"].roles["amount"], "shipping_address")
    0
    """
    name = plain_name(column)
    return max(
        (value for pattern, value in role.patterns.items() if re.fullmatch(pattern, name)),
        default=0,
    )


def table_points(input: str, table: str) -> int:
    """Give how well a table's name fits an input, 0 to 100.

    Examples
    --------
    >>> table_points("orders", "shopify_orders"), table_points("orders", "order_lines")
    (90, 0)
    """
    name = plain_name(table)
    if name == input:
        return 100
    told = INPUTS[input]
    if re.fullmatch(told.not_tables, name):
        return 0
    return 90 if re.fullmatch(told.tables, name) else 0
