"""Other people's samples through the whole command line: every shape, and three real files."""

import gzip
import json
import math
from pathlib import Path

import pandas as pd
import pytest

from workbench.analysis.figures import FIGURES
from workbench.analysis.report import summary
from workbench.analysis.tables import TABLES
from workbench.saved_run import Run

DATA = Path(__file__).parents[1] / "../shared/data/generations"
QUIET = ["--set", "tracking.mode=disabled", "--set", "analysis.resamples=100"]


def real(name):
    """A file of real samples, or a skip that says why."""
    path = DATA / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there: real samples are not part of the project")
    return path.resolve()


def settings(**values):
    return [part for key, value in values.items()
            for part in ("--set", f"{key.replace('__', '.')}={json.dumps(value)}")]  # fmt: skip


def brought(cli, path, root, *options, figures=(), tables=(), **values):
    """Import a file and run it; returns the run and what was said."""
    said = cli.must("import", path, "--out", root, *options, *QUIET, *settings(**values)).out
    cli.must("run", root, figures=figures, tables=tables)
    return Run(root), said


def drawn(run):
    """Draw every figure, without saving it as a picture; returns all that is drawn as text."""
    return json.dumps([draw(run).to_dict() for draw in FIGURES.values()])


def made(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def notes(run, table):
    return (run.root / "tables" / f"{table}.md").read_text()


CHEAP = {"measure__metrics": ["distinct_1", "distinct_texts"]}
MAJ = {"selection__aggregators": ["maj"]}
PICTURES = ("accuracy_by_k", "coverage_curve", "diversity_by_temperature")
"""Figures that are looked at as pictures; how any is made into one is tested with the figures."""


def pool(problem, temperature, n=4, text="{i} of {t} for p{p}", **columns):
    return [
        {"problem_id": f"p{problem}", "temperature": temperature, "correct": (problem + i) % 3 == 0,
         "text": text.format(i=i, t=temperature, p=problem)} | columns
        for i in range(n)
    ]  # fmt: skip


def test_a_greedy_and_a_ragged_pool_through_every_table_and_figure(cli, tmp_path):
    rows = []
    for problem in range(11):
        rows += pool(problem, 0, text="all the same: {p}", correct=problem % 2 == 0, answer="1")
        rows += pool(problem, 0.7, n=2 if problem == 4 else 4, answer=str(problem))
    run, said = brought(
        cli, made(tmp_path / "a.jsonl", rows), tmp_path / "run", figures=PICTURES, tables=True
    )
    assert drawn(run)
    assert "pools         21 of 4, 1 of 2 samples" in said
    assert "avg_log_prob, qual_dpp (no log-probabilities)" in said
    assert set(run.tables) == set(TABLES)
    table = run.table("accuracy_by_k_temperature").set_index(["k", "temperature"])
    assert (
        table.loc[(4, 0), "maj_correct"] == table.loc[(4, 0), "coverage"] == pytest.approx(6 / 11)
    )
    assert "1 pools smaller than k are left out for that k" in notes(run, "accuracy_by_k")
    at_zero = run.subsets.query("temperature == 0")
    assert at_zero["has_repeat"].all()
    assert at_zero["cos_sim"].to_numpy() == pytest.approx(1)
    four = at_zero.query("k == 4")["dpp"]  # three repeats of one text: one eigenvalue of 4
    assert four.to_numpy() == pytest.approx(3 * math.log(1e-6) + math.log(4 + 1e-6))
    curve = run.table("coverage_curve")
    assert curve["temperature"].tolist() == [0] * 3 + [0.7] * 3
    assert curve["k"].tolist() == [1, 2, 4] * 2
    for figure in PICTURES:
        svg = (run.root / "figures" / f"{figure}.svg").read_text()
        assert "nothing" not in svg
    assert "temperature 0<" in (run.root / "figures" / "accuracy_by_k.svg").read_text()


def test_an_unknown_temperature_beside_a_known_one(cli, tmp_path):
    rows = [row for p in range(11) for t in (None, 0.7) for row in pool(p, t, answer=str(p))]
    run, _ = brought(cli, made(tmp_path / "a.jsonl", rows), tmp_path / "run",
                     figures=["accuracy_by_k"], tables=True, **CHEAP, **MAJ)  # fmt: skip
    single = run.table("accuracy_by_k_temperature").query("k == 2")
    assert len(single[single["temperature"].isna()]) >= 1  # and mixed pools, which are of no one
    assert run.pool("p3", None).texts[0] == run.pool("p3", math.nan).texts[0] == "0 of None for p3"
    assert run.pool("p3", 0.7).texts[0] == "0 of 0.7 for p3"
    for name in ("sampling_check", "coverage_curve", "statuses"):
        rows_of = run.table(name)
        assert rows_of["temperature"].isna().sum() == (rows_of["temperature"] == 0.7).sum() > 0
        assert "| unknown" in notes(run, name)
    assert run.table("sampling_check")["z"].abs().max() < 4
    names = summary({name: run.table(name) for name in run.tables})
    assert {"maj@2/Tunknown", "maj@2/T0.7", "accuracy/Tunknown"} <= set(names)
    shown = cli.must("show", run.root, "statuses").out
    assert "unknown" in shown
    assert "T:0.7,unknown|" in shown
    assert "temperature unknown" in (run.root / "figures" / "accuracy_by_k.svg").read_text()
    assert "temperature unknown" in drawn(run)
    assert run.subsets["temperature"].isna().sum() == len(run.subsets) / 2


def test_no_temperature_is_known(cli, tmp_path):
    rows = [row | {"num_tokens": 3} for p in range(3) for row in pool(p, None, answer=str(p))]
    run, _ = brought(cli, made(tmp_path / "a.jsonl", rows), tmp_path / "run", tables=["budget"],
                     **CHEAP, **MAJ)  # fmt: skip
    budget = run.table("budget")
    assert len(budget) > 0
    assert budget["temperature"].isna().all()


@pytest.mark.parametrize("n", [1, 4])
def test_without_any_correctness_tables_are_empty_and_say_why(cli, tmp_path, n):
    rows = [row for p in range(2) for row in pool(p, None, n=n, correct=None)]
    run, said = brought(cli, made(tmp_path / "a.jsonl", rows), tmp_path / "run",
                        figures=["accuracy_by_k"] if n == 4 else (), tables=True,
                        **CHEAP)  # fmt: skip
    assert f"unknown       {2 * n} samples have neither correctness nor known answer" in said
    assert set(run.tables) == set(TABLES)
    known = {"statuses", "diversity"}  # need no correctness
    assert len(run.table("diversity"))
    assert run.table("behaviour").empty  # as answers are no programs
    for name in set(TABLES) - known - {"behaviour"}:
        assert run.table(name).empty
        assert f"no sample's correctness is known ({2 * n} samples)" in notes(run, name)
    statuses = run.table("statuses")
    assert statuses["samples"].tolist() == [2 * n]
    assert "accuracy" not in statuses
    assert "mean_tokens" not in statuses
    assert f"{2 * n} samples are of unknown correctness" in notes(run, "statuses")
    assert len(run.subsets) == 2 * sum(math.comb(n, k) for k in run.experiment.measure.k)
    assert "correctness is known" in drawn(run)
    if n == 4:
        svg = (run.root / "figures" / "accuracy_by_k.svg").read_text()
        assert "correctness is known" in svg


def test_one_problem_of_one_sample(cli, tmp_path):
    rows = pool(0, 0.5, n=1)
    run, _ = brought(cli, made(tmp_path / "a.jsonl", rows), tmp_path / "run", tables=True)
    assert run.experiment.measure.k == (1,)
    table = run.table("accuracy_by_k")
    assert table.loc[0, ["coverage", "single_sample"]].tolist() == [1, 1]
    assert run.subsets["cos_sim"].isna().all()
    assert "no intervals: 1 problems are fewer than 10" in notes(run, "accuracy_by_k")
    assert drawn(run)


def test_regrading_can_be_asked_for_later(cli, tmp_path):
    rows = [row for p in range(3) for row in pool(p, 1.0, text=r"\boxed{{{i}}}", gold="1",
                                                  answer="7", correct=True)]  # fmt: skip
    cli.must("import", made(tmp_path / "a.jsonl", rows), "--out", tmp_path / "run", *QUIET)
    cli.must("score", tmp_path / "run")
    run = Run(tmp_path / "run")
    assert set(run.scores["answer"]) == {"7"}
    assert run.scores["correct"].all()
    cli.must("score", run.root, "--set", "scoring.regrade=true")
    scores = Run(run.root).scores
    assert scores["answer"].tolist() == ["0", "1", "2", "3"] * 3
    assert scores["correct"].tolist() == [False, True, False, False] * 3


def test_two_imports_into_one_folder_and_faults_are_one_clear_message(cli, tmp_path):
    rows = pool(0, 1.0)
    first = made(tmp_path / "a.jsonl", rows)
    cli.must("import", first, "--out", tmp_path / "run")
    told = cli.must("import", first, "--out", tmp_path / "dry", "--dry-run").out
    assert "nothing was written" in told
    assert not (tmp_path / "dry").exists()
    again = cli.must("import", first, "--out", tmp_path / "run")
    assert "up to date" in again.err
    other = made(tmp_path / "b.jsonl", pool(1, 1.0))
    cli("import", other, "--out", tmp_path / "run").refuses("holds another import")
    wrong = made(tmp_path / "c.jsonl", [{"id": "a", "text": "b"}])
    cli("import", wrong, "--out", tmp_path / "c").refuses("--column problem_id=THEIRS")
    cli("import", tmp_path / "no.jsonl").refuses("there is no file")
    cli.must("import", wrong, "--out", tmp_path / "c", "--column", "problem_id=id")
    faulty = made(tmp_path / "d.jsonl", [rows[0], rows[1] | {"reward": 3.5}])
    cli("import", faulty, "--out", tmp_path / "d").refuses("line 2", "--reward-scale logit")
    assert not (tmp_path / "d").exists()


def test_real_math_samples_regraded_agree_with_their_graders(cli, tmp_path):
    path = real("math100_qwen_rm_8x")
    run, said = brought(cli, path, tmp_path / "run", "--regrade", "--reward-scale", "logit",
                        measure__k=[8], measure__metrics=["distinct_3"],
                        selection__aggregators=["maj", "best", "weighted"])  # fmt: skip
    assert "correctness of all samples (put aside: --regrade), rewards of all samples" in said
    with gzip.open(path, "rt") as file:
        theirs = pd.DataFrame([json.loads(line) for line in file])
    both = run.scores.merge(theirs, on=["problem_id", "sample_index"], suffixes=("", "_theirs"))
    differ = both[both["correct"] != both["correct_theirs"]]
    # gold 10{,}000 against 10000: equal numbers, which their grader takes for different
    assert differ[["gold", "answer"]].to_numpy().tolist() == [["10{,}000", "10000"]]
    assert both["correct"].notna().all()
    curve = run.table("coverage_curve").set_index("k")
    assert curve.loc[8, "pass@k"] == pytest.approx(0.97)
    # best of 8, by hand from the file: a sigmoid leaves the order as it was
    best = both.loc[both.groupby("problem_id")["reward"].idxmax(), "correct"]
    assert curve.loc[8, "best@k"] == pytest.approx(best.mean())
    assert both["reward_given"].to_numpy() == pytest.approx(
        1 / (1 + (-both["reward"]).map(math.exp))
    )
    accuracy = run.table("accuracy_by_k").set_index("k").loc[8]
    assert accuracy["maj_correct"] == pytest.approx(curve.loc[8, "maj@k"], abs=1e-12)
    assert accuracy["drawn_weighted_correct"] > accuracy["single_sample"]


def test_real_multiple_choice_from_greedy_to_hot(cli, tmp_path):
    path = real("renze_gpt35_math_mcq")
    where = [part for t in (0, 0.5, 1) for part in ("--where", f"temperature={t}")]
    run, said = brought(cli, path, tmp_path / "run", "--compare", "choice", *where,
                        measure__k=[8], **CHEAP, **MAJ)  # fmt: skip
    with gzip.open(path, "rt") as file:
        theirs = pd.DataFrame([json.loads(line) for line in file])
    theirs = theirs[theirs["temperature"].isin([0, 0.5, 1])]
    assert "1 of 5 samples" in said
    found = run.table("statuses").set_index("temperature")
    by_temperature = theirs.groupby("temperature")
    assert found["samples"].tolist() == by_temperature.size().tolist()
    assert (
        found["no_answer"].tolist()
        == by_temperature["answer"].apply(lambda answers: answers.isna().sum()).tolist()
    )
    assert found["rule:given"].tolist() == by_temperature["answer"].count().tolist()
    means = theirs.groupby(["temperature", "problem_id"])["correct"].mean().groupby(level=0).mean()
    assert found["accuracy"].to_numpy() == pytest.approx(means.to_numpy())
    assert found.loc[0, "distinct_texts"] == pytest.approx(0.1)  # all ten are one text
    assert found["distinct_texts"].is_monotonic_increasing
    assert "1 pools smaller than k are left out for that k" in notes(run, "accuracy_by_k")
    assert set(run.table("coverage_curve")["k"]) == {1, 2, 4, 8, 10}  # and not 5, of one pool
    table = run.table("accuracy_by_temperature").set_index("temperature")
    assert table.loc[0, "coverage"] == table.loc[0, "maj_correct"] == pytest.approx(means[0])
    assert table.loc[1, "coverage"] > table.loc[1, "maj_correct"] > table.loc[1, "single_sample"]


def test_real_programs_with_their_given_correctness(cli, tmp_path):
    path = real("humaneval_codegen16b_100x")
    run, _ = brought(cli, path, tmp_path / "run", measure__k=[10, 100], selection__aggregators=[],
                     measure__metrics=["distinct_texts"])  # fmt: skip
    curve = run.table("coverage_curve").set_index("k")["pass@k"]
    # 50.4 % and 73.8 % in the paper
    assert round(float(curve[10]), 3) == 0.504
    assert round(float(curve[100]), 3) == 0.738
    assert run.table("statuses")["answered"].tolist() == [16_400]
