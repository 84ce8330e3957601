import importlib
import json
import math
import pkgutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.lazily import Lazy
from workbench.interchange import writers
from workbench.interchange.exporter import export_run
from workbench.interchange.row_reader import RowReader
from workbench.interchange.sample_files import SampleFiles
from workbench.interchange.writers import EXPORTS, inspect_log
from workbench.interchange.writers.exported_run import ExportedRun, exported_pools
from workbench.saved_run import Run

inspect_logs = Lazy("inspect_ai.log")
ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def reference():
    return Run(ROOT / "results" / "reference")


@pytest.fixture(scope="module")
def exported(reference, tmp_path_factory):
    """Format -> folder."""
    home = tmp_path_factory.mktemp("exported")
    for name in EXPORTS:
        said = export_run(reference, name, home / name)
        assert "exported   1,470 samples in 120 pools" in said
        assert "--compare integer" in said
    return {name: home / name for name in EXPORTS}


def test_every_writer_has_a_row():
    for info in pkgutil.iter_modules(writers.__path__, f"{writers.__name__}."):
        module = importlib.import_module(info.name)
        if hasattr(module, "write"):
            rows = [row for row in EXPORTS.values() if row.write is module.write]
            assert rows, f"{info.name} has no row in EXPORTS of {writers.__file__}"


def rows(path):
    reader = RowReader(SampleFiles.from_options([path]))
    found = [row for _, row in reader.rows()]
    reader.check(len(found))
    return found


def known(value):
    return None if value is None or (isinstance(value, float) and math.isnan(value)) else value


@pytest.mark.parametrize("name", EXPORTS)
def test_what_comes_back_is_what_the_run_holds(reference, exported, name):
    key = ["problem_id", "temperature", "sample_index"]
    both = reference.samples.merge(reference.scores, on=key).set_index(key)
    gold = reference.problems.set_index("problem_id")
    counts = {}
    found = rows(exported[name])
    assert len(found) == len(both) == 1470
    for row in found:
        pool = row.problem_id, row.temperature
        index = counts[pool] = counts.get(pool, -1) + 1
        assert row.sample_index in (None, index)
        there = both.loc[(*pool, index)]
        assert row.text == there["completion"]
        assert row.answer == known(there["answer"])
        assert row.correct == known(there["correct"])
        assert row.stop_reason == there["stop_reason"]
        assert row.problem == gold.loc[row.problem_id, "question"]
        assert row.gold == gold.loc[row.problem_id, "gold"]
        tokens, total, mean = row.likelihood()
        assert tokens == there["num_output_tokens"]
        assert (total, mean) == (there["cumulative_logprob"], there["mean_logprob"])
        if name == "lm-eval":
            assert row.token_logprobs is None
        else:
            np.testing.assert_array_equal(row.token_logprobs, there["token_logprobs"])
    assert list(dict.fromkeys(r.problem_id for r in found)) == list(gold.index)


def test_inspect_reads_an_exported_log(reference, exported):
    infos = inspect_logs.list_eval_logs(str(exported["inspect"]))
    assert len(infos) == 4
    accuracy = reference.table("statuses").set_index("temperature")["accuracy"]
    for info in infos:
        assert info.task == info.name.rsplit("_", 2)[1]
        log = inspect_logs.read_eval_log(info)
        temperature = log.plan.config.temperature
        assert log.eval.model_generate_config.temperature == temperature
        assert log.status == "success"
        assert log.eval.metadata["signature"] == reference.signature
        assert log.results.scores[0].metrics["accuracy"].value == pytest.approx(
            accuracy[temperature], abs=1e-12
        )
        epochs = 1 if temperature == 0 else 16
        assert log.eval.config.epochs == epochs
        assert len(log.samples) == 30 * epochs == log.results.total_samples
        assert log.eval.dataset.sample_ids == list(reference.problems["problem_id"])
        sample = log.samples[0]
        choice = sample.output.choices[0]
        assert sample.scores["workbench"].value in ("C", "I", "N")
        assert len(choice.logprobs.content) == sample.metadata["workbench"]["num_tokens"]
        assert choice.stop_reason in ("stop", "max_tokens")
        summaries = inspect_logs.read_eval_log_sample_summaries(info)
        assert {s.scores["workbench"].value for s in summaries} <= {"C", "I", "N"}
        assert len(summaries) == len(log.samples)


def test_lm_eval_files_are_as_the_harness_writes_them(reference, exported):
    real = ROOT / "tests" / "files" / "lm-eval" / "SmolLM2-135M-Instruct"
    keys = [set(json.loads(next(real.glob(f"{kind}_*")).read_text().splitlines()[0] if kind ==
            "samples" else next(real.glob(f"{kind}_*")).read_text())) for kind in
            ("samples", "results")]  # fmt: skip
    folders = sorted(exported["lm-eval"].iterdir())
    assert [f.name for f in folders] == [f"SmolLM2-135M-Instruct-T{t}" for t in (0, 0.3, 0.7, 1)]
    for folder in folders:
        (samples,), (results,) = folder.glob("samples_*"), folder.glob("results_*")
        lines = [json.loads(line) for line in samples.read_text().splitlines()]
        assert set(lines[0]) == keys[0] | {"workbench"}
        whole = json.loads(results.read_text())
        assert set(whole) <= keys[1]
        mean = sum(line["exact_match"] for line in lines) / len(lines)
        assert whole["results"]["arithmetic"]["exact_match,none"] == pytest.approx(mean, abs=1e-12)
        assert [line["doc_id"] for line in lines] == list(range(30))


