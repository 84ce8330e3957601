"""What conditions are drawn by one engine, what makes each of them, and which are refused."""

from itertools import chain
from pathlib import Path

import pytest

from tests.workbench.config.factor_files import checked
from workbench.config.conditions import conditions_of, prompt_name
from workbench.generate.drawing_settings import drawing_settings
from workbench.generate.identity import (
    condition_identities,
    identity,
    load_groups,
    merged_conditions,
    refuse_other_conditions,
    request_options,
)
from workbench.models.locate import model_hash

PROMPTS = {"brief": {"system": "Be brief."}}


def grouped(**settings):
    generation = checked(settings, PROMPTS).generation
    return generation, load_groups(generation, conditions_of(generation))


def named(groups):
    return [[one.name for one in group.conditions] for group in groups]


def test_options_that_go_with_a_request_need_no_engine_of_their_own():
    grid = {"temperature": [1, 2], "min_p": [0, 0.1], "stop": [[], ["\n"]], "max_tokens": [8, 64],
            "prompt": ["default", "brief"]}  # fmt: skip
    _, groups = grouped(grid=grid, greedy=True, max_tokens=16)
    assert len(groups) == 1
    assert len(groups[0].conditions) == 32 + 8
    sizes = groups[0].pool_sizes
    assert (sizes["T1-min_p0.1-max_tokens8"], sizes["T0-max_tokens8"]) == (8, 1)
    # what an engine reserves does for the longest sample of all
    assert groups[0].settings.max_tokens == 64
    assert groups[0].settings.temperatures == (1.0, 2.0)


def test_models_and_engine_options_are_loaded_one_after_another():
    generation, groups = grouped(
        grid={"temperature": [1, 2], "model": ["small", "big"],
              "engine.quantization": [None, "fp8"], "engine.presence_penalty": [0, 0.5]},
        models={"big": {"model": "org/big", "dtype": "float32", "engine": {"block_size": 32}}},
        model="small", backend="vllm", engine={"max_num_seqs": 3},
    )  # fmt: skip
    assert [(one.settings.model, one.settings.dtype, one.settings.engine) for one in groups] == [
        ("small", "auto", {"max_num_seqs": 3}),
        ("small", "auto", {"max_num_seqs": 3, "quantization": "fp8"}),
        ("org/big", "float32", {"block_size": 32}),
        ("org/big", "float32", {"block_size": 32, "quantization": "fp8"}),
    ]  # fmt: skip
    assert all(len(group.conditions) == 4 for group in groups)
    assert sorted(chain(*named(groups))) == sorted(one.name for one in conditions_of(generation))
    sent = [request_options(one, generation) for one in groups[1].conditions]
    assert [one["presence_penalty"] for one in sent] == [0, 0.5, 0, 0.5]
    assert not any("quantization" in one for one in sent)  # which the engine has


def test_what_goes_with_a_request_is_each_option_that_is_a_factor():
    generation, _ = grouped(grid={"temperature": [1], "top_p": [1.0, 0.9]}, stop=["\n"])
    plain, cut = conditions_of(generation)
    assert request_options(plain, generation) == {"top_p": 1.0}
    assert request_options(cut, generation) == {"top_p": 0.9}
    generation, _ = grouped(temperatures=[1.0])
    assert request_options(conditions_of(generation)[0], generation) == {}


def test_temperatures_alone_are_one_group_and_have_nothing_to_keep():
    generation, groups = grouped(temperatures=[0.3, 1.0], greedy=True)
    assert named(groups) == [["T0", "T0.3", "T1"]]
    assert groups[0].settings.temperatures == (0.3, 1.0)
    assert condition_identities(generation, groups) == {}
    assert [prompt_name(one) for one in groups[0].conditions] == ["default"] * 3


def test_what_makes_a_condition_is_what_it_changes():
    generation, groups = grouped(
        grid={"temperature": [1, 2], "stop": [[], ["\n"]], "prompt": ["default", "brief"]},
        conditions=[{"name": "hot", "temperature": 3}],
    )
    assert condition_identities(generation, groups) == {
        "T1-brief": {"temperature": 1.0, "prompt": "brief"},
        "T1-stop_n": {"temperature": 1.0, "stop": ["\n"]},
        "T1-stop_n-brief": {"temperature": 1.0, "stop": ["\n"], "prompt": "brief"},
        "T2-brief": {"temperature": 2.0, "prompt": "brief"},
        "T2-stop_n": {"temperature": 2.0, "stop": ["\n"]},
        "T2-stop_n-brief": {"temperature": 2.0, "stop": ["\n"], "prompt": "brief"},
        "hot": {"temperature": 3.0},
    }


