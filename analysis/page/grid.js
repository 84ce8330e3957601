// The grid of problems and conditions: share right by colour; only the rows in view are there.

const SPARE_ROWS = 8;

const Grid = {
  order: [], at: [0, 0], rows: new Map(),

  async start() {
    this.data = await unpack(DATA.grid);
    const { ids, conditions, loss, k, mean, entropy } = this.data;
    this.keys = {
      hardest: { name: "right", values: mean, sign: 1, show: (value) => `${Math.round(100 * value)}%` },
      disagreement: { name: "entropy [bits]", values: entropy, sign: -1, show: (value) => value.toFixed(2) },
      loss: { name: `pass@${k} − maj@${k}`, values: loss, sign: -1, show: (value) => value.toFixed(3) },
      id: { name: "right", values: ids, sign: 1 },
    };
    this.place = byId("grid");
    this.body = make("div", { role: "rowgroup", class: "body" });
    this.head = make("div", { role: "row", class: "line", "aria-rowindex": 1 });
    this.place.append(make("div", { role: "rowgroup", class: "head" }, this.head), this.body);
    this.place.setAttribute("aria-rowcount", ids.length + 1);
    this.place.setAttribute("aria-colcount", conditions.length + 2);
    this.place.style.setProperty("--count", conditions.length);
    if (!loss) byId("grid-order").querySelector("[value=loss]").disabled = true;
    byId("grid-order").addEventListener("change", () => this.sort());
    byId("grid-turn").addEventListener("click", (event) => {
      const turned = event.target.getAttribute("aria-pressed") !== "true";
      event.target.setAttribute("aria-pressed", String(turned));
      this.sort();
    });
    byId("grid-thin").addEventListener("change", () => this.sort());
    this.place.addEventListener("scroll", () => this.draw(), { passive: true });
    this.place.addEventListener("keydown", (event) => this.press(event));
    this.place.addEventListener("click", (event) => this.open(event.target.closest("[data-column]")));
    this.place.addEventListener("focusin", (event) => {
      const cell = event.target.closest("[data-column]");
      if (cell) this.at = [Number(cell.parentElement.dataset.row), Number(cell.dataset.column)];
    });
    new ResizeObserver(() => this.draw()).observe(this.place);
    this.sort();
  },

  sort() {
    const name = byId("grid-order").value, { values, sign } = this.keys[name];
    const turn = byId("grid-turn").getAttribute("aria-pressed") === "true" ? -1 : 1;
    this.order = values.map((_, place) => place)
      .sort((a, b) => compareCells(values[a], values[b], sign * turn) || a - b);
    this.key = name === "id" ? this.keys.hardest : this.keys[name];
    this.place.classList.toggle("thin", byId("grid-thin").checked);
    this.high = byId("grid-thin").checked ? 9 : 28;
    this.head.replaceChildren(make("div", { role: "columnheader" }, "problem"),
      make("div", { role: "columnheader", class: "value" }, this.key.name),
      ...this.data.conditions.map((condition) => make("div", { role: "columnheader" }, atCondition(condition))));
    this.body.style.height = `${this.order.length * this.high}px`;
    this.place.scrollTop = 0;
    this.at = [0, 0];
    this.draw(true);
  },

  /** Put the rows in view into the page, and that of the chosen cell, so that it keeps the focus. */
  draw(again = false) {
    if (again) this.body.replaceChildren();
    const first = Math.floor(this.place.scrollTop / this.high) - SPARE_ROWS;
    const last = first + Math.ceil(this.place.clientHeight / this.high) + 2 * SPARE_ROWS;
    const wanted = new Set([this.at[0]]);
    for (let row = Math.max(0, first); row < Math.min(last, this.order.length); row++) wanted.add(row);
    const held = new Set();
    for (const line of [...this.body.children]) {
      if (wanted.has(Number(line.dataset.row))) held.add(Number(line.dataset.row));
      else line.remove();
    }
    const added = [...wanted].filter((row) => !held.has(row)).map((row) => this.line(row));
    if (added.length) {
      this.body.append(...added);
      const sorted = [...this.body.children].sort((a, b) => a.dataset.row - b.dataset.row);
      if (!this.body.contains(document.activeElement)) this.body.replaceChildren(...sorted);
    }
    this.mark();
  },

  line(row) {
    const place = this.order[row], id = this.data.ids[place], value = this.key.values[place];
    const line = make("div", { role: "row", class: "line", "data-row": row, "aria-rowindex": row + 2, style: `top: ${row * this.high}px` },
      make("div", { role: "rowheader", title: id }, id),
      make("div", { role: "gridcell", class: "value" }, value === null ? "–" : this.key.show(value)));
    line.append(...this.data.conditions.map((_, column) => this.cell(place, column)));
    return line;
  },

  cell(place, column) {
    const { ids, conditions, samples, right, unknown, shown } = this.data;
    const count = samples[column][place], known = count - unknown[column][place], share = right[column][place] / known;
    const step = !count ? "absent" : !known ? "unsure" : share === 0 ? "s0" : share === 1 ? "s6" : `s${Math.min(5, Math.ceil(5 * share))}`;
    const said = !count ? "no sample" : !known ? `${count} samples, correctness unknown`
      : `${right[column][place]} of ${known} right${known < count ? `, ${count - known} unknown` : ""}`;
    const text = !count ? "" : !known ? "?" : `${Math.round(100 * share)}%`;
    const name = `${text} ${ids[place]}, ${atCondition(conditions[column])}: ${said}${shown[place] ? "" : "; its samples are not on this page"}`.trim();
    return make("div", { role: "gridcell", class: `share ${step}${shown[place] ? "" : " away"}`, "data-column": column, tabindex: "-1", title: name, "aria-label": name },
      text);
  },

  /** One cell takes the focus; the one whose samples are shown below is selected. */
  mark() {
    for (const cell of this.body.querySelectorAll("[data-column]")) {
      const row = Number(cell.parentElement.dataset.row), column = Number(cell.dataset.column);
      cell.setAttribute("tabindex", row === this.at[0] && column === this.at[1] ? "0" : "-1");
      const chosen = Explorer.index && this.data.ids[this.order[row]] === Explorer.index.problems[Explorer.chosen].id;
      cell.setAttribute("aria-selected", String(Boolean(chosen && byId("condition").value === this.data.conditions[column])));
    }
  },

  press(event) {
    const [row, column] = this.at, page = Math.floor(this.place.clientHeight / this.high) - 2;
    const last = [this.order.length - 1, this.data.conditions.length - 1];
    const next = {
      ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
      PageUp: [row - page, column], PageDown: [row + page, column],
      Home: event.ctrlKey ? [0, 0] : [row, 0], End: event.ctrlKey ? last : [row, last[1]],
    }[event.key];
    if (event.key === "Enter" || event.key === " ") this.open(event.target.closest("[data-column]"));
    else if (!next) return;
    else {
      this.at = next.map((value, axis) => Math.max(0, Math.min(value, last[axis])));
      this.reveal(this.at[0]);
      this.draw();
      const cell = this.body.querySelector(`[data-row="${this.at[0]}"] [data-column="${this.at[1]}"]`);
      cell.focus({ preventScroll: true });
      cell.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    event.preventDefault();
  },

  /** Scroll so that a row is in view, below the head. */
  reveal(row) {
    const top = row * this.high, room = this.place.clientHeight - this.head.offsetHeight;
    if (top < this.place.scrollTop) this.place.scrollTop = top;
    else if (top + this.high > this.place.scrollTop + room) this.place.scrollTop = top + this.high - room;
  },

  open(cell) {
    if (!cell || cell.classList.contains("away") || cell.classList.contains("absent")) return;
    const id = this.data.ids[this.order[Number(cell.parentElement.dataset.row)]];
    history.pushState(null, "", linkTo(id, this.data.conditions[Number(cell.dataset.column)])); // Back leads here again
    Explorer.follow();
  },
};

if (DATA.grid && byId("grid")) Grid.start();
