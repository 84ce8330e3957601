import dataclasses
import json

import pandas as pd
import pytest

from workbench.config.conditions import pool_sizes
from workbench.config.schema import Experiment, Generation, TaskSettings, Thinking
from workbench.generate import BACKENDS, engine_versions, resolve
from workbench.generate.drawing_settings import drawing_settings, sample_seed
from workbench.generate.identity import identity, server_facts
from workbench.generate.stage import generate
from workbench.storage.manifest import Manifest
from workbench.storage.open_run import OpenRun
from workbench.storage.run_folder import Folder


def experiment(**generation):
    return Experiment(
        name="x",
        task=TaskSettings(name="arithmetic", num_problems=4, prompt="completion"),
        generation=Generation(
            **(
                {"model": "replay", "backend": "replay", "temperatures": (0.5, 1.0), "n": 8}
                | generation
            )
        ),
    )


def run(folder, settings, log=None):
    arguments = {} if log is None else {"log": log}
    generate(OpenRun.of(folder, settings), settings, **arguments)
    blocks = Folder(folder).blocks_with_samples()
    return pd.concat([Folder(folder).read_samples(b).to_pandas() for b in blocks])


def test_what_is_asked_for_is_drawn_once_each(tmp_path):
    frame = run(tmp_path, experiment(greedy=True))
    sizes = frame.groupby(["problem_id", "temperature"])["sample_index"].agg(list).to_dict()
    assert sizes == {
        (f"problem-{p}", t): list(range(n))
        for p in range(4)
        for t, n in ((0.0, 1), (0.5, 8), (1.0, 8))
    }
    assert frame["seed"].is_unique
    assert frame["prompt_hash"].nunique() == 4
    stage = Manifest(tmp_path / "manifest.json").stage("generate")
    assert stage["samples_drawn"] == len(frame) == 4 * 17
    assert stage["tokens_drawn"] == frame["num_output_tokens"].sum()
    assert stage["tokens_per_second"] > 0


def test_the_rate_of_a_run_is_over_all_its_attempts_on_one_machine(tmp_path):
    manifest = tmp_path / "manifest.json"

    def drawing():
        return Manifest(manifest).stage("generate")["drawing"]

    tokens = run(tmp_path, experiment(n=8))["num_output_tokens"].sum()
    first = drawing()
    assert first["tokens"] == tokens
    assert first["seconds"] > 0
    run(tmp_path, experiment(n=8))  # nothing is left to draw
    assert drawing() == first
    more = run(tmp_path, experiment(n=9))["num_output_tokens"].sum()
    assert drawing()["tokens"] == more
    assert drawing()["seconds"] > first["seconds"]
    held = json.loads(manifest.read_text())
    held["hardware"]["cores"] += 1  # the folder comes from another machine
    manifest.write_text(json.dumps(held))
    most = run(tmp_path, experiment(n=10))["num_output_tokens"].sum()
    assert drawing()["tokens"] == most - more


def test_rows_are_in_order_of_problem_temperature_and_index(tmp_path):
    frame = run(tmp_path, experiment())
    keys = list(zip(frame["problem_id"], frame["temperature"], frame["sample_index"], strict=True))
    assert keys == sorted(keys)


def test_the_seed_of_a_sample_depends_on_its_name_and_the_experiment_s_alone():
    # printf '0|p|0.7|3' | sha256sum: its first eight bytes, without the last bit
    assert sample_seed(0, "p", 0.7, 3) == 0x75EFDD7B97FC9A3D >> 1
    seeds = {
        sample_seed(seed, problem, temperature, index)
        for seed in (0, 1)
        for problem in ("p", "q")
        for temperature in (0.0, 0.7, 1)
        for index in (0, 1)
    }
    assert len(seeds) == 24
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert sample_seed(0, "p", 1, 0) == sample_seed(0, "p", 1.0, 0)


def test_another_seed_gives_other_samples(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    first = run(tmp_path / "a", experiment())
    second = run(tmp_path / "b", experiment(seed=1))
    assert not first["completion"].equals(second["completion"])


def test_pool_sizes_hold_the_greedy_sample():
    assert pool_sizes(experiment().generation) == {"T0.5": 8, "T1": 8}
    assert pool_sizes(experiment(greedy=True).generation) == {"T0": 1, "T0.5": 8, "T1": 8}


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"n": 9}, True),
        ({"temperatures": (0.2,)}, True),
        ({"greedy": True}, True),
        ({"engine": {"max_num_seqs": 3}}, True),  # only how fast
        ({"engine": {"quantization": "fp8"}}, False),
        ({"top_p": 0.9}, False),
        ({"top_k": 5}, False),
        ({"min_p": 0.1}, False),
        ({"repetition_penalty": 1.1}, False),
        ({"max_tokens": 99}, False),
        ({"stop": ("\n",)}, False),
        ({"logprobs": 20}, False),
        ({"seed": 2}, False),
        ({"dtype": "float32"}, False),
        ({"max_model_len": 4096}, False),
        ({"model": "other"}, False),
    ],
)
def test_which_settings_decide_a_sample(change, same):
    changed, plain = experiment(**change).generation, experiment().generation
    assert (identity(changed) == identity(plain)) == same
    assert (drawing_settings(changed) == drawing_settings(plain)) == same


def test_where_a_server_is_does_not_decide_a_sample_and_what_it_is_does():
    here, there = (
        Generation(
            model="m", backend="openai", engine={"base_url": url, "timeout": 5, "concurrency": 2}
        )
        for url in ("http://here/v1", "http://there/v1")
    )
    assert identity(here) == identity(there)
    assert identity(here)["logprobs_kind"] == "unknown"  # nobody has asked
    said = {"logprobs_kind": "raw", "server": {"version": "1"}, "top_p": 0.5}
    assert server_facts(here, said) == {"logprobs_kind": "raw", "server": {"version": "1"}}
    assert server_facts(here, {}) == {}
    assert server_facts(experiment().generation, said) == {}


