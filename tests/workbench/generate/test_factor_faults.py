"""A factor that the backend cannot set, or a model that is not there, before anything loads."""

import pytest

from tests.workbench.config.factor_files import checked, said


@pytest.mark.parametrize(
    ("backend", "factor", "near"),
    [
        ("replay", "engine.second_per_sample", "did you mean 'seconds_per_sample'?"),
        ("replay", "engine.presence_penalty", "unknown option of backend replay"),
        ("transformers", "engine.quantization", "unknown option of backend transformers"),
        ("transformers", "engine.max_num_seq", "did you mean 'max_num_seqs'?"),
        ("openai", "engine.timeot", "did you mean 'timeout'?"),
    ],
)
def test_an_option_that_the_backend_has_not_is_refused(backend, factor, near):
    settings = {"backend": backend, "model": "m"}
    if backend == "openai":
        settings["engine"] = {"base_url": "http://here/v1"}
    found = said(settings | {"grid": {"temperature": [1], factor: [0.5]}})
    assert f"generation.grid.{factor}: the backend cannot set it: " in found
    assert near in found


def test_it_is_named_where_it_stands():
    cells = [{"name": "odd", "temperature": 1, "engine.quantization": "fp8"}]
    assert "generation.conditions.engine.quantization: " in said({"conditions": cells})


def test_options_of_the_backend_are_factors():
    grid = {"temperature": [1], "engine.seconds_per_sample": [0, 0.5]}
    assert checked({"grid": grid}).generation.grid
    vllm = {"temperature": [1], "engine.presence_penalty": [0.5], "engine.whatever": [1]}
    assert checked({"backend": "vllm", "grid": vllm}).generation.grid  # the engine checks the rest


def test_a_level_of_an_engine_option_is_checked_as_the_backend_has_it():
    grid = {"temperature": [1], "engine.seconds_per_sample": [0, "slow"]}
    found = said({"grid": grid})
    assert "generation.grid.engine.seconds_per_sample: " in found
    assert "'slow'" in found


@pytest.mark.parametrize("by", ["grid", "models", "conditions"])
def test_a_model_s_folder_that_is_not_there_is_refused(tmp_path, by):
    there, missing = tmp_path / "there", tmp_path / "missing"
    there.mkdir()
    settings = {"backend": "transformers", "model": str(there)}
    if by == "grid":
        settings["grid"] = {"temperature": [1], "model": [str(there), str(missing)]}
    elif by == "conditions":
        settings["conditions"] = [{"name": "x", "temperature": 1, "model": str(missing)}]
    else:
        settings["models"] = {"big": {"model": str(missing)}}
        settings["grid"] = {"temperature": [1], "model": [str(there), "big"]}
    found = said(settings)
    key = "conditions" if by == "conditions" else "grid"
    assert f"generation.{key}.model: there is no folder {missing} (looked for from" in found
    assert found.count("\n") == 1
    missing.mkdir()
    checked(settings)


def test_a_backend_that_loads_no_model_is_asked_for_none(tmp_path):
    grid = {"temperature": [1], "model": ["a", str(tmp_path / "missing")]}
    assert checked({"grid": grid, "model": "a"}).generation.grid
