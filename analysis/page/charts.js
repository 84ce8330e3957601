// Charts: drawn by Vega-Lite when they come near, in the colours of the page.

const drawn = new Map();
const choices = new Map();

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

/** Call a function with every object inside a specification, under its name. */
function each(part, visit) {
  for (const [name, value] of Object.entries(part ?? {})) {
    if (typeof value !== "object" || value === null) continue;
    visit(name, value);
    each(value, visit);
  }
}

/** Give the panels of a specification the width that there is, and the legend its columns. */
function widen(spec, room) {
  const beside = room < 600 ? 1 : Math.min(spec.columns || spec.concat.length, spec.concat.length);
  const width = Math.floor((room - 22 * (beside - 1)) / beside) - 66; // 66: labels and title of y
  for (const panel of spec.concat) {
    panel.width = width;
    panel.height = Math.max(panel.height, Math.min(320, Math.round(0.55 * width)));
  }
  each(spec, (name, value) => {
    const names = value.scale?.domain;
    if ((name !== "color" && name !== "shape") || !value.legend || !names) return;
    const longest = Math.max(...names.map((one) => String(one).length)) * 7 + 40;
    value.legend.columns = Math.max(1, Math.min(names.length, Math.floor((room - 40) / longest)));
  });
}

async function draw(place) {
  const spec = await unpack(DATA.figures[place.dataset.figure]);
  const ink = spec.params.find((param) => param.name === "ink");
  ink.value = colour("soft");
  spec.config.font = getComputedStyle(document.body).fontFamily;
  if (matchMedia("(pointer: coarse)").matches) // a finger that drags wants to scroll
    spec.params = spec.params.filter((param) => !param.name.startsWith("zoom_"));
  const room = place.parentElement.clientWidth; // its own is that of what is drawn in it already
  const faceted = Boolean(spec.usermeta?.facets);
  if (faceted) {
    if (!choices.has(place)) choices.set(place, firstChoice(spec));
    offerFacets(place, spec, choices.get(place));
    arrange(spec, choices.get(place), room);
  }
  if (!faceted && spec.concat[0].layer) widen(spec, room);
  if (room < 600) {
    // panels below one another, and what stands under the chart as text that wraps
    spec.columns = 1;
    each(spec, (name, value) => { if (name === "legend" && value.columns > 2) value.columns = 2; });
    place.parentElement.querySelector("figcaption").textContent = spec.title.text.join(" · ");
    delete spec.title;
  }
  drawn.get(place)?.finalize();
  const result = await vegaEmbed(place, spec, {
    mode: "vega-lite", renderer: "svg",
    actions: { export: true, source: false, compiled: false, editor: false },
    downloadFileName: place.dataset.figure,
  });
  drawn.set(place, result);
  place.querySelector("summary")?.setAttribute("aria-label", `Save the chart ${place.dataset.figure.replace("figure-", "")}`);
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
