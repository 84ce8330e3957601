"""Which factors a backend can set, by its row alone."""

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
