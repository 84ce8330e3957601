"""How fast a machine draws: as runs beside it measured it, or as is assumed of it."""

import dataclasses
import json

import pytest

from workbench.config.schema import Generation
from workbench.core.machine import hardware
from workbench.core.types import Prompt, Request
from workbench.generate import drawing_rate as rates
from workbench.generate.drawing_progress import DrawingProgress
from workbench.generate.drawing_rate import drawing_rate

HERE = {"machine": "x", "cpu": "c", "cores": 4, "memory_gib": 8, "gpus": []}
SETTINGS = Generation(model="some-2B", backend="vllm", dtype="bfloat16")


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    monkeypatch.setattr(rates, "hardware", lambda: HERE)


def write_run(folder, tokens, seconds, backend="vllm", dtype="bfloat16", model="some-2B", **here):
    folder.mkdir(parents=True)
    manifest = {
        "identity": {"backend": backend}, "drawn_with": {"model": model, "dtype": dtype},
        "hardware": HERE | here,
        "stages": {"generate": {"drawing": {"tokens": tokens, "seconds": seconds}}},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_the_run_that_is_most_alike_counts(tmp_path):
    write_run(tmp_path / "large", 9000, 10, dtype="float32")
    write_run(tmp_path / "alike", 4000, 10)
    write_run(tmp_path / "smaller", 2000, 10)
    for number, other in enumerate(
        [{"backend": "transformers"}, {"model": "other"}, {"cores": 8}, {"gpus": ["H100"]}]
    ):
        write_run(tmp_path / f"other-{number}", 10**6, 10, **other)
    found = drawing_rate(SETTINGS, tmp_path)
    assert (found.tokens_per_second, found.source) == (400, f"measured in {tmp_path / 'alike'}")
    found = drawing_rate(dataclasses.replace(SETTINGS, dtype="auto"), tmp_path)
    assert found.tokens_per_second == 900  # of another dtype, for want of a better one


def test_runs_that_say_nothing_are_passed_over(tmp_path):
    write_run(tmp_path / "short", 999, 10)
    write_run(tmp_path / "odd", "many", 10)
    for name, text in (("damaged", "{"), ("old", '{"stages": {"generate": {}}}'), ("list", "[]")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(text)
    assert drawing_rate(SETTINGS, tmp_path).source.startswith("assumed")
    assert drawing_rate(SETTINGS, tmp_path / "none").source.startswith("assumed")


def test_a_rate_is_assumed_of_the_models_size_and_the_machine(tmp_path, monkeypatch):
    assert drawing_rate(SETTINGS, tmp_path).tokens_per_second == 4 * 1e10 / 2e9
    monkeypatch.setattr(rates, "hardware", lambda: HERE | {"gpus": ["a", "b"]})
    found = drawing_rate(dataclasses.replace(SETTINGS, model="org/x-8b"), tmp_path)
    assert found.tokens_per_second == 2 * 5000
    assert found.source == "assumed of 8 billion parameters on 2 x GPU; a first run measures it"
    assert drawing_rate(dataclasses.replace(SETTINGS, model="gpt-4o"), tmp_path) is None
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(bytes(2000))
    found = drawing_rate(dataclasses.replace(SETTINGS, model=str(folder)), tmp_path)
    assert found.tokens_per_second == 2 * rates.PER_GPU / 1000


def test_a_server_has_no_rate_before_it_was_measured_wherever_that_was(tmp_path):
    settings = Generation(model="some-2B", backend="openai")
    assert drawing_rate(settings, tmp_path) is None
    write_run(tmp_path / "run", 5000, 10, backend="openai", dtype="auto", cores=99)
    assert drawing_rate(settings, tmp_path).tokens_per_second == 500


def test_time_counts_from_the_first_request_and_over_all_attempts(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    progress = DrawingProgress(tokens_before=50, seconds_before=7.0)
    assert progress.for_manifest()["drawing"] == {"tokens": 50, "seconds": 7.0}
    request = Request("p", 1.0, 0, Prompt(text="?"), "hash", 0)
    now[0] = 130.0  # the model is loaded
    assert list(progress.asked([request])) == [request]
    now[0] = 134.0
    progress.add(request.sampled("a b", "stop", (1, 2), (-1.0, -1.0)))
    told = progress.for_manifest()
    assert told["drawing"] == {"tokens": 52, "seconds": 11.0}
    assert (told["tokens_drawn"], told["tokens_per_second"]) == (2, 0.5)


def test_the_hardware_is_that_of_the_manifest():
    assert hardware().keys() == HERE.keys()