def folder_of_model(home, monkeypatch, name):
    monkeypatch.setenv("WORKBENCH_CACHE", str(home / "cache"))
    (home / name).mkdir()
    (home / name / "config.json").write_text("{}")
    (home / name / "model.safetensors").write_bytes(name.encode())
    return str(home / name)


def test_another_model_is_known_by_its_content(tmp_path, monkeypatch):
    one, other = (folder_of_model(tmp_path, monkeypatch, name) for name in ("one", "other"))
    settings = {"backend": "transformers", "models": {"big": {"model": other, "dtype": "float32"}},
                "model": one, "grid": {"temperature": [1], "model": [one, "big"]}}  # fmt: skip
    first = condition_identities(*grouped(**settings))
    assert first.keys() == {"T1-big"}
    assert first["T1-big"]["dtype"] == "float32"
    (tmp_path / "other" / "model.safetensors").write_bytes(b"trained")
    again = condition_identities(*grouped(**settings))
    assert again["T1-big"]["model_hash"] != first["T1-big"]["model_hash"]


def test_the_own_model_may_be_an_entry_of_models(tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.generate.identity.engine_versions", lambda backend: {})
    one, other, third = (
        folder_of_model(tmp_path, monkeypatch, name) for name in ("one", "other", "third")
    )
    models = {"small": {"model": one, "dtype": "float32"},
              "big": {"model": other, "dtype": "float32"}}  # fmt: skip
    settings = {"backend": "transformers", "grid": {"temperature": [1], "model": ["small", "big"]}}
    generation, groups = grouped(**settings, models=models)
    found = identity(generation)
    assert (found["model"], found["dtype"]) == (model_hash(Path(one)), "float32")
    assert condition_identities(generation, groups) == {
        "T1-big": {
            "temperature": 1.0, "model": "big", "model_hash": model_hash(Path(other)),
        },
    }  # fmt: skip
    models["small"]["model"] = third  # another model under the same name
    changed, _ = grouped(**settings, models=models)
    assert identity(changed)["model"] != found["model"]
    assert drawing_settings(changed) != drawing_settings(generation)


def test_engine_options_of_a_model_make_its_conditions_but_those_of_speed(tmp_path, monkeypatch):
    own, other = (folder_of_model(tmp_path, monkeypatch, name) for name in ("own", "other"))

    def of(engine):
        found = grouped(
            backend="vllm", model=own, grid={"temperature": [1], "model": [other, "twin"]},
            models={"twin": {"model": own, "engine": engine}}, engine={"max_num_seqs": 3},
        )  # fmt: skip
        return condition_identities(*found)["T1-twin"]

    plain = {"temperature": 1.0, "model": "twin"}
    assert of(None) == of({"block_size": 32}) == plain
    assert of({"quantization": "fp8"}) == plain | {"engine": {"quantization": "fp8"}}


def test_the_same_name_with_other_settings_is_refused(open_run):
    run = open_run(backend="replay")
    run.manifest.update(conditions={"hot": {"temperature": 1.5, "min_p": 0.1}, "old": {"a": 1}})
    same = {"hot": {"temperature": 1.5, "min_p": 0.1}}
    assert merged_conditions(run, same) == run.manifest.data["conditions"]
    assert merged_conditions(run, {"new": {"b": 2}}).keys() == {"hot", "old", "new"}
    with pytest.raises(ValueError, match=r"another condition that is called 'hot': it has "
                       r"temperature 1\.5, min_p 0\.1, and the experiment now gives temperature "
                       r"1\.5, min_p 0\.2; give the new one another name"):  # fmt: skip
        merged_conditions(run, {"hot": {"temperature": 1.5, "min_p": 0.2}})


def test_samples_are_not_looked_at_under_other_levels(open_run):
    def of(min_p):
        hot = {"name": "hot", "temperature": 1.5, "min_p": min_p}
        run = open_run(backend="replay", temperatures=[], conditions=[hot])
        held = {"temperature": 1.5, "min_p": 0.1, "model_hash": "of another model"}
        run.manifest.update(conditions={"hot": held})
        return run

    refuse_other_conditions(of(0.1))
    with pytest.raises(ValueError, match="another condition that is called 'hot'"):
        refuse_other_conditions(of(0.2))
