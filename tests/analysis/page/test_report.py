import json
import shutil
from itertools import pairwise

import pytest

from workbench import load_run
from workbench.analysis.page.comparison import write_comparison
from workbench.analysis.page.report import write_report
from workbench.analysis.tables import TABLES
from workbench.core.types import STAGES


@pytest.fixture(scope="module")
def report(embedded, tmp_path_factory):
    return write_report(embedded[1], tmp_path_factory.mktemp("report") / "report.html")


def checked(report):
    """The verdicts of the samples that are shown."""
    return report.eval_on_selector_all(".sample", "all => all.map(one => one.classList[1])")


CONTRAST = """() => {
  const light = (c) => {
    const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map((v) => {
      v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (e) => { for (; e; e = e.parentElement) {
    const c = getComputedStyle(e).backgroundColor;
    if (!c.endsWith(", 0)") && c !== "transparent") return c; } return "rgb(255,255,255)"; };
  const bad = [];
  const all = "p, a, dt, dd, th, td, h1, h2, h3, h4, span, li, label, button, summary";
  for (const e of document.querySelectorAll(all)) {
    if (!e.checkVisibility() || e.closest("svg, .bar, :disabled, .vega-embed")) continue;
    const [x, y] = [light(getComputedStyle(e).color), light(ground(e))];
    const ratio = (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
    if (ratio < 4.5) bad.push(`${e.tagName} ${e.className} ${ratio.toFixed(2)}`);
  }
  return bad; }"""
"""All text that stands out too little against what is under it."""


def is_readable(page, scheme, width):
    """Check it with everything opened and every figure drawn."""
    page.get_by_role("button", name="Open all").click()
    assert page.evaluate(CONTRAST) == []
    for place in page.locator("#figures > details[open] .chart").all():
        place.scroll_into_view_if_needed()
        place.locator("svg").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.dataset.theme") == scheme


def test_it_opens_from_the_disk_and_shows_everything(visit, report, embedded):
    assert report.stat().st_size < 5e6
    page = visit(report)
    page.wait_for_selector(".sample")
    assert page.locator("h1").inner_text() == "tested"
    assert page.locator(".tiles dt").count() == 5
    assert page.locator("table[data-table]").count() >= 14
    run = load_run(embedded[1])
    for name, spec in TABLES.items():
        shown = spec.printed == "always" or not run.table(name).empty
        assert page.locator(f"#table-{name}").count() == shown
    for figure in page.locator("#figures > details").all():
        figure.evaluate("details => { details.open = true; }")
        place = figure.locator("[data-figure]")
        place.scroll_into_view_if_needed()
        place.locator("svg").first.wait_for()
    levels = page.eval_on_selector_all("h1,h2,h3,h4", "all => all.map(h => +h.tagName[1])")
    assert all(after - before <= 1 for before, after in pairwise(levels))
    unlabelled = "all => all.filter(e => !e.labels?.length && !e.ariaLabel).length"
    assert page.eval_on_selector_all("select, input", unlabelled) == 0
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("main, nav[aria-label], header, footer").count() == 4
    is_readable(page, "light", 1280)
    assert visit.wrong == []


def test_tables_sort_page_and_filter_by_keyboard(visit, report, embedded):
    page = visit(report, "#table-correlation")
    frame = load_run(embedded[1]).table("correlation")
    table = page.locator("#table-correlation")
    assert table.get_attribute("open") is not None  # a link opens it
    assert table.locator("tbody tr").count() == 25
    assert f"of {len(frame)}" in table.locator(".pager").inner_text()
    head = table.locator("th", has=page.get_by_role("button", name="coverage", exact=True))
    place = head.evaluate("head => head.cellIndex")

    def column():
        cells = table.locator(f"tbody tr > :nth-child({place + 1})").all_inner_texts()
        return [float(cell.split(" ")[0]) for cell in cells if cell != "-"]

    for order, expected in (
        ("descending", sorted(frame["coverage"].dropna(), reverse=True)),
        ("ascending", sorted(frame["coverage"].dropna())),
    ):
        head.locator("button").press("Enter")
        page.wait_for_function("([head, order]) => head.ariaSort === order",
                               arg=[head.element_handle(), order])  # fmt: skip
        assert column() == pytest.approx(expected[:25], abs=6e-4)
    head.locator("button").press("Enter")
    page.wait_for_function("head => head.ariaSort === 'none'", arg=head.element_handle())
    table.get_by_role("button", name="Next rows of correlation").press("Enter")
    assert "rows 26 to" in table.locator(".pager").inner_text()
    table.get_by_role("searchbox").fill("spearman num_tokens")
    page.wait_for_function("document.querySelectorAll('#table-correlation tbody tr').length < 10")
    expected = frame[(frame["method"] == "spearman") & (frame["metric"] == "num_tokens")]
    assert table.locator("tbody tr").count() == len(expected)
    assert visit.wrong == []


