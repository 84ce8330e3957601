"""What is drawn of conditions, end to end: only what is new, the same whatever else there is."""

import json
import re

import pytest

from tests.workbench.config.factor_files import checked
from workbench.core.conditions import Condition
from workbench.generate.asked_problems import prompted_problems
from workbench.generate.drawing_settings import sample_seed
from workbench.generate.missing_samples import request_for
from workbench.generate.replay import sample
from workbench.generate.stage import generate
from workbench.saved_run import Run
from workbench.storage.journal import Journal, read_journal
from workbench.storage.open_run import OpenRun
from workbench.storage.run_folder import Folder

PROMPTS = {"brief": {"system": "Be brief."}, "steps": {"system": "Think in steps."}}


def draw(folder, **settings):
    """Draw what is missing; how many samples that were."""
    experiment = checked(settings, PROMPTS)
    folder.mkdir(exist_ok=True)
    before = sum(1 for _ in rows(folder))
    generate(OpenRun.of(folder, experiment), experiment)
    return sum(1 for _ in rows(folder)) - before


def rows(folder):
    """Every sample as the files have it, by problem, condition and index."""
    found = {}
    run = Folder(folder)
    for block in run.blocks_with_samples() if (folder / "samples").exists() else ():
        for row in run.read_samples(block).to_pylist():
            key = row["problem_id"], row["condition"], row["sample_index"]
            assert key not in found
            found[key] = json.dumps(row)
    return found


def texts(folder, condition):
    """By problem and index, all that was drawn in a condition, without its name."""
    return {
        (problem, index): json.dumps(json.loads(row) | {"condition": ""})
        for (problem, name, index), row in rows(folder).items()
        if name == condition
    }


GRID = {"temperature": [0.7, 1.5], "min_p": [0, 0.1]}
POOLS = 3 * 8  # problems and samples: a condition


@pytest.mark.parametrize(
    ("more", "new"),
    [
        ({"grid": {"temperature": [0.7, 1.0, 1.5], "min_p": [0, 0.1]}}, 2),  # a level
        ({"grid": {"temperature": [0.7, 1.5], "min_p": [0.2, 0.1, 0]}}, 2),  # in another order
        ({"grid": GRID | {"top_k": [0, 4]}}, 4),  # a factor
        ({"grid": GRID | {"prompt": ["brief", "default"]}}, 4),
        ({"grid": GRID | {"engine.seconds_per_sample": [0.0]}}, 0 + 4),
        ({"grid": GRID, "conditions": [{"name": "hot", "temperature": 3, "top_p": 0.9}]}, 1),
        ({"grid": [GRID, {"temperature": [2.0], "stop": [["."]]}]}, 1),
        ({"grid": GRID, "greedy": True}, 1 / 8),
        ({"grid": {"temperature": [1.5], "min_p": [0.1]}}, 0),  # fewer
        ({"grid": {"min_p": [0.1]}, "temperatures": [1.5]}, 0),  # the same, said otherwise
        ({"temperatures": [0.7]}, 0),
        ({"conditions": [{"temperature": 1.5, "min_p": 0.1}]}, 0),
    ],
)
def test_only_what_is_new_is_drawn_and_nothing_old_changes(tmp_path, more, new):
    assert draw(tmp_path / "run", grid=GRID) == 4 * POOLS
    old, files = rows(tmp_path / "run"), sorted((tmp_path / "run" / "samples").iterdir())
    contents = [path.read_bytes() for path in files]
    assert draw(tmp_path / "run", **more) == new * POOLS
    now = rows(tmp_path / "run")
    assert old.items() <= now.items()
    assert [path.read_bytes() for path in files] == contents
    # as if all had been asked for at once
    draw(tmp_path / "at-once", **more)
    assert rows(tmp_path / "at-once").items() <= now.items()
    assert draw(tmp_path / "run", grid=GRID) == 0  # and back


def test_temperatures_of_an_old_run_are_found_again_by_a_grid(tmp_path):
    draw(tmp_path / "run", temperatures=[0.7, 1.5], greedy=True)
    old = rows(tmp_path / "run")
    assert draw(tmp_path / "run", grid=GRID, greedy=True) == 2 * POOLS
    assert old.items() <= rows(tmp_path / "run").items()


