"""The grid of problems and conditions: its numbers, its orders, its keys, its size."""

import math

import numpy as np
import pandas as pd
import pytest

from workbench import load_run
from workbench.analysis.page import report as reports
from workbench.analysis.page.grid import grid_of, pool_outcomes


def rows_of(problem, condition, verdicts, clusters):
    return pd.DataFrame(
        {"problem_id": problem, "condition": condition, "is_correct": verdicts,
         "answer_cluster": clusters}
    )  # fmt: skip


def test_outcomes_of_a_pool_by_hand():
    frame = pd.concat(
        [
            rows_of("a", "T1", [True, True, False, None], [0, 0, 1, -1]),
            rows_of("a", "T0.3", [None, None], [None, None]),  # not scored
        ]
    )
    found = pool_outcomes(frame).set_index(["problem_id", "condition"])
    assert found.loc[("a", "T1"), ["samples", "right", "unknown"]].tolist() == [4, 2, 1]
    expected = -(2 / 3 * math.log2(2 / 3) + 1 / 3 * math.log2(1 / 3))
    assert found.loc[("a", "T1"), "entropy"] == pytest.approx(expected)
    assert found.loc[("a", "T0.3"), ["samples", "right", "unknown"]].tolist() == [2, 0, 2]
    assert math.isnan(found.loc[("a", "T0.3"), "entropy"])


def test_the_grid_has_the_run_s_own_numbers(finished):
    run = load_run(finished[1])
    blocks = [pool_outcomes(block) for block in run_blocks(run)]
    grid = grid_of(run, blocks, {"problem-1"})
    assert grid["shown"] == [int(name == "problem-1") for name in grid["ids"]]
    frame = run.frame
    for column, name in enumerate(one.name for one in run.conditions):
        counted = frame[frame["condition"] == name].groupby("problem_id")["correct"]
        assert grid["right"][column] == counted.sum().astype(int)[grid["ids"]].tolist()
        assert grid["samples"][column] == counted.size()[grid["ids"]].tolist()
    exact = run.expectations
    at_k = exact[(exact["k"] == exact["k"].max()) & (exact["n"] > 1)]
    lost = (at_k["pass@k"] - at_k["maj@k"]).groupby(at_k["problem_id"]).mean()
    assert grid["loss"] == pytest.approx(lost[grid["ids"]].tolist(), abs=1e-4)
    assert grid["k"] == exact["k"].max()
    assert max(grid["loss"]) > 0  # or the order by it proves nothing


def run_blocks(run):
    for frame in run.frames():
        yield frame.rename(columns={"correct": "is_correct"})


def test_of_a_run_that_is_not_measured_nothing_says_what_a_vote_loses(copied):
    folder = copied[1]
    for path in folder.glob("expectations/*"):
        path.unlink()
    run = load_run(folder)
    grid = grid_of(run, [pool_outcomes(block) for block in run_blocks(run)], ())
    assert (grid["loss"], grid["k"]) == (None, 0)
    assert grid_of(run, [], ()) == {}


@pytest.fixture(scope="module")
def page_file(embedded, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reports, "FIGURES", {})  # they take most of the time
        yield reports.write_report(embedded[1], tmp_path_factory.mktemp("grid") / "page.html")


def column_of(page, place):
    cells = page.locator(f"#grid .body [role=row] > :nth-child({place})")
    return cells.all_inner_texts()


def test_it_sorts_and_opens_the_samples_of_a_cell_by_keyboard_and_mouse(visit, page_file, embedded):
    run = load_run(embedded[1])
    page = visit(page_file)
    page.wait_for_selector(".sample")
    shares = [float(text.strip("%")) for text in column_of(page, 2)]
    assert shares == sorted(shares)
    assert len(set(shares)) > 1
    page.get_by_role("button", name="Reverse order").press("Enter")
    assert [float(text.strip("%")) for text in column_of(page, 2)] == sorted(shares, reverse=True)
    page.get_by_role("button", name="Reverse order").press("Enter")
    for order in ("loss", "disagreement"):
        page.locator("#grid-order").select_option(order)
        values = [float(text) for text in column_of(page, 2)]
        assert values == sorted(values, reverse=True)
    page.locator("#grid-order").select_option("id")
    names = column_of(page, 1)
    assert names == sorted(names, key=lambda name: int(name.split("-")[1]))

    cell = page.locator("#grid [data-row='0'] [data-column='0']")
    cell.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    name = page.evaluate("document.activeElement.ariaLabel")
    condition = [one for one in run.conditions][1].temperature
    assert f"{names[2]}, T = {condition:g}: " in name
    pool = run.pool(names[2], condition)
    assert f"{int(np.sum(pool.correct))} of {len(pool.texts)} right" in name
    page.keyboard.press("Enter")
    page.wait_for_function("name => document.querySelector('#question h3').textContent === name",
                           arg=names[2])  # fmt: skip
    assert page.url.endswith(f"#{names[2]}/{condition:g}")
    page.locator("#grid [data-row='0'] [data-column='0']").click()
    page.wait_for_function("name => document.querySelector('#question h3').textContent === name",
                           arg=names[0])  # fmt: skip
    assert page.locator("#grid [data-row='0'] [aria-selected=true]").count() == 1
    page.go_back()
    page.wait_for_function("name => document.querySelector('#question h3').textContent === name",
                           arg=names[2])  # fmt: skip
    page.locator("#grid-thin").check()
    assert page.locator("#grid .body [role=row]").first.bounding_box()["height"] < 12
    assert visit.wrong == []
