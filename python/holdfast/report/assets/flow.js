  // ---- the flow between states: bands from the state before to the state after
  const flow = document.getElementById("flow");
  if (flow) {
    const { states, moves, rare } = data.flow;
    const period = document.getElementById("period");
    const rows = document.querySelector("#flow-table tbody");
    const says = document.getElementById("flow-says");
    const named = Object.fromEntries(states.map((state) => [state.key, state]));
    const rank = Object.fromEntries(states.map((state, place) => [state.key, place]));
    const svg = (tag, attributes, text) => {
      const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
      for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
      if (text !== undefined) made.textContent = text;
      return made;
    };
    const people = (count) => `${whole.format(count)} customer${count === 1 ? "" : "s"}`;

    // the places of the states of one side; a label needs its room even where hardly anybody is
    const column = (side, chosen, scale, label, gap) => {
      let y = 0;
      const places = {};
      for (const { key } of states) {
        const count = chosen.reduce((sum, move) => sum + (move[side] === key ? move[2] : 0), 0);
        if (count === 0) continue;
        const size = Math.max(2, count * scale);
        const slot = Math.max(size, label);
        places[key] = { count, size, y: y + (slot - size) / 2, used: 0 };
        y += slot + gap;
      }
      return [places, y - gap];
    };
    const drawFlow = () => {
      const chosen = [...moves[period.value]].sort((a, b) => rank[a[0]] - rank[b[0]] || rank[a[1]] - rank[b[1]]);
      const total = chosen.reduce((sum, move) => sum + move[2], 0);
      const width = flow.clientWidth, bar = 10, gap = 10, label = 20;
      const scale = 260 / total;
      const [from, fromHeight] = column(0, chosen, scale, label, gap);
      const [to, toHeight] = column(1, chosen, scale, label, gap);
      const height = Math.max(fromHeight, toHeight);
      for (const [places, used] of [[from, fromHeight], [to, toHeight]]) {
        for (const place of Object.values(places)) place.y += (height - used) / 2;
      }
      const name = period.selectedOptions[0].textContent;
      const picture = svg("svg", {
        viewBox: `0 0 ${width} ${height}`, width, height, role: "img",
        "aria-label": `Customers who moved between states, ${name}. The table below holds the same figures.`,
      });
      for (const [source, target, count] of chosen) {
        const thick = Math.max(1, count * scale), a = from[source], b = to[target];
        const y0 = a.y + a.used, y1 = b.y + b.used, middle = width / 2;
        a.used += count * scale;
        b.used += count * scale;
        const band = svg("path", {
          class: "band", style: `fill: var(--${named[target].colour})`,
          d: `M${bar},${y0} C${middle},${y0} ${middle},${y1} ${width - bar},${y1} V${y1 + thick} ` +
            `C${middle},${y1 + thick} ${middle},${y0 + thick} ${bar},${y0 + thick} Z`,
        });
        band.append(svg("title", {}, `${named[source].name} → ${named[target].name}: ${people(count)}`));
        picture.append(band);
      }
      for (const [places, x, anchor, edge] of [[from, bar + 6, "start", 0], [to, width - bar - 6, "end", width - bar]]) {
        for (const [key, place] of Object.entries(places)) {
          picture.append(
            svg("rect", { x: edge, y: place.y, width: bar, height: place.size, rx: 1, style: `fill: var(--${named[key].colour})` }),
            svg("text", { x, y: place.y + place.size / 2, "text-anchor": anchor, "dominant-baseline": "central" },
              `${named[key].name} ${whole.format(place.count)}`));
        }
      }
      flow.replaceChildren(picture);
      const largest = [...chosen].sort((a, b) => b[2] - a[2]);
      rows.replaceChildren(...largest.map(([source, target, count]) => {
        const row = document.createElement("tr");
        row.append(element("td", "", named[source].name), element("td", "", named[target].name), element("td", "number", whole.format(count)));
        return row;
      }));
      const told = largest.slice(0, 3).map(([source, target, count]) =>
        `${whole.format(count)} from ${named[source].name} to ${named[target].name}`);
      const few = rare[period.value] ?? 0;
      says.textContent = `${whole.format(total)} move${total === 1 ? "" : "s"}. The largest flows: ${told.join(", ")}.` +
        (few ? ` Not drawn: ${whole.format(few)} rarer moves.` : "");
    };
    for (const { key, name } of data.flow.periods) {
      const option = element("option", "", name);
      option.value = key;
      period.append(option);
    }
    period.addEventListener("input", drawFlow);
    let drawnAt = 0;
    new ResizeObserver(() => {
      if (flow.clientWidth && flow.clientWidth !== drawnAt) { drawnAt = flow.clientWidth; drawFlow(); }
    }).observe(flow);
  }
