  // ---- lists of customers: search, filters, order, pages, and a file for a spreadsheet
  const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const exact = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const bySize = { high: 2, medium: 1, low: 0 };
  const isNarrow = window.matchMedia("(max-width: 46rem)");
  const lists = {};

  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    made.className = className;
    // text from data never becomes markup
    made.textContent = text;
    return made;
  };
  const hasPage = new Set("DecompressionStream" in window ? data.people?.ids ?? [] : []);
  const pageOf = (id) => "#customer=" + encodeURIComponent(id);
  // what a link to the page of a customer says; a text where there is no such page
  const linked = (id) => {
    if (!hasPage.has(id)) return document.createTextNode(id);
    const link = element("a", "", id);
    link.href = pageOf(id);
    return link;
  };
  const days = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  const sameYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
  // a day of the year of the report needs no year
  const shortDay = (text) =>
    (text.slice(0, 4) === data.as_of.slice(0, 4) ? sameYear : days).format(new Date(text.slice(0, 10) + "T00:00:00Z"));
  const day = (text) => (text ? days.format(new Date(text.slice(0, 10) + "T00:00:00Z")) : "-");

  // what people call a value; a file keeps the value itself
  const called = (key, value) => data.names[key]?.[value] ?? value;

  // a cell that a spreadsheet would take for a formula is made text; a plain negative number is none
  const guarded = (text) =>
    /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text) ? "'" + text : text;
  const quotedCell = (value) => {
    if (value === null || value === undefined || value === "") return "";
    if (typeof value === "number") return String(value).replace(".", data.csv.decimal);
    return '"' + guarded(String(value)).replaceAll('"', '""') + '"';
  };
  const csvOf = (spec, rows) => {
    const line = (cells) => cells.map(quotedCell).join(data.csv.separator);
    const heads = spec.columns.flatMap((column) => column.csv);
    const cells = (row) => spec.columns.flatMap((column) => {
      if (column.kind === "reasons") return column.csv.map((_, place) => row[column.key][place]);
      return [column.key, ...column.more].map((key) => row[key]);
    });
    // with the mark at its beginning, spreadsheets read the file as UTF-8
    return "\ufeff" + [line(heads), ...rows.map((row) => line(cells(row)))].join("\r\n") + "\r\n";
  };
  const save = (name, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  // rows come without keys, and of texts that recur with the place in a list
  const unpacked = ({ keys, texts, rows }) => rows.map((cells) => Object.fromEntries(
    keys.map((key, i) => [key, texts[key] ? texts[key][cells[i]] : cells[i]])));

  function makeList(place, name, spec) {
    const all = unpacked(spec);
    const find = (selector) => place.querySelector(selector);
    const body = find("tbody"), shown = find(".shown"), search = find(".search"), least = find(".least");
    const order = find(".order"), onlyFound = find(".save-found");
    const selects = [...place.querySelectorAll("select[data-filter]")];
    const column = Object.fromEntries(spec.columns.map((each) => [each.key, each]));
    const state = { sort: spec.sort, down: spec.is_downward, page: 0, found: all };
    const isText = (key) => ["text", "told", "state", "action", "date", "noted"].includes(column[key].kind);
    const isFigure = (each) => ["amount", "share", "count"].includes(each.kind);
    const fields = [search, ...(least ? [least] : []), ...selects];
    // cents are shown where all amounts of a column are small
    const amounts = Object.fromEntries(spec.columns.filter((each) => each.kind === "amount").map((each) =>
      [each.key, all.every((row) => Math.abs(row[each.key] ?? 0) < 100) ? exact : whole]));

    for (const row of all) {
      row.text = spec.columns.flatMap((each) => [called(each.key, row[each.key]), ...each.more.map((key) => called(key, row[key]))].flat())
        .filter((text) => text !== null && text !== undefined).join("\n").toLowerCase();
    }
    for (const select of selects) {
      const key = select.dataset.filter;
      const values = [...new Set(all.map((row) => row[key]).filter((value) => value !== null))];
      if (key === "band") values.sort((a, b) => bySize[b] - bySize[a]);
      else values.sort((a, b) => a.localeCompare(b, "en"));
      for (const value of values) {
        const option = element("option", "", called(key, value));
        option.value = value;
        select.append(option);
      }
      select.closest("label").hidden = values.length < 2;
    }

    const compare = (a, b) => {
      const [x, y] = [a[state.sort], b[state.sort]];
      if (x === null || y === null) return (x === null) - (y === null); // unknown last, either way
      const sign = typeof x === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true });
      return state.down ? -sign : sign;
    };
    const cell = (row, each) => {
      const value = row[each.key];
      const td = element("td", "of-" + each.key + (isFigure(each) ? " number" : ""), "");
      td.dataset.label = each.title;
      if (each.key === "id") {
        td.append(linked(value));
      } else if (each.kind === "risk") {
        td.append(element("span", "risk " + row.band, (100 * value).toFixed(1) + "%"), " ", element("span", "band", row.band));
      } else if (each.kind === "reasons") {
        const [first = "", ...others] = value;
        td.append(element("div", "first", first), element("div", "more", others.join(" · ")));
        td.lang = data.language;
      } else if (each.kind === "state") {
        td.append(called(each.key, value) ?? "");
        if (row.overdue > 0) td.append(element("div", "more", `overdue ${whole.format(row.overdue)} day${row.overdue === 1 ? "" : "s"}`));
        else if (row.expected) td.append(element("div", "more", "due " + shortDay(row.expected)));
      } else if (each.kind === "noted") {
        td.append(value ?? "", element("div", "more", row[each.more[0]] ?? ""));
        td.lang = data.language;
      } else if (each.kind === "action") {
        const action = element("div", "", value ?? "");
        action.lang = data.language;
        td.append(action);
        if (row.occasion) td.append(element("div", "more", "Occasion: " + called("occasion", row.occasion)));
        if (row.time) td.append(element("div", "more", "Best time: " + row.time));
        if (row.offer) td.append(element("div", "more", "Recommend: " + row.offer));
      } else {
        td.textContent =
          value === null ? (isFigure(each) ? "-" : "")
          : each.kind === "amount" ? amounts[each.key].format(value)
          : each.kind === "count" ? whole.format(value)
          : each.kind === "share" ? (100 * value).toFixed(1) + "%"
          : each.kind === "date" ? day(value) : value;
        if (each.kind === "told") td.lang = data.language;
        // an amount with its interval
        const [lower, upper] = each.more.map((key) => row[key]);
        if (each.kind === "amount" && typeof lower === "number" && typeof upper === "number") {
          const ends = [lower, upper].map((end) => amounts[each.key].format(end));
          td.append(element("div", "more", ends.join(" to ")));
        }
      }
      return td;
    };
    const isFiltered = () => Boolean(search.value.trim() || least?.value || selects.some((select) => select.value));
    const show = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const bound = least?.value ? Number(least.value) : null;
      state.found = all.filter((row) =>
        selects.every((select) => !select.value || row[select.dataset.filter] === select.value) &&
        (bound === null || (row[spec.least] ?? -Infinity) >= bound) &&
        words.every((word) => row.text.includes(word)));
      state.found.sort(compare);
      const perPage = isNarrow.matches ? 10 : spec.per_page;
      const pages = Math.max(1, Math.ceil(state.found.length / perPage));
      state.page = Math.min(state.page, pages - 1);
      const from = state.page * perPage;
      body.replaceChildren(...state.found.slice(from, from + perPage).map((customer) => {
        const row = document.createElement("tr");
        row.append(...spec.columns.map((each) => cell(customer, each)));
        return row;
      }));
      const count = state.found.length, [key, title] = spec.total ?? [];
      const total = state.found.reduce((sum, row) => sum + (row[key] ?? 0), 0);
      shown.textContent = count
        ? `${whole.format(count)} ${spec.noun}${count === 1 ? "" : "s"}` +
          (column[key] ? `, ${title} ${data.currency ? data.currency + "\u00a0" : ""}${whole.format(total)}` : "")
        : `No ${spec.noun} matches.`;
      find(".page").textContent = `Page ${state.page + 1} of ${pages}`;
      find(".before").disabled = state.page === 0;
      find(".after").disabled = state.page === pages - 1;
      find(".clear").disabled = !isFiltered();
      onlyFound.hidden = !isFiltered() || count === 0 || count === all.length;
      onlyFound.textContent = `Only the ${whole.format(count)} that match${count === 1 ? "es" : ""}`;
      for (const head of place.querySelectorAll("th[aria-sort]")) {
        const isSorted = head.querySelector("button").dataset.sort === state.sort;
        head.setAttribute("aria-sort", !isSorted ? "none" : state.down ? "descending" : "ascending");
      }
      order.value = state.sort;
    };
    const sortBy = (key, down) => {
      Object.assign(state, { sort: key, down, page: 0 });
      show();
    };
    const clear = () => {
      for (const field of fields) field.value = "";
    };

    isNarrow.addEventListener("change", show);
    find("form").addEventListener("submit", (event) => event.preventDefault());
    for (const field of fields) {
      field.addEventListener("input", () => { state.page = 0; show(); });
    }
    find(".clear").addEventListener("click", () => { clear(); state.page = 0; show(); search.focus(); });
    for (const button of place.querySelectorAll("th button")) {
      const key = button.dataset.sort;
      button.addEventListener("click", () => sortBy(key, state.sort === key ? !state.down : !isText(key)));
    }
    order.addEventListener("input", () => sortBy(order.value, !isText(order.value)));
    find(".reverse").addEventListener("click", () => sortBy(state.sort, !state.down));
    for (const [selector, step] of [[".before", -1], [".after", 1]]) {
      find(selector).addEventListener("click", () => { state.page += step; show(); });
    }
    const file = (suffix) => `${name}${suffix}_${data.as_of}.csv`;
    find(".save-all").addEventListener("click", () => save(file(""), csvOf(spec, all)));
    onlyFound.addEventListener("click", () => save(file("_selected"), csvOf(spec, state.found)));
    show();
    return (key, value) => {
      clear();
      const select = selects.find((each) => each.dataset.filter === key);
      if (select) select.value = value;
      state.page = 0;
      show();
      place.scrollIntoView();
      // a screen reader goes on where the list is
      shown.focus({ preventScroll: true });
    };
  }
  for (const place of document.querySelectorAll("[data-list]")) {
    lists[place.dataset.list] = makeList(place, place.dataset.list, data.lists[place.dataset.list]);
  }
  for (const button of document.querySelectorAll("button[data-shows]")) {
    button.addEventListener("click", () => lists[button.dataset.shows](button.dataset.field, button.dataset.value));
  }
