// Formulae and code in texts: typeset, or coloured, but never read as HTML; source on request.

/** What opens a formula, what closes it, and whether it stands on a line of its own. */
const DELIMITERS = [["$$", "$$", true], ["\\[", "\\]", true], ["\\(", "\\)", false], ["$", "$", false]];
const MOST_FORMULA = 4000;

const Typesetter = {
  ready: null,

  /** Load KaTeX, once, if the page carries it. */
  load() {
    if (!DATA.typesetter) return null;
    this.ready ??= unpack(DATA.typesetter).then(({ script, style }) => {
      document.head.append(make("style", {}, style));
      document.head.append(make("script", {}, script));
      return katex;
    });
    return this.ready;
  },
};

/** Whether what stands between single dollars is a formula, and not from one amount to the next. */
function isFormula(inside, after) {
  if (/^\s|\s$|\n\s*\n/.test(inside) || /^\d/.test(after)) return false;
  return /[\\^_{}=+<>]/.test(inside) || (inside.length <= 24 && !/\s[a-z]{2,}|[a-z]{4,}/i.test(inside));
}

/** Return a text's parts: [text, null], or [source, formula, whether on a line of its own]. */
function formulaeOf(text) {
  const parts = [];
  let start = 0, place = 0;
  const add = (stop, inside, display) => {
    if (place > start) parts.push([text.slice(start, place), null]);
    parts.push([text.slice(place, stop), inside, display]);
    start = place = stop;
  };
  while (place < text.length) {
    const environment = /^\\begin\{([a-zA-Z]+\*?)\}/.exec(text.slice(place, place + 30));
    if (environment) {
      const end = text.indexOf(`\\end{${environment[1]}}`, place);
      if (end > 0) { const stop = end + environment[1].length + 6; add(stop, text.slice(place, stop), true); continue; }
    }
    const found = DELIMITERS.find(([opens]) => text.startsWith(opens, place));
    if (found && text[place - 1] !== "\\" && !(found[0] === "$" && /\w/.test(text[place - 1] ?? ""))) {
      const [opens, closes, display] = found;
      let end = text.indexOf(closes, place + opens.length);
      while (end > 0 && closes === "$" && text[end - 1] === "\\") end = text.indexOf(closes, end + 1);
      const inside = end < 0 ? "" : text.slice(place + opens.length, end);
      if (inside.trim() && inside.length < MOST_FORMULA && (opens !== "$" || isFormula(inside, text.slice(end + 1, end + 2)))) {
        add(end + closes.length, inside, display);
        continue;
      }
      place += opens.length;
    } else place += text[place] === "\\" ? 2 : 1;
  }
  if (start < text.length) parts.push([text.slice(start), null]);
  return parts;
}

/** Fill an element with a text: words marked, code coloured, formulae typeset as far as they can be. */
function showText(element, text, words = [], code = []) {
  element.replaceChildren(...pieces(text, code).flatMap(([part, runs]) => runs ? coloured(part, runs, words) : marked(part, words)));
  if (!byId("typeset")?.checked) return element;
  const parts = pieces(text, code).map(([part, runs]) => [part, runs, runs ? [] : formulaeOf(part)]);
  if (!parts.some(([, , found]) => found.some(([, inside]) => inside !== null))) return element;
  Typesetter.load()?.then((library) => {
    if (!byId("typeset").checked) return;
    element.replaceChildren(...parts.flatMap(([part, runs, found]) => runs ? coloured(part, runs, words)
      : found.flatMap(([source, inside, display]) => inside === null ? marked(source, words) : [formula(library, source, inside, display)])));
    element.dispatchEvent(new Event("typeset"));
  });
  return element;
}

/** Return a formula; where KaTeX cannot read it, its source. */
function formula(library, source, inside, display) {
  const place = make("span", { class: "formula" });
  try {
    library.render(inside, place, { displayMode: display, throwOnError: true, strict: "ignore", trust: false, maxSize: 20, maxExpand: 500 });
    place.dataset.source = source;
  } catch {
    return source;
  }
  return place;
}

/** Cut a text where its blocks of code begin and end: [text, null] or [code, [length, kind, …]]. */
function pieces(text, code) {
  const letters = code.length ? Array.from(text) : []; // as Python counts them
  const parts = [];
  let last = 0;
  for (const [start, ...runs] of code) {
    const length = runs.reduce((sum, value, place) => sum + (place % 2 ? 0 : value), 0);
    parts.push([letters.slice(last, start).join(""), null], [letters.slice(start, start + length).join(""), runs]);
    last = start + length;
  }
  parts.push([code.length ? letters.slice(last).join("") : text, null]);
  return parts.filter(([part]) => part);
}

const KINDS = ["", "keyword", "string", "comment", "number", "name"];

function coloured(text, runs, words) {
  const letters = Array.from(text), block = make("code", {});
  let start = 0;
  for (let place = 0; place < runs.length; place += 2) {
    const part = marked(letters.slice(start, start + runs[place]).join(""), words);
    block.append(...(runs[place + 1] ? [make("span", { class: `code-${KINDS[runs[place + 1]]}` }, ...part)] : part));
    start += runs[place];
  }
  return [block];
}

byId("typeset")?.addEventListener("change", () => Explorer.show(false));
