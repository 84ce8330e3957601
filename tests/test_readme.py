"""The tables of the READMEs are those of the committed reference run, to the letter."""

import json
import math
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "results" / "reference"
RESULTS = (ROOT / "results" / "README.md").read_text()


@pytest.mark.parametrize(
    "name", ["accuracy_by_k_temperature", "coverage_curve", "partial_correlation", "statuses"]
)
def test_a_table_of_the_readme_is_the_reference_runs(name):
    _, _, body = (REFERENCE / "tables" / f"{name}.md").read_text().partition("\n\n")
    assert body.strip() in RESULTS


def test_the_table_of_the_front_page_is_the_reference_runs():
    text = (ROOT / "README.md").read_text()
    shown = text[text.index("<!-- reference -->") : text.index("<!-- /reference -->")]
    table = wb.load_run(REFERENCE).table("accuracy_by_k_temperature")
    rows = table.query("k == 8 and pool == 'one T'").to_dict("records")
    columns = ("single_sample", "maj_correct", "best_correct", "coverage")
    expected = [
        f"| {row['temperature']:g} | " + " | ".join(spelt(row, name) for name in columns) + " |"
        for row in rows
    ]
    assert [line for line in shown.splitlines() if line.startswith("| ")][2:] == expected


def spelt(row, name):
    return f"{row[name]:.2f} [{row[f'{name}_low']:.2f}, {row[f'{name}_high']:.2f}]"


def test_the_reference_run_is_small_real_and_neither_too_easy_nor_too_hard():
    run = wb.load_run(REFERENCE)
    assert sum(path.stat().st_size for path in REFERENCE.rglob("*") if path.is_file()) < 1_000_000
    generation = run.experiment.generation
    assert len(run.problems) >= 24
    assert len(generation.temperatures) >= 3
    assert generation.n >= 16
    assert run.manifest["identity"]["backend"] == "vllm"
    assert "+g" in run.signature
    assert "dirty" not in run.signature
    coldest = run.scores[run.scores["temperature"] == min(generation.temperatures)]
    assert 0.25 <= coldest["correct"].astype(float).mean() <= 0.7


def test_the_answers_to_the_study_s_questions_are_those_of_the_reference_tables():
    run = wb.load_run(REFERENCE)
    text = " ".join(RESULTS.split())
    answer = text[text.index("- **Quickstart**") : text.index("- **GPT-3.5")]
    texts = run.table("statuses").set_index("temperature")
    found = run.table("within_correlation").query("k == 8 and metric == 'distinct_3'")
    found = found.set_index("held")
    for held in ("nothing", "temperature"):
        assert spelt(found.loc[held], "coverage") in answer
        assert spelt(found.loc[held], "maj_correct") in answer
    for temperature in (0.3, 1.0):
        assert spelt(texts.loc[temperature], "distinct_texts") in answer


def test_what_is_said_of_decoding_is_in_the_tables_that_are_kept():
    tables = REFERENCE.parent / "factors" / "decoding" / "tables"
    found = pd.read_csv(tables / "accuracy_by_k_temperature.csv").query("k == 8")
    found = found.set_index("condition")
    front, told = (" ".join(text.split()) for text in ((ROOT / "README.md").read_text(), RESULTS))
    for name in ("T1.5", "T1.5-min_p0.1", "T1"):
        for text in (front, told):
            assert spelt(found.loc[name], "coverage") in text
    effects = pd.read_csv(tables / "main_effects.csv").query("outcome == 'coverage' and k == 8")
    for factor in ("min_p", "top_k", "top_p"):
        shown = effects[effects["factor"] == factor].dropna(subset="difference")
        (row,) = shown.to_dict("records")
        assert spelt(row, "difference") in told


def test_what_is_said_of_prompts_is_in_the_tables_that_are_kept():
    tables = REFERENCE.parent / "factors" / "prompts" / "tables"
    told = " ".join(RESULTS.split())
    told = told[told.index("- **Prompts**") : told.index("## The reference run")]
    effects = pd.read_csv(tables / "main_effects.csv").query("factor == 'prompt' and k in (1, 8)")
    for outcome in ("single_sample", "maj_correct", "coverage"):
        of_prompt = effects[effects["outcome"] == outcome].set_index("level")
        assert spelt(of_prompt.loc["eight_shot"], "difference") in told
        other = of_prompt.loc["other_examples"]
        assert other["difference_low"] < 0 < other["difference_high"]
    costs = pd.read_csv(tables / "matched_budget.csv")
    costs = costs.query("k == 8 and budget == 'all tokens, prompt once'").set_index("condition")
    for name in ("T1", "T1-eight_shot"):
        assert spelt(costs.loc[name], "coverage") in told


