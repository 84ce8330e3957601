"""One odd reply, whatever it is, spoils its own sample at most, and the rest goes on."""

import gzip
import json
import math
import time
from functools import cache

import pyarrow.parquet as pq
import pytest

from tests.lazily import needs
from tests.workbench.generate.test_openai import asking

__all__ = ["asking"]

needs("openai")
pytestmark = pytest.mark.usefixtures("client_loaded")

EVERY = 12 * (1 + 2 * 4)


def rows(folder):
    parts = sorted((folder / "samples").glob("block-*.parquet"))
    return [row for path in parts for row in pq.ParquetFile(path).read().to_pylist()]


def changed(**choice):
    """A reply that is whole but for some fields of its choice."""

    def reply(handler, asked):
        whole = handler.whole(asked)
        whole["choices"][0] |= choice
        handler.reply(200, whole)

    return reply


def trickling(handler, asked):
    """A byte every 50 ms, without end: never silent for long."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


def bomb(handler, asked):
    """64 MiB that are 64 KiB on the way."""
    handler.reply(200, packed(), Content_Encoding="gzip")


@cache
def packed():
    return gzip.compress(bytes(2**26), 1)


def nan(handler, asked):
    told = {"tokens": ["a"], "token_logprobs": [math.nan]}
    changed(token_ids=[1], logprobs=told)(handler, asked)


ODD = {
    "sent no text": changed(text=None),
    "'content_filter'": changed(finish_reason="content_filter"),
    "half a surrogate pair": changed(text="half \ud83d"),
    "is NaN": nan,
    "answers 400 (long \ufffd)": lambda handler, asked: handler.fault(400, "long \ud83d"),
    "answers 500 (this prompt)": lambda handler, asked: handler.fault(500, "this prompt"),
    "breaks off": lambda handler, asked: handler.drop(),
    "an answer that is none": lambda handler, asked: handler.reply(200, "<html>"),
    "gives no whole answer within generation.engine.timeout = 2 s": trickling,
    "larger than 16 MiB": bomb,
}


def test_each_kind_of_odd_reply_is_an_error_row_and_the_rest_goes_on(cli, asking, server, tmp_path):
    kinds = {}

    def misbehave(handler, asked, nth):
        seed = asked["seed"]
        if len(kinds) < len(ODD) and seed not in kinds and 1 < seed < 2**62:
            kinds[seed] = list(ODD)[len(kinds)]
        if seed not in kinds:
            return False
        ODD[kinds[seed]](handler, asked)
        return True

    packed()
    server.misbehave = misbehave
    path, folder = asking({"timeout": 2, "max_retries": 1, "concurrency": 3}), tmp_path / "run"
    child = cli("generate", path, "--out", folder)
    child.refuses("10 of 108 samples could not be drawn", "--redraw errors", "max_failed is 0.05")
    found = rows(folder)
    assert len(found) == EVERY
    failed = {row["seed"]: row for row in found if row["stop_reason"] == "error"}
    assert failed.keys() == kinds.keys()
    for seed, row in failed.items():
        assert kinds[seed] in row["error"]
    texts = {kinds[seed]: row["completion"] for seed, row in failed.items()}
    assert texts["half a surrogate pair"] == "half \ufffd"
    assert "boxed" in texts["is NaN"]
    server.misbehave = lambda handler, asked, nth: False
    cli.must("generate", path, "--out", folder, "--redraw", "errors")
    after = {row["seed"]: row for row in rows(folder)}
    assert len(after) == EVERY
    assert {after[seed]["stop_reason"] for seed in failed} <= {"stop", "length"}
    assert [row for row in after.values() if row["seed"] not in failed] == [
        row for row in found if row["seed"] not in failed
    ]


def test_a_run_of_errors_alone_ends_before_its_next_stage(cli, asking, server, tmp_path):
    server.misbehave = lambda handler, asked, nth: handler.fault(400, "never")
    path, folder = asking(task__num_problems=2), tmp_path / "run"
    words = ("18 of 18 samples could not be drawn", "400 (never) (18)", "all failed", "--redraw")
    cli("run", path, "--out", folder).refuses(*words)
    assert not (folder / "scores").exists()
    asked = len(server.asked)
    cli("generate", path, "--out", folder).refuses(*words)  # and every time
    assert len(server.asked) == asked
    limit = ("--set", "generation.max_failed=1")
    cli("generate", path, "--out", folder, *limit).refuses("all failed")


def test_a_run_with_too_many_errors_goes_on_and_ends_with_an_error(cli, asking, server, tmp_path):
    server.misbehave = lambda handler, asked, nth: (
        asked["temperature"] == 0.3 and handler.fault(400, "too cool")
    )
    path, folder = asking(task__num_problems=2), tmp_path / "run"
    child = cli("run", path, "--out", folder, tables=())
    told = child.refuses("8 of 18 samples could not be drawn", "too cool", "max_failed is 0.05")
    assert child.err.endswith(told)  # the last thing that is said
    assert (folder / "tables").exists()
    limit = ("--set", "generation.max_failed=0.5")
    assert "8 of 18 samples" in cli.must("generate", path, "--out", folder, *limit).err


def test_what_is_left_out_is_counted(cli, asking, server, tmp_path):
    told = {"tokens": ["a"], "token_logprobs": [0.5]}

    def misbehave(handler, asked, nth):
        odd = {"finish_reason": "eos"} if asked["temperature"] == 0.3 else {"logprobs": told}
        changed(**odd)(handler, asked)
        return True

    server.misbehave = misbehave
    folder = tmp_path / "run"
    child = cli.must("generate", asking(), "--out", folder)
    assert "samples are kept with something odd" in child.err
    assert "the server ended it with 'eos' (48)" in child.err
    assert "log-probabilities left out (60)" in child.err
    stage = json.loads((folder / "manifest.json").read_text())["stages"]["generate"]
    assert stage["odd"] == {"log-probabilities left out": 60, "the server ended it with 'eos'": 48}
    for row in rows(folder):
        assert row["stop_reason"] in ("stop", "length")
        assert (row["mean_logprob"] is None) == (row["temperature"] != 0.3)
