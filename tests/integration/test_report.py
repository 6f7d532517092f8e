"""The report of the demo shop in a real browser."""

from __future__ import annotations

import base64
import codecs
import csv
import io
import json
import re
import shutil
import zlib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from projects import DbtProject, run

pytestmark = pytest.mark.slow

webdriver = pytest.importorskip("selenium.webdriver")
pytest.importorskip("axe_playwright_python")

CHARTS = {
    "movement",
    "rate",
    "cohorts",
    "survival",
    "states",
    "segments",
    "drivers",
    "calibration",
    "gain",
    "drift",
    "concentration",
    "overdue",
    "hours",
}
# in the model card, which is folded away until somebody opens it
FOLDED = {"card_test"}
# texts that leave the page or, in a cell of a table, the cell; what scrolls by itself is left out
OVERFLOWING = """
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode, parent = node.parentElement;
  if (!node.textContent.trim()) continue;
  if (parent.closest("script, style, noscript, option, nav, .scroll, .vg-tooltip")) continue;
  // labels that Vega has hidden for want of room
  if (getComputedStyle(parent).opacity === "0") continue;
  const holder = parent.closest("svg, td, th, .figure, article") || document.documentElement;
  const frame = holder.getBoundingClientRect();
  const range = document.createRange();
  range.selectNodeContents(node);
  for (const box of range.getClientRects()) {
    if (box.width === 0) continue;
    const isIn = box.left >= -1 && box.right <= innerWidth + 1
      && box.left >= frame.left - 1 && box.right <= frame.right + 1;
    if (!isIn) found.push([node.textContent.trim(), box.left, box.right, frame.left, frame.right]);
  }
}
return found;
"""
# the least contrast of the page's texts, by the formula of WCAG 2
CONTRASTS = """
const channel = (c) => (c <= 0.04045 * 255 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
const parse = (text) => text.match(/[0-9.]+/g).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = parse(getComputedStyle(at).backgroundColor);
    if (colour.length === 3 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
};
const found = {};
for (const element of document.querySelectorAll(
    "h1, h2, h3, p, dt, dd, th button, td, nav a, label, .change, .more, svg text")) {
  if (!element.textContent.trim() || !element.getClientRects().length) continue;
  if (element.closest("[data-chart=cohorts]")) continue;  // figures on coloured tiles
  const style = getComputedStyle(element);
  const ink = parse(element instanceof SVGElement ? style.fill : style.color);
  const [a, b] = [light(ink), light(ground(element))].sort((x, y) => y - x);
  const contrast = (a + 0.05) / (b + 0.05);
  const name = element.tagName + "." + element.getAttribute("class");
  found[name] = Math.min(found[name] ?? 99, contrast);
}
return found;
"""


