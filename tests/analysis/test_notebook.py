import dataclasses
import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

import workbench as wb
from workbench.analysis.notebook import pool_html
from workbench.core.table_html import NotebookTable, with_notes
from workbench.core.types import Problem
from workbench.pools import Pool

FRAME = pd.DataFrame(
    {
        "k": [2, 4], "temperature": [0.3, 1.0], "pool": ["one T", "mixed"],
        "maj_correct": [0.5, 0.25], "maj_correct_low": [0.4, np.nan],
        "maj_correct_high": [0.6, np.nan], "maj_correct_p": [0.01, 0.5],
        "maj_correct_q": [0.02, 0.5], "rows": ["<all>", "b & c"],
    }
)  # fmt: skip


def cells(html):
    """Rows of the first table's body, as texts."""
    body = re.search(r"<tbody>(.*?)</tbody>", html, re.DOTALL).group(1)
    rows = re.findall(r"<tr>(.*?)</tr>", body.replace("\u00a0", " "))
    return [[re.sub("<.*?>", "", c) for c in re.findall(r"<td.*?>(.*?)</td>", r)] for r in rows]


def pool(**changes):
    """Six samples: two say 7, one of them cut short; 8 has three votes; one said nothing."""
    plain = Pool(
        problem_id="p<0>", temperature=0.7,
        texts=("seven", "eight", "eight", "eight & so on", "well", "seven!"),
        logprobs=np.zeros(6), num_tokens=np.ones(6), answers=("7", "8", "8", "8", None, "7.0"),
        clusters=np.array([0, 1, 1, 1, -1, 0]), correct=np.array([1.0, 0, 0, 0, 0, np.nan]),
        statuses=("answered",) * 4 + ("no_answer", "answered"), rewards={},
    )  # fmt: skip
    return dataclasses.replace(plain, **changes)


def test_a_table_shows_intervals_stars_and_notes():
    html = with_notes(FRAME, ["95% < all"])._repr_html_()
    assert cells(html) == [
        ["2", "0.3", "one T", "0.500 [0.400, 0.600]*", "&lt;all&gt;"],
        ["4", "all", "mixed", "0.250", "b &amp; c"],
    ]
    assert "<li>95% &lt; all</li>" in html


def test_what_is_chosen_from_a_table_shows_itself_likewise():
    shown = with_notes(FRAME, ["said"])
    html = shown.query("k == 4")._repr_html_()
    assert cells(html) == [["4", "all", "mixed", "0.250", "b &amp; c"]]
    assert "said" in html
    some = shown.only("maj_correct", "k")
    ends = ["", "_low", "_high", "_p", "_q"]
    assert list(some.columns) == [*(f"maj_correct{end}" for end in ends), "k"]
    assert cells(some._repr_html_())[0] == ["0.500 [0.400, 0.600]*", "2"]
    with pytest.raises(ValueError, match="unknown column 'maj'"):
        shown.only("maj")


@pytest.mark.parametrize(
    "make",
    [
        lambda frame: frame.set_index("temperature"),
        lambda frame: frame.T,
        lambda frame: frame.groupby("k").agg({"maj_correct": ["min", "max"]}),
        lambda frame: frame[["k", "k"]],
    ],
)
def test_what_is_no_table_any_more_shows_itself_as_pandas_does(make):
    made = make(with_notes(FRAME, ["said"]))
    assert made._repr_html_() == pd.DataFrame(made)._repr_html_()


def test_a_long_table_shows_both_ends():
    long = NotebookTable({"number": range(1000)})
    with pd.option_context("display.max_rows", 10):
        html = long._repr_html_()
    assert [row[0] for row in cells(html)] == [*"01234", "…", "995", "996", "997", "998", "999"]
    assert "1,000 rows, of which 10 are shown" in html
    assert "(empty)" in with_notes(pd.DataFrame(), ["why"])._repr_html_()


def test_a_pool_shows_its_answers_by_votes():
    html = pool()._repr_html_()
    assert cells(html) == [
        ["8", "3", "✗ wrong", "eight"],
        ["7", "2", "1 of 1 right, 1 unknown", "seven"],
        ["(no_answer)", "1", "✗ wrong", "well"],
    ]
    assert (
        "<strong>p&lt;0&gt;</strong>: temperature 0.7, 6 samples, 5 distinct texts, 1 of 5 right"
        in html
    )