def test_the_explorer_groups_filters_searches_and_is_linked_with_the_map(visit, report, embedded):
    run = load_run(embedded[1])
    page = visit(report, "#problem-3/1")
    page.wait_for_selector(".sample")
    assert page.locator("#question h3").inner_text() == "problem-3"
    pool = run.pool("problem-3", 1.0)
    votes = page.locator(".group .votes").all_inner_texts()
    sizes = sorted((sum(pool.clusters == c) for c in set(pool.clusters) if c >= 0), reverse=True)
    assert [int(vote.split()[0]) for vote in votes[: len(sizes)]] == sizes
    texts = page.locator(".sample .text").all_inner_texts()
    assert sorted(texts) == sorted(set(pool.texts))
    told = page.locator(".sample", has_text="sample 0").first.inner_text()
    assert "log-prob (likelihood) -0." in told

    points = page.locator(".map .mark-symbol.role-mark path")
    points.first.wait_for()
    assert points.count() == len(texts)
    points.first.focus()
    assert page.locator(".sample.lit").count() == 1
    page.keyboard.press("ArrowRight")
    assert page.locator(".sample.lit").count() == 1
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.classList.contains('sample')")

    page.get_by_role("checkbox", name="wrong").uncheck()
    assert set(checked(page)) == {"right"}
    page.get_by_role("checkbox", name="wrong").check()
    page.locator("#answer").select_option("none")
    assert all("no answer" in text for text in page.locator(".sample .facts").all_inner_texts())
    page.locator("#answer").select_option("")
    page.get_by_label("Next problem").click()
    page.wait_for_function("document.querySelector('#question h3').textContent === 'problem-4'")
    assert page.url.endswith("#problem-4/1")
    page.get_by_label("Beside it").select_option("0.3")
    page.wait_for_function("document.querySelectorAll('.pool').length === 2")

    word = run.pool("problem-7", 0.3).texts[0].split()[-1]
    page.get_by_label("Search problems").fill(word)
    page.wait_for_selector("#found li a")
    count = sum(word.lower() in text.lower() for text in run.samples["completion"])
    assert page.locator("#found").inner_text().startswith(f"{count} samples in ")
    page.locator("#found a[href='#problem-7/0.3']").click()
    page.wait_for_function("document.querySelector('#question h3').textContent === 'problem-7'")
    assert page.locator(".sample mark").first.inner_text().lower() in word.lower()
    assert visit.wrong == []


def test_it_is_readable_in_the_dark_and_on_a_phone(visit, report):
    page = visit(report, width=390, scheme="dark")
    page.wait_for_selector(".sample")
    is_readable(page, "dark", 390)
    page.get_by_role("button", name="Use light colours").press("Enter")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert visit.wrong == []


EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)> & \\boxed{3}"


def test_text_of_a_run_is_never_read_as_html(visit, hand_made, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "workbench.analysis.page.report.FIGURES", {}
    )  # no text of samples is in them
    folder = hand_made(["3"] * 2, [[(EVIL, -0.5, "stop"), ("<b>bold</b>", -0.1, "stop")]] * 2)
    lines = [json.loads(line) for line in (folder / "problems.jsonl").read_text().splitlines()]
    for line in lines:
        line["question"] = EVIL
    (folder / "problems.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    text = (folder / "tables" / "statuses.md").read_text()
    (folder / "tables" / "statuses.md").write_text(text + f"- {EVIL}\n")
    page = visit(write_report(folder, tmp_path / "page.html"))
    page.wait_for_selector(".sample")
    assert EVIL in page.locator(".sample .text").all_inner_texts()
    assert page.locator("#question .text").inner_text() == EVIL
    assert EVIL in page.locator("#table-statuses .notes li").all_inner_texts()
    page.get_by_label("Search problems").fill("<script>")
    page.wait_for_selector("#found li a")
    assert page.locator("img, main b, main script").count() == 0
    assert "no intervals" in page.locator("#tables").inner_text()
    assert visit.wrong == []


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        (("tables",), "not analysed yet"),
        (("tables", "subsets", "expectations"), "not measured yet"),
        (("tables", "subsets", "expectations", "scores"), "not scored yet"),
        (("tables", "subsets", "expectations", "scores", "samples"), "nothing is sampled yet"),
        (("tables/statuses.csv",), "From T = 0.3 to T = 1"),
        (("tables/coverage_curve.csv",), "an older version analysed"),
        (("problems.jsonl",), "From T = 0.3 to T = 1"),
    ],
)
def test_of_an_unfinished_run_there_is_what_there_is(copied, gone, words, monkeypatch):
    monkeypatch.setattr("workbench.analysis.page.report.FIGURES", {})  # most of the time
    folder = copied[1]
    for name in gone:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    text = write_report(folder).read_text()
    assert words in text
    assert ('id="problem"' in text) == ("samples" not in gone)


RIGHT, WRONG = ("It is \\boxed{3}", -0.5, "stop"), ("It is \\boxed{4}", -0.5, "stop")


@pytest.mark.parametrize(
    ("golds", "samples", "words"),
    [
        (["3"], [[RIGHT, RIGHT, WRONG]], "With 3 samples instead of one"),  # one problem
        (["3"] * 11, [[RIGHT] * 3] * 11, ">1.000 [1.000, 1.000]<"),  # all right
        (["3"] * 11, [[WRONG] * 3] * 11, ">0.000 [0.000, 0.000]<"),  # all wrong
        (["3"] * 11, [[("", 0.0, "error")] * 3] * 11, "correctness"),  # nothing known
    ],
)
def test_of_a_run_at_the_edge_there_is_what_there_is(hand_made, golds, samples, words, tmp_path):
    # `run` leaves out the later stages where all samples failed
    folder = hand_made(golds, samples, STAGES if words == "correctness" else ("run",))
    text = write_report(folder).read_text()
    assert words in text
    assert 'id="problem"' in text
    write_comparison([folder], tmp_path / "page.html")


def test_an_interrupted_stage_and_older_tables_are_noted(copied, monkeypatch):
    monkeypatch.setattr("workbench.analysis.page.report.FIGURES", {})  # most of the time
    folder = copied[1]
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["stages"]["generate"].update(status="running", started="2999-01-01T00:00:00+00:00")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    text = write_report(folder).read_text()
    assert "generate did not come to its end (running)" in text
    assert "tables and figures are older than what `generate` made since" in text


def test_only_what_is_no_run_is_refused(cli, tmp_path):
    cli("report", tmp_path / "nothing").refuses("is not a run")
