import json
from dataclasses import replace
from itertools import pairwise

import pytest

from tests.workbench.generate.test_stage import run
from workbench.config.schema import Experiment, Generation, Measure, TaskSettings
from workbench.generate import BACKENDS
from workbench.generate.second_turns import FirstAnswers
from workbench.generate.stage import generate
from workbench.storage.manifest import Manifest
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import read_table
from workbench.storage.run_folder import Folder
from workbench.tasks.correction import second_prompt

KEY = ["problem_id", "condition", "sample_index"]


def experiment(**generation):
    own = {"model": "replay", "backend": "replay", "temperatures": (0.5, 1.0), "n": 8}
    return Experiment(
        name="x",
        task=TaskSettings(name="arithmetic", num_problems=4, prompt="completion"),
        generation=Generation(**own | generation),
        measure=Measure(k=(1,)),
    )


def two_turns(**generation):
    return experiment(turns=2, corrections=2, **generation)


def test_every_first_answer_has_its_second_ones(tmp_path):
    frame = run(tmp_path, two_turns(n=3, greedy=True))
    second = frame[frame["parent"].notna()]
    assert (second["turn"] == 2).all()
    assert frame[frame["parent"].isna()]["turn"].fillna(1).eq(1).all()
    pools = second.groupby(["problem_id", "condition"])[["sample_index", "parent"]]
    found = {key: [*zip(*(part[name] for name in part), strict=True)] for key, part in pools}
    of_three = [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (5, 2)]
    assert found == {
        (f"problem-{p}", f"T{t}-turn2"): pairs
        for p in range(4)
        for t, pairs in (("0", [(0, 0)]), ("0.5", of_three), ("1", of_three))
    }
    assert second["seed"].is_unique


def test_first_answers_are_those_of_a_run_without_turns(tmp_path):
    alone = run(tmp_path / "alone", experiment())
    both = run(tmp_path / "both", two_turns())
    columns = [*KEY, "completion", "seed", "prompt_hash", "num_output_tokens"]
    first = both[both["parent"].isna()][columns].reset_index(drop=True)
    assert first.equals(alone[columns].reset_index(drop=True))


def test_a_run_without_turns_has_no_columns_for_them(tmp_path):
    run(tmp_path, experiment())
    (part,) = Folder(tmp_path).parts(0)
    assert not {"turn", "parent"} & {*read_table(part).schema.names}


@pytest.fixture
def asked(monkeypatch):
    """What the backend is asked, in order."""
    found, row = [], BACKENDS["replay"]
    draw = row.sample

    def sample(requests, settings):
        def noted():
            for request in requests:
                found.append(request)
                yield request

        yield from draw(noted(), settings)

    monkeypatch.setitem(BACKENDS, "replay", type(row)(**{
        name: getattr(row, name) for name in row.__slots__
    } | {"sample": sample}))  # fmt: skip
    return found


def test_the_prompt_of_a_second_answer_holds_the_first(tmp_path, asked):
    settings = two_turns(n=2)
    frame = run(tmp_path, settings)
    texts = {tuple(key): text for *key, text in frame[[*KEY, "completion"]].to_numpy().tolist()}
    first = {r.problem_id: r.prompt.text for r in asked if r.parent is None}
    again = [request for request in asked if request.parent is not None]
    assert len(again) == 4 * 2 * 4
    for one in again:
        answer = texts[one.problem_id, one.condition.removesuffix("-turn2"), one.parent]
        told = second_prompt(first[one.problem_id], answer, settings.task.correction)
        assert one.prompt.text == told


def test_what_is_asked_may_hold_columns_of_the_problem(tmp_path, asked):
    """A misspelt column is told before anything is drawn."""
    rows = [{"problem": f"{n} + 1?", "gold": str(n + 1), "hint": f"count from {n}"} for n in (4, 7)]
    source = tmp_path / "own.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    own = TaskSettings(
        name="jsonl", source=str(source), prompt="completion", correction="Mind: {{ hint }}."
    )
    run(tmp_path / "run", replace(two_turns(n=2), task=own))
    told = {
        r.prompt.text.rpartition("Mind: ")[2].split(".")[0] for r in asked if r.parent is not None
    }
    assert told == {"count from 4", "count from 7"}
    asked.clear()
    with pytest.raises(ValueError, match=r"correction: .*hnt"):
        run(tmp_path / "other", replace(two_turns(n=2), task=replace(own, correction="{{ hnt }}")))
    assert not asked


