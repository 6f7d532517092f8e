  // ---- a page per customer, in place of the rest: #customer=<id>
  const overview = document.getElementById("overview"), person = document.getElementById("person");
  const sections = document.getElementById("sections"), reportTitle = document.title;
  let known = null;
  const unpackedPeople = async () => {
    if (known === null) {
      const bytes = Uint8Array.from(atob(data.people.packed), (letter) => letter.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
      known = new Map(JSON.parse(await new Response(stream).text()));
    }
    return known;
  };

  // codes that a text beside them says in words, and what stands elsewhere
  const unsaid = new Set(["code", "currency"]);
  const parts = {
    do_not: "What not to do", customer: "Who it is", value: "Worth", risk: "Risk of leaving",
    decisions: "Open decisions", orders: "Last orders", tickets: "Last tickets",
  };
  const titles = {
    id: "Id", as_of: "As of", model_id: "Model", csat: "Rating", at: "Date",
    opened_at: "Opened", resolved_at: "Resolved", made_at: "Proposed", expires: "Send before",
    state_since: "In this state since", last_order_at: "Last order", expected_next_order_at: "Next order due",
    revenue_365d: "Revenue, last 365 days", expected_spend_365d: "Expected spend, next 365 days",
    expected_orders_365d: "Expected orders, next 365 days", value_percentile: "Share of customers worth less",
  };
  // columns of the shop, whose names and values mean what they mean there
  const ofShop = new Set(["attributes"]);
  const titled = (key, own) => {
    const text = (own ? null : titles[key]) ?? key.replaceAll("_", " ");
    return text.charAt(0).toUpperCase() + text.slice(1);
  };
  const isAmount = (key) => /amount|spend|revenue|value|margin|profit|price|cost/.test(key);
  // ids are looked up elsewhere, letter by letter
  const isId = (key) => /(^|_)id$/.test(key);
  const isShare = (key) => /probability|share|percentile/.test(key);
  const written = (key, value, own) => {
    if (value === null || value === undefined || value === "") return "-";
    if ((own || isId(key)) && typeof value !== "object") return String(value);
    if (typeof value === "boolean") return value ? "yes" : "no";
    if (typeof value === "number") {
      if (isShare(key)) return (100 * value).toFixed(1) + "%";
      if (!isAmount(key)) return Number.isInteger(value) ? String(value) : exact.format(value);
      return (data.currency ? data.currency + "\u00a0" : "") + exact.format(value);
    }
    if (typeof value === "object") return JSON.stringify(value);
    if (data.names[key]?.[value]) return called(key, value);
    if (/^\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?$/.test(value)) return day(value);
    // the names of rules and of states of a decision
    return /^[a-z]+(_[a-z]+)+$/.test(value) ? value.replaceAll("_", " ") : value;
  };
  const isList = (value) => Array.isArray(value) && value.some((each) => each !== null && typeof each === "object");
  const shownValue = (key, value, own) => {
    if (!Array.isArray(value)) return document.createTextNode(written(key, value, own));
    const list = element("ul", "", "");
    list.append(...value.map((each) => element("li", "", written(key, each, own))));
    if (key === "reasons") list.lang = data.language;
    return list;
  };
  const facts = (values, own) => {
    const list = element("dl", "facts", "");
    for (const [key, value] of Object.entries(values)) {
      if (!own && unsaid.has(key)) continue;
      const pair = document.createElement("div"), told = document.createElement("dd");
      told.append(shownValue(key, value, own));
      pair.append(element("dt", "", titled(key, own)), told);
      list.append(pair);
    }
    return list;
  };
  // on a phone each row is a card, as in the lists
  const rowsOf = (rows) => {
    const keys = [...new Set(rows.flatMap((row) => Object.keys(row ?? {})))].filter((key) => !unsaid.has(key));
    const table = element("table", "list", ""), head = document.createElement("tr"), body = document.createElement("tbody");
    head.append(...keys.map((key) => element("th", "", titled(key))));
    for (const row of rows) {
      const line = document.createElement("tr");
      for (const key of keys) {
        const cell = document.createElement("td");
        const value = row?.[key];
        cell.textContent = Array.isArray(value) ? value.map((each) => written(key, each)).join(", ") : written(key, value);
        if (key === "why" || key === "reason") cell.lang = data.language;
        cell.dataset.label = titled(key);
        line.append(cell);
      }
      body.append(line);
    }
    table.append(document.createElement("thead"), body);
    table.tHead.append(head);
    return table;
  };
  const article = (key, value) => {
    const made = element("article", "part-" + key.replaceAll(/[^a-z_]/g, ""), "");
    made.append(element("h3", "", parts[key] ?? titled(key)));
    if (isList(value)) made.append(rowsOf(value));
    else if (Array.isArray(value)) made.append(value.length ? shownValue(key, value) : element("p", "note", key === "do_not" ? "Nothing is forbidden." : "None."));
    else made.append(facts(value, ofShop.has(key)));
    return made;
  };
  const sentence = ({ customer = {}, risk }, asOf) => {
    const { since, segment, state } = customer ?? {};
    const about = [since && `customer since ${day(since)}`, segment, state && called("state", state)].filter(Boolean);
    const told = about.length ? about.join(", ") + "." : "";
    const chance = typeof risk?.probability === "number"
      ? ` The probability that this customer ${state === "lapsed" ? "does not come back" : "leaves"} is ${written("probability", risk.probability)}${risk.band ? ` (${risk.band} risk)` : ""}.` : "";
    return told.charAt(0).toUpperCase() + told.slice(1) + chance + (asOf ? ` As of ${day(asOf)}.` : "");
  };
  const back = () => {
    const link = element("a", "back", "← Back to the lists");
    link.href = "#customers";
    link.addEventListener("click", (event) => {
      // who came from a list goes back to where it was
      if (left !== null) { event.preventDefault(); history.back(); }
    });
    return link;
  };
  const drawPerson = (id, context) => {
    const name = element("h2", "", `Customer ${id}`);
    name.id = "person-name";
    name.tabIndex = -1;
    if (!context) {
      const missing = "This report has no page for this customer: it has one for each customer in its lists.";
      person.replaceChildren(back(), name, element("p", "empty", missing));
      return;
    }
    const { schema, as_of: asOf, ...others } = context;
    const order = [...Object.keys(parts), ...Object.keys(others).filter((key) => !(key in parts))];
    const made = [], pair = element("div", "pair", "");
    for (const key of order) {
      const value = others[key];
      if (value === undefined || value === null) continue;
      const part = article(key, typeof value === "object" ? value : { [key]: value });
      if (isList(value)) made.push(part);
      else pair.append(part);
    }
    const first = made.findIndex((part) => part.className === "part-do_not");
    const warning = first < 0 ? [] : made.splice(first, 1);
    person.replaceChildren(back(), name, element("p", "say", sentence(context, asOf)), ...warning, pair, ...made);
  };

  // where the reader was in the lists, to go back there
  let left = null, at = { scroll: 0, link: null };
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#customer="]');
    if (link) at = { scroll: window.scrollY, link };
  });
  const wanted = () => {
    const found = /^#customer=(.*)$/.exec(location.hash);
    if (!found) return null;
    try {
      return decodeURIComponent(found[1]);
    } catch {
      return found[1];
    }
  };
  const show = (isPerson) => {
    person.hidden = !isPerson;
    overview.hidden = sections.hidden = isPerson;
  };
  async function route() {
    const id = wanted();
    if (id === null) {
      document.title = reportTitle;
      if (person.hidden) return;
      show(false);
      root.dispatchEvent(new Event("overview"));
      if (left?.link) {
        window.scrollTo({ top: left.scroll, behavior: "instant" });
        left.link.focus({ preventScroll: true });
      } else {
        document.getElementById(location.hash.slice(1))?.scrollIntoView({ behavior: "instant" });
      }
      left = null;
      return;
    }
    if (person.hidden && at.link) left = at;
    at = { scroll: 0, link: null };
    show(true);
    const context = hasPage.has(id) ? (await unpackedPeople()).get(id) : null;
    // somebody may have gone on meanwhile
    if (wanted() !== id) return;
    drawPerson(id, context);
    document.title = `Customer ${id}: ${reportTitle}`;
    window.scrollTo({ top: 0, behavior: "instant" });
    document.getElementById("person-name").focus({ preventScroll: true });
  }
  window.addEventListener("hashchange", route);
  route();