def test_a_pool_tells_its_question_where_it_is_known():
    asked = pool(problem=Problem("p0", "What is <b>3</b> + 4?" + " really" * 100, "7"))
    html = asked._repr_html_()
    assert "What is &lt;b&gt;3&lt;/b&gt; + 4? really" in html
    assert "…" in html
    assert html.count("really") < 50
    assert "known answer: 7" in html
    assert "known answer" not in pool(problem=Problem("p0", "?"))._repr_html_()


def test_a_pool_of_which_nothing_is_known_and_one_of_many_answers():
    html = pool(correct=np.full(6, np.nan), temperature=np.nan, condition="")._repr_html_()
    assert "temperature unknown" in html
    assert "not judged" in html
    assert cells(html)[0][2] == "unknown"
    count = 20
    many = Pool(
        problem_id="p", temperature=1.0, texts=tuple("abcdefghijklmnopqrst"),
        logprobs=np.zeros(count), num_tokens=np.ones(count), answers=tuple(map(str, range(count))),
        clusters=np.arange(count), correct=np.zeros(count), statuses=("answered",) * count,
        rewards={},
    )  # fmt: skip
    assert len(cells(pool_html(many))) == 12
    assert "and 8 more answers" in pool_html(many)


def test_a_finished_run_shows_what_it_is_what_it_found_and_what_to_type(finished):
    html = wb.load_run(finished[1])._repr_html_()
    assert "arithmetic|replay|T:0.3,1|N:8|seed:0|v" in html
    assert (
        "task arithmetic; model replay; T = 0.3, 1; N = 8; a greedy sample each; 12 problems"
        in html
    )
    assert [row[2] for row in cells(html)] == ["done"] * 4
    assert "of 4 samples each" in html
    assert re.search(r">0\.\d{3} <small>\[0\.\d{3},\u00a00\.\d{3}\]", html)
    assert "<code>accuracy_by_k_temperature</code>" in html
    assert "<code>coverage_curve</code>" in html
    assert "run.plot.accuracy_by_k()" in html
    assert "run.pool(&#39;problem-0&#39;, 1.0)" in html
    assert not re.search(r"<script|src=|https?://", html)


def test_a_run_that_is_half_way_shows_what_there_is_and_what_comes_next(cli, experiment, tmp_path):
    folder = tmp_path / "half & way"
    cli.must("generate", experiment(), "--out", folder)
    html = wb.load_run(folder)._repr_html_()
    assert [row[2] for row in cells(html)] == ["done", "not yet", "not yet", "not yet"]
    assert "workbench run" in html
    assert f"workbench score {tmp_path}/half &amp; way" in html
    assert "of 4 samples each" not in html
    assert "tables</summary>" not in html

    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["stages"]["generate"]["status"] = "running"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    tree = yaml.safe_load((folder / "experiment.yaml").read_text())
    tree["generation"]["n"] = 10
    (folder / "experiment.yaml").write_text(yaml.safe_dump(tree))
    html = wb.load_run(folder)._repr_html_()
    assert cells(html)[0][1:3] == ["204 of 252 samples", "running, or killed"]  # 12 * (2 * 10 + 1)


def test_a_run_that_has_not_begun_or_has_lost_its_tables_still_shows_itself(finished, tmp_path):
    (tmp_path / "new").mkdir()
    shutil.copy(finished[1] / "experiment.yaml", tmp_path / "new")
    html = wb.load_run(tmp_path / "new")._repr_html_()
    assert [row[2] for row in cells(html)] == ["not yet"] * 4
    assert "0 problems" in html

    shutil.copytree(finished[1], tmp_path / "run", ignore=shutil.ignore_patterns("tables"))
    html = wb.load_run(tmp_path / "run")._repr_html_()
    assert [row[2] for row in cells(html)] == ["done"] * 4
    assert "Share of problems" not in html


def test_names_of_a_run_are_escaped(finished, tmp_path):
    shutil.copytree(finished[1], tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    manifest["signature"] = "<img src=x onerror=alert(1)>"
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(manifest))
    assert "<img" not in wb.load_run(tmp_path / "run")._repr_html_()
    assert "<img" not in wb.load_run(tmp_path / "run").table("statuses")._repr_html_()
