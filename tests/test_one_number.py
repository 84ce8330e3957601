"""One name has one number: in tables, curves, the page's head, the comparison and what is tracked.

A name is a selection at a k and a condition, as ``maj@4/T1``. Every place that shows a number of
such a name is read by itself here, from what it writes or prints, and all must agree.
"""

import json
from collections import defaultdict
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.conftest import write_experiment
from tests.workbench.tracking.test_wandb_run import read_offline
from workbench.analysis.aggregate.exact import best_at_k, maj_at_k
from workbench.analysis.aggregate.temperature_mixture import mixed_pools
from workbench.analysis.compare.conditions import accuracies
from workbench.analysis.condition_columns import with_conditions
from workbench.analysis.frames import POOL, Data
from workbench.analysis.known_outcomes import drawn_errors, known_outcomes, mean_variances
from workbench.analysis.page.headline import headline
from workbench.analysis.tables import make_table
from workbench.analysis.wandb_summary import OVER_K, condition_rows
from workbench.core.subsets import draw_subsets

AT_ONCE = 1e-12
"""How much two ways to one number may differ."""
SHOWN = "pass", "maj", "best"
TABLES = ("accuracy_by_k", "accuracy_by_k_temperature", "budget", "coverage_curve", "submitted")
SETTINGS = {
    "measure__k": [2, 4, 7], "measure__replicates": 6, "tracking__mode": "offline",
    "measure__metrics": ["num_tokens"], "selection__submitted": [1, 2],
}  # fmt: skip
FACTORS = {
    "generation__temperatures": [],
    "generation__grid": {"temperature": [0.5, 1.5], "min_p": [0, 0.1]},
}


def spelt(column):
    """``maj`` of ``maj_correct``, ``maj@k`` and ``maj``; ``pass`` of coverage."""
    return column.removesuffix("_correct").removesuffix("@k").replace("coverage", "pass")


def outcomes(frame):
    return [c for c in frame if c == "coverage" or c.endswith(("_correct", "@k"))]


def of_tables(run, read):
    for table in TABLES:
        frame = read(table)
        for row in with_conditions(frame).to_dict("records"):
            mixed = row.get("pool") == "mixed"
            if table == "accuracy_by_k":
                at = "mixed" if mixed else "all"
            else:
                at = str(row["condition"])
            for column in outcomes(frame):
                yield (spelt(column), row["k"], at), table, row[column]
    pools = run.expectations.groupby(["k", "condition"], observed=True).size()
    for row in with_conditions(read("sampling_check")).to_dict("records"):
        k, at = row["k"], str(row["condition"])
        if row["pools"] == pools[k, at]:  # it is of those alone of which a known subset was drawn
            yield (spelt(row["outcome"]), k, at), "check", row["exact"]
    for row in with_conditions(read("reward_curve")).to_dict("records"):
        at = str(row["condition"])
        yield ("pass", row["k"], at), "reward_curve", row["oracle"]
        yield ("best", row["k"], at), "reward_curve", row["best:likelihood"]


def of_file(path):
    """A table as it stands in its file; one without rows has no line."""
    return pd.read_csv(path) if path.stat().st_size > 1 else pd.DataFrame()


def of_comparison(run):
    for (condition, k, selection), values in accuracies(run).items():
        if selection != "single_sample":
            yield (spelt(selection), k, condition), "compare", values.mean()
    tables = wb.compare(run.root)
    for name in ("temperatures", "conditions", "selections", "curves"):
        if name not in tables or (frame := tables[name].frame).empty:
            continue
        problems = len(run.problems)
        for row in with_conditions(frame).to_dict("records"):
            if row["selection"] != "single_sample" and row["problems"] == problems:
                yield (
                    (spelt(row["selection"]), row["k"], str(row["condition"])),
                    name,
                    (row["accuracy"]),
                )


def of_headline(run):
    found = headline(run)
    levels = with_conditions(found.levels)
    for row in levels.to_dict("records"):
        for column in levels:
            name, _, k = column.partition("@")
            if k.isdigit():
                yield (spelt(name), int(k), str(row["condition"])), "headline", row[column]
    if found.compared:
        for tile in found.tiles:
            name, _, k = tile.label.partition("@")
            if k:
                ends = tile.value.split(" → ")
                for at, value in zip(found.compared, ends, strict=True):
                    yield (spelt(name), int(k), at), "tile", float(value)


def of_tracker(run):
    found = read_offline(run.root)
    for name, value in found["summary"].items():
        parts = OVER_K.fullmatch(name)
        if parts and not parts["bound"] and parts["name"] != "num_tokens":
            at = (parts["at"] or "all").replace("Tunknown", "unknown")
            yield (parts["name"], int(parts["k"]), at), "wandb", value
    for name, values in found["history"].items():
        if name.startswith("curve/") and not name.endswith(("num_tokens@k", "/low", "/high")):
            _, at, selection = name.split("/")
            sizes = found["history"]["k"][-len(values) :]
            if len(values) == len(found["history"]["k"]):
                for k, value in zip(sizes, values, strict=True):
                    at = at.replace("Tunknown", "unknown")
                    yield (spelt(selection), k, at), "wandb curve", value
    tables = {name: run.table(name) for name in run.tables}
    rows = condition_rows(tables, run.expectations)
    for row in rows.to_dict("records"):
        for column in rows:
            name, _, k = str(column).partition("@")
            if k:
                yield (name, int(k), row["condition"]), "wandb rows", row[column]