def test_equal_prompts_of_a_problem_follow_one_another(tmp_path, asked):
    run(tmp_path, two_turns(n=8, temperatures=(0.1,)))
    hashes = [r.prompt_hash for r in asked if r.parent is not None]
    changes = sum(a != b for a, b in pairwise(hashes))
    assert len({*hashes}) == changes + 1 < len(hashes) / 2


def test_samples_are_drawn_once_each_however_often_it_is_stopped(tmp_path, asked):
    whole = run(tmp_path / "whole", two_turns())
    total = len(asked)
    asked.clear()

    class StopError(Exception):
        pass

    settings = two_turns()
    for most in (5, 40, 70, 30):

        def log(values, most=most):
            if values["generate/samples_drawn"] >= most:
                raise StopError

        with pytest.raises(StopError):
            generate(OpenRun.of(tmp_path / "cut", settings), settings, log)
    cut = run(tmp_path / "cut", settings)
    assert total == len(whole) == len(cut)
    assert len({(r.problem_id, r.condition, r.sample_index) for r in asked}) == total
    columns = [*KEY, "completion", "parent", "seed"]
    left, right = (f[columns].sort_values(KEY).reset_index(drop=True) for f in (whole, cut))
    assert left.equals(right)


def test_more_first_answers_get_second_ones_and_no_other_changes(tmp_path):
    before = run(tmp_path, two_turns(n=2))
    after = run(tmp_path, two_turns(n=3))
    assert len(after) == len(before) * 3 / 2
    columns = [*KEY, "completion", "parent", "seed"]
    both = before[columns].merge(after[columns], how="left", indicator=True)
    assert (both["_merge"] == "both").all()


@pytest.fixture
def failing(monkeypatch):
    """A backend that fails at some first answers, as long as the set holds their indices."""
    indices, row = {1}, BACKENDS["replay"]
    draw = row.sample

    def sample(requests, settings):
        for request in requests:
            if request.parent is None and request.sample_index in indices:
                yield request.sampled("", "error", error="the server broke off")
            else:
                yield from draw([request], settings)

    monkeypatch.setitem(BACKENDS, "replay", type(row)(**{
        name: getattr(row, name) for name in row.__slots__
    } | {"sample": sample}))  # fmt: skip
    return indices


def test_a_first_answer_that_failed_has_error_rows_for_second_ones(tmp_path, failing):
    frame = run(tmp_path, two_turns(n=3, temperatures=(0.5,)))
    failed = frame[frame["stop_reason"] == "error"]
    assert failed.groupby("condition").size().to_dict() == {"T0.5": 4, "T0.5-turn2": 8}
    assert set(failed["parent"].dropna()) == {1}
    told = failed[failed["parent"].notna()]["error"]
    assert told.str.contains("no first answer to correct: sample 1 of condition 'T0.5'").all()
    assert Manifest(tmp_path / "manifest.json").stage("generate")["errors"] == 12
    failing.clear()
    settings = two_turns(n=3, temperatures=(0.5,))
    generate(OpenRun.of(tmp_path, settings), settings, redraw_errors=True)
    again = Folder(tmp_path).read_samples(0).to_pandas()
    assert (again["stop_reason"] != "error").all()
    assert len(again) == len(frame)


def test_first_answers_of_error_rows_are_none(tmp_path, failing):
    run(tmp_path, two_turns(n=3, temperatures=(0.5,)))
    found = FirstAnswers.of(Folder(tmp_path), 0).completions
    assert found["problem-0", "T0.5", 1] is None
    assert found["problem-0", "T0.5", 0].startswith("We add") or found["problem-0", "T0.5", 0]


@pytest.mark.parametrize("change", ["corrections", "correction"])
def test_second_answers_of_another_numbering_or_request_are_refused(tmp_path, change):
    settings = two_turns(n=2)
    run(tmp_path, settings)
    other = experiment(turns=2, corrections=1, n=2)
    if change == "correction":
        other = replace(settings, task=replace(settings.task, correction="Again!"))
    with pytest.raises(ValueError, match=f"another condition that is called.*{change} "):
        run(tmp_path, other)


def test_a_second_turn_may_be_added_later(tmp_path):
    first = run(tmp_path, experiment(n=2))
    both = run(tmp_path, two_turns(n=2))
    assert len(both) == 3 * len(first)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["conditions"]["T0.5-turn2"]["corrections"] == 2
