// Samples that are programs: the tests of their problem, which of them failed, and what they return.

/** Return the tests of a problem, folded: no program has seen them but for those that are shown. */
function testsOf(id, problem) {
  return make("details", { class: "prompt" }, make("summary", {}, "Tests that decide what is right"),
    showText(make("pre", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Tests of ${id}` }), problem.tests, [], problem.tests_code));
}

/** Return what became of the tests of a program: how many it passed, and those that failed first. */
function failedTests(pool, i) {
  const verdict = pool.verdicts?.[pool.verdict[i]];
  if (!verdict) return [];
  const facts = [];
  if (verdict.run) facts.push(`${verdict.passed} of ${verdict.run} tests passed`);
  if (verdict.why) facts.push(verdict.why);
  const found = facts.length ? [make("p", { class: "facts" }, ...facts.map((fact) => make("span", {}, fact)))] : [];
  const [first, ...others] = verdict.failures;
  if (first) found.push(failure(first));
  if (others.length) found.push(make("details", { class: "outputs" },
    make("summary", {}, `${others.length} more failed ${others.length === 1 ? "test" : "tests"}`), ...others.map(failure)));
  return found;
}

/** Return a failed test: what it asks, what it called the program with, what came back and what should have. */
function failure({ test, call, expected, got }) {
  const rows = [["failed test", test], ["called", call], ["expected", expected], ["got", got]].filter(([, value]) => value);
  return make("table", { class: "failed" }, make("tbody", {},
    ...rows.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value)))));
}

/** Return what the programs of a cluster return on each call, folded; those on which all agree last. */
function outputsOf(pool, i) {
  const row = pool.rows?.[pool.row[i]], calls = Explorer.problem.calls ?? [];
  if (!row || !calls.length || pool.cluster[i] < 0) return [];
  const told = calls.map(({ call, outputs }, place) => ({ call, output: outputs[row[place]] ?? "no answer", alike: outputs.length < 2 }));
  told.sort((a, b) => a.alike - b.alike);
  const telling = told.filter(({ alike }) => !alike).length;
  return [make("details", { class: "outputs" },
    make("summary", {}, `Outputs on ${calls.length} calls; programs differ on ${telling}`),
    make("table", {}, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "call"), make("th", { scope: "col" }, "output"))),
      make("tbody", {}, ...told.map(({ call, output, alike }) => make("tr", alike ? { class: "alike" } : {}, make("td", {}, call), make("td", {}, output))))))];
}