def of_programs(name, run="humaneval"):
    return pd.read_csv(REFERENCE.parent / "programs" / run / "tables" / f"{name}.csv")


def test_what_is_said_of_humaneval_is_in_the_tables_that_are_kept():
    told = " ".join(RESULTS.split())
    told = told[told.index("- **HumanEval**") : told.index("- **Short functions**")]
    accuracy = of_programs("accuracy_by_k_temperature").set_index("k")
    rounded = [
        [f"{accuracy.loc[k, name]:.3f} [{low:.3f}, {high:.3f}]"
         for name in ("maj_correct", "drawn_exec_mbr_correct", "coverage", "single_sample")
         for low, high in [accuracy.loc[k, [f"{name}_low", f"{name}_high"]]]]
        for k in (10, 100)
    ]  # fmt: skip
    for value in (rounded[0][2], *rounded[1]):
        assert value in told
    within = of_programs("within_correlation").query("k == 4 and held == 'nothing'")
    within = within[within["rows"] == "all"].set_index("metric")
    for metric, outcome in (
        ("answer_entropy", "coverage"), ("answer_entropy", "maj_correct"),
        ("distinct_3", "coverage"),
    ):  # fmt: skip
        row = within.loc[metric]
        ends = f"[{row[f'{outcome}_low']:.3f}, {row[f'{outcome}_high']:.3f}]"
        assert f"{row[outcome]:.3f} {ends}" in told
    behaviour = of_programs("behaviour")
    assert f"{100 * behaviour['joined'].mean():.1f} % of the pairs" in told
    assert f"of {(behaviour['calls'] == 0).sum()} problems no call" in told


def test_what_is_said_of_short_functions_is_in_the_tables_that_are_kept():
    told = " ".join(RESULTS.split())
    told = told[told.index("- **Short functions**") : told.index("- **A second turn**")]
    statuses = of_programs("statuses", "code_small").set_index("temperature")
    assert statuses["samples"].sum() == 1440
    for temperature in (0.2, 1.0):
        assert spelt(statuses.loc[temperature], "accuracy") in told
        assert spelt(statuses.loc[temperature], "share_passed") in told
    accuracy = of_programs("accuracy_by_k_temperature", "code_small").query("k == 8")
    accuracy = accuracy[accuracy["pool"] == "one T"].set_index("temperature")
    for temperature, name in ((0.2, "coverage"), (0.6, "coverage"), (0.6, "maj_correct")):
        assert spelt(accuracy.loc[temperature], name) in told
    within = of_programs("within_correlation", "code_small")
    within = within.query("k == 4 and held == 'temperature' and metric == 'answer_entropy'")
    assert spelt(within.iloc[0], "coverage") in told


TURNS = REFERENCE.parent / "correction" / "self_correction" / "tables"


def ends(row, name):
    return f"{row[name]:.3f} [{row[f'{name}_low']:.3f}, {row[f'{name}_high']:.3f}]"


def test_what_is_said_of_a_second_turn_is_in_the_tables_that_are_kept():
    told = " ".join(RESULTS.split())
    told = told[told.index("- **A second turn**") : told.index("## Learning to correct oneself")]
    turns = pd.read_csv(TURNS / "self_correction.csv").set_index("first")
    for first in ("T0.3", "T1"):
        for name in ("accuracy@t1", "accuracy@t2"):
            assert ends(turns.loc[first], name) in told
    for name in ("i_to_c", "c_to_i"):
        assert ends(turns.loc["all"], name) in told
    costs = pd.read_csv(TURNS / "sequential_against_parallel.csv").query("k == 8")
    costs = costs.query("`first` == 'T1' and budget == 'completion tokens'").set_index("strategy")
    row = costs.loc["pairs"]
    low, high = row["coverage_difference_high"], row["coverage_difference_low"]
    lost = f"{-row['coverage_difference']:.3f}"
    assert f"{lost} [{-low:.3f}, {-high:.3f}]" in told
    front = " ".join((ROOT / "README.md").read_text().split())
    for text in (told, front):
        assert ends(costs.loc["first answers"], "coverage") in text
    assert f"the pairs [{lost} fewer]" in front


