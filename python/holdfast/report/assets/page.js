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
      axisX: { labelFlush: true, labelBound: true },
      axisY: { domain: false, ticks: false, labelPadding: 6, labelFlush: false },
      legend: { labelColor: ink, labelFontSize: 12, symbolSize: 90, labelLimit: 220, columnPadding: 14 },
      text: { color: ink },
    };
  };
  const draw = (place) =>
    // `ast`: expressions are interpreted, so that the page needs no right to evaluate text as code
    vegaEmbed(place, coloured(data.charts[place.dataset.chart]),
      { actions: false, renderer: "svg", ast: true, config: config() });
  let turn = 0, isOld = false;
  async function drawAll() {
    look.textContent = isDark() ? "Light" : "Dark";
    // charts take the width of their place, and behind the page of a customer they have none
    isOld = Boolean(document.getElementById("overview")?.hidden);
    if (isOld) return;
    const mine = ++turn;
    for (const place of document.querySelectorAll("[data-chart]")) {
      place.replaceChildren();
      // what is folded away is drawn when it is opened
      if (!place.clientWidth) continue;
      await draw(place);
      if (mine !== turn) return;
    }
    root.dataset.drawn = String(mine);
  }

  // ---- tables wider than the screen say that they go on, until their end is in sight
  const markScroll = (box) => {
    box.dataset.more = String(box.scrollWidth - box.clientWidth - box.scrollLeft > 2);
  };
  const boxes = [...document.querySelectorAll(".scroll")];
  for (const box of boxes) {
    box.addEventListener("scroll", () => markScroll(box), { passive: true });
  }
  const markAll = () => boxes.forEach(markScroll);
  window.addEventListener("resize", markAll);
  // what was folded away had no width until now
  for (const fold of document.querySelectorAll("details")) {
    fold.addEventListener("toggle", async () => {
      for (const place of fold.querySelectorAll("[data-chart]:empty")) if (place.clientWidth) await draw(place);
      markAll();
    });
  }

  root.addEventListener("overview", () => {
    if (isOld) drawAll();
    markAll();
  });

  drawAll();
  markAll();