def test_samples_from_before_a_setting_came_still_fit(tmp_path, capsys):
    path = tmp_path / "manifest.json"
    run(tmp_path, experiment())
    before = Manifest(path).data["identity"]
    assert "logprobs" not in before  # as in a run that knew no such setting
    run(tmp_path, experiment())
    assert "all 64 samples are there" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"logprobs: the samples have 0, the experiment now gives"):
        run(tmp_path, experiment(logprobs=20))
    (tmp_path / "b").mkdir()
    run(tmp_path / "b", experiment(logprobs=20))
    with pytest.raises(ValueError, match=r"have 20, the experiment now gives 0"):
        run(tmp_path / "b", experiment())


def test_other_markers_of_thoughts_are_other_samples(tmp_path, capsys):
    def marked(thinking):
        settings = experiment()
        return dataclasses.replace(
            settings, task=dataclasses.replace(settings.task, thinking=thinking)
        )

    run(tmp_path, experiment())
    assert "thinking" not in Manifest(tmp_path / "manifest.json").data["identity"]
    run(tmp_path, marked(Thinking()))
    assert "all 64 samples are there" in capsys.readouterr().err
    with pytest.raises(
        ValueError, match=r"thinking: the samples have .*'auto'.*now gives .*'none'"
    ):
        run(tmp_path, marked(Thinking(family="none")))


def test_what_kind_of_entropies_is_recorded_where_there_are_any():
    kinds = {name: row.entropies for name, row in BACKENDS.items()}
    assert kinds["vllm"] == kinds["openai"] == "lower bound"
    assert kinds["transformers"] == "exact"
    assert "entropies" not in identity(experiment().generation)
    assert identity(experiment(logprobs=20).generation)["entropies"] == "none"  # make-believe


def test_the_identity_survives_json():
    found = identity(experiment(stop=("\n", "Q:")).generation)
    assert json.loads(json.dumps(found)) == found


def test_the_model_is_known_by_its_content_and_not_its_name(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("workbench.generate.identity.engine_versions", lambda name: {})
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    settings = experiment(model=str(folder), backend="transformers")
    first = identity(settings.generation)["model"]
    assert first != str(folder)
    (folder / "model.safetensors").write_bytes(b"other weights")
    assert identity(settings.generation)["model"] != first
    (folder / "config.json").unlink()
    with pytest.raises(ValueError, match=r"holds no config\.json"):
        identity(settings.generation)


def test_a_packaged_model_is_known_by_its_weights(tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.generate.identity.engine_versions", lambda name: {})
    monkeypatch.setattr("workbench.models.locate.resolve_model", lambda name: tmp_path)
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "config.json").write_text("{}")
    settings = experiment(model="SmolLM2-135M-Instruct", backend="transformers")
    assert len(identity(settings.generation)["model"]) == 12


def test_progress_is_told_about_twenty_times(tmp_path):
    told = []
    run(tmp_path, experiment(n=50), log=told.append)  # 400 samples
    assert len(told) == 20
    assert [values["generate/samples_drawn"] for values in told] == list(range(20, 401, 20))


def test_a_request_that_cannot_be_drawn_is_a_row_that_says_why(tmp_path, monkeypatch):
    def sample(requests, settings):
        for request in requests:
            if request.problem_id == "problem-2":
                yield request.sampled("", "error", error="the prompt is too long")
            else:
                yield request.sampled("2", "stop", (1,), (-0.5,))

    backend = dataclasses.replace(BACKENDS["replay"], sample=sample)
    monkeypatch.setitem(BACKENDS, "replay", backend)
    frame = run(tmp_path, experiment())
    errors = frame[frame["stop_reason"] == "error"]
    assert len(errors) == 16
    assert set(errors["error"]) == {"the prompt is too long"}
    assert errors["mean_logprob"].isna().all()
    stage = Manifest(tmp_path / "manifest.json").stage("generate")
    assert (stage["errors"], stage["samples"]) == (16, 64)
    assert stage["failures"] == {"the prompt is too long": 16}
    run(tmp_path, experiment())  # and they are not tried again for ever
    assert len(run(tmp_path, experiment())) == len(frame)


def test_samples_may_finish_in_any_order(tmp_path, monkeypatch):
    def sample(requests, settings):
        for request in reversed(list(requests)):
            yield request.sampled(f"{request.sample_index}", "stop", (1,), (-0.5,))

    monkeypatch.setitem(BACKENDS, "replay", dataclasses.replace(BACKENDS["replay"], sample=sample))
    frame = run(tmp_path, experiment())
    assert frame["sample_index"].astype(str).equals(frame["completion"].astype(str))
    assert frame["sample_index"].tolist() == [*range(8)] * 8


def test_auto_takes_vllm_where_it_is_installed(monkeypatch):
    monkeypatch.setattr("workbench.generate.find_spec", lambda name: object())
    assert resolve("auto") == "vllm"
    monkeypatch.setattr("workbench.generate.find_spec", lambda name: None)
    assert resolve("auto") == "transformers"
    with pytest.raises(ValueError, match="did you mean 'replay'"):
        resolve("repaly")


def test_a_backend_that_is_not_installed_says_what_to_do(monkeypatch):
    backend = dataclasses.replace(BACKENDS["vllm"], packages=("no-such-package",))
    monkeypatch.setitem(BACKENDS, "vllm", backend)
    with pytest.raises(ValueError, match=r"needs the package 'no-such-package'.*make setup"):
        engine_versions("vllm")
    assert engine_versions("replay") == {}