def test_a_data_set_loads_with_its_card(reference, exported, tmp_path):
    from datasets import load_dataset

    folder = exported["hub-dataset"]
    loaded = load_dataset(str(folder), split="train", cache_dir=str(tmp_path))
    assert len(loaded) == 1470
    card = (folder / "README.md").read_text()
    assert card.startswith("---\npretty_name:")
    assert f"`{reference.signature}`" in card
    for column in loaded.column_names:
        assert f"| `{column}` |" in card
    first = loaded[0]
    assert (first["problem_id"], first["temperature"], first["correct"]) == ("problem-0", 0, False)
    assert first["reward_likelihood"] == first["mean_logprob"]


def test_a_question_may_hold_any_kind_of_line_separator(reference, tmp_path):
    about = ExportedRun.of(reference)
    pool = next(exported_pools(reference, about))
    question = "One\u2028two\x85three\nfour\r\nfive?"
    pool = replace(pool, problem=replace(pool.problem, question=question))
    inspect_log.write(tmp_path, about, iter([pool]))
    summaries = inspect_logs.read_eval_log_sample_summaries(str(next(tmp_path.glob("*.eval"))))
    assert [summary.input for summary in summaries] == [question] * len(pool.samples)


@pytest.mark.parametrize(
    ("name", "pattern", "graded_by"),
    [("inspect", "inspect/*_mocked_*.eval", "close"), ("lm-eval", "lm-eval/*/*_once_*", "first")],
)
def test_a_real_file_comes_back_equal_from_an_export_of_its_own_kind(
    cli, tmp_path, name, pattern, graded_by
):
    (path,) = (ROOT / "tests" / "files").glob(pattern)
    quiet = ("--set", "tracking.mode=disabled", "--set", "measure.metrics=[distinct_1]")
    chosen = ("--where", f"graded_by={graded_by}")
    cli.must("import", path, *chosen, "--out", tmp_path / "run", *quiet)
    cli.must("score", tmp_path / "run")
    export_run(Run(tmp_path / "run"), name, tmp_path / "back")
    there = {}
    for one in (path, tmp_path / "back"):
        for row in rows(one):
            if row.graded_by in (graded_by, "workbench", "none"):
                kept = [getattr(row, column) for column in KEPT]
                there.setdefault(one, {}).setdefault(row.problem_id, []).append(kept)
    assert there[path] == there[tmp_path / "back"]


KEPT = (
    "text", "problem", "gold", "model", "temperature", "answer", "correct", "reward",
    "token_logprobs", "stop_reason", "error",
)  # fmt: skip
"""The columns that come back: the name of the grader is ours, and sums follow from the tokens."""


def test_errors_unknown_correctness_and_unknown_temperatures(hand_made, tmp_path):
    samples = [[(r"\boxed{1}", -1.0, "stop"), ("", 0.0, "error"), ("none", -2.0, "length")]]
    run = Run(hand_made(["1"], samples, generation__temperatures=[1.0]))
    for name in EXPORTS:
        export_run(run, name, tmp_path / name)
        right, failed, cut = rows(tmp_path / name)
        assert (right.correct, right.answer, right.stop_reason) == (True, "1", "stop")
        assert (failed.correct, failed.stop_reason) == (None, "error")
        assert failed.error == "made to fail"
        assert (cut.correct, cut.answer, cut.stop_reason) == (False, None, "length")
    log = inspect_logs.read_eval_log(str(next((tmp_path / "inspect").glob("*.eval"))))
    assert [sample.error.message for sample in log.samples if sample.error] == ["made to fail"]


def test_what_cannot_be_exported(reference, copied, tmp_path):
    with pytest.raises(ValueError, match="unknown format 'json'; did you mean 'jsonl'"):
        export_run(reference, "json", tmp_path / "a")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    with pytest.raises(ValueError, match="full is there already; give a new folder"):
        export_run(reference, "jsonl", tmp_path / "full")
    _, folder = copied
    (folder / "scores" / "block-00001.parquet").unlink()
    with pytest.raises(ValueError, match="is not scored in full; run `workbench score"):
        export_run(Run(folder), "inspect", folder / "exported")
    assert not list(folder.glob("exported*"))  # nothing half done is left


def test_a_zip_holds_nothing_but_what_inspect_knows(exported):
    with zipfile.ZipFile(next(exported["inspect"].glob("*.eval"))) as archive:
        names = {name.partition("/")[0] for name in archive.namelist()}
    assert names == {"samples", "summaries.json", "_journal", "header.json"}
