import json
import math
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from scipy import stats

import workbench
from workbench.analysis.compare.runs import compare
from workbench.analysis.compare.settings import shared_problems
from workbench.analysis.stats.power import planned
from workbench.storage.parquet import read_table, write_table

SMALL = {
    "task__num_problems": 4, "generation__n": 4, "measure__k": [2],
    "measure__metrics": ["num_tokens"], "selection__aggregators": ["maj"],
}  # fmt: skip
"""Changes of an experiment of which only the kind of results is looked at."""
RIGHT, WRONG = ("The answer is 1.", -1.0, "stop"), ("The answer is 2.", -1.0, "stop")


@pytest.fixture(scope="module")
def other(cli, finished, tmp_path_factory):
    """The finished run again, with other seeds, fewer problems and other sizes."""
    home = tmp_path_factory.mktemp("other")
    changes = (
        "generation.seed=1", "task.num_problems=11", "measure.k=[4, 8]", "generation.n=9",
        "tracking.project=elsewhere", "name=other",
    )  # fmt: skip
    sets = [word for change in changes for word in ("--set", change)]
    cli.must("run", finished[0], "--out", home / "other", *sets)
    return home / "other"


@pytest.fixture(scope="module")
def compared(finished, other):
    return compare([finished[1], other])


@pytest.fixture(scope="module")
def alone(finished):
    return compare([finished[1]])


@pytest.fixture
def made(cli, experiment, tmp_path):
    """A function: settings -> a run's folder with these."""

    def make(name, **changes):
        cli.must("run", experiment(**changes), "--out", tmp_path / name)
        return tmp_path / name

    return make


def row_of(table, **where):
    frame = table.frame
    for name, value in where.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def test_a_run_that_is_measured_only_says_what_to_run(cli, experiment, tmp_path):
    for stage in ("generate", "score", "measure"):
        cli.must(stage, experiment(**SMALL), "--out", tmp_path / "run")
    cli("compare", tmp_path / "run").refuses("outcomes", "workbench analyze")