@pytest.fixture(scope="module")
def page(built_demo: DbtProject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the report of the demo with the command, as a user does."""
    output = tmp_path_factory.mktemp("report") / "my report.html"
    written = run("holdfast", "report", "--output", output, cwd=built_demo.directory, check=True)
    assert str(output) in written.stdout
    assert output.stat().st_size < 5_000_000
    return output


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Start the browser of the system, that knows nobody and calls nobody."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("there is no Chromium here (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield browser
    browser.quit()


def show(
    browser: Any, page: Path, *, width: int = 1440, look: str = "light", customer: str = ""
) -> None:
    """Open the page on a screen of this width, and wait until its charts are drawn.

    With a customer, it is opened at the page of that customer, which has none.
    """
    from selenium.webdriver.support.wait import WebDriverWait

    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": look}]},
    )
    # another fragment alone would not load the page again
    browser.get("about:blank")
    browser.get(page.as_uri() + (f"#customer={quote(customer)}" if customer else ""))
    ready = "return document.documentElement.dataset.drawn"
    if customer:
        ready = "return document.getElementById('person-name') !== null"
    WebDriverWait(browser, 60).until(lambda browser: browser.execute_script(ready))


def texts(browser: Any, selector: str) -> list[str]:
    """Give the texts of the elements that a CSS selector finds."""
    found: list[str] = browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent)",
        selector,
    )
    return found


def enter(browser: Any, field: str, value: str, place: str = "customers") -> None:
    """Put a value into a field of a list, which a CSS selector finds."""
    browser.execute_script(
        "const field = document.querySelector(arguments[0]);"
        "field.value = arguments[1]; field.dispatchEvent(new Event('input'));",
        f"[data-list={place}] {field}",
        value,
    )


def click(browser: Any, selector: str) -> None:
    """Click what a CSS selector finds."""
    browser.execute_script("document.querySelector(arguments[0]).click()", selector)


def open_card(browser: Any) -> None:
    """Unfold the model card, and wait until its chart is drawn."""
    from selenium.webdriver.support.wait import WebDriverWait

    browser.execute_script(
        "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
    )
    WebDriverWait(browser, 60).until(
        lambda browser: browser.execute_script(
            "return document.querySelector('[data-chart=card_test] svg') !== null"
        )
    )


def saved(browser: Any, folder: Path, button: str) -> bytes:
    """Save a list with a button, and give what is in the file."""
    from selenium.webdriver.support.wait import WebDriverWait

    folder.mkdir()
    browser.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)}
    )
    click(browser, button)
    # the browser gives a file its name when it is whole
    WebDriverWait(browser, 60).until(lambda _: list(folder.glob("*.csv")))
    [file] = folder.iterdir()
    return file.read_bytes()


def rows_of(content: bytes) -> list[dict[str, str]]:
    """Read a CSV file as a spreadsheet does."""
    assert content.startswith(codecs.BOM_UTF8)
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_charts_are_drawn_without_an_error_or_a_request(
    page: Path, chromium: Any, built_demo: DbtProject
) -> None:
    chromium.get("about:blank")
    # what the browser itself has loaded until now
    chromium.get_log("performance")
    show(chromium, page)
    open_card(chromium)
    marks = chromium.execute_script(
        "return Object.fromEntries([...document.querySelectorAll('[data-chart]')].map((each) =>"
        "[each.dataset.chart, each.querySelectorAll("
        "'.mark-rect path, .mark-line path, .mark-symbol path, .mark-area path').length]))"
    )
    of_issues = {"issue_weeks"} if built_demo.has("support_issue_trends") else set()
    assert marks.keys() == CHARTS | FOLDED | of_issues
    assert min(marks.values()) >= 2, marks
    assert texts(chromium, ".empty") == []
    assert len(texts(chromium, "#flow .band title")) >= 2
    assert chromium.get_log("browser") == []
    requests = [
        message["params"]["request"]["url"]
        for entry in chromium.get_log("performance")
        if (message := json.loads(entry["message"])["message"])["method"]
        == "Network.requestWillBeSent"
    ]
    assert requests
    assert [url for url in requests if url != page.as_uri() and not url.startswith("data:")] == []


def test_figures_are_those_of_the_warehouse(
    page: Path, chromium: Any, built_demo: DbtProject
) -> None:
    show(chromium, page)
    names, values = texts(chromium, ".figure h2"), texts(chromium, ".figure .value")
    shown = dict(zip(names, values, strict=True))
    [(active, retention, revenue)] = built_demo.query(
        "select active_customers, retention_rate, revenue_per_customer from retention_metrics "
        "where is_project_definition and is_complete order by month desc limit 1"
    )
    [(at_high_risk, value, kept, spent)] = built_demo.query(
        "select count(*) filter (where risk_band = 'high'), sum(value_at_risk), count(*), "
        "sum(expected_spend_365d) "
        "from customer_retention where status = 'scored' and is_keepable"
    )
    lead = texts(chromium, ".lead")[0]
    assert f"Of {kept} scored customers who can still be kept, {at_high_risk} are at" in lead
    assert f"At stake is {value:,.0f} of the {spent:,.0f} that they are expected" in lead
    assert shown == {
        "Active customers": f"{active:,}",
        "Retention rate": f"{100 * retention:.1f}%",
        "Churn rate": f"{100 * (1 - retention):.1f}%",
        "Revenue per customer": f"{revenue:.2f}",
        "Customers at high risk": f"{at_high_risk:,}",
        "Value at risk": f"{value:,.0f}",
    }
    [(model, auroc, of_keepable)] = built_demo.query(
        "select model_id, auroc, keepable_auroc from model_performance "
        "where stage = 'champion' and split = 'test' and task = 'churn'"
    )
    assert model in texts(chromium, "footer")[0]
    champion = texts(chromium, "#trust tr.champion")
    assert f"{of_keepable:.3f}" in champion[0]
    assert f"{auroc:.3f}" in champion[1]


LISTED = """
    select
        cast(customer_id as varchar), risk_band, churn_probability, segment, value_at_risk,
        lifecycle_state, suggested_action, reason_1
    from customer_retention
    where risk_band in ('high', 'medium') and is_keepable
    order by value_at_risk desc, churn_probability desc, customer_id
"""
IDS = "[data-list=customers] td.of-id"


def test_the_list_sorts_searches_and_filters(
    page: Path, chromium: Any, built_demo: DbtProject
) -> None:
    show(chromium, page)
    everybody = built_demo.query(LISTED)
    assert texts(chromium, IDS) == [row[0] for row in everybody[:25]]

    sort = "[data-list=customers] [data-sort={}]".format
    risks = "[data-list=customers] td .risk"
    click(chromium, sort("probability"))
    likeliest = [float(text.rstrip("%")) for text in texts(chromium, risks)]
    assert likeliest == sorted(likeliest, reverse=True)
    assert likeliest[0] == pytest.approx(100 * max(row[2] for row in everybody), abs=0.06)
    click(chromium, sort("probability"))
    assert float(texts(chromium, risks)[0].rstrip("%")) < likeliest[-1]
    click(chromium, sort("id"))
    ids = [int(text) for text in texts(chromium, IDS)]
    assert ids == sorted(int(row[0]) for row in everybody)[:25]
    assert texts(chromium, "[data-list=customers] th[aria-sort=ascending]") == ["Customer"]

    enter(chromium, "[data-filter=band]", "medium")
    segment, state = everybody[0][3], everybody[0][5]
    enter(chromium, "[data-filter=segment]", segment)
    count = sum(row[1] == "medium" and row[3] == segment for row in everybody)
    shown = "[data-list=customers] .shown"
    assert texts(chromium, shown)[0].startswith(f"{count} customer")
    assert set(texts(chromium, "[data-list=customers] td .band")) == {"medium"}
    assert set(texts(chromium, "[data-list=customers] td.of-segment")) == {segment}
    click(chromium, "[data-list=customers] .clear")
    assert texts(chromium, shown)[0].startswith(f"{len(everybody)} customers")

    enter(chromium, "[data-filter=state]", state)
    enter(chromium, ".least", "100")
    count = sum(row[5] == state and row[4] is not None and row[4] >= 100 for row in everybody)
    assert 0 < count < len(everybody)
    assert texts(chromium, shown)[0].startswith(f"{count} customer")
    click(chromium, "[data-list=customers] .clear")
    enter(chromium, ".search", "NO VISIT")
    found = texts(chromium, "[data-list=customers] tbody tr")
    assert found
    assert all("no" in text.lower() and "visit" in text.lower() for text in found)
    enter(chromium, ".search", "nobody is called so")
    assert texts(chromium, shown) == ["No customer matches."]
    enter(chromium, ".search", "")
    click(chromium, "[data-list=customers] .after")
    assert re.match(r"Page 2 of \d+", texts(chromium, "[data-list=customers] .page")[0])


def test_the_list_can_be_worked_by_the_keyboard(page: Path, chromium: Any) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    def press(*keys: str) -> None:
        chromium.switch_to.active_element.send_keys(*keys)

    show(chromium, page)
    [search] = chromium.find_elements(By.CSS_SELECTOR, "[data-list=customers] .search")
    search.send_keys("order", Keys.TAB)
    # the risk, then on to the first heading, past the other fields and what they clear
    press("m")
    assert set(texts(chromium, "[data-list=customers] td .band")) == {"medium"}
    for _ in range(12):
        press(Keys.TAB)
        if chromium.switch_to.active_element.get_dom_attribute("data-sort"):
            break
    assert chromium.switch_to.active_element.get_dom_attribute("data-sort") == "id"
    press(Keys.ENTER)
    sorted_by = "[data-list=customers] th[aria-sort=ascending]"
    assert texts(chromium, sorted_by) == ["Customer"]
    # where one was is kept, so that a second press reverses the order
    press(Keys.ENTER)
    assert texts(chromium, sorted_by) == []
    assert texts(chromium, "[data-list=customers] th[aria-sort=descending]") == ["Customer"]


def test_a_step_shows_the_customers_it_is_for(
    page: Path, chromium: Any, built_demo: DbtProject
) -> None:
    show(chromium, page)
    everybody = built_demo.query(LISTED)
    action = texts(chromium, ".steps h3")[1]
    count = sum(row[6] == action for row in everybody)
    assert count > 0
    assert f"Suggested for {count} customer" in texts(chromium, ".steps p")[1]
    click(chromium, "[data-shows=customers][data-field=action]")
    assert set(texts(chromium, "[data-list=customers] td.of-action > :first-child")) == {action}
    assert texts(chromium, "[data-list=customers] .shown")[0].startswith(f"{count} customer")


def test_the_whole_list_is_saved_as_a_file(
    page: Path, chromium: Any, built_demo: DbtProject, tmp_path: Path
) -> None:
    show(chromium, page)
    everybody = built_demo.query(LISTED)
    assert len(everybody) > 25
    rows = rows_of(saved(chromium, tmp_path / "all", "[data-list=customers] .save-all"))
    [file] = (tmp_path / "all").iterdir()
    assert file.name == "customers_2026-07-01.csv"
    for row, (customer, band, probability, segment, value, state, action, why) in zip(
        rows, everybody, strict=True
    ):
        assert row["customer_id"] == customer
        assert row["risk_band"] == band
        assert float(row["churn_probability"]) == pytest.approx(probability, abs=1e-4)
        assert float(row["value_at_risk"]) == pytest.approx(float(value))
        assert (row["segment"], row["suggested_action"]) == (segment, action or "")
        assert (row["lifecycle_state"], row["reason_1"]) == (state, why or "")
    assert rows[0].keys() == {
        "customer_id",
        "lifecycle_state",
        "expected_next_order_at",
        "churn_probability",
        "risk_band",
        "value_at_risk",
        "revenue_365d",
        "expected_spend_365d",
        "overdue_days",
        "trigger",
        "best_time",
        "recommended_product",
        "segment",
        "reason_1",
        "reason_2",
        "reason_3",
        "suggested_action",
    }

    enter(chromium, "[data-filter=band]", "high")
    found = rows_of(saved(chromium, tmp_path / "high", "[data-list=customers] .save-found"))
    assert [row["customer_id"] for row in found] == [
        row[0] for row in everybody if row[1] == "high"
    ]
    lapsed = rows_of(saved(chromium, tmp_path / "lapsed", "[data-list=winback] .save-all"))
    assert [float(row["return_probability"]) for row in lapsed] == pytest.approx(
        [
            probability
            for (probability,) in built_demo.query(
                "select return_probability from customer_retention "
                "where return_probability is not null order by "
                "round(return_probability * average_order_value, 2) desc nulls last, "
                "return_probability desc, customer_id limit 200"
            )
        ],
        abs=1e-4,
    )


REMINDERS = """
    select cast(customer_id as varchar), product_name, status, cast(remind_at as date)
    from replenishment_due
    where
        status in ('due', 'overdue', 'upcoming')
        and remind_at >= as_of_date - interval 14 day
        and remind_at < as_of_date + interval 14 day
    order by remind_at, customer_id, product_id
"""


def test_reminders_are_sorted_filtered_and_saved(
    page: Path, chromium: Any, built_demo: DbtProject, tmp_path: Path
) -> None:
    place = "[data-list=replenish]"
    show(chromium, page)
    due = built_demo.query(REMINDERS)
    assert 10 < len(due) <= 500
    # the earliest first, and the latest when that heading is pressed
    assert texts(chromium, f"{place} td.of-id") == [row[0] for row in due[:10]]
    assert texts(chromium, f"{place} th[aria-sort=ascending]") == ["Remind on"]
    click(chromium, f"{place} [data-sort=remind]")
    assert texts(chromium, f"{place} th[aria-sort=descending]") == ["Remind on"]
    enter(chromium, "[data-filter=status]", "upcoming", "replenish")
    count = sum(row[2] == "upcoming" for row in due)
    assert 0 < count < len(due)
    assert texts(chromium, f"{place} .shown")[0].startswith(f"{count} reminder")
    assert set(texts(chromium, f"{place} td.of-status")) == {"upcoming"}
    enter(chromium, ".search", "nobody is called so", "replenish")
    assert texts(chromium, f"{place} .shown") == ["No reminder matches."]
    click(chromium, f"{place} .clear")

    rows = rows_of(saved(chromium, tmp_path / "due", f"{place} .save-all"))
    told = [(row["customer_id"], row["product_name"], row["status"]) for row in rows]
    assert told == [row[:3] for row in due]
    assert [row["remind_at"] for row in rows] == [str(row[3]) for row in due]


def test_overdue_customers_are_listed_with_what_is_expected(
    page: Path, chromium: Any, built_demo: DbtProject, tmp_path: Path
) -> None:
    show(chromium, page)
    late = built_demo.query(
        "select cast(customer_id as varchar), overdue_days, expected_spend_365d "
        "from next_purchase inner join customer_retention using (customer_id) "
        "where state = 'overdue' and overdue_days > 0 "
        "order by round(expected_spend_365d, 2) desc, overdue_days desc, customer_id"
    )
    assert f"{len(late)} customers are overdue" in texts(chromium, "#timing .say")[0]
    rows = rows_of(saved(chromium, tmp_path / "late", "[data-list=overdue] .save-all"))
    assert [(row["customer_id"], int(row["overdue_days"])) for row in rows] == [
        row[:2] for row in late
    ]
    assert [float(row["expected_spend_365d"]) for row in rows] == pytest.approx(
        [row[2] for row in late], abs=0.006
    )
    least = sorted(row[1] for row in late)[-3]
    enter(chromium, ".least", str(least), "overdue")
    count = sum(row[1] >= least for row in late)
    assert texts(chromium, "[data-list=overdue] .shown")[0].startswith(f"{count} overdue customer")


def test_what_customers_are_worth_is_that_of_the_warehouse(
    page: Path, chromium: Any, built_demo: DbtProject
) -> None:
    show(chromium, page)
    [(quarter, year)] = built_demo.query(
        "select sum(expected_spend_90d), sum(expected_spend_365d) from customer_value"
    )
    told = texts(chromium, "#value .say")[0]
    assert f"{quarter:,.0f} in the next 90 days and {year:,.0f} in the next 365 days" in told
    best = built_demo.query(
        "select cast(customer_id as varchar), customer_value.expected_spend_365d "
        "from customer_retention inner join customer_value using (customer_id) "
        "where risk_band in ('high', 'medium') and is_keepable "
        "order by customer_value.expected_spend_365d desc, customer_id limit 10"
    )
    shown = texts(chromium, ".best tbody tr")
    assert len(shown) == len(best)
    for row, (customer, spend) in zip(shown, best, strict=True):
        assert row.strip().startswith(customer)
        assert f"{spend:,.0f}" in row
    assert len(texts(chromium, "#value tr.champion")) == 2


def test_customers_at_risk_have_their_first_suggestions(
    page: Path, chromium: Any, built_demo: DbtProject, tmp_path: Path
) -> None:
    show(chromium, page)
    suggested = {
        (customer, rank): (product, reason)
        for customer, rank, product, reason in built_demo.query(
            "select cast(customer_id as varchar), rank, product_name, reason "
            "from product_recommendations where list = 'top' and rank <= 3"
        )
    }
    rows = rows_of(saved(chromium, tmp_path / "offers", "[data-list=suggestions] .save-all"))
    assert 0 < len(rows) <= 200
    for row in rows:
        for rank in (1, 2, 3):
            known = suggested.get((row["customer_id"], rank), ("", ""))
            assert (row[f"product_{rank}"], row[f"reason_{rank}"]) == known
    # and the first of them stands beside what to do next
    listed = rows_of(saved(chromium, tmp_path / "listed", "[data-list=customers] .save-all"))
    for row in listed:
        assert row["recommended_product"] == suggested.get((row["customer_id"], 1), ("", ""))[0]
    assert any("Best time: " in text for text in texts(chromium, "td.of-action .more"))


def test_decisions_that_wait_are_listed_with_what_it_takes_to_decide(
    page: Path, chromium: Any, built_demo: DbtProject, tmp_path: Path
) -> None:
    show(chromium, page)
    waiting = built_demo.query(
        "select decision_id, cast(customer_id as varchar), coalesce(offer_name, action), reason, "
        "expected_profit, expected_profit_lower from decisions where status = 'needs_review' "
        "order by expected_profit desc nulls last, decision_id"
    )
    assert len(waiting) > 20
    assert f"{len(waiting)} decisions wait for review" in texts(chromium, "#review .say")[0]
    # the largest profit first, with its interval below
    assert texts(chromium, "[data-list=review] td.of-id")[0] == waiting[0][1]
    profit = texts(chromium, "[data-list=review] td.of-profit")[0]
    assert profit.startswith(f"{waiting[0][4]:.2f}"), profit
    assert f"{waiting[0][5]:.2f} to " in profit
    action = waiting[0][2]
    enter(chromium, "[data-filter=offer]", action, "review")
    count = sum(row[2] == action for row in waiting)
    assert texts(chromium, "[data-list=review] .shown")[0].startswith(f"{count} decision")
    rows = rows_of(saved(chromium, tmp_path / "review", "[data-list=review] .save-all"))
    assert {
        (row["decision_id"], row["customer_id"], row["action"], row["reason"]) for row in rows
    } == {row[:4] for row in waiting}
    assert rows[0]["expires_at"] > "2026-07-01"


def test_activity_is_a_map_of_the_week(page: Path, chromium: Any) -> None:
    show(chromium, page)
    tiles = "[data-chart=hours] .mark-rect path"
    assert len(texts(chromium, tiles)) == 7 * 24
    said = texts(chromium, "#timing .say")[0]
    assert re.search(r"most active on [A-Z][a-z]+day, \d\d:00 to \d\d:00\.", said)


def test_a_file_runs_no_formula_and_follows_the_locale(
    page: Path, chromium: Any, tmp_path: Path
) -> None:
    hostile = ["=1+1", "+1", "-2+3", "@SUM(1)", "\t=1", " =1", "\uff1d1", 'a "quoted";\nline', "-7"]
    html = page.read_text(encoding="utf-8")
    begin = html.index('id="report-data">') + len('id="report-data">')
    end = html.index("</script>", begin)
    data = json.loads(html[begin:end])
    listed = data["lists"]["customers"]
    for row, text in zip(listed["rows"], hostile, strict=False):
        row[listed["keys"].index("id")] = text
    data["csv"] = {"separator": ";", "decimal": ","}
    changed = json.dumps(data).replace("<", "\\u003c")
    (tmp_path / "changed.html").write_text(html[:begin] + changed + html[end:], encoding="utf-8")
    show(chromium, tmp_path / "changed.html")
    content = saved(chromium, tmp_path / "saved", "[data-list=customers] .save-all")
    text = content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))
    # an apostrophe makes text of what a spreadsheet would run; a negative number is none
    assert [row["customer_id"] for row in rows[: len(hostile)]] == [
        *("'" + each for each in hostile[:7]),
        *hostile[7:],
    ]
    assert re.fullmatch(r"0,\d+", rows[0]["churn_probability"])


def test_moves_of_a_month_are_drawn_and_told_in_a_table(
    page: Path, chromium: Any, built_demo: DbtProject
) -> None:
    show(chromium, page)
    moves = built_demo.query(
        "select strftime(month, '%Y-%m-%d'), from_state, to_state, customers "
        "from lifecycle_transitions "
        "where is_project_definition and is_complete and from_state <> 'other'"
    )
    for month in sorted({month for month, *_ in moves})[-2:]:
        chromium.execute_script(
            "const field = document.getElementById('period'); field.value = arguments[0];"
            "field.dispatchEvent(new Event('input'));",
            month,
        )
        expected = sorted(customers for at, *_, customers in moves if at == month)
        told = texts(chromium, "#flow-table tbody td.number")
        assert sorted(int(text.replace(",", "")) for text in told) == expected
        drawn = [
            int(re.findall(r": ([0-9,]+) cust", text)[0].replace(",", ""))
            for text in texts(chromium, "#flow .band title")
        ]
        assert sorted(drawn) == expected


def test_wide_tables_say_on_a_phone_that_they_go_on(page: Path, chromium: Any) -> None:
    hints = (
        "return [...document.querySelectorAll("
        "'#trust > article .scroll-hint, #states .scroll-hint')]"
        ".map((each) => getComputedStyle(each).display)"
    )
    show(chromium, page, width=390)
    assert set(chromium.execute_script(hints)) == {"block"}
    chromium.execute_script(
        "document.querySelectorAll('.scroll').forEach((each) => { each.scrollLeft = 9999; })"
    )
    from selenium.webdriver.support.wait import WebDriverWait

    WebDriverWait(chromium, 30).until(
        lambda browser: set(browser.execute_script(hints)) == {"none"}
    )
    show(chromium, page)
    assert set(chromium.execute_script(hints)) == {"none"}


@pytest.mark.parametrize("width", [390, 1440])
def test_no_text_overflows(page: Path, chromium: Any, width: int) -> None:
    show(chromium, page, width=width)
    open_card(chromium)
    assert chromium.execute_script("return document.documentElement.scrollWidth") <= width
    assert chromium.execute_script(OVERFLOWING) == []


@pytest.mark.parametrize("look", ["light", "dark"])
def test_text_is_readable_in_either_look(page: Path, chromium: Any, look: str) -> None:
    show(chromium, page, look=look)
    contrasts = chromium.execute_script(CONTRASTS)
    assert len(contrasts) > 15
    assert {name: found for name, found in contrasts.items() if found < 4.5} == {}


def test_the_look_can_be_changed(page: Path, chromium: Any) -> None:
    from selenium.webdriver.support.wait import WebDriverWait

    show(chromium, page)
    colour = "return getComputedStyle(document.body).backgroundColor"
    label = (
        "return document.querySelector('[data-chart=rate] .role-axis-label text')"
        ".getAttribute('fill')"
    )
    before = chromium.execute_script(colour), chromium.execute_script(label)
    chromium.execute_script("document.getElementById('look').click()")
    WebDriverWait(chromium, 60).until(
        lambda browser: (
            browser.execute_script("return document.documentElement.dataset.drawn") == "2"
        )
    )
    after = chromium.execute_script(colour), chromium.execute_script(label)
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert chromium.get_log("browser") == []


def test_hostile_ids_are_shown_and_a_foreign_script_does_not_run(
    page: Path, chromium: Any, tmp_path: Path
) -> None:
    hostile = "<img src=x onerror='window.intruder = 2'>"
    html = page.read_text(encoding="utf-8").replace(
        "<footer>", "<footer><script>window.intruder = 1</script>"
    )
    # as the report writes it; it stands for what might get past that
    customer = json.dumps(hostile)[1:-1].replace("<", "\\u003c")
    html, replaced = re.subn(
        r'("noun":"customer","keys":.*?"rows":\[\[")[^"]*',
        lambda found: found[1] + customer,
        html,
        count=1,
    )
    assert replaced == 1
    (tmp_path / "changed.html").write_text(html, encoding="utf-8")
    show(chromium, tmp_path / "changed.html")
    assert texts(chromium, IDS)[0] == hostile
    assert texts(chromium, "table.list img") == []
    assert chromium.execute_script("return window.intruder") is None
    assert any(
        "Content Security Policy" in entry["message"] for entry in chromium.get_log("browser")
    )


@pytest.fixture(scope="module")
def with_people(page: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Give the report with a page for the first customers of its list, and their ids.

    What is known of them is made up, and as hostile as a text of a customer may be.
    """
    html = page.read_text(encoding="utf-8")
    begin = html.index('id="report-data">') + len('id="report-data">')
    end = html.index("</script>", begin)
    data = json.loads(html[begin:end])
    listed = data["lists"]["customers"]
    hostile = "50% / #1 </script><img src=x onerror='window.intruder = 3'>"
    listed["rows"][1][listed["keys"].index("id")] = hostile
    ids = [row[listed["keys"].index("id")] for row in listed["rows"][:3]]
    known = [
        [customer, CONTEXT | {"customer": {"id": customer, "since": "2025-03-04"}}]
        for customer in ids
    ]
    packed = base64.b64encode(zlib.compress(json.dumps(known).encode())).decode()
    data["people"] = {"ids": ids, "packed": packed}
    changed = tmp_path_factory.mktemp("people") / "people.html"
    text = json.dumps(data).replace("<", "\\u003c")
    changed.write_text(html[:begin] + text + html[end:], encoding="utf-8")
    return changed, ids


CONTEXT = {
    "schema": "holdfast/customer_context/1",
    "as_of": "2026-07-01",
    # columns of the shop, with names that mean something else elsewhere
    "attributes": {
        "code": "early_bird",
        "currency": "SEK",
        "at": "2026-01-02",
        "state": "lapsed",
        "home_shop": "anna_smith",
        "constructor": "x",
    },
    "value": {"as_of": "2026-07-01", "currency": "EUR", "expected_spend_365d": 195.44},
    "risk": {"probability": 0.744, "band": "high", "reasons": ["No visits"], "as_of": "2026-07-01"},
    "orders": [{"at": "2026-06-03", "amount": 23.5}, {"at": "2026-05-01", "amount": 9}],
    "tickets": [
        {
            "id": "anna_smith",
            "opened_at": "2026-06-12T10:00:00",
            "issue": "</script><img src=x onerror='window.intruder = 4'>",
            "resolved_at": None,
        }
    ],
    "decisions": [{"id": "2026-05-04", "status": "needs_review"}],
    "do_not": [
        {
            "rule": "no_contact",
            "code": "open_complaint",
            "why": "A complaint is open.",
            "channels": ["email", "push"],
            "since": "2026-06-20T08:00:00Z",
        }
    ],
    "of_a_later_version": {"nested": {"a": [1]}, "yes": True},
}


def test_a_customer_has_a_page_that_the_keyboard_opens_and_leaves(
    with_people: tuple[Path, list[str]], chromium: Any
) -> None:
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.wait import WebDriverWait

    focused = "return document.activeElement.textContent"
    page, ids = with_people
    show(chromium, page)
    chromium.execute_script("document.querySelector('[data-list=customers] td.of-id a').focus()")
    assert chromium.execute_script(focused) == ids[0]
    chromium.switch_to.active_element.send_keys(Keys.ENTER)
    WebDriverWait(chromium, 30).until(lambda browser: texts(browser, "#person-name"))
    # a screen reader begins at the heading, and the rest of the page is out of the way
    assert chromium.execute_script(focused) == f"Customer {ids[0]}"
    assert chromium.title.startswith(f"Customer {ids[0]}")
    hidden = "return ['overview', 'sections'].every((id) => document.getElementById(id).hidden)"
    assert chromium.execute_script(hidden)
    told = texts(chromium, "#person .say")[0]
    assert told == (
        "Customer since 4 Mar 2025. The probability that this customer leaves is 74.4% "
        "(high risk). As of 1 Jul 2026."
    )
    # what not to do comes first
    assert texts(chromium, "#person h3")[0] == "What not to do"
    assert texts(chromium, "#person .part-do_not td") == [
        "no contact",
        "A complaint is open.",
        "email, push",
        "20 Jun 2026",
    ]
    assert texts(chromium, "#person .part-orders td") == [
        "3 Jun 2026",
        "23.50",
        "1 May 2026",
        "9.00",
    ]
    # ids and what the shop tells of a customer stand there as they are
    assert texts(chromium, "#person .part-tickets td")[0] == "anna_smith"
    assert texts(chromium, "#person .part-decisions td") == ["2026-05-04", "needs review"]
    told_by_shop = CONTEXT["attributes"]
    assert texts(chromium, "#person .part-attributes dd") == list(told_by_shop.values())
    names = ["Code", "Currency", "At", "State", "Home shop", "Constructor"]
    assert texts(chromium, "#person .part-attributes dt") == names
    assert "EUR" not in texts(chromium, "#person .part-value dd")
    # what this version does not know is shown all the same
    assert texts(chromium, "#person .part-of_a_later_version dd") == ['{"a":[1]}', "yes"]

    chromium.switch_to.active_element.send_keys(Keys.SHIFT, Keys.TAB)
    assert chromium.execute_script(focused) == "← Back to the lists"
    chromium.switch_to.active_element.send_keys(Keys.ENTER)
    WebDriverWait(chromium, 30).until(lambda browser: not browser.execute_script(hidden))
    # where one was is kept
    assert chromium.execute_script(focused) == ids[0]
    assert chromium.execute_script("return location.hash") == ""
    assert chromium.title == "Customer retention, 1 July 2026"
    assert chromium.get_log("browser") == []


def test_the_page_of_a_customer_opens_by_its_address_and_texts_stay_texts(
    with_people: tuple[Path, list[str]], chromium: Any
) -> None:
    from selenium.webdriver.support.wait import WebDriverWait

    page, ids = with_people
    show(chromium, page, customer=ids[1])
    assert texts(chromium, "#person-name") == [f"Customer {ids[1]}"]
    assert CONTEXT["tickets"][0]["issue"] in texts(chromium, "#person .part-tickets td")
    assert texts(chromium, "#person img") == []
    assert chromium.execute_script("return window.intruder") is None
    assert chromium.execute_script("return document.documentElement.dataset.drawn") is None
    # charts are drawn when there is room for them
    click(chromium, "#person .back")
    WebDriverWait(chromium, 60).until(
        lambda browser: browser.execute_script("return document.documentElement.dataset.drawn")
    )
    assert chromium.execute_script("return document.querySelector('#person').hidden")
    assert len(texts(chromium, "[data-chart=rate] .mark-line path")) > 0
    assert chromium.get_log("browser") == []


def test_the_page_of_a_customer_tells_what_customer_context_does(
    page: Path, chromium: Any, built_demo: DbtProject
) -> None:
    customer = built_demo.query(LISTED)[0][0]
    [(text,)] = built_demo.query(
        f"select context from customer_context where cast(customer_id as varchar) = '{customer}'"
    )
    context = json.loads(text)
    show(chromium, page, customer=customer)
    told = texts(chromium, "#person .say")[0]
    assert f"{100 * context['risk']['probability']:.1f}%" in told
    assert context["customer"]["segment"] in told
    assert texts(chromium, "#person .part-risk li") == context["risk"]["reasons"]
    assert len(texts(chromium, "#person .part-orders tbody tr")) == len(context["orders"]) > 0
    assert texts(chromium, "#person .part-do_not h3") == ["What not to do"]
    # every customer who is listed has a page
    show(chromium, page)
    assert texts(chromium, "[data-list] td.of-id:not(:has(a))") == []
    assert len(texts(chromium, ".best td a")) == len(texts(chromium, ".best tbody tr")) > 0


def test_a_customer_without_a_page_is_said_to_have_none(
    with_people: tuple[Path, list[str]], chromium: Any
) -> None:
    page, ids = with_people
    show(chromium, page, customer="nobody & <b>nothing</b> %")
    assert texts(chromium, "#person-name") == ["Customer nobody & <b>nothing</b> %"]
    assert "no page for this customer" in texts(chromium, "#person .empty")[0]
    # in the lists, only those who have a page are links
    show(chromium, page)
    assert texts(chromium, "[data-list=customers] td.of-id a") == ids


@pytest.fixture(scope="module")
def card(built_demo: DbtProject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the model card of the champion."""
    output = tmp_path_factory.mktemp("card") / "card.html"
    run("holdfast", "models", "card", "--output", output, cwd=built_demo.directory, check=True)
    return output


def complaints(browser: Any) -> list[tuple[str, list[str]]]:
    """Give what axe-core complains of on the page, rules of good practice among them."""
    axe = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    # by the debugger, since the page's policy lets no foreign script run
    browser.execute_cdp_cmd("Runtime.evaluate", {"expression": f"{axe};0"})
    found = browser.execute_async_script(
        "axe.run(document, { resultTypes: ['violations'] }).then(arguments[0], arguments[0])"
    )
    assert len(found["passes"]) > 20
    return [
        (rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found["violations"]
    ]


@pytest.mark.parametrize(("width", "look"), [(1440, "light"), (1440, "dark"), (390, "dark")])
def test_axe_finds_nothing_to_complain_of(
    with_people: tuple[Path, list[str]], card: Path, chromium: Any, width: int, look: str
) -> None:
    page, ids = with_people
    show(chromium, page, width=width, look=look)
    open_card(chromium)
    assert complaints(chromium) == []
    show(chromium, page, width=width, look=look, customer=ids[0])
    assert chromium.execute_script("return document.documentElement.scrollWidth") <= width
    assert complaints(chromium) == []
    assert chromium.execute_script(OVERFLOWING) == []
    show(chromium, card, width=width, look=look)
    assert chromium.execute_script("return document.documentElement.scrollWidth") <= width
    assert complaints(chromium) == []


@pytest.mark.parametrize("look", ["light", "dark"])
def test_a_card_and_a_customer_are_readable_in_either_look(
    with_people: tuple[Path, list[str]], card: Path, chromium: Any, look: str
) -> None:
    page, ids = with_people
    for shown, customer in ((page, ids[0]), (card, "")):
        show(chromium, shown, look=look, customer=customer)
        contrasts = chromium.execute_script(CONTRASTS)
        assert len(contrasts) > 5
        assert {name: found for name, found in contrasts.items() if found < 4.5} == {}
    assert len(texts(chromium, "[data-chart=card_test] .mark-symbol path")) == 10
    assert chromium.get_log("browser") == []


def test_new_sections_tell_figures_of_the_warehouse(
    page: Path, chromium: Any, built_demo: DbtProject
) -> None:
    show(chromium, page)
    [(offers, works, harms)] = built_demo.query(
        "select count(*), count(*) filter (where effect_lower > 0), "
        "count(*) filter (where effect_upper < 0) "
        "from offer_effects where segment = 'all' and outcome = 'margin'"
    )
    assert f"{works} of {offers} offers" in texts(chromium, "#offers .say")[0]
    assert f"and {harms} less" in texts(chromium, "#offers .say")[0]
    [(running,)] = built_demo.query("select count(*) from campaign_performance where not is_ended")
    assert texts(chromium, "#campaigns .say")[0].startswith(f"{running} campaigns are running now.")
    [(products, uncertain)] = built_demo.query(
        "select count(*), count(*) filter (where status = 'uncertain') from price_suggestions"
    )
    assert f"of {products} products" in texts(chromium, "#prices .say")[0]
    assert f"for {uncertain} more a gain is expected" in texts(chromium, "#prices .say")[0]
    [(profit, margin, cost)] = built_demo.query(
        "select sum(profit), sum(incremental_margin), sum(mature_cost) from campaign_performance "
        "where status = 'estimated'"
    )
    told = texts(chromium, "#results .say")[0]
    assert f"{abs(profit):,.0f}" in told
    assert f"{margin:,.0f} of extra margin, less {cost:,.0f} of costs" in told
    # decisions began on the day of the build
    assert "the first decision was made on 1 July 2026" in told
