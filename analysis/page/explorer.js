// The sample explorer: which problem and condition is shown, what is filtered, what is found.

const VERDICTS = { 1: "right", 0: "wrong", null: "unknown" };
const SYMBOLS = { right: "✓", wrong: "✗", unknown: "?" };
const MOST_FOUND = 100;

const Explorer = {
  index: null, problem: null, chosen: 0, searches: 0, cache: new Map(),

  async start() {
    this.index = await unpack(DATA.explorer.index);
    byId("problem").append(...this.index.problems.map((problem, place) =>
      make("option", { value: place }, problem.label ? `${problem.id}: ${problem.label}` : problem.id)));
    byId("status").append(...[...this.index.statuses, "not scored"].map((name) => make("option", {}, name)));
    byId("controls").addEventListener("submit", (event) => event.preventDefault());
    byId("problem").addEventListener("change", (event) => this.choose(Number(event.target.value)));
    byId("previous").addEventListener("click", () => this.choose(this.chosen - 1));
    byId("next").addEventListener("click", () => this.choose(this.chosen + 1));
    for (const name of ["condition", "beside"]) byId(name).addEventListener("change", () => this.show());
    for (const name of ["status", "answer"]) byId(name).addEventListener("change", () => this.filter());
    document.querySelectorAll("[name=correct]").forEach((box) => box.addEventListener("change", () => this.filter()));
    let waiting;
    byId("search").addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => { this.search(); this.filter(); }, 200);
    });
    addEventListener("hashchange", () => this.follow());
    if (!this.follow()) {
      const middle = byId("condition").options;
      byId("condition").selectedIndex = Math.floor((middle.length - 1) / 2);
      await this.choose(0, false);
    }
  },

  /** Go to what the address names, #problem/condition or #problem/condition/sample; say whether it does. */
  follow() {
    const hash = location.hash.slice(1), cuts = [...hash].flatMap((letter, place) => (letter === "/" ? [place] : []));
    const named = (problem, condition, sample) => {
      const place = [decoded(problem), problem] // a link typed by hand has the id itself
        .map((id) => this.index.problems.findIndex((one) => one.id === id)).find((found) => found >= 0);
      return place === undefined ? null : { place, condition: decoded(condition), sample };
    };
    const [before, last] = cuts.slice(-2).length === 2 ? cuts.slice(-2) : [-1, cuts[0] ?? -1];
    const found = last < 0 ? null : named(hash.slice(0, last), hash.slice(last + 1), null)
      ?? (before < 0 ? null : named(hash.slice(0, before), hash.slice(before + 1, last), hash.slice(last + 1)));
    if (!found) return false;
    byId("condition").value = found.condition;
    this.choose(found.place, false).then(() => {
      const item = found.sample && document.querySelector(`.sample[data-samples~="${CSS.escape(found.sample)}"]`);
      if (!item) return;
      item.classList.add("named");
      land(item);
      item.focus({ preventScroll: true });
    });
    land(byId("samples"));
    return true;
  },

  async choose(place, linked = true) {
    this.chosen = Math.max(0, Math.min(place, this.index.problems.length - 1));
    byId("problem").value = this.chosen;
    byId("previous").disabled = this.chosen === 0;
    byId("next").disabled = this.chosen === this.index.problems.length - 1;
    await this.show(linked);
  },

  /** Return the address of what is shown. */
  address() {
    const here = linkTo(this.index.problems[this.chosen].id, byId("condition").value);
    return location.hash.startsWith(`${here}/`) ? location.hash : here;
  },

  async read(place) {
    if (!this.cache.has(place)) {
      if (this.cache.size > 20) this.cache.clear();
      this.cache.set(place, await unpack(DATA.explorer.chunks[place]));
    }
    return this.cache.get(place);
  },

  /** Show the problem and its pools. */
  async show(linked = true) {
    const chosen = this.chosen;
    const { id, pools } = this.index.problems[chosen];
    const problem = await this.read(chosen);
    if (chosen !== this.chosen) return;
    this.problem = problem;
    const has = new Set(pools.map(([condition]) => condition));
    for (const option of document.querySelectorAll("#condition option, #beside option"))
      option.disabled = option.value !== "" && !has.has(option.value);
    if (!has.has(byId("condition").value)) byId("condition").value = pools[0][0];
    if (!has.has(byId("beside").value)) byId("beside").value = "";
    const conditions = [byId("condition").value];
    const beside = byId("beside").value;
    if (beside !== "" && beside !== conditions[0]) conditions.push(beside);
    if (linked) setAddress(this.address());
    showQuestion(id, problem, pools);
    this.shown = conditions.map((name) => problem.pools.find((pool) => pool.condition === name));
    const answers = new Set(this.shown.flatMap((pool) => pool.answers));
    const before = byId("answer").value;
    byId("answer").replaceChildren(make("option", { value: "" }, "any"),
      ...[...answers].sort().map((answer) => make("option", { value: `=${answer}` }, answer)),
      make("option", { value: "none" }, "no answer"));
    byId("answer").value = [...byId("answer").options].some((o) => o.value === before) ? before : "";
    this.filter();
    if (Grid.data && Grid.order.length) Grid.mark();
  },

  /** Show the pools again, but for what is filtered out. */
  filter() {
    const verdicts = new Set([...document.querySelectorAll("[name=correct]:checked")].map((box) => box.value));
    const status = byId("status").value, answer = byId("answer").value, words = searched();
    const whole = words.length > 0 && this.shown.some((pool) => pool.texts.some((text) => holds(text, words)));
    const keep = (pool, i) =>
      verdicts.has(VERDICTS[pool.correct[i]]) &&
      (!status || status === statusOf(pool, i)) &&
      (!answer || (pool.answer[i] < 0 ? "none" : `=${pool.answers[pool.answer[i]]}`) === answer) &&
      (!whole || holds(pool.texts[pool.text[i]], words));
    byId("pools").classList.toggle("two", this.shown.length > 1);
    byId("pools").replaceChildren(...this.shown.map((pool) => showPool(pool, keep, words)));
  },

  /** List the problems and pools that hold all words that are searched for. */
  async search() {
    const words = searched(), turn = ++this.searches;
    const list = make("ol");
    let found = 0, samples = 0;
    byId("found").replaceChildren(words.length ? "searching …" : "");
    if (!words.length) return;
    for (let place = 0; place < this.index.problems.length; place++) {
      const { id } = this.index.problems[place];
      const problem = this.cache.get(place) ?? await unpack(DATA.explorer.chunks[place]);
      if (turn !== this.searches) return;
      const asked = [id, problem.question, problem.gold ?? ""].some((text) => holds(text, words));
      let any = false;
      for (const pool of problem.pools) {
        const matching = pool.texts.map((text) => holds(text, words));
        const answers = pool.answers.map((text) => holds(text, words));
        const count = pool.text.filter((text, i) => matching[text] || answers[pool.answer[i]]).length;
        samples += count;
        if (!count && (!asked || any)) continue;
        any = true;
        if (++found <= MOST_FOUND) list.append(make("li", {}, make("a", { href: linkTo(id, pool.condition) },
          `${id}, ${atCondition(pool.condition)}: ${count ? `${count} of ${pool.text.length} samples` : "the problem"} `,
          make("span", {}, ...marked(excerpt(count ? pool.texts[matching.indexOf(true)] : problem.question, words), words)))));
      }
    }
    const more = found > MOST_FOUND ? `, the first ${MOST_FOUND} below` : "";
    byId("found").replaceChildren(
      found ? `${samples.toLocaleString("en")} samples in ${found} places${more}` : "nothing holds these words", list);
  },
};

const linkTo = (id, condition) => `#${encodeURIComponent(id)}/${encodeURIComponent(condition)}`;
const searched = () => byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
const holds = (text, words) => words.every((word) => text.toLowerCase().includes(word));
const statusOf = (pool, i) => Explorer.index.statuses[pool.status[i]] ?? "not scored";

/** Return the part of a text around the first of the words. */
function excerpt(text = "", words) {
  const start = Math.max(0, text.toLowerCase().indexOf(words[0]) - 30);
  return (start ? "…" : "") + text.slice(start, start + 120) + (start + 120 < text.length ? "…" : "");
}

/** Return a text as nodes, with the words marked. */
function marked(text, words) {
  if (!words.length) return [text];
  const pattern = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  return text.split(new RegExp(`(${pattern})`, "gi"))
    .map((part, place) => (place % 2 ? make("mark", {}, part) : part));
}

if (DATA.explorer && byId("problem")) Explorer.started = Explorer.start();
