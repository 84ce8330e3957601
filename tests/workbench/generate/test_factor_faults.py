"""Which factors a backend can set, by its row alone."""

from importlib.util import find_spec

import pytest

from workbench.config.schema import Experiment, Generation, TaskSettings
from workbench.generate.factor_faults import factor_faults, missing_folder


def faults_of(*, here=True, **generation):
    drawn = Generation(**({"model": "m", "temperatures": (), "n": 8} | generation))
    experiment = Experiment(name="x", task=TaskSettings(name="arithmetic"), generation=drawn)
    return [str(fault) for fault in factor_faults(experiment, here=here)]


def grid(**factors):
    return {"temperature": [1.0], **factors}


def test_temperatures_alone_are_never_at_fault():
    assert faults_of(backend="transformers", temperatures=(0.5, 1.0)) == []


def test_sampling_options_are_factors_of_every_backend():
    own = {"top_k": [0, 5], "min_p": [0, 0.1], "max_tokens": [5, 6], "stop": [[], ["x"]]}
    for backend in ("vllm", "transformers", "replay"):
        assert faults_of(backend=backend, grid=grid(**own)) == []


def test_an_option_is_named_once_however_many_conditions_have_it():
    engine = {"engine.presence_penalty": [0, 1], "min_p": [0, 0.1, 0.2]}
    (said,) = faults_of(backend="transformers", grid=grid(**engine))
    assert said == (
        "generation.grid.engine.presence_penalty: backend transformers cannot set it: unknown "
        "option 'presence_penalty' (known: max_num_seqs)"
    )
    assert faults_of(backend="vllm", grid=grid(**engine)) == []  # its engine knows many options
    (said,) = faults_of(backend="replay", grid=grid(**{"engine.seconds_per_sample": ["x"]}))
    assert said == "generation.grid.engine.seconds_per_sample: expected a number, got 'x'"


def test_imported_conditions_are_what_they_are_and_a_grid_sets_nothing():
    cells = [{"name": "hot", "temperature": 2.0, "min_p": 0.1}]
    assert faults_of(backend="import", conditions=cells) == []
    first, second = faults_of(backend="import", grid=grid(min_p=[0.1]))
    assert first.startswith("generation.grid.temperature: imported samples are drawn already")
    assert second.startswith("generation.grid.min_p: imported samples are drawn already")


def test_folders_are_looked_for_only_where_they_have_to_be():
    models = grid(model=["./no-such", "m"], min_p=[0, 0.1])
    (said,) = faults_of(backend="transformers", grid=models)
    assert said == f"generation.grid.model: {missing_folder('./no-such')}"
    assert faults_of(backend="transformers", grid=models, here=False) == []
    assert faults_of(backend="replay", grid=models) == []  # which loads no model
    (said,) = faults_of(backend="replay", grid=grid(**{"engine.samples": ["./no-such"]}))
    assert said.startswith("generation.grid.engine.samples: ")
    assert "no-such" in said


def test_an_option_of_a_model_is_named_by_the_key_of_this_model():
    models = {"a": {"model": "x", "engine": {"seconds_per_sampel": 3}}}
    (said,) = faults_of(backend="replay", models=models, grid=grid(model=["a", "b"]))
    assert said.startswith("generation.models.a.engine.seconds_per_sampel: unknown key; did you")
    missing = {"a": {"model": "./no-such"}}
    (said,) = faults_of(backend="transformers", models=missing, grid=grid(model=["a", "b"]))
    assert said == f"generation.models.a.model: {missing_folder('./no-such')}"
    texts = {"a": {"engine": {"samples": "./no-such"}}}
    (said,) = faults_of(backend="replay", models=texts, grid=grid(model=["a", "b"]))
    assert said.startswith("generation.models.a.engine.samples: ")


@pytest.mark.skipif(find_spec("vllm") is None, reason="vllm is not installed")
@pytest.mark.parametrize(
    ("generation", "where", "message"),
    [
        ({"grid": grid(**{"engine.presnce_penalty": [0, 1]})}, "grid.engine.presnce_penalty",
         "vLLM has no such option; did you mean 'presence_penalty'?"),
        ({"conditions": [{"temperature": 1, "engine.blok_size": 16}]}, "conditions.engine.blok_s",
         "ize: vLLM has no such option; did you mean 'block_size'?"),
        ({"temperatures": (1.0,), "engine": {"presnce_penalty": 1}}, "engine.presnce_penalty",
         "vLLM has no such option; did you mean 'presence_penalty'?"),
        ({"temperatures": (1.0,), "engine": {"presence_penalty": 1}}, "engine.presence_penalty",
         "goes with each request: give it as a factor, in generation.grid "
         "engine.presence_penalty: [1]"),
        ({"models": {"a": {"engine": {"blok_size": 1}}}, "grid": grid(model=["a", "b"])},
         "models.a.engine.blok_size", "vLLM has no such option; did you mean 'block_size'"),
        ({"grid": grid(**{"engine.ignore_eos": [True]})}, "grid.engine.ignore_eos",
         "an option of vLLM's requests that is not passed on (those are: presence_penalty, "),
        ({"grid": grid(**{"engine.presence_penalty": [0, "x"]})}, "grid.engine.presence_penalty",
         "expected a number, got 'x'"),
        ({"grid": grid(**{"engine.min_tokens": [1.5, 2]})}, "grid.engine.min_tokens",
         "expected an integer, got 1.5"),
    ],
)  # fmt: skip
def test_what_vllm_cannot_be_told_is_refused_at_its_key(generation, where, message):
    (said,) = faults_of(backend="vllm", **generation)
    assert said.startswith(f"generation.{where}")
    assert message in said
    assert faults_of(backend="vllm", here=False, **generation) == []  # another vLLM may have it


def test_nothing_is_said_of_vllm_where_it_is_not_installed(monkeypatch):
    for name in ("engine_options", "sampling_options"):
        monkeypatch.setattr(f"workbench.generate.factor_faults.{name}", dict)
    assert faults_of(backend="vllm", grid=grid(**{"engine.presnce_penalty": [0, "x"]})) == []
