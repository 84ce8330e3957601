// Figures of several factors: which of them makes the columns, the rows and the colours.

/** Return where the fields of a figure stand until the reader chooses. */
function firstChoice(spec) {
  const { colour, columns, rows } = spec.usermeta.facets;
  return { colour: [colour], columns, rows, grid: null };
}

/** Return all combinations of the levels of some fields, in order, as they are printed. */
function combinations(fields, places) {
  return places.map((place) => fields[place].levels)
    .reduce((found, levels) => found.flatMap((start) => levels.map((level) => [...start, level])), [[]])
    .map((levels) => levels.join(", "));
}

/** Return the name of a cell, where columns are too many to stand beside each other. */
const cellOf = (row, column) => [row, column].filter(Boolean).join(" · ");

const titleOf = (fields, places) => places.map((place) => fields[place].name).join(", ");

/** Lay out a specification of analysis/figures/faceted_panels.py as chosen, in so much room. */
function arrange(spec, choice, room) {
  const { fields, shapes, sizes } = spec.usermeta.facets;
  const narrow = room < 600;
  const shown = [...choice.colour, ...choice.columns, ...choice.rows];
  const left = fields.map((_, place) => place).filter((place) => !shown.includes(place));
  const [columns, rows, colours, lines] =
    [choice.columns, choice.rows, choice.colour, left].map((places) => combinations(fields, places));
  if (choice.grid !== null) {
    const gone = (view) => /^(points|lines)_/.test(view) && !view.endsWith(`_${choice.grid}`);
    spec.concat = [spec.concat[choice.grid]];
    spec.params = spec.params.filter((param) => !param.name.startsWith("zoom_") || !param.views.some(gone));
    spec.params.find((param) => param.name === "chosen").views = [`lines_${choice.grid}`];
  }
  const wrapped = narrow && columns.length > 2; // a cell for each row and column, two beside each other
  const cells = rows.flatMap((row) => columns.map((column) => cellOf(row, column)));
  spec.columns = narrow ? 1 : Math.max(1, Math.min(spec.concat.length, 3, Math.floor(4 / columns.length)));
  const beside = wrapped ? 2 : columns.length * spec.columns;
  const wide = room - (wrapped ? 45 : narrow ? 95 : 10 + 60 * spec.columns);
  const width = Math.min(2 * sizes.widest, Math.max(narrow ? 54 : sizes.narrowest, Math.floor(wide / beside) - 12));
  const height = sizes.heights.find(([most]) => rows.length * spec.concat.length <= most)[1];
  const step = Math.min(3.5, 22 / colours.length, 0.1 * width / colours.length); // within the axes
  for (const data of Object.values(spec.datasets))
    for (const row of data) {
      if (!("f0" in row)) continue;
      const text = (places) => places.map((place) => row[`f${place}`]).join(", ");
      Object.assign(row, { colour: text(choice.colour), column: text(choice.columns), row: text(choice.rows) });
      if (wrapped) row.column = cellOf(row.row, row.column);
      row.shape = left.length ? text(left) : row.colour;
      row.aside = step * (colours.indexOf(row.colour) - (colours.length - 1) / 2);
    }
  const fit = (names) => Math.max(1, Math.min(names.length,
    Math.floor(Math.max(width * beside, Math.min(room, 420)) / (Math.max(...names.map((name) => name.length)) * 6.2 + 34))));
  const looks = (names, places, range) => ({
    scale: { domain: names, range },
    legend: { title: titleOf(fields, places), columns: fit(names) },
  });
  const cycle = (names) => names.map((_, place) => shapes[place % shapes.length]);
  const encodings = {
    color: looks(colours, choice.colour, fields[choice.colour[0]].colours),
    shape: left.length ? looks(lines, left, cycle(lines)) : looks(colours, choice.colour, fields[choice.colour[0]].shapes),
  };
  for (const grid of spec.concat) {
    Object.assign(grid.spec, { width, height });
    if (wrapped) {
      const title = titleOf(fields, [...choice.rows, ...choice.columns]);
      const header = { ...grid.facet.column.header, title, labelLimit: width };
      Object.assign(grid, { facet: { field: "column", type: "nominal", sort: cells, header }, columns: 2 });
    } else for (const [name, levels, places, limit] of [["column", columns, choice.columns, width], ["row", rows, choice.rows, height]]) {
      grid.facet[name].sort = levels;
      Object.assign(grid.facet[name].header, { title: titleOf(fields, places) || null, labelLimit: limit });
    }
    each(grid.spec, (name, value) => {
      if (name in encodings && value.field) {
        value.scale = encodings[name].scale;
        Object.assign(value.legend, encodings[name].legend);
        if (name === "shape" && left.length) Object.assign(value.legend, { symbolFillColor: { expr: "ink" }, padding: 8 });
      }
      if (name === "x" && value.axis?.title && (narrow || width < sizes.short)) {
        value.axis.title = value.axis.title.split(/,| per | \[/)[0];
        Object.assign(value.axis, { titleLimit: width + 10, labelOverlap: true, labelSeparation: 5 });
      }
    });
  }
  if (left.length) spec.title.text.unshift(`lines of one colour differ in ${titleOf(fields, left)}`);
}

/** Put the selects of a figure above it, once; a change draws it again. */
function offerFacets(place, spec, choice) {
  if (place.parentElement.querySelector("form.facets")) return;
  const { fields } = spec.usermeta.facets;
  const add = (title, role, none) => {
    const joint = choice[role].length > 1 ? [choice[role]] : [];
    const options = [...(none ? [[]] : []), ...fields.map((_, number) => [number]), ...joint];
    const select = make("select", {}, ...options.map((places, number) =>
      make("option", { value: number }, titleOf(fields, places).replaceAll(", ", " × ") || "none")));
    select.selectedIndex = options.findIndex((places) => String(places) === String(choice[role]));
    select.addEventListener("change", () => { choice[role] = options[select.selectedIndex]; draw(place); });
    form.append(make("label", {}, title, select));
  };
  const form = make("form", { class: "row facets", "aria-label": `What stands where in ${place.dataset.figure.replace("figure-", "")}` });
  form.addEventListener("submit", (event) => event.preventDefault());
  add("Colours", "colour", false);
  add("Columns", "columns", true);
  add("Rows", "rows", true);
  if (spec.concat.length > 1) {
    const select = make("select", {}, make("option", { value: "" }, "all"),
      ...spec.concat.map((grid, number) => make("option", { value: number }, grid.title.text ?? grid.title)));
    select.addEventListener("change", () => { choice.grid = select.value === "" ? null : Number(select.value); draw(place); });
    form.append(make("label", {}, "Shown", select));
  }
  place.before(form);
}
