"""The report of the demo shop in a real browser."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from projects import DbtProject, run

pytestmark = pytest.mark.slow

webdriver = pytest.importorskip("selenium.webdriver")

CHARTS = {
    "movement",
    "rate",
    "cohorts",
    "survival",
    "segments",
    "drivers",
    "calibration",
    "gain",
    "drift",
}
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


def show(browser: Any, page: Path, *, width: int = 1440, look: str = "light") -> None:
    """Open the page on a screen of this width, and wait until its charts are drawn."""
    from selenium.webdriver.support.wait import WebDriverWait

    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": look}]},
    )
    browser.get(page.as_uri())
    WebDriverWait(browser, 60).until(
        lambda browser: browser.execute_script("return document.documentElement.dataset.drawn")
    )


def texts(browser: Any, selector: str) -> list[str]:
    """Give the texts of the elements that a CSS selector finds."""
    found: list[str] = browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent)",
        selector,
    )
    return found


def enter(browser: Any, field: str, value: str) -> None:
    """Put a value into a field of the list."""
    browser.execute_script(
        "const field = document.getElementById(arguments[0]);"
        "field.value = arguments[1]; field.dispatchEvent(new Event('input'));",
        field,
        value,
    )


def test_charts_are_drawn_without_an_error_or_a_request(page: Path, chromium: Any) -> None:
    chromium.get("about:blank")
    # what the browser itself has loaded until now
    chromium.get_log("performance")
    show(chromium, page)
    marks = chromium.execute_script(
        "return Object.fromEntries([...document.querySelectorAll('[data-chart]')].map((each) =>"
        "[each.dataset.chart, each.querySelectorAll("
        "'.mark-rect path, .mark-line path, .mark-symbol path, .mark-area path').length]))"
    )
    assert marks.keys() == CHARTS
    assert min(marks.values()) >= 2, marks
    assert texts(chromium, ".empty") == []
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
    [(at_high_risk, value)] = built_demo.query(
        "select sum(customers) filter (where risk_band = 'high'), sum(value_at_risk) "
        "from churn_overview"
    )
    assert shown == {
        "Active customers": f"{active:,}",
        "Retention rate": f"{100 * retention:.1f}%",
        "Churn rate": f"{100 * (1 - retention):.1f}%",
        "Revenue per customer": f"{revenue:.2f}",
        "Customers at high risk": f"{at_high_risk:,}",
        "Value at risk": f"{value:,.0f}",
    }
    [(model, auroc)] = built_demo.query(
        "select model_id, auroc from model_performance "
        "where stage = 'champion' and split = 'test' and task = 'churn'"
    )
    assert model in texts(chromium, "footer")[0]
    assert f"{auroc:.3f}" in texts(chromium, "tr.champion")[0]


def test_the_list_sorts_searches_and_filters(
    page: Path, chromium: Any, built_demo: DbtProject
) -> None:
    show(chromium, page)
    everybody = built_demo.query(
        "select cast(customer_id as varchar), risk_band, churn_probability, segment "
        "from customer_retention where risk_band in ('high', 'medium') "
        "order by value_at_risk desc, churn_probability desc, customer_id"
    )
    assert texts(chromium, "#list td.id") == [row[0] for row in everybody[:25]]

    sort = "document.querySelector('[data-sort={}]').click()"
    chromium.execute_script(sort.format("probability"))
    likeliest = [float(text.rstrip("%")) for text in texts(chromium, "#list td:nth-child(3)")]
    assert likeliest == sorted(likeliest, reverse=True)
    assert likeliest[0] == pytest.approx(100 * max(row[2] for row in everybody), abs=0.06)
    chromium.execute_script(sort.format("probability"))
    assert float(texts(chromium, "#list td:nth-child(3)")[0].rstrip("%")) < likeliest[-1]
    chromium.execute_script(sort.format("id"))
    ids = [int(text) for text in texts(chromium, "#list td.id")]
    assert ids == sorted(int(row[0]) for row in everybody)[:25]
    assert texts(chromium, "th[aria-sort=ascending]") == ["Customer"]

    enter(chromium, "band", "medium")
    segment = everybody[0][3]
    enter(chromium, "segment", segment)
    count = sum(row[1] == "medium" and row[3] == segment for row in everybody)
    assert texts(chromium, "#shown")[0].startswith(f"{count} customer")
    assert set(texts(chromium, "#list .risk")) == {"medium"}
    assert set(texts(chromium, "#list td.segment")) == {segment}
    enter(chromium, "band", "")
    enter(chromium, "segment", "")
    enter(chromium, "search", "NO VISIT")
    found = texts(chromium, "#list td.why")
    assert found
    assert all("no" in text and "visit" in text for text in found)
    enter(chromium, "search", "nobody is called so")
    assert texts(chromium, "#shown") == ["No customer matches."]
    enter(chromium, "search", "")
    chromium.execute_script("document.getElementById('after').click()")
    assert re.match(r"Page 2 of \d+", texts(chromium, "#page")[0])


@pytest.mark.parametrize("width", [390, 1440])
def test_no_text_overflows(page: Path, chromium: Any, width: int) -> None:
    show(chromium, page, width=width)
    chromium.execute_script("document.querySelector('details').open = true")
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
    html = re.sub(r'("customers":\[\{"id":")[^"]*', lambda found: found[1] + customer, html)
    (tmp_path / "changed.html").write_text(html, encoding="utf-8")
    show(chromium, tmp_path / "changed.html")
    assert texts(chromium, "#list td.id")[0] == hostile
    assert texts(chromium, "#list img") == []
    assert chromium.execute_script("return window.intruder") is None
    assert any(
        "Content Security Policy" in entry["message"] for entry in chromium.get_log("browser")
    )
