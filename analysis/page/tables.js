// Tables: sorted by any column, what a reader wants first on top; long ones a page at a time.

const PAGE_ROWS = 25;

/** What a cell is sorted by: its number if it begins with one; nothing, which comes last, for "-". */
function sortKey(text, numeric) {
  if (text === "-" || text === "") return null;
  if (!numeric) return text;
  const number = parseFloat(text.replace(/^</, ""));
  return Number.isNaN(number) ? null : number;
}

function compareCells(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a === "number") return sign * (a - b);
  return sign * a.localeCompare(b, undefined, { numeric: true });
}

class Table {
  constructor(table) {
    this.table = table;
    this.heads = [...table.tHead.rows[0].cells];
    this.rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent));
    this.packed = DATA.tables[table.dataset.table];
    this.count = Number(table.dataset.count);
    this.page = 0;
    this.sorted = null;
    this.filter = "";
    this.heads.forEach((head, column) =>
      head.querySelector("button").addEventListener("click", () => this.sort(column)));
    if (this.packed) this.addPager();
    this.markLong();
  }

  async load() {
    if (!this.packed) return;
    const packed = this.packed;
    this.packed = null;
    this.rows.push(...(await unpack(packed)));
  }

  async sort(column) {
    await this.load();
    const first = this.heads[column].dataset.first;
    const second = first === "ascending" ? "descending" : "ascending";
    const before = this.heads[column].getAttribute("aria-sort");
    const next = { none: first, [first]: second, [second]: "none" }[before];
    this.heads.forEach((head) => head.setAttribute("aria-sort", "none"));
    this.heads[column].setAttribute("aria-sort", next);
    this.sorted = next === "none" ? null : { column, sign: next === "ascending" ? 1 : -1 };
    this.page = 0;
    this.draw();
  }

  shown() {
    const words = this.filter.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = this.rows.filter((row) => {
      const text = row.join(" ").toLowerCase();
      return words.every((word) => text.includes(word));
    });
    if (!this.sorted) return kept;
    const { column, sign } = this.sorted;
    const numeric = this.heads[column].classList.contains("number");
    return kept
      .map((row) => [sortKey(row[column], numeric), row])
      .sort((a, b) => compareCells(a[0], b[0], sign))
      .map(([, row]) => row);
  }

  draw() {
    const rows = this.shown();
    const size = this.pager ? PAGE_ROWS : rows.length;
    const start = this.page * size;
    const body = rows.slice(start, start + size).map((row) => make("tr", {}, ...row.map((text, column) => {
      const cell = make(column ? "td" : "th", column ? {} : { scope: "row" }, text);
      cell.className = this.heads[column].className;
      if (cell.classList.contains("starred") && !text.endsWith("*")) cell.classList.add("plain");
      return cell;
    })));
    this.table.tBodies[0].replaceChildren(...body);
    this.markLong();
    if (!this.pager) return;
    const last = Math.min(start + size, rows.length);
    this.where.textContent = rows.length
      ? `rows ${start + 1} to ${last} of ${rows.length.toLocaleString("en")}` : "no row holds this";
    this.back.disabled = start === 0;
    this.on.disabled = last >= rows.length;
  }

  /** Let cells with long text take several lines. */
  markLong() {
    for (const cell of this.table.querySelectorAll("td:not(.number)"))
      if (cell.textContent.length > 40) cell.classList.add("long");
  }

  addPager() {
    const name = this.table.caption.textContent.split(":")[0];
    this.back = make("button", { type: "button", "aria-label": `Previous rows of ${name}`, disabled: "" }, "←");
    this.on = make("button", { type: "button", "aria-label": `Next rows of ${name}` }, "→");
    this.where = make("span", { "aria-live": "polite" },
      `rows 1 to ${this.rows.length} of ${this.count.toLocaleString("en")}`);
    const filter = make("input", { type: "search", placeholder: "rows that hold …", "aria-label": `Filter the rows of ${name}` });
    const turn = (by) => async () => { await this.load(); this.page += by; this.draw(); };
    this.back.addEventListener("click", turn(-1));
    this.on.addEventListener("click", turn(1));
    filter.addEventListener("input", async () => {
      await this.load();
      this.filter = filter.value;
      this.page = 0;
      this.draw();
    });
    this.pager = make("div", { class: "pager" }, this.back, this.on, this.where, filter);
    this.table.closest(".scroll").before(this.pager);
  }
}

document.querySelectorAll("table[data-table]").forEach((table) => new Table(table));

byId("unfold")?.addEventListener("click", (event) => {
  const open = event.target.textContent === "Open all";
  document.querySelectorAll("#tables > .fold").forEach((details) => { details.open = open; });
  event.target.textContent = open ? "Close all" : "Open all";
});