def test_samples_depend_neither_on_the_name_nor_on_other_conditions(tmp_path):
    cell = {"temperature": 1.5, "min_p": 0.1, "prompt": "brief"}
    others = [{"temperature": 0.5}, {"temperature": 1.5, "top_k": 3, "prompt": "steps"}]
    draw(tmp_path / "alone", conditions=[cell])
    draw(tmp_path / "named", conditions=[cell | {"name": "hot"}])
    draw(tmp_path / "among", conditions=[others[0], cell, others[1]])
    crossed = {"temperature": [1.5, 1.0], "min_p": [0.1, 0.0], "prompt": ["default", "brief"]}
    draw(tmp_path / "crossed", grid=crossed)
    alone = texts(tmp_path / "alone", "T1.5-min_p0.1-brief")
    assert len(alone) == POOLS
    assert texts(tmp_path / "named", "hot") == alone
    for folder in ("among", "crossed"):
        assert texts(tmp_path / folder, "T1.5-min_p0.1-brief") == alone


def test_conditions_that_differ_have_seeds_that_differ(tmp_path):
    draw(tmp_path / "run", grid=GRID | {"prompt": ["default", "brief"]}, greedy=True)
    seeds = [json.loads(row)["seed"] for row in rows(tmp_path / "run").values()]
    assert len(seeds) == 8 * POOLS + 2 * 3 == len({*seeds})


def test_each_condition_is_drawn_with_its_own_settings(tmp_path):
    """The make-believe backend is cooler where a truncation is set, and cut at max_tokens."""
    draw(
        tmp_path / "run", n=64, max_tokens=48,
        grid=[{"temperature": [1.0], "max_tokens": [48, 3]}, {"temperature": [1.0], "top_k": [4]}],
    )  # fmt: skip
    lengths, openings = {}, {}
    for (_, name, _), row in rows(tmp_path / "run").items():
        sample = json.loads(row)
        lengths.setdefault(name, set()).add(sample["num_output_tokens"])
        openings.setdefault(name, []).append(sample["completion"].startswith("We add them"))
    assert lengths["T1-max_tokens3"] == {3}
    assert min(lengths["T1"]) > 3
    assert sum(openings["T1-top_k4"]) > sum(openings["T1"])


def test_prompts_reach_the_samples_and_their_tokens_are_counted(tmp_path):
    draw(tmp_path / "run", grid={"temperature": [1.0], "prompt": ["default", "brief"]})
    hashes, counts = {}, {}
    for (problem, name, _), row in rows(tmp_path / "run").items():
        sample = json.loads(row)
        hashes.setdefault((problem, name), set()).add(sample["prompt_hash"])
        counts.setdefault(name, set()).add(sample["num_prompt_tokens"])
    assert all(len(found) == 1 for found in hashes.values())
    assert len({found.pop() for found in hashes.values()}) == 2 * 3
    known = {item.problem.id: item for item in Folder(tmp_path / "run").read_problems()}
    assert all(item.prompt_hash and "brief" in item.variant_hashes for item in known.values())
    assert all(min(found) > 0 for found in counts.values())


def test_the_same_name_with_other_settings_is_refused_before_anything_is_drawn(tmp_path):
    hot = {"name": "hot", "temperature": 1.5, "min_p": 0.1}
    draw(tmp_path / "run", conditions=[hot, {"name": "plain", "temperature": 2.0}])
    before = rows(tmp_path / "run")
    for changed in (hot | {"min_p": 0.2}, hot | {"temperature": 1.6}):
        with pytest.raises(ValueError, match="another condition that is called 'hot'"):
            draw(tmp_path / "run", conditions=[changed])
    # nothing but its temperature makes this one, and it is not that of its name
    with pytest.raises(ValueError, match=r"'plain': it has temperature 2\.0, and the .* 2\.5;"):
        draw(tmp_path / "run", conditions=[{"name": "plain", "temperature": 2.5}])
    assert rows(tmp_path / "run") == before
    assert draw(tmp_path / "run", conditions=[hot | {"name": "hotter", "min_p": 0.2}]) == POOLS


def test_another_prompt_under_the_name_of_a_variant_is_refused(tmp_path):
    draw(tmp_path / "run", grid={"temperature": [1.0], "prompt": ["brief"]})
    changed = checked({"grid": {"temperature": [1.0], "prompt": ["brief"]}},
                      {"brief": {"system": "Be very brief."}})  # fmt: skip
    with pytest.raises(ValueError, match=r"holds samples of other prompts for 3 of its problems"):
        generate(OpenRun.of(tmp_path / "run", changed), changed)
    assert draw(tmp_path / "run", grid={"temperature": [1.0], "prompt": ["default", "steps"]}) == (
        2 * POOLS
    )


