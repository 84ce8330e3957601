"""Limits that samples brought with them are those of the run, and say which samples were cut."""

import json

import pytest

from workbench.analysis.aggregate import AGGREGATORS
from workbench.core.conditions import Condition
from workbench.interchange.import_preview import preview
from workbench.interchange.importer import import_file
from workbench.interchange.sample_files import SampleFiles
from workbench.interchange.writers.exported_run import ExportedRun
from workbench.saved_run import Run

CHEAP = ("measure.metrics=[distinct_1]", "selection.aggregators=[maj]")


def rows(*own):
    return [{"problem_id": f"p{n % 2}", "text": f"t{n}", **row} for n, row in enumerate(own)]


def bring(tmp_path, samples):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in samples))
    source = SampleFiles.from_options([path])
    said = import_file(source, tmp_path / "run", AGGREGATORS, overrides=CHEAP)
    (line,) = [line for line in said.splitlines() if line.startswith("limits")] or [""]
    return line.removeprefix("limits").strip(), Run(tmp_path / "run"), source


@pytest.mark.parametrize(
    ("own", "expected", "words"),
    [
        ([{"max_tokens": 40, "top_p": 0.9}] * 4, (40, 0.9), "max_tokens 40; top_p 0.9"),
        ([{"max_tokens": 40.0}, *[{"max_tokens": 40}] * 3], (40, 1.0), "max_tokens 40"),
        ([{"max_gen_toks": 40}] * 4, (40, 1.0), "max_tokens 40"),
        ([{"max_tokens": 40}] * 3 + [{"max_tokens": 50}], (512, 1.0),
         "max_tokens differs, and the experiment does not have it: 40 (3), 50 (1)"),
        ([{"top_p": 0.5}] * 3 + [{}], (512, 1.0),
         "top_p differs, and the experiment does not have it: 0.5 (3), unknown (1)"),
        ([{"max_tokens": -1, "top_p": 0}] * 4, (512, 1.0), ""),  # which says that there is none
        ([{}] * 4, (512, 1.0), ""),
    ],
)  # fmt: skip
def test_the_experiment_has_the_limits_of_all_samples(tmp_path, own, expected, words):
    said, run, source = bring(tmp_path, rows(*own))
    assert said == words
    assert (run.experiment.generation.max_tokens, run.experiment.generation.top_p) == expected
    assert run.manifest["drawn_with"]["max_tokens"] == expected[0]
    assert ("limits        " + words in preview(source)) == bool(words)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"num_tokens": 40, "max_tokens": 40}, "length"),
        ({"num_tokens": 41, "max_tokens": 40}, "length"),  # the end of the text counted as well
        ({"num_tokens": 39, "max_tokens": 40}, None),
        ({"num_tokens": 40, "max_tokens": 40, "finish_reason": "stop"}, "stop"),
        ({"num_tokens": 3, "max_tokens": 40, "finish_reason": "length"}, "length"),
        ({"num_tokens": 40}, None),
        ({"token_logprobs": [-0.1, -0.2], "max_tokens": 2}, "length"),
        ({"num_tokens": 40, "max_tokens": 40, "finish_reason": "error"}, "error"),
    ],
)  # fmt: skip
def test_a_sample_with_as_many_tokens_as_it_might_have_was_cut(tmp_path, row, reason):
    _, run, _ = bring(tmp_path, rows(row, {"num_tokens": 1}))
    reasons = run.folder.read_samples(0).column("stop_reason").to_pylist()
    assert reasons == [reason, None]


def test_an_export_has_them_again(tmp_path):
    _, run, _ = bring(tmp_path, rows(*[{"max_tokens": 40, "top_p": 0.9}] * 4))
    words = {"max_tokens": "max_gen_toks"}
    at = Condition("T0.5", 0.5, 4)
    assert ExportedRun.of(run).settings(at, words) == {
        "temperature": 0.5, "max_gen_toks": 40, "top_p": 0.9,
    }  # fmt: skip


def test_an_export_invents_none(tmp_path):
    _, run, _ = bring(tmp_path, rows({}))
    assert ExportedRun.of(run).settings(Condition("unknown", None, 1), {}) == {}
