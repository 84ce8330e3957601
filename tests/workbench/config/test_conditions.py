"""The conditions of an experiment: grids, named cells, greedy baselines, and what is refused."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tests.workbench.config.factor_files import checked
from workbench.config.conditions import (
    conditions_of,
    greedy_names,
    loading_of,
    ordered_conditions,
    pool_sizes,
    price_of,
    settings_of,
)
from workbench.config.factors import ModelVariant, Price
from workbench.config.schema import Generation, dump_experiment
from workbench.config.yaml_file import parse_yaml
from workbench.experiment import check_experiment

BRIEF = {"brief": {"system": "Be brief."}}


def made(prompts=None, **generation):
    return checked(generation, prompts).generation


def names(generation):
    return [one.name for one in conditions_of(generation)]


def test_temperatures_alone_are_what_they_were():
    generation = made(temperatures=[1.0, 0.3], greedy=True)
    assert names(generation) == ["T0", "T1", "T0.3"]
    assert pool_sizes(generation) == {"T0": 1, "T1": 8, "T0.3": 8}
    assert [one.name for one in ordered_conditions(generation)] == ["T0", "T0.3", "T1"]
    assert not any(one.changed for one in conditions_of(generation))
    assert names(made()) == ["T0.3", "T0.7", "T1"]  # the default


def test_a_grid_is_all_combinations():
    generation = made(grid={"temperature": [0.7, 1], "min_p": [0, 0.1], "top_k": [0, 40]})
    assert generation.temperatures == ()
    assert names(generation) == [
        "T0.7", "T0.7-top_k40", "T0.7-min_p0.1", "T0.7-min_p0.1-top_k40",
        "T1", "T1-top_k40", "T1-min_p0.1", "T1-min_p0.1-top_k40",
    ]  # fmt: skip
    last = conditions_of(generation)[-1]
    assert last.changed == {"min_p": 0.1, "top_k": 40}
    assert last.levels == {"temperature": 1.0, "min_p": 0.1, "top_k": 40}
    assert (last.temperature, last.n, last.greedy) == (1.0, 8, False)


def test_a_grid_without_temperatures_is_crossed_with_those_of_the_section():
    generation = made(temperatures=[0.5, 1.5], grid={"top_p": [1.0, 0.9]})
    assert names(generation) == ["T0.5", "T0.5-top_p0.9", "T1.5", "T1.5-top_p0.9"]
    assert names(made(grid={"top_p": [0.9]})) == [f"T{t}-top_p0.9" for t in ("0.3", "0.7", "1")]


def test_several_grids_are_one_after_another_and_conditions_follow():
    generation = made(
        grid=[{"temperature": [1], "min_p": [0.1, 0.2]}, {"temperature": [2], "top_p": [0.9]}],
        conditions=[{"name": "wild", "temperature": 3}, {"temperature": 1, "stop": ["\n"]}],
    )
    assert names(generation) == ["T1-min_p0.1", "T1-min_p0.2", "T2-top_p0.9", "wild", "T1-stop_n"]
    found = conditions_of(generation)
    assert all({*one.levels} == {"temperature", "min_p", "top_p", "stop"} for one in found)
    assert found[3].levels == {"temperature": 3.0, "min_p": 0.0, "top_p": 1.0, "stop": ()}
    assert [dict(one.changed) for one in found[2:]] == [{"top_p": 0.9}, {}, {"stop": ("\n",)}]


def test_conditions_alone_need_no_temperatures():
    generation = made(conditions=[{"temperature": 1}, {"name": "hot", "temperature": 1.5}])
    assert generation.temperatures == ()
    assert names(generation) == ["T1", "hot"]


def test_the_section_s_own_level_is_in_no_name():
    generation = made(grid={"temperature": [1], "min_p": [0, 0.1]}, min_p=0.1)
    assert names(generation) == ["T1-min_p0", "T1"]
    assert conditions_of(generation)[0].changed == {"min_p": 0}
    engine = made(grid={"temperature": [1], "engine.seconds_per_sample": [0, 0.001]})
    assert names(engine) == ["T1-seconds_per_sample0", "T1-seconds_per_sample0.001"]


def test_levels_that_are_spelt_alike_are_told_apart():
    generation = made(temperatures=[1], stop=["Q A"], grid={"stop": [["Q A"], ["Q", "A"]]})
    assert names(generation) == ["T1", "T1-stop_Q_A"]
    assert conditions_of(generation)[1].changed == {"stop": ("Q", "A")}


def test_a_whole_number_is_the_same_level_as_a_fraction():
    one, other = (made(grid={"temperature": [1], "top_p": [top]}, top_p=0.5) for top in (1, 1.0))
    assert repr(conditions_of(one)) == repr(conditions_of(other))  # of which the seeds are made
    assert made(grid={"temperature": [1], "top_p": [1, 0.9]}, top_p=1.0).temperatures == ()


def test_greedy_decoding_is_a_baseline_for_each_prompt_and_model():
    generation = made(
        BRIEF, greedy=True, model="small",
        grid={"temperature": [1], "min_p": [0, 0.1], "prompt": ["default", "brief"],
              "model": ["small", "/m/large"], "max_tokens": [64, 9]},
        max_tokens=64, backend="openai", engine={"base_url": "http://here/v1"},
    )  # fmt: skip
    greedy = [one for one in conditions_of(generation) if one.greedy]
    assert [one.name for one in greedy] == [
        "T0", "T0-max_tokens9", "T0-large", "T0-large-max_tokens9", "T0-brief",
        "T0-brief-max_tokens9", "T0-brief-large", "T0-brief-large-max_tokens9",
    ]  # fmt: skip
    assert all(one.levels["min_p"] == 0 and one.temperature == 0 for one in greedy)
    names = greedy_names(conditions_of(generation))
    for one in conditions_of(generation):
        baseline = next(other for other in greedy if other.name == names[one.name])
        shared = ("prompt", "model", "max_tokens")
        assert [baseline.levels[name] for name in shared] == [one.levels[name] for name in shared]


def test_the_settings_of_a_condition_are_the_section_s_with_its_own():
    generation = Generation(
        model="small", engine={"quantization": "fp8"}, price=Price(input=0.0, output=1.0),
        grid={"temperature": [1], "max_tokens": [9], "model": ["small", "big"], "engine.top": [3]},
        models={"big": ModelVariant(model="/m/large", dtype="float32", engine={"block_size": 5},
                                    price=Price(input=0.0, output=2.0))},
    )  # fmt: skip
    small, big = conditions_of(generation)
    assert (small.name, big.name) == ("T1-max_tokens9-top3", "T1-max_tokens9-big-top3")
    assert settings_of(small, generation).max_tokens == 9
    assert loading_of(small, generation).max_tokens == 512  # which needs no engine of its own
    assert loading_of(small, generation).engine == {"quantization": "fp8", "top": 3}
    loaded = loading_of(big, generation)
    assert (loaded.model, loaded.dtype, loaded.engine) == (
        "/m/large", "float32", {"block_size": 5, "top": 3},
    )  # fmt: skip
    assert loading_of(big, generation, ["top"]).engine == {"block_size": 5}
    assert [price_of(one, generation).output for one in (small, big)] == [1.0, 2.0]
    assert loaded.grid == loaded.conditions == ()


def test_the_first_model_is_the_experiment_s_where_it_names_none():
    grid = {"temperature": [1], "model": ["a", "b"]}
    generation = made(grid=grid, models={"b": {"model": "c"}})
    assert generation.model == "a"
    assert names(generation) == ["T1", "T1-b"]
    cells = [{"name": "one", "temperature": 1, "model": "x"}]
    assert made(conditions=cells, models={"y": {}}).model == "x"


def test_an_experiment_with_conditions_is_written_and_read_again():
    experiment = checked(
        {"grid": [{"temperature": [1, 2], "stop": [[], ["\n"]]}], "greedy": True,
         "conditions": [{"name": "hot", "temperature": 3, "prompt": "brief"}]}, BRIEF,
    )  # fmt: skip
    again = check_experiment(parse_yaml(dump_experiment(experiment)), (), "again.yaml")
    assert again == experiment
    assert conditions_of(again.generation) == conditions_of(experiment.generation)


LEVELS = {
    "temperature": st.sampled_from([0.3, 0.7, 1, 1.0001, 1.5, 2.0]),
    "top_p": st.sampled_from([1.0, 0.9, 0.95, 1]),
    "top_k": st.sampled_from([0, 4, 40]),
    "min_p": st.sampled_from([0, 0.0, 0.1, 1e-5]),
    "stop": st.sampled_from([[], ["\n"], ["\n\n"], ["Q:"], ["Q", "A"]]),
    "max_tokens": st.sampled_from([512, 8, 16]),
}
GRIDS = st.fixed_dictionaries(
    {"temperature": st.lists(LEVELS["temperature"], min_size=1, max_size=3)},
    optional={
        name: st.lists(levels, min_size=1, max_size=3)
        for name, levels in LEVELS.items()
        if name != "temperature"
    },
)


def without_repeats(grid):
    """The grid with each level once: lists, and numbers that are equal as people read them."""
    return {
        name: list(
            {str(float(v)) if isinstance(v, float | int) else str(v): v for v in levels}.values()
        )
        for name, levels in grid.items()
    }


@given(GRIDS)
def test_names_of_a_grid_are_unique_and_depend_on_nothing_else(grid):
    grid = without_repeats(grid)
    generation = made(grid=grid)
    found = {one.name: one for one in conditions_of(generation)}
    assert len(found) == len(list(itertools.product(*grid.values())))
    for one in found.values():  # alone it has the same name, and the same that makes its seed
        cell = {name: list(v) if isinstance(v, tuple) else v for name, v in one.levels.items()}
        (alone,) = conditions_of(made(conditions=[cell]))
        assert (alone.name, dict(alone.changed)) == (one.name, dict(one.changed))
        assert alone.levels == one.levels


@given(GRIDS, st.sampled_from(sorted(set(LEVELS) - {"temperature"})), st.data())
def test_another_factor_or_level_leaves_the_names_there_are(grid, factor, data):
    grid = without_repeats(grid)
    before = {one.name: dict(one.changed) for one in conditions_of(made(grid=grid))}
    own = list(getattr(Generation(model="m"), factor)) if factor == "stop" else getattr(
        Generation(model="m"), factor
    )  # fmt: skip
    levels = [*grid.get(factor, [own]), data.draw(LEVELS[factor])]
    more = without_repeats(grid | {factor: levels})
    after = {one.name: dict(one.changed) for one in conditions_of(made(grid=more))}
    assert before.items() <= after.items()
