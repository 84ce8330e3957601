"""Logs that inspect_ai 0.3.285 wrote, and odd ones made by its schema."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.lazily import Lazy
from workbench.interchange.row_reader import RowReader
from workbench.interchange.sample_files import SampleFiles

inspect_logs = Lazy("inspect_ai.log")
FILES = Path(__file__).parents[3] / "files" / "inspect"
(SUMS,) = FILES.glob("*_sums_*.eval")
(MOCKED,) = FILES.glob("*_mocked_*.eval")


def read(path, *where):
    reader = RowReader(SampleFiles.from_options([path], (), where))
    rows = [row for _, row in reader.rows()]
    reader.check(len(rows))
    return rows


def test_a_real_log_says_what_inspect_reads_in_it():
    log = inspect_logs.read_eval_log(str(SUMS))
    theirs = sorted(log.samples, key=lambda s: (s.id, s.epoch))
    rows = read(SUMS)
    assert len(rows) == len(theirs) == 24
    for row, sample in zip(rows, theirs, strict=True):
        assert (row.problem_id, row.sample_index) == (sample.id, sample.epoch - 1)
        assert row.text == sample.output.completion
        assert (row.problem, row.gold) == (sample.input, sample.target)
        assert row.answer == sample.scores["number"].answer
        assert row.correct == (sample.scores["number"].value == "C")
        assert row.temperature == log.plan.config.temperature == 0.7
        assert row.max_tokens == log.plan.config.max_tokens
        assert row.model == "hf/SmolLM2-135M-Instruct"
    assert log.eval.dataset.samples == len({row.problem_id for row in rows}) == 6
    (stated,) = log.results.scores
    right = sum(row.correct for row in rows)
    assert right / 24 == pytest.approx(stated.metrics["accuracy"].value) == pytest.approx(7 / 24)


def test_log_probabilities_of_other_tokens_than_were_sampled_are_not_taken():
    samples = inspect_logs.read_eval_log(str(SUMS)).samples
    firsts = {s.output.choices[0].logprobs.content[0].token for s in samples if s.id == "sum-1"}
    assert firsts == {"To"}  # the likeliest token, whatever each sample begins with
    assert len({s.output.completion[:2] for s in samples if s.id == "sum-1"}) > 1
    assert all(row.token_logprobs is row.num_tokens is None for row in read(SUMS))


def test_scorers_errors_limits_and_log_probabilities_of_a_mocked_log():
    log = inspect_logs.read_eval_log(str(MOCKED))
    with_log = {(s.id, s.epoch): s for s in log.samples}
    for scorer, yes in (("number", {"C": True, "I": False, "N": False}),
                        ("close", {1.0: True, 0.0: False}), ("partly", {"P": None})):  # fmt: skip
        rows = read(MOCKED, f"graded_by={scorer}")
        assert len(rows) == 12
        rewards = {row.reward for row in rows if not row.error}
        assert rewards == ({0.5} if scorer == "partly" else {None})  # which gives only P
        for row in rows:
            sample = with_log[row.problem_id, row.sample_index + 1]
            if sample.error:
                assert (row.stop_reason, row.correct, row.text) == ("error", None, "")
                assert row.error == sample.error.message == "RuntimeError('made to fail')"
                continue
            choice = sample.output.choices[0]
            assert row.correct == yes[sample.scores[scorer].value]
            assert row.stop_reason == {"stop": "stop", "max_tokens": "length"}[choice.stop_reason]
            assert row.token_logprobs == [t.logprob for t in choice.logprobs.content]
    assert sum(row.stop_reason == "error" for row in rows) == 1
    assert sum(row.stop_reason == "length" for row in rows) == 2


def test_a_log_as_json_is_read_alike(tmp_path):
    path = tmp_path / "log.json"
    inspect_logs.write_eval_log(inspect_logs.read_eval_log(str(MOCKED)), str(path))
    by_key = {(r.problem_id, r.sample_index, r.graded_by): r for r in read(MOCKED)}
    assert {(r.problem_id, r.sample_index, r.graded_by): r for r in read(path)} == by_key
    path.write_text(path.read_text()[:-20_000])
    with pytest.raises(ValueError, match=r"cannot be read beyond its sample \d+ .* cut off"):
        read(path)


def header(**changes):
    return {"version": 2, "status": "success", "eval": {"model": "m"}} | changes


def sample(**changes):
    return {"id": 1, "epoch": 1, "input": "?", "target": "4", "output": {"completion": "4"},
            "scores": {"s": {"value": "C", "answer": "4"}}} | changes  # fmt: skip


def made(path, *samples, **changes):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.json", json.dumps(header(**changes)))
        for one in samples:
            archive.writestr(f"samples/{one['id']}_epoch_{one['epoch']}.json", json.dumps(one))
    return path


def call(temperature, **config):
    return {"event": "model", "config": {"temperature": temperature, **config}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": 1}, "is a log of version 1, and 2 is known; convert it"),
        ({"status": "error", "error": {"message": "out of\n memory"}},
         r"ended with status 'error' \(out of memory\), so that pools may lack samples"),
        ({"status": "cancelled"}, "ended with status 'cancelled', so"),
    ],
)  # fmt: skip
def test_a_log_that_is_not_whole_is_refused(tmp_path, changes, words):
    with pytest.raises(ValueError, match=words):
        read(made(tmp_path / "a.eval", sample(), **changes))


def test_a_log_without_samples_cut_off_or_damaged(tmp_path):
    with pytest.raises(ValueError, match="has no samples: its eval was run without logging"):
        read(made(tmp_path / "a.eval"))
    cut = tmp_path / "cut.eval"
    cut.write_bytes(SUMS.read_bytes()[:40_000])
    with pytest.raises(ValueError, match=r"cannot be opened .* cut off or damaged"):
        read(cut)
    damaged = bytearray(SUMS.read_bytes())
    damaged[20_000:20_010] = b"\0" * 10
    cut.write_bytes(damaged)
    with pytest.raises(ValueError, match=r"samples/sum-\d_epoch_\d.json: damaged"):
        read(cut)
    unfinished = tmp_path / "b.eval"
    with zipfile.ZipFile(unfinished, "w") as archive:
        archive.writestr("_journal/start.json", "{}")
    with pytest.raises(ValueError, match=r"has not finished: it has no header\.json"):
        read(unfinished)
    shutil.copy(unfinished, tmp_path / "c.zip")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("a.txt", "")
        archive.writestr("b.txt", "")
    with pytest.raises(ValueError, match=r"a zip of 2 files \(a\.txt, b\.txt\)"):
        read(tmp_path / "c.zip")


def test_samples_of_an_odd_make(tmp_path):
    def only(**changes):
        (row,) = read(made(tmp_path / "a.eval", sample(**changes)))
        return row

    assert only(events=[call(0.5), call(0.5), call(None)]).temperature == 0.5
    row = only(events=[call(0.5, max_tokens=9, top_p=0.9), call(None, max_tokens=8)])
    assert (row.temperature, row.max_tokens, row.top_p) == (0.5, 8, 0.9)
    with pytest.raises(ValueError, match=r"1_epoch_1.json: temperature: .* are at 0.5, 1, and"):
        only(events=[call(1), call(0.5)])
    parts = [{"type": "text", "text": "one"}, {"type": "image"}, {"type": "text", "text": "two"}]
    chat = [{"role": "system", "content": "s"}, {"role": "user", "content": parts}]
    assert only(input=chat).problem == "one\ntwo"
    assert only(target=["4", "four"]).gold is None
    assert only(target=["4"]).gold == "4"
    assert only(limit={"type": "token"}).stop_reason == "length"
    hidden = {"output": {"completion": "attachment://x"}, "attachments": {"x": "long"}}
    assert only(**hidden).text == "long"
    assert only(scores={}).graded_by is None
    words = [{"token": token, "logprob": -1} for token in ("\u0120tw", "o", "</s>")]
    for text, there in (("two", [-1, -1, -1]), (" Two", None)):
        choice = {"logprobs": {"content": words}}
        assert only(output={"completion": text, "choices": [choice]}).token_logprobs == there
    two = read(made(tmp_path / "a.eval", sample(scores={"s": {"value": {"a": 1, "b": 0.5}}})))
    assert [(row.graded_by, row.correct) for row in two] == [("s.a", True), ("s.b", None)]
    with pytest.raises(ValueError, match=r"1_epoch_1.json: not in the known form of a sample"):
        only(scores={"s": {}})
