// A problem's samples: grouped by answer, the commonest first, equal texts folded.

const FOLDED = 20;

/** What a condition is called: a temperature alone, or its name. */
const atCondition = (name) => (name === "unknown" || !Number.isNaN(Number(name)) ? `T = ${name}` : name);

function showQuestion(id, problem, pools) {
  const tally = pools.map(([name, count, right, unknown]) =>
    `${atCondition(name)}: ${unknown === count ? "unknown" : `${right} of ${count - unknown} right`}` +
    (unknown && unknown < count ? `, ${unknown} unknown` : "")).join(" · ");
  byId("question").replaceChildren(
    make("h3", {}, id),
    showText(make("p", { class: problem.question_code?.length ? "text program" : "text" }), problem.question || "(The question is not known.)", [], problem.question_code),
    ...(problem.tests ? [testsOf(id, problem)] : [make("p", { class: "gold" }, problem.gold === null ? "No known answer" : `Known answer: ${problem.gold}`)]),
    make("p", { class: "tally" }, tally),
    ...Object.entries(problem.prompts ?? {}).map(([name, [caption, text]]) => make("details", { class: "prompt" },
      make("summary", {}, name === "default" ? caption : `${name}: ${caption}`),
      make("pre", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Prompt ${name} of ${id}` }, Explorer.index.prompts_begin + text))));
}

/** Return the samples of a pool that are kept, as groups of one answer, each of folded texts. */
function groupsOf(pool, keep) {
  const groups = new Map();
  pool.index.forEach((_, i) => {
    const cluster = pool.cluster[i];
    if (!groups.has(cluster)) groups.set(cluster, { cluster, votes: 0, kept: 0, verdicts: new Set(), folds: new Map() });
    const group = groups.get(cluster);
    group.votes++;
    group.verdicts.add(VERDICTS[pool.correct[i]]);
    if (!keep(pool, i)) return;
    group.kept++;
    const key = [pool.text[i], pool.answer[i], pool.correct[i], pool.status[i], pool.verdict?.[i]].join();
    if (!group.folds.has(key)) group.folds.set(key, []);
    group.folds.get(key).push(i);
  });
  // those without an answer do not vote and come last
  return [...groups.values()].filter((group) => group.kept)
    .sort((a, b) => (a.cluster < 0) - (b.cluster < 0) || b.votes - a.votes || a.cluster - b.cluster);
}

function showPool(pool, keep, words) {
  const groups = groupsOf(pool, keep);
  const samples = pool.index.length, kept = groups.reduce((sum, group) => sum + group.kept, 0);
  const answers = new Set(pool.cluster.filter((cluster) => cluster >= 0)).size;
  const element = make("div", { class: "pool" },
    make("h3", {}, atCondition(pool.condition)),
    make("p", { class: "tally" },
      `${kept === samples ? samples : `${kept} of ${samples}`} samples shown, ${pool.texts.length} distinct texts, ` +
      `${answers} distinct answers`));
  const list = make("div", { class: "list" }, ...groups.map((group) => showGroup(pool, group, words)));
  if (!kept) list.append(make("p", { class: "absent" }, "No sample passes the filters."));
  if (pool.map) {
    element.classList.add("mapped");
    const map = make("figure", { class: "map" });
    element.append(map);
    element.append(list);
    showMap(map, pool, list, keep);
  } else element.append(list);
  return element;
}

function showGroup(pool, group, words) {
  const first = [...group.folds.values()].sort((a, b) => b.length - a.length)[0][0];
  const unscored = pool.status[first] < 0;
  const answer = group.cluster >= 0 ? pool.answers[pool.answer[first]] : unscored ? "Not scored" : "No answer";
  const verdict = group.verdicts.size === 1 ? [...group.verdicts][0] : "unknown";
  const said = group.verdicts.size === 1 ? verdict : "right and wrong";
  const votes = group.cluster >= 0
    ? `${group.votes} ${group.votes === 1 ? "vote" : "votes"} of ${pool.index.length}` : `${group.votes} of ${pool.index.length} samples`;
  const bar = make("span", { class: `bar ${verdict}`, style: `width: ${(6 * group.votes) / pool.index.length}rem`, "aria-hidden": "true" });
  const items = [...group.folds.values()]
    .sort((a, b) => b.length - a.length || a[0] - b[0])
    .map((fold) => showSample(pool, fold, answer, words));
  const list = make("ol", {}, ...items.slice(0, FOLDED));
  const element = make("section", { class: "group" },
    make("h4", {}, make("span", { class: verdict }, `${SYMBOLS[verdict]} `), `${answer} `,
      make("span", { class: "votes" }, bar, `${votes}, ${said}`)), ...outputsOf(pool, first), list);
  if (items.length > FOLDED) {
    const more = make("button", { type: "button" }, `Show ${items.length - FOLDED} more texts`);
    more.addEventListener("click", () => { list.append(...items.slice(FOLDED)); more.remove(); });
    element.append(more);
  }
  return element;
}

/** Return one text, with the facts of all samples that have it. */
function showSample(pool, fold, answer, words) {
  const verdict = VERDICTS[pool.correct[fold[0]]];
  // a reward that is the log-probability itself is not told twice
  const isLogprob = ([, values]) => fold.every((i) => values[i] === pool.logprob[i]);
  const same = Object.entries(pool.rewards).filter(isLogprob).map(([name]) => name).join(", ");
  const rewards = Object.entries(pool.rewards).filter((reward) => !isLogprob(reward));
  const facts = [
    make("span", { class: verdict }, `${SYMBOLS[verdict]} ${verdict}`),
    fold.length > 1 ? `× ${fold.length}` : "",
    `sample ${fold.slice(0, 8).map((i) => pool.index[i]).join(", ")}${fold.length > 8 ? ", …" : ""}`,
    statusOf(pool, fold[0]).replace("_", " "),
    range(fold.map((i) => pool.logprob[i]), 3, same.length ? `log-prob (${same}) ` : "log-prob "),
    ...rewards.map(([name, values]) => range(fold.map((i) => values[i]), 3, `${name} `)),
    range(fold.map((i) => pool.tokens[i]), 0, "", " tokens"),
  ];
  const own = pool.answers[pool.answer[fold[0]]];
  if (own !== undefined && own !== answer) facts.push(`answer ${own}`);
  const address = `${linkTo(Explorer.index.problems[Explorer.chosen].id, pool.condition)}/${pool.index[fold[0]]}`;
  facts.push(make("a", { href: address, class: "here" }, "link", make("span", { class: "unseen" }, ` to sample ${pool.index[fold[0]]} ${atCondition(pool.condition)}`)));
  const written = pool.texts[pool.text[fold[0]]] || "(empty)";
  const text = showText(make("p", { class: "text" }), written, words, pool.code?.[pool.text[fold[0]]]);
  const item = make("li", { class: `sample ${verdict}`, "data-samples": ` ${fold.map((i) => pool.index[i]).join(" ")} `, "data-text": pool.text[fold[0]], tabindex: "-1" },
    make("p", { class: "facts" }, ...facts.filter(Boolean).map((fact) => (typeof fact === "string" ? make("span", {}, fact) : fact))), text);
  item.append(...failedTests(pool, fold[0]));
  item.append(...fold.filter((i) => (pool.thoughts?.[i] ?? null) !== null).slice(0, FOLDED).map((i) =>
    make("details", { class: "thought" }, make("summary", {}, `Thought of sample ${pool.index[i]}`),
      showText(make("p", { class: "text whole" }), pool.thoughts[i], words))));
  const whole = make("button", { type: "button", "aria-expanded": "false" }, "Whole text");
  whole.addEventListener("click", () => {
    const open = text.classList.toggle("whole");
    whole.setAttribute("aria-expanded", String(open));
    whole.textContent = open ? "Less" : "Whole text";
  });
  if (written.length > 420 || written.split("\n").length > 7) item.append(whole);
  else text.addEventListener("typeset", () => { if (text.scrollHeight > text.clientHeight + 2) item.append(whole); });
  return item;
}

/** Return a number that several samples have, or from where to where theirs lie; "" for none. */
function range(values, places, before, after = "") {
  const known = values.filter((value) => value !== null);
  if (!known.length) return "";
  const [low, high] = [Math.min(...known), Math.max(...known)].map((value) => value.toFixed(places));
  return `${before}${low === high ? low : `${low} to ${high}`}${after}`;
}
