// Charts: drawn by Vega-Lite when they come near, in the colours of the page.

const drawn = new Map();

/** Return how charts look here: without a ground of their own, in the page's ink and type. */
function chartConfig() {
  const ink = colour("ink"), soft = colour("soft"), line = colour("line");
  return {
    background: null,
    font: getComputedStyle(document.body).fontFamily,
    view: { stroke: null },
    axis: { labelColor: soft, titleColor: soft, domainColor: soft, tickColor: soft, gridColor: line, gridOpacity: 0.7, labelFontSize: 11, titleFontSize: 12, titleFontWeight: 400 },
    legend: { labelColor: ink, titleColor: soft, labelFontSize: 12 },
    header: { labelColor: ink, titleColor: soft, labelFontSize: 12 },
    title: { color: ink, subtitleColor: soft, fontSize: 13, fontWeight: 600 },
    rule: { color: soft },
    text: { color: ink },
  };
}

/** Return two configurations, one inside the other: what the second says stands. */
function mergeConfig(under, over) {
  const merged = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const both = value && typeof value === "object" && !Array.isArray(value) && typeof under[key] === "object";
    merged[key] = both && under[key] ? mergeConfig(under[key], value) : value;
  }
  return merged;
}

async function draw(place) {
  const spec = await unpack(DATA.figures[place.dataset.figure]);
  spec.config = mergeConfig(spec.config ?? {}, chartConfig());
  delete spec.background;
  if ("columns" in spec && place.clientWidth < 600) spec.columns = 1;
  drawn.get(place)?.finalize();
  const result = await vegaEmbed(place, spec, {
    mode: "vega-lite", renderer: "svg", tooltip: { disableDefaultStyle: false },
    actions: { export: true, source: false, compiled: false, editor: false },
    downloadFileName: place.dataset.figure,
  });
  drawn.set(place, result);
  place.classList.add("drawn");
}

const near = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    near.unobserve(entry.target);
    draw(entry.target);
  }
}, { rootMargin: "600px" });
document.querySelectorAll("[data-figure]").forEach((place) => near.observe(place));
onTheme.push(() => drawn.forEach((_, place) => draw(place)));