def test_two_runs_by_hand(finished, other, compared):
    tables = compared
    before, after = (
        run.expectations.query("temperature == 0.3 and k == 4").set_index("problem_id")["maj@k"]
        for run in map(workbench.load_run, (finished[1], other))
    )
    gap = (after - before).dropna()
    row = row_of(tables["differences"], temperature=0.3, k=4, selection="maj")
    assert len(gap) == row["problems"] == 11
    assert row["accuracy"] == pytest.approx(after[gap.index].mean())
    assert row["baseline"] == pytest.approx(before[gap.index].mean())
    assert row["difference"] == pytest.approx(gap.mean())
    test = stats.permutation_test(
        (gap.to_numpy(),), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert row["p"] == pytest.approx(test.pvalue)
    assert row["differ"] == (gap.abs() > 1e-12).mean()
    assert row["difference_low"] <= row["difference"] <= row["difference_high"]
    assert row["run"], row["against"] == ("other", "run")
    q = stats.false_discovery_control(tables["differences"].frame["p"])
    np.testing.assert_allclose(tables["differences"].frame["q"], q)


def test_runs_of_other_sizes_are_compared_where_both_have_a_value(compared):
    frame = compared["differences"].frame
    known = {name: sorted(set(part["k"])) for name, part in frame.groupby("selection")}
    exact = [2, 4, 8]  # [2, 4] and [4, 8] are measured; exact values are there at each power of 2
    assert known == {
        "single_sample": [1], "maj": exact, "best": exact, "coverage": exact, "drawn_weighted": [4],
        "drawn_lex_mbr": [4],
    }  # fmt: skip
    assert set(frame["temperature"]) == {0.0, 0.3, 1.0}


def test_only_settings_that_differ_are_listed(compared):
    table = compared["settings"]
    keys = set(table.frame["setting"]) - {"commit"}  # which may change while the tests run
    assert keys == {"generation.n", "generation.seed", "measure.k", "task.num_problems"}
    assert row_of(table, setting="generation.n")[["run", "other"]].tolist() == ["8", "9"]


def test_problems_of_one_run_alone_are_left_out_and_counted(finished, other, compared):
    row = compared["problems"].frame.iloc[0]
    assert row[["shared", "only here", "only there"]].tolist() == [11, 0, 1]
    back = compare([other, finished[1]])["problems"].frame.iloc[0]
    assert back[["shared", "only here", "only there"]].tolist() == [11, 1, 0]


def test_more_runs_are_each_compared_with_the_first(finished, other, copied):
    tables = compare([finished[1], other, copied[1]])
    assert tables["problems"].frame["shared"].tolist() == [11, 12]
    frame = tables["differences"].frame
    assert frame["run"].nunique() == 2
    assert (frame["against"] == str(finished[1])).all()  # both folders are called run


def test_a_run_and_its_copy_do_not_differ(cli, finished, copied):
    tables = compare([finished[1], copied[1]])
    frame = tables["differences"].frame
    assert (frame[["difference", "difference_low", "difference_high", "differ"]] == 0).all(
        axis=None
    )
    assert (frame[["p", "q"]] == 1).all(axis=None)
    assert frame[["smallest", "needed"]].isna().all(axis=None)
    assert set(tables["settings"].notes) == {"no setting differs"}
    assert any("nothing is known of problems that would" in n for n in tables["differences"].notes)
    shown = cli.must("compare", finished[1], copied[1]).out
    assert "+0.000 [0.000, 0.000]" in shown
    assert "no setting differs" in shown
    assert "problems that flipped: no problem's majority differs" in shown


def test_one_run_is_compared_with_itself(finished, alone):
    tables = alone
    names = ["temperatures", "flips", "selections", "rewards", "curves", "crossings"]
    assert list(tables) == names
    run = workbench.load_run(finished[1])
    means = run.subsets.groupby(["problem_id", "temperature", "k"])["lex_mbr_correct"].mean()
    gap = means.xs((1.0, 2), level=(1, 2)) - means.xs((0.3, 2), level=(1, 2))
    row = row_of(tables["temperatures"], temperature=1.0, against="T = 0.3", k=2,
                 selection="drawn_lex_mbr")  # fmt: skip
    assert row["difference"] == pytest.approx(gap.mean())
    single = run.expectations.query("temperature == 1 and k == 1").set_index("problem_id")
    gap = means.xs((1.0, 2), level=(1, 2)) - single["pass@k"]
    row = row_of(tables["selections"], temperature=1.0, k=2, selection="drawn_lex_mbr",
                 against="single_sample")  # fmt: skip
    assert row["difference"] == pytest.approx(gap.mean())
    assert row["smallest"] / gap.std() == pytest.approx(0.8886, abs=1e-4)  # 12 problems
    assert tables["rewards"].notes == ("no selection by two rewards: best and best:NAME",)


def test_selections_by_two_rewards_are_compared(made):
    folder = made("run", **SMALL | {"selection__aggregators": ["best", "best:likelihood"]})
    frame = compare([folder])["rewards"].frame
    assert set(frame["selection"]) == {"best:likelihood"}
    assert set(frame["against"]) == {"best"}
    assert (frame["difference"] == 0).all()  # it is the same reward


def test_sizes_may_be_chosen(cli, finished, alone):
    tables = compare([finished[1]], k=[8])
    assert set(tables["temperatures"].frame["k"]) == {1, 8}
    curve, whole = tables["curves"].frame, alone["curves"].frame
    assert sorted(set(whole["k"])) == [1, 2, 4, 8]
    chosen = whole[whole["k"] == 8].reset_index(drop=True)
    pd.testing.assert_frame_equal(curve, chosen)  # with the bands of the whole curves
    pd.testing.assert_frame_equal(tables["crossings"].frame, alone["crossings"].frame)
    shown = cli.must("compare", finished[1], "--k", "4", "--k", "8").out
    assert "at k = 8 and of single samples" in shown
    cli("compare", finished[1], "--k", "5").refuses("k = 5", "known: 1, 2, 4, 8", "measure.k")


def test_curves_cross(hand_made):
    # 14 of 20 problems always right, against one sample of four right on all of them
    golds = ["1"] * 20
    steady = hand_made(golds, [[RIGHT] * 4] * 14 + [[WRONG] * 4] * 6, tables=())
    lucky = hand_made(golds, [[RIGHT, *[WRONG] * 3]] * 20, tables=())
    tables = compare([steady, lucky])
    frame = tables["curves"].frame
    curve = frame[frame["selection"] == "coverage"]
    assert curve["k"].tolist() == [1, 2, 4]
    assert curve["accuracy"].tolist() == [0.25, 0.5, 1.0]
    assert curve["baseline"].tolist() == pytest.approx([0.7] * 3)
    assert curve["side"].tolist() == ["below", "below", "above"]
    gap = np.array([0.0] * 14 + [1.0] * 6)  # at k = 4, and less a constant elsewhere
    reach = curve["difference_high"].iloc[2] - 0.3
    # the points are one fact three times, so the band is as wide as for one
    assert reach / (gap.std(ddof=1) / math.sqrt(20)) == pytest.approx(1.96, abs=0.1)
    row = row_of(tables["crossings"], selection="coverage")
    assert row[["k_from", "k_to", "below_from", "above_from"]].tolist() == [1, 4, 1, 4]
    assert row["crosses"]
    majority = row_of(tables["crossings"], selection="maj")  # right at random, and never at k = 4
    assert majority["below_from"] == 1
    assert math.isnan(majority["above_from"])
    assert not majority["crosses"]
    row = row_of(compare([lucky, steady])["crossings"], selection="coverage")
    assert row[["below_from", "above_from", "crosses"]].tolist() == [4, 1, True]


@pytest.fixture(scope="module")
def right(hand_made):
    """Twelve problems, all of them right."""
    return hand_made(["1"] * 12, [[RIGHT] * 2] * 12, tables=())


def test_all_right_against_all_wrong(hand_made, right, cli):
    wrong = hand_made(["1"] * 12, [[WRONG] * 2] * 12, tables=())
    tables = compare([wrong, right])
    frame = tables["differences"].frame
    assert (frame[["difference", "difference_low", "difference_high", "differ"]] == 1).all(
        axis=None
    )
    assert frame["p"].tolist() == [2 / 2**12] * len(frame)
    assert (frame["needed"] == 10).all()
    assert frame["smallest"].isna().all()
    band = tables["curves"].frame
    assert set(band["difference_low"]) == {-1.0}
    shown = cli.must("compare", wrong, right).out
    assert "0.000 → 1.000  +1.000 [1.000, 1.000]*" in shown
    assert "problems that flipped: 12 to right, 0 to wrong" in shown


def test_few_problems_and_one_temperature_show_what_they_can(made, cli):
    folder = made("run", task__num_problems=1, generation__temperatures=[0.7],
                  generation__greedy=False)  # fmt: skip
    tables = compare([folder])
    assert tables["temperatures"].notes == ("the run has one temperature",)
    frame = tables["selections"].frame
    assert frame["difference"].notna().all()
    assert frame[["difference_low", "p", "q", "smallest"]].isna().all(axis=None)
    assert any("fewer than 10 problems" in note for note in tables["selections"].notes)
    cli.must("compare", folder)


def test_runs_of_one_temperature_each_are_compared(made):
    low, high = (
        made(name, generation__temperatures=[t], **SMALL)
        for name, t in (("low", 0.5), ("high", 1.0))
    )
    frame = compare([low, high])["differences"].frame
    assert set(frame["against"]) == {"low", "low at T = 0.5"}  # greedy samples at 0, and the others


def test_unknown_temperatures_are_compared_with_each_other(finished, tmp_path):
    folders = []
    for name in ("a", "b"):
        folders.append(tmp_path / name)
        shutil.copytree(finished[1], folders[-1])
        for path in [
            *folders[-1].glob("subsets/*.parquet"),
            *folders[-1].glob("outcomes/*.parquet"),
            *folders[-1].glob("expect*/*.parquet"),
        ]:
            table = read_table(path)
            table = table.filter(pc.equal(table["temperature"], 1.0))
            for name, kind in (("temperature", pa.float64()), ("condition", pa.string())):
                unknown = pa.array(
                    [None if name == "temperature" else "unknown"] * len(table), kind
                )
                place = table.schema.get_field_index(name)
                table = table.set_column(place, name, unknown)
            write_table(path, table, "tested")
    tables = compare(folders)
    frame = tables["differences"].frame
    assert frame["temperature"].isna().all()
    assert len(frame) == 11  # single_sample; maj, best, weighted, lex_mbr, coverage at 2 and at 4
    assert len(tables["crossings"].frame) == 3
    assert set(compare(folders[:1])["selections"].frame["k"]) == {2, 4}


def test_a_missing_known_answer_is_another_than_any_text():
    def of(*golds):
        ids = [f"p{i}" for i in range(len(golds))]
        frame = pd.DataFrame({"problem_id": ids, "question": "?", "gold": golds}, dtype=object)
        return SimpleNamespace(problems=frame)

    runs = of("None", None, "", "nan", "7", None), of(None, None, None, None, "7", "8")
    (row,) = shared_problems(runs, ["a", "b"]).frame.to_dict("records")
    assert (row["shared"], row["other known answer"]) == (6, 4)


def test_unknown_correctness_is_said(hand_made, right):
    second = hand_made(["1"] * 12, [[RIGHT, ("", 0.0, "error")]] * 12, tables=())
    notes = compare([right, second])["differences"].notes
    said = f"{second}: 12 samples of unknown correctness are left out"
    assert any(note.startswith(said) for note in notes)


def test_runs_that_cannot_be_paired_are_refused(cli, finished, made, copied, experiment, tmp_path):
    folder = finished[1]
    harder = made("harder", task__options={"max_terms": 4}, **SMALL)
    cli("compare", folder, harder).refuses("other questions under the same ids", "harder")
    cli("compare", folder, folder).refuses("given twice")
    cli("compare", tmp_path / "nothing").refuses("is not a run")
    drawn = tmp_path / "drawn"
    cli.must("generate", experiment(**SMALL), "--out", drawn)
    cli("compare", folder, drawn).refuses(str(drawn), "workbench measure")
    renamed = copied[1] / "problems.jsonl"
    lines = [json.loads(line) for line in renamed.read_text().splitlines()]
    renamed.write_text("".join(json.dumps(p | {"id": f"x{p['id']}"}) + "\n" for p in lines))
    cli("compare", folder, copied[1]).refuses("no problem in common")
    with pytest.raises(ValueError, match="nothing to compare"):
        compare([])


def test_other_known_answers_are_counted(copied, finished):
    path = copied[1] / "problems.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[3]["gold"] = "-1"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert compare([finished[1], copied[1]])["problems"].frame["other known answer"].tolist() == [1]


def test_every_selection_of_an_embedded_run_is_compared(embedded, cli):
    frame = compare([embedded[1]])["selections"].frame
    assert set(frame["selection"]) == {
        "maj", "best", "drawn_weighted", "drawn_sem_mbr", "drawn_lex_mbr",
    }  # fmt: skip
    cli.must("compare", embedded[1])
    for name in ("curves", "crossings", "rewards", "selections", "temperatures", "flips"):
        for end in ("csv", "md"):
            assert (embedded[1] / "compare" / f"{name}.{end}").stat().st_size, name


def test_the_same_numbers_come_out_again(finished, other, compared):
    again = compare([finished[1], other])
    for name in compared:
        pd.testing.assert_frame_equal(compared[name].frame, again[name].frame)


def test_validate_says_what_a_plan_can_see(cli, experiment):
    assert "can see        with 80% power at 5%" in cli.must("validate", experiment()).out
    assert "10%: 0.062 in accuracy, 20%: 0.087 in accuracy" in planned(200)
    assert "10%: no difference" in planned(20)
    assert "below 10 problems nothing is tested" in planned(9)
