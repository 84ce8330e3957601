"""The tables of the READMEs are those of the committed reference run, to the letter."""

import json
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