def test_another_setting_of_the_section_is_another_run(tmp_path):
    draw(tmp_path / "run", grid=GRID)
    with pytest.raises(ValueError, match=r"top_p: the samples have 1\.0"):
        draw(tmp_path / "run", grid=GRID, top_p=0.9)


def test_killed_in_the_middle_it_goes_on_with_the_conditions_that_are_missing(tmp_path):
    """What a killed process leaves is a journal of some samples, of whatever conditions."""
    draw(tmp_path / "whole", grid=GRID)
    whole, folder = rows(tmp_path / "whole"), tmp_path / "cut"
    draw(folder, grid={"temperature": [0.7], "min_p": [0, 0.1]})
    experiment = checked({"grid": GRID}, PROMPTS)
    run = OpenRun.of(folder, experiment)
    (condition,) = [one for one in run.conditions if one.name == "T1.5-min_p0.1"]
    items = prompted_problems(experiment.task)
    requests = [
        request_for(items[2], condition, i, experiment.task, experiment.generation) for i in (5, 1)
    ]
    with Journal(run.journal(0)) as journal:
        for one in sample(requests, experiment.generation):
            journal.add(one)
    assert {one.condition for one in read_journal(run.journal(0))} == {"T1.5-min_p0.1"}
    assert draw(folder, grid=GRID) == 2 * POOLS - 2
    assert rows(folder) == whole


def test_a_condition_without_a_temperature_cannot_be_drawn():
    experiment = checked({"temperatures": [1.0]})
    (item, *_) = prompted_problems(experiment.task)
    with pytest.raises(ValueError, match="condition 'unknown' has no temperature"):
        request_for(item, Condition("unknown", None, 8), 0, experiment.task, experiment.generation)


def test_the_seed_of_a_condition_is_a_hash_of_what_it_changes():
    # printf '0|p|0.7|3|{"min_p": 0.1, "stop": ["Q:"]}' | sha256sum
    changed = {"stop": ("Q:",), "min_p": 0.1}
    assert sample_seed(0, "p", 0.7, 3, changed) == 0xCF549B458180CB3D >> 1
    assert sample_seed(0, "p", 0.7, 3, {}) == sample_seed(0, "p", 0.7, 3)


def test_a_run_tells_its_conditions_and_finds_a_pool_by_name(cli, tmp_path, experiment):
    settings = {"grid": GRID, "temperatures": [], "greedy": False}
    settings["conditions"] = [{"name": "hot", "temperature": 3, "top_k": 4}]
    path = experiment(**{f"generation__{name}": value for name, value in settings.items()})
    cli.must("run", path, "--out", tmp_path / "run", tables=True)
    run = Run(tmp_path / "run")
    assert [one.name for one in run.conditions] == [
        "T0.7", "T0.7-min_p0.1", "T1.5", "T1.5-min_p0.1", "hot",
    ]  # fmt: skip
    pool = run.pool("problem-3", "T1.5-min_p0.1")
    assert (pool.condition, pool.temperature, len(pool)) == ("T1.5-min_p0.1", 1.5, 8)
    assert run.pool("problem-3", 1.5).condition == "T1.5"
    with pytest.raises(ValueError, match=re.escape(
        "problem-3 has no pool in condition T1.5-min_p0.2 (known: T0.7, T0.7-min_p0.1, T1.5, "
    )):  # fmt: skip
        run.pool("problem-3", "T1.5-min_p0.2")
    for frame in (run.samples, run.scores, run.subsets, run.frame):
        place = list(frame.columns).index("condition")
        assert list(frame.columns)[place : place + 4] == [
            "condition",
            "temperature",
            "min_p",
            "top_k",
        ]
        assert list(frame["condition"].cat.categories) == [one.name for one in run.conditions]
        hot = frame[frame["condition"] == "hot"].iloc[0]
        assert (hot["temperature"], hot["min_p"], hot["top_k"]) == (3.0, 0.0, 4.0)
    table = run.table("accuracy_by_temperature")
    assert list(table.columns)[:4] == ["condition", "temperature", "min_p", "top_k"]
