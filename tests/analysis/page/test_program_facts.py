"""What a page tells of programs: colours, tests that failed, outputs on calls."""

import json

import numpy as np
import pandas as pd
import pytest

from workbench import load_run
from workbench.analysis.page.explorer import explore
from workbench.analysis.page.program_facts import code_of, program_columns, program_parts
from workbench.analysis.page.report import write_report


@pytest.fixture(scope="module")
def problems(of_programs, unpack):
    explorer = explore(load_run(of_programs), np.random.default_rng(0))
    return {problem["id"]: unpack(problem["chunk"]) for problem in explorer.problems}


def test_other_answers_have_nothing_of_it(embedded, unpack):
    assert program_columns(pd.DataFrame({"answer": ["1"]})) == {}
    assert program_parts({"index": [0]}) == {}
    (first, *_) = explore(load_run(embedded[1]), np.random.default_rng(0)).problems
    whole = unpack(first["chunk"])
    assert {"calls", "tests"}.isdisjoint(whole)
    assert {"verdicts", "rows"}.isdisjoint(whole["pools"][0])


def test_a_program_without_lines_of_backticks_is_all_code():
    text = "    return 'x'\n"
    assert code_of(text, "continued") == [[0, 4, 0, 6, 1, 1, 0, 3, 2, 1, 0]]
    assert code_of(text, "fenced") == code_of(text, None) == []
    ((start, *runs),) = code_of(f"So:\n```python\n{text}```", "fenced")
    assert (start, sum(runs[::2])) == (14, len(text))


def test_each_sample_has_what_became_of_its_tests(problems):
    pool = problems["double"]["pools"][0]
    told = [pool["verdicts"][n] if n >= 0 else None for n in pool["verdict"]]
    assert (told[0]["passed"], told[0]["run"], told[0]["failures"]) == (2, 2, [])
    assert pool["verdict"][0] == pool["verdict"][1]
    assert told[2]["passed"] == 0
    failure = {"test": "double(3) == 6", "call": "double(3)", "got": "9", "expected": "6"}
    assert told[2]["failures"] == [failure] * 2
    assert "SyntaxError" in told[4]["why"]
    assert told[5]["failures"][0]["got"] == "ZeroDivisionError: division by zero"
    assert problems["first"]["pools"][0]["verdict"][4] == -1  # an empty text


def test_each_sample_has_its_outputs_by_call(problems):
    problem, pool = problems["double"], problems["double"]["pools"][0]
    rows = [pool["rows"][n] if n >= 0 else None for n in pool["row"]]
    assert rows[0] == rows[1] != rows[2] == rows[3]
    spelt = [call["outputs"][rows[2][n]] for n, call in enumerate(problem["calls"])]
    asked = [int(call["call"]) for call in problem["calls"]]
    assert spelt == [str(n * n) for n in asked]
    assert problems["first"]["calls"] == []


def test_the_tests_stand_in_the_place_of_a_known_answer(problems):
    problem = problems["double"]
    assert problem["gold"] is None
    assert problem["tests"] == "assert double(3) == 6\nassert double(3) == 6"
    for text, name in (("tests", "tests_code"), ("question", "question_code")):
        ((start, *runs),) = problem[name]
        assert (start, sum(runs[::2])) == (0, len(problem[text]))


def test_a_verdict_that_was_never_given_is_none():
    part = {
        "why": [None, "late"], "tests_passed": [None] * 2, "tests_run": [None] * 2,
        "failures": [None, json.dumps([{"test": "t"}])], "outputs": [None, [0, -1]],
    }  # fmt: skip
    found = program_parts({**part, "answer_rule": ["none"] * 2})
    assert found["verdict"] == [-1, 0]
    assert found["verdicts"][0]["failures"] == [{"test": "t"}]
    assert (found["rows"], found["row"]) == ([[0, -1]], [-1, 0])


@pytest.fixture(scope="module")
def page(of_programs, tmp_path_factory):
    return write_report(of_programs, tmp_path_factory.mktemp("report") / "report.html")


def test_a_reader_sees_which_test_failed_and_what_a_cluster_returns(visit, page):
    opened = visit(page, fragment="#double/1")
    opened.wait_for_selector(".sample")
    wrong = opened.locator(".sample.wrong", has_text="return n * n").first
    shown = wrong.locator("table.failed").first.inner_text().split("\n")
    assert [line.split("\t")[-1] for line in shown] == ["double(3) == 6", "double(3)", "6", "9"]
    assert wrong.locator(".code-keyword").first.inner_text() == "return"
    assert "1 more failed test" in wrong.inner_text()
    group = opened.locator(".group", has_text="return n * n").first
    group.locator("details.outputs > summary").first.click()
    table = group.locator("details.outputs table").first.inner_text()
    assert table.startswith("call\toutput\n2\t4")
    opened.get_by_text("Tests that decide what is right").click()
    assert opened.locator("#question pre", has_text="assert double(3) == 6").is_visible()
    assert opened.locator("#question .code-name").first.inner_text() == "double"
    assert visit.wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found_in_a_page_of_programs(visit, page, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    opened = visit(page, fragment="#double/1", scheme=scheme, width=390)
    opened.wait_for_selector(".sample")
    for summary in opened.locator("#samples summary").all():
        summary.click()
    found = axe.Axe().run(opened).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in serious] == []
