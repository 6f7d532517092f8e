"use strict";
(() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const root = document.documentElement;

  // ---- light and dark: the system's look until somebody chooses; a choice lasts as long as the page
  const look = document.getElementById("look");
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.look ? root.dataset.look === "dark" : system.matches);
  look.addEventListener("click", () => {
    root.dataset.look = isDark() ? "light" : "dark";
    drawAll();
  });
  system.addEventListener("change", () => drawAll());

  // ---- charts
  const colour = (name) => getComputedStyle(root).getPropertyValue("--" + name).trim();
  // puts the page's colours into a specification; what comes from data is left alone
  const ofData = new Set(["values", "datasets", "sort"]);
  const coloured = (part) => {
    if (typeof part === "string") return /^@[a-z-]+$/.test(part) ? colour(part.slice(1)) : part;
    if (Array.isArray(part)) return part.map(coloured);
    if (part === null || typeof part !== "object") return part;
    return Object.fromEntries(
      Object.entries(part).map(([key, value]) => [key, ofData.has(key) ? value : coloured(value)]));
  };
  const config = () => {
    const ink = colour("ink"), soft = colour("soft"), line = colour("line");
    const font = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
    return {
      background: null, font, view: { stroke: null }, padding: { left: 4, right: 4, top: 2, bottom: 2 },
      autosize: { type: "fit-x", contains: "padding" },
      axis: {
        labelColor: soft, titleColor: soft, gridColor: line, domainColor: line, tickColor: line,
        labelFontSize: 11.5, titleFontSize: 11.5, titleFontWeight: "normal", titlePadding: 8,
      },
      axisX: { labelFlush: true },
      axisY: { domain: false, ticks: false, labelPadding: 6, labelFlush: false },
      legend: { labelColor: ink, labelFontSize: 12, symbolSize: 90, labelLimit: 220, columnPadding: 14 },
      text: { color: ink },
    };
  };
  let turn = 0;
  async function drawAll() {
    look.textContent = isDark() ? "Light" : "Dark";
    const mine = ++turn;
    for (const place of document.querySelectorAll("[data-chart]")) {
      const spec = coloured(data.charts[place.dataset.chart]);
      // `ast`: expressions are interpreted, so that the page needs no right to evaluate text as code
      await vegaEmbed(place, spec, { actions: false, renderer: "svg", ast: true, config: config() });
      if (mine !== turn) return;
    }
    root.dataset.drawn = String(mine);
  }

  // ---- the list of customers
  const list = document.querySelector("#list tbody");
  if (list) {
    const bySize = { high: 2, medium: 1, low: 0 };
    const perPage = 25;
    const state = { sort: "value_at_risk", down: true, page: 0 };
    const [search, band, segment] = ["search", "band", "segment"].map((id) => document.getElementById(id));
    const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
    const amount = (value) => (value === null ? "-" : whole.format(value));

    for (const name of [...new Set(data.customers.map((row) => row.segment).filter((name) => name !== null))].sort()) {
      const option = document.createElement("option");
      option.value = option.textContent = name;
      segment.append(option);
    }
    if (segment.options.length === 1) segment.parentElement.hidden = true;
    for (const row of data.customers) {
      row.text = [row.id, row.segment ?? "", ...row.reasons].join("\n").toLowerCase();
    }

    const key = (row) => (state.sort === "band" ? bySize[row.band] : row[state.sort]);
    const compare = (a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === null || y === null) return (x === null) - (y === null); // unknown last, either way
      const order = typeof x === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true });
      return state.down ? -order : order;
    };
    const cell = (row, text, className, label) => {
      const td = document.createElement("td");
      td.className = className;
      td.textContent = text;
      if (label) td.dataset.label = label;
      row.append(td);
      return td;
    };
    const show = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const found = data.customers.filter((row) =>
        (!band.value || row.band === band.value) &&
        (!segment.value || row.segment === segment.value) &&
        words.every((word) => row.text.includes(word)));
      found.sort(compare);
      const pages = Math.max(1, Math.ceil(found.length / perPage));
      state.page = Math.min(state.page, pages - 1);
      list.replaceChildren(...found.slice(state.page * perPage, (state.page + 1) * perPage).map((customer) => {
        const row = document.createElement("tr");
        cell(row, customer.id, "id");
        const risk = cell(row, "", "band");
        const mark = document.createElement("span");
        mark.className = "risk " + customer.band;
        mark.textContent = customer.band;
        risk.append(mark);
        cell(row, (100 * customer.probability).toFixed(1) + "%", "number", "Probability");
        cell(row, amount(customer.value_at_risk), "number", "Value at risk");
        cell(row, amount(customer.revenue_365d), "number", "Revenue, year");
        cell(row, customer.segment ?? "", "segment");
        const [first = "", ...others] = customer.reasons;
        const more = document.createElement("div");
        more.className = "more";
        more.textContent = others.join(" · ");
        cell(row, first, "why").append(more);
        return row;
      }));
      const total = found.reduce((sum, row) => sum + (row.value_at_risk ?? 0), 0);
      document.getElementById("shown").textContent = found.length
        ? `${whole.format(found.length)} ${found.length === 1 ? "customer" : "customers"}, value at risk ${whole.format(total)}`
        : "No customer matches.";
      document.getElementById("page").textContent = `Page ${state.page + 1} of ${pages}`;
      document.getElementById("before").disabled = state.page === 0;
      document.getElementById("after").disabled = state.page === pages - 1;
    };

    document.getElementById("filters").addEventListener("submit", (event) => event.preventDefault());
    for (const field of [search, band, segment]) {
      field.addEventListener("input", () => { state.page = 0; show(); });
    }
    for (const button of document.querySelectorAll("#list th button")) {
      button.addEventListener("click", () => {
        const isText = ["id", "segment"].includes(button.dataset.sort);
        state.down = state.sort === button.dataset.sort ? !state.down : !isText;
        state.sort = button.dataset.sort;
        state.page = 0;
        for (const head of document.querySelectorAll("#list th[aria-sort]")) head.setAttribute("aria-sort", "none");
        button.parentElement.setAttribute("aria-sort", state.down ? "descending" : "ascending");
        show();
      });
    }
    document.getElementById("before").addEventListener("click", () => { state.page -= 1; show(); });
    document.getElementById("after").addEventListener("click", () => { state.page += 1; show(); });
    show();
  }

  drawAll();
})();
