"""What is doubted of a run is counted by hand, and said alike wherever the run is shown."""

from collections import Counter
from types import SimpleNamespace

import pytest

from workbench import load_run
from workbench.analysis import report
from workbench.analysis.doubts import StatusCounts, doubts, doubts_of
from workbench.analysis.notebook import run_html
from workbench.analysis.page.report import write_report
from workbench.analysis.terminal import print_tables
from workbench.config.schema import Generation, TaskSettings
from workbench.core.name_table import NAME_TABLES, NameTable
from workbench.storage.open_run import OpenRun
from workbench.tasks.mending_setting import KnownText

UNKNOWN = {
    "error": "--redraw errors",
    "timeout": "numeric, integer or text",
    "ungraded": "key gold",
}
FEW = "samples (so few that it may be chance)"


@pytest.mark.parametrize(
    ("kinds", "findings"),
    [
        ({"right": 80, "wrong": 20, "no_answer": 20}, []),  # 20 % are not over 20 %
        ({"right": 79, "wrong": 21, "no_answer": 21}, ["21 of 100 samples (21 %) have no recog"]),
        ({"right": 5, "wrong": 95, "no_answer": 30, "truncated": 40},
         ["30 of 100 samples (30 %) have no rec", "40 of 100 samples (40 %) were cut off before"]),
        ({"wrong": 100, "no_answer": 10}, ["none of 100 samples is right"]),
        ({"wrong": 100, "no_answer": 45},  # which explains less than half of it
         ["none of 100 samples is right", "45 of 100 samples (45 %) have no"]),
        ({"wrong": 100, "no_answer": 95},  # the one thing explains the other
         ["none of 100 samples is right; 95 of 100 samples (95 %) have no recognised answer"]),
        ({"wrong": 100, "truncated": 60, "no_answer": 30},
         ["30 of 100 samples (30 %) have no",
          "none of 100 samples is right; 60 of 100 samples (60 %) were cut off"]),
        ({"right": 100}, ["all 100 samples are right"]),
        ({"right": 2}, [f"all 2 {FEW} are right"]),
        ({"wrong": 3}, [f"none of 3 {FEW} is right"]),
        ({"wrong": 1}, []),
        ({"right": 1, "wrong": 1, "unknown": 98}, ["98 of 100 samples (98 %) are of unknown"]),
        ({}, []),
    ],
)  # fmt: skip
def test_what_is_doubted_by_hand(kinds, findings):
    total = kinds.get("right", 0) + kinds.get("wrong", 0) + kinds.get("unknown", 0)
    unknown = Counter(error=kinds.get("unknown", 0))
    counts = StatusCounts(total, Counter(kinds), unknown)
    found = doubts(counts, lambda kind: [], TaskSettings(name="gsm8k"), Generation(model="m"))
    assert len(found) == len(findings)
    for doubt, finding in zip(found, findings, strict=True):
        assert doubt.finding.startswith(finding)
        assert doubt.mend


@pytest.mark.parametrize(("status", "said"), UNKNOWN.items())
def test_what_makes_correctness_known(status, said):
    counts = StatusCounts(9, Counter(unknown=9), Counter({status: 5, "answered": 4}))
    (found,) = doubts(counts, lambda kind: [], TaskSettings(name="jsonl"), Generation(model="m"))
    assert said in found.mend


def test_examples_are_the_ends_of_texts_of_different_problems():
    texts = [KnownText("a", "7", "first " + "x" * 100 + " end\n"), KnownText("a", "7", "again")]
    texts += [KnownText("b" * 40, "8", "\x1b[31m"), KnownText("c", None, "", "it broke")]
    counts = StatusCounts(4, Counter(right=1, wrong=3, truncated=3))
    (found,) = doubts(counts, lambda _: texts, TaskSettings(name="gsm8k"), Generation(model="m"))
    assert found.examples == [
        f"a, known answer '7': …{'x' * 56} end",
        f"{'b' * 23}…, known answer '8': \\x1b[31m",
        "c: it broke",
    ]
    assert all(len(line) <= 100 for line in str(found).splitlines())


SAYS_SEVEN, UNKNOWN_ONE = ("It is 7 then", -0.5, "stop"), ("", -0.5, "error")


@pytest.fixture(scope="module")
def doubtful(hand_made):
    """Two problems of four samples: six give no answer, one is drawn in vain, one is right."""
    right = (r"So \boxed{7}", -0.5, "stop")
    samples = [[SAYS_SEVEN] * 3 + [right], [SAYS_SEVEN] * 3 + [UNKNOWN_ONE]]
    return hand_made(["7", "8"], samples)


FINDING = "6 of 8 samples (75 %) have no recognised answer"
MEND = "task.last_number=true, which finds an answer in 6 of 6 such texts, 3 of them right"


def test_a_run_is_doubted_by_its_scores_and_texts(doubtful):
    (found,) = doubts_of(load_run(doubtful))
    assert (found.finding, found.mend) == (FINDING, MEND)
    assert found.examples[:2] == [
        f"p{n}, known answer '{gold}': It is 7 then" for n, gold in ((0, 7), (1, 8))
    ]


def test_the_page_the_notebook_and_the_terminal_say_so_first(
    doubtful, cli, capsys, monkeypatch, tmp_path
):
    run = load_run(doubtful)
    monkeypatch.setattr("workbench.analysis.page.report.FIGURES", {})  # they take long
    page = write_report(run, tmp_path / "page.html").read_text()
    assert page.index(FINDING) < page.index("p1, known answer") < page.index(MEND)
    assert page.index(MEND) < page.index('class="lead"')
    html = run_html(run)
    assert html.index(FINDING) < html.index(MEND) < html.index(run.signature)
    print_tables(doubtful, ("statuses",))
    assert capsys.readouterr().out.startswith(f"Doubtful: {FINDING}")
    print_tables(doubtful, ("statuses", "accuracy_by_k"))  # what is read first comes last
    said = capsys.readouterr().out
    assert said.index("statuses") < said.index(FINDING) < said.index("accuracy_by_k")
    for command in ("score", "analyze"):
        said = cli.must(command, doubtful, printed=True).out
        assert said.startswith(f"Doubtful: {FINDING}")
        assert said.count(FINDING) == 1
        assert f"workbench check {doubtful}" in said


def test_the_tracked_run_s_summary_begins_with_it(doubtful, monkeypatch):
    kept = []
    tracker = SimpleNamespace(
        table=lambda *a: None, figure=lambda *a: None, curves=lambda *a: None,
        summarize=kept.append,
    )  # fmt: skip
    monkeypatch.setattr(report, "VERSION", -1)  # so that it is analysed again
    done = (
        "aggregate",
        "condition_rows",
        "summary",
        "diversity",
        "curves",
        "token_curves",
    )  # and they take long
    for name in done:
        monkeypatch.setattr(report, name, lambda *a: {})
    none = NameTable("table", {})
    NAME_TABLES.remove(none)
    monkeypatch.setattr(report, "TABLES", none)
    monkeypatch.setattr(report, "FIGURES", none)
    report.analyze(OpenRun.of(doubtful, load_run(doubtful).experiment), tracker)
    assert FINDING in kept[0]["doubts"]
    assert "likely to help: task.last_number=true" in kept[0]["doubts"]