def rows_of_turns():
    """The rows of the two tables of second turns as the README has them."""
    columns = ["accuracy@t1", "accuracy@t2", "delta", "i_to_c", "c_to_i"]
    for _, row in pd.read_csv(TURNS / "self_correction.csv").iterrows():
        yield [row["first"], *(ends(row, name) for name in columns)]
    columns = ["coverage", "coverage_difference", "majority", "majority_difference"]
    costs = pd.read_csv(TURNS / "sequential_against_parallel.csv")
    for _, row in costs.query("k == 4 and budget == 'completion tokens'").iterrows():
        shown = ["-" if math.isnan(row[name]) else ends(row, name) for name in columns]
        yield [row["first"], row["strategy"], f"{row['answers']:.1f}", *shown]


def test_the_tables_of_second_turns_are_those_that_are_kept():
    shown = RESULTS[RESULTS.index("<!-- turns -->") : RESULTS.index("<!-- /turns -->")]
    lines = [line.strip() for line in shown.splitlines() if line.startswith("  | T")]
    lines += [line.strip() for line in shown.splitlines() if line.startswith("  | all ")]
    assert sorted(lines) == sorted(f"| {' | '.join(row)} |" for row in rows_of_turns())


def test_what_is_said_of_the_training_is_in_its_curves():
    told = " ".join(RESULTS.split())
    curves = pd.read_csv(REFERENCE.parent / "correction" / "training" / "curves.csv")
    first, last = curves.iloc[0], curves.iloc[-1]
    assert (first["step"], last["step"]) == (0, 50)
    t1, t2 = ([row[f"held_out_{name}"] for row in (first, last)] for name in ("t1", "t2"))
    assert f"right in {t1[0]:.2f} of the cases before and {t1[1]:.2f} after it" in told
    assert [round(value, 2) for value in t2] == [0.0, 0.0]


def test_the_programs_of_the_front_page_are_those_of_the_tables_that_are_kept():
    text = (ROOT / "README.md").read_text()
    shown = text[text.index("<!-- programs -->") : text.index("<!-- /programs -->")]
    table = of_programs("accuracy_by_k_temperature").query("k in (10, 100)").to_dict("records")
    columns = ("maj_correct", "drawn_exec_mbr_correct", "coverage")
    rows = [line for line in shown.splitlines() if line.startswith("| ")][2:]
    for row, line in zip(table, rows, strict=True):
        expected = " | ".join(spelt(row, name) for name in columns)
        assert line.startswith(f"| {row['k']} | {expected} | 0.")


def test_the_benchmarks_of_the_readme_are_those_that_were_run():
    home = REFERENCE.parent / "bench"
    table = (home / "bench.md").read_text()
    assert table.strip() in RESULTS
    rows = json.loads((home / "bench.json").read_text())
    keys = ["work", "ours", "peer", "ratio", "target", "limit"]
    for row in rows:
        assert list(row) == keys
        assert row["work"] in table
        assert row["ratio"] is None or row["peer"]


TOUR = sorted((REFERENCE.parent / "tour").iterdir())


@pytest.mark.parametrize("path", TOUR, ids=lambda path: path.name)
def test_what_the_tour_shows_is_what_was_printed(path):
    if path.suffix == ".md":
        _, _, body = path.read_text().partition("\n\n")
        assert body.strip() in RESULTS
    elif path.suffix == ".txt":
        assert path.read_text().strip() in RESULTS
    else:
        assert f"](tour/{path.name})" in RESULTS


def test_the_tour_judges_its_reward_model_by_its_table():
    text = " ".join(RESULTS.split())
    said = text[text.index("steps on two cores it has learnt") :]
    lines = (REFERENCE.parent / "tour" / "held_out_gains.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.split("|")] for line in lines if "| test " in line]
    gains = {row[2]: row[3].removesuffix("*") for row in cells}
    assert gains["untrained"] in said
    assert gains["likelihood"] in said