def numbers(run):
    """Every number that a name has: name -> [(where it stands, number)]."""
    found = defaultdict(list)
    for part in (
        of_tables(run, lambda name: of_file(run.root / "tables" / f"{name}.csv")),
        of_tables(run, run.table),
        of_headline(run),
        of_comparison(run),
        of_tracker(run),
    ):
        for name, where, value in part:
            if not np.isnan(value):
                found[name].append((where, float(value)))
    return found


def faults(found):
    """Names with two numbers; a tile is rounded to three decimals, as people read it."""
    wrong = {}
    for name, known in found.items():
        first = known[0][1]
        for where, value in known:
            if abs(value - first) > (5.001e-4 if where == "tile" else AT_ONCE):
                wrong[name] = known
    return wrong


@pytest.fixture(scope="module")
def runs(cli, tmp_path_factory):
    """Runs of temperatures, of two factors, and of samples of which many are unjudged."""
    home = tmp_path_factory.mktemp("one-number")
    cli.load("wandb")
    made = {}
    for name, changes in (("temperatures", {}), ("factors", FACTORS)):
        path = write_experiment(home / f"{name}.yaml", **SETTINGS, **changes)
        cli.must("run", path, "--out", home / name, tables=True)
        made[name] = wb.load_run(home / name)
    rng = np.random.default_rng(0)
    rows = [
        {
            "problem_id": f"p{p}", "temperature": t, "text": f"text {rng.integers(3)} of {p}",
            "answer": str(rng.integers(3)), "mean_logprob": -float(rng.random()),
            "correct": [True, False, None][rng.choice(3, p=[0.4, 0.3, 0.3])],
        }
        for p in range(12) for t in (0.5, 1.0) for _ in range(12)
    ]  # fmt: skip
    (home / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    cli.must("import", home / "rows.jsonl", "--out", home / "unknown",
             "--set", "tracking.mode=disabled")  # fmt: skip
    sets = ["measure.k=[2,4,7]", "measure.replicates=2", "measure.metrics=[num_tokens]",
            "tracking.mode=offline", "selection.aggregators=[maj,best,weighted,lex_mbr]",
            "selection.reward=likelihood"]  # fmt: skip
    cli.must("run", home / "unknown", *(w for s in sets for w in ("--set", s)), tables=True)
    made["unknown"] = wb.load_run(home / "unknown")
    return made


@pytest.mark.parametrize("name", ["temperatures", "factors", "unknown"])
def test_a_name_has_one_number_wherever_it_stands(runs, name):
    run = runs[name]
    found = numbers(run)
    places = {where for known in found.values() for where, _ in known}
    wanted = {
        *TABLES, "check", "headline", "compare",
        "selections", "curves", "wandb", "wandb curve", "reward_curve",
    }  # fmt: skip
    wanted |= {"wandb rows", "conditions"} if name == "factors" else {"temperatures"}
    # of the unknown ones not even the lengths are known, and no draw is of all the pools
    assert wanted - places == ({"budget", "check"} if name == "unknown" else set())
    assert faults(found) == {}
    for k in (2, 4, 7):
        for at in ("all", "mixed", *(one.name for one in run.conditions if one.n > 1)):
            for selection in SHOWN:
                places = {where for where, _ in found[selection, k, at]}
                assert len(places) >= 2, (selection, k, at)
                assert "wandb" in places
    drawn = {name for name, _, _ in found} - {*SHOWN}
    assert drawn == {"drawn_weighted", "drawn_lex_mbr"}


def test_bounds_and_errors_are_tracked_beside_their_numbers(runs):
    run = runs["temperatures"]
    summary = read_offline(run.root)["summary"]
    frame = run.table("accuracy_by_k_temperature").query("pool == 'one T'")
    for row in frame.to_dict("records"):
        at = f"@{row['k']}/T{row['temperature']:g}"
        for column, name in (("maj_correct", "maj"), ("coverage", "pass")):
            for end in ("low", "high"):
                assert summary[f"{name}{at}/{end}"] == row[f"{column}_{end}"]
        error = row["drawn_weighted_correct_error"]
        assert summary[f"drawn_weighted{at}/error"] == error
    assert frame["drawn_weighted_correct_error"].max() > 0
    assert summary["maj@4/all/low"] < summary["maj@4"] < summary["maj@4/all/high"]
    assert not [name for name in summary if name.startswith("drawn_maj")]


def test_pools_without_a_judged_draw_are_in_what_is_exact_alone(runs):
    data = Data(runs["unknown"])
    assert data.unknown > 50
    table = make_table("accuracy_by_k", data)
    possible = data.exact[data.exact["k"].isin([2, 4, 7])]
    short = len(possible) - data.judged.groupby(POOL, observed=True).ngroups
    assert short > 5
    what = "without a sample of unknown correctness; they are left out of what is drawn"
    assert f"{short} pools of which no subset was drawn {what}" in table.notes
    row = table.frame.query("k == 4 and pool == 'one T'").iloc[0]
    exact = possible[possible["k"] == 4]
    assert row["coverage"] == pytest.approx(exact["pass@k"].mean(), abs=AT_ONCE)
    drawn = data.judged[data.judged["k"] == 4].groupby(POOL, observed=True)["lex_mbr_correct"]
    assert row["drawn_lex_mbr_correct"] == pytest.approx(drawn.mean().mean(), abs=AT_ONCE)
    assert len(drawn) < len(exact)


def test_mixed_pools_and_single_ones_are_as_all_their_subsets(runs):
    """Brute force over the 70 subsets of 4 of 8 samples; ties by the closed forms."""
    run = runs["temperatures"]
    pools = [pool for block in run.blocks for pool in run.pools(block) if pool.temperature]
    frame = run.table("accuracy_by_k_temperature").query("k == 4")
    every = np.array(list(combinations(range(8), 4)))
    parts = {t: [p for p in pools if p.temperature == t] for t in (0.3, 1.0)}
    rows = {t: frame[frame["temperature"] == t].iloc[0] for t in parts}
    rows["mixed"] = frame[frame["pool"] == "mixed"].iloc[0]
    for at, some in {**parts, "mixed": list(mixed_pools(pools))}.items():
        assert len(some) == 12
        right = np.mean([pool.correct[every].any(axis=1).mean() for pool in some])
        assert rows[at]["coverage"] == pytest.approx(right, abs=AT_ONCE)
        rewards = [pool.rewards["likelihood"] for pool in some]
        chosen = [every[np.arange(70), r[every].argmax(1)] for r in rewards]
        untied = [len({*r.tolist()}) == 8 for r in rewards]
        for pool, reward, picks, alone in zip(some, rewards, chosen, untied, strict=True):
            if alone:
                assert best_at_k(reward, pool.correct, 4) == pytest.approx(
                    pool.correct[picks].mean(), abs=AT_ONCE
                )
        best = np.mean([best_at_k(r, p.correct, 4) for r, p in zip(rewards, some, strict=True)])
        assert rows[at]["best_correct"] == pytest.approx(best, abs=AT_ONCE)
        votes = np.mean([maj_at_k(pool.clusters, pool.correct, 4) for pool in some])
        assert rows[at]["maj_correct"] == pytest.approx(votes, abs=AT_ONCE)


def test_the_error_of_the_draw_is_that_of_many_draws():
    """Three pools of 6, of which 4 subsets of 2 are drawn time and again."""
    rng = np.random.default_rng(0)
    pools = [rng.permutation([1.0] * right + [0.0] * (6 - right)) for right in (1, 3, 4)]
    means, squares = [], []
    for _ in range(4000):
        parts = []
        for correct in pools:
            drawn = pd.DataFrame({"drawn_x": correct[draw_subsets(6, 2, 4, rng)].max(axis=1)})
            parts.append({"drawn_x": drawn["drawn_x"].mean(), **mean_variances(drawn, only=False)})
        frame = pd.DataFrame(parts)
        means.append(frame["drawn_x"].mean())
        squares.append(drawn_errors(frame, np.zeros(3, np.int64), ["drawn_x"]).iloc[0, 0] ** 2)
    assert np.sqrt(np.mean(squares)) == pytest.approx(np.std(means), rel=0.05)


def test_the_error_of_the_draw_by_hand():
    one, other = (pd.DataFrame({"drawn_x": values}) for values in ([1.0, 0.0], [1.0, 1.0]))
    assert mean_variances(one, only=False) == {"drawn_x_variance": 0.25}
    assert mean_variances(other[:1], only=True) == {"drawn_x_variance": 0.0}
    assert np.isnan(mean_variances(other[:1], only=False)["drawn_x_variance"])
    frame = pd.DataFrame({"drawn_x": [0.5, 1.0, 0.5, np.nan],
                          "drawn_x_variance": [0.25, 0.0, np.nan, np.nan]})  # fmt: skip
    found = drawn_errors(frame, np.array([0, 0, 1, 0]), ["drawn_x"])["drawn_x_error"]
    assert found.tolist()[0] == 0.25  # the root of 0.25, over two pools: the last has no mean
    assert np.isnan(found.tolist()[1])


def test_every_measured_pool_has_a_row(runs):
    data = Data(runs["temperatures"])
    frame = known_outcomes(data)
    assert len(frame) == 12 * 2 * 3
    assert list(frame)[:7] == [
        *POOL, "single_sample", "maj_correct", "best_correct", "drawn_weighted_correct",
    ]  # fmt: skip
    assert frame.notna().all(axis=None)
