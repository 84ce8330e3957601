// The map of a pool: its texts' embeddings in two dimensions, each point tied to its sample.

async function showMap(place, pool, list, keep) {
  const counts = new Map();
  pool.index.forEach((_, i) => {
    if (keep(pool, i)) counts.set(pool.text[i], [...(counts.get(pool.text[i]) ?? []), i]);
  });
  const { x, y, share } = pool.map;
  const values = [...counts].map(([text, fold]) => ({
    text, x: x[text], y: y[text], samples: fold.length, verdict: VERDICTS[pool.correct[fold[0]]],
    answer: pool.answers[pool.answer[fold[0]]] ?? "none",
  }));
  const percent = (value) => `${Math.round(100 * value)}%`;
  const verdicts = ["right", "wrong", "unknown"];
  const axis = (name, part, given) => ({
    field: name, type: "quantitative", title: `component ${part + 1} (${percent(share[part])} of the variance)`,
    scale: { domain: padded(given), nice: false }, axis: { labels: false, ticks: false, grid: false, domain: true },
  });
  const spec = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    width: "container", height: 260, autosize: { type: "fit", contains: "padding" }, data: { values },
    mark: { type: "point", filled: true, opacity: 0.75, strokeWidth: 1 },
    encoding: {
      x: axis("x", 0, x), y: axis("y", 1, y),
      color: { field: "verdict", type: "nominal", legend: { orient: "top", title: null }, scale: { domain: verdicts, range: verdicts.map(colour) } },
      shape: { field: "verdict", type: "nominal", scale: { domain: verdicts, range: ["circle", "cross", "diamond"] } },
      size: { field: "samples", type: "quantitative", legend: null, scale: { domain: [1, pool.index.length], range: [50, 700] } },
      tooltip: ["answer", "verdict", "samples"].map((field) => ({ field })),
    },
    config: chartConfig(),
  };
  const chart = make("div", { style: "width: 100%" });
  place.append(chart, make("figcaption", {},
    `Embeddings of the texts, two principal components: ${percent(share[0] + share[1])} of the variance. ` +
    "Larger points: repeated texts. Arrow keys go from point to point."));
  await new Promise((done) => requestAnimationFrame(done)); // it has a width once it is in the page
  if (!place.isConnected) return;
  await vegaEmbed(chart, spec, { mode: "vega-lite", renderer: "svg", actions: false });
  tie([...chart.querySelectorAll(".mark-symbol.role-mark path")], list);
}

function padded(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = (high - low || 1) * 0.08;
  return [low - margin, high + margin];
}

/** Tie points and samples: what is pointed at, or focused, is lit in both; a click goes there. */
function tie(points, list) {
  const items = (datum) => [...list.querySelectorAll(`.sample[data-text="${datum.text}"]`)];
  const light = (datum, on) => items(datum).forEach((item) => item.classList.toggle("lit", on));
  points.forEach((point, place) => {
    const datum = point.__data__.datum;
    point.setAttribute("role", "button");
    point.setAttribute("tabindex", place ? "-1" : "0");
    point.setAttribute("aria-label", `answer ${datum.answer}, ${datum.verdict}, ${datum.samples} samples`);
    for (const event of ["pointerenter", "focus"]) point.addEventListener(event, () => light(datum, true));
    for (const event of ["pointerleave", "blur"]) point.addEventListener(event, () => light(datum, false));
    const go = () => {
      const item = items(datum)[0];
      item?.scrollIntoView({ block: "center" });
      item?.focus({ preventScroll: true });
    };
    point.addEventListener("click", go);
    point.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step) {
        const next = points[(place + step + points.length) % points.length];
        points.forEach((other) => other.setAttribute("tabindex", other === next ? "0" : "-1"));
        next.focus({ preventScroll: true });
      } else if (event.key === "Enter" || event.key === " ") go();
      else return;
      event.preventDefault();
    });
    items(datum).forEach((item) => {
      const emphasise = (on) => { point.style.opacity = on ? "1" : ""; point.style.stroke = on ? colour("ink") : ""; };
      item.addEventListener("pointerenter", () => emphasise(true));
      item.addEventListener("pointerleave", () => emphasise(false));
    });
  });
}

onTheme.push(() => Explorer.shown && Explorer.filter());
