"""The backend against a real HTTP server on loopback, through the command line.

The server misbehaves on purpose; whatever it does, nothing finished is lost, and nothing that
arrived is asked for again. Against a real engine: test_openai_vllm.py.
"""

import itertools
import json
import math
import signal
import threading
import time

import pyarrow.parquet as pq
import pytest

from tests.lazily import needs
from workbench.config.schema import Generation
from workbench.core.types import Prompt, Request

needs("openai")
pytestmark = pytest.mark.usefixtures("client_loaded")

EVERY = 12 * (1 + 2 * 4)  # problems, each with a greedy sample and two pools of four


@pytest.fixture
def asking(experiment, server):
    """A function that writes an experiment for the server, with changes."""

    def write(engine=(), **changes):
        options = {"base_url": server.url, "max_retries": 3, **dict(engine)}
        given = {
            "generation__model": "small", "generation__backend": "openai", "generation__n": 4,
            "generation__engine": options, "measure__k": [2],
        }  # fmt: skip
        return experiment(**(given | changes))

    return write


def rows(folder):
    parts = sorted((folder / "samples").glob("block-*.parquet"))
    return [row for path in parts for row in pq.ParquetFile(path).read().to_pylist()]


def identity(folder):
    return json.loads((folder / "manifest.json").read_text())["identity"]


def test_what_the_server_says_is_what_is_kept(cli, asking, server, tmp_path):
    path, folder = asking(generation__logprobs=4), tmp_path / "run"
    cli.must("generate", path, "--out", folder)
    drawn = server.asked_for_samples
    assert len(drawn) == EVERY == len({asked["seed"] for asked in drawn})
    for asked in drawn:
        assert asked["n"] == 1
        assert asked["max_tokens"] == 48
        # all of them, or the model's generation_config fills them in
        assert (asked["top_p"], asked["top_k"], asked["min_p"]) == (1.0, 0, 0.0)
        assert asked["repetition_penalty"] == 1.0
    assert {asked["temperature"] for asked in drawn} == {0.0, 0.3, 1.0}
    by_seed = {asked["seed"]: asked for asked in drawn}
    found = rows(folder)
    assert len(found) == EVERY
    for row in found:
        asked = by_seed[row["seed"]]
        assert asked["temperature"] == row["temperature"]
        text, reason, ids, own, top = server.completion(asked)
        assert (row["completion"], row["stop_reason"]) == (text, reason)
        assert row["output_token_ids"] == ids
        assert row["num_output_tokens"] == len(ids)
        assert row["token_logprobs"] == pytest.approx(own, abs=1e-6)
        assert row["mean_logprob"] == pytest.approx(sum(own) / len(own), abs=1e-6)
        likeliest = sorted(top.values())[-4:]
        missing = 1 - sum(map(math.exp, likeliest))
        bound = -sum(math.exp(v) * v for v in likeliest) - missing * math.log(missing)
        assert row["token_entropies"] == pytest.approx([bound] * len(ids), abs=1e-6)
        assert row["missing_mass"] == pytest.approx([missing] * len(ids), abs=1e-6)
    facts = identity(folder)
    assert facts["logprobs_kind"] == "raw"
    assert facts["entropies"] == "lower bound"
    assert facts["server"] == {
        "model": {
            "id": "small", "root": "/models/small", "owned_by": "vllm", "max_model_len": 512,
        },
        "version": "0.32.0", "token_ids": True, "left_out": [],
    }  # fmt: skip


def test_a_conversation_goes_to_the_chat(cli, asking, server, tmp_path):
    path = asking(task__prompt="chat", task__system="Be brief.", generation__logprobs=2)
    cli.must("generate", path, "--out", tmp_path / "run")
    asked = server.asked_for_samples[0]
    assert asked["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (asked["logprobs"], asked["top_logprobs"]) == (True, 2)
    found = rows(tmp_path / "run")
    assert len(found) == EVERY
    for row in found:
        assert len(row["token_entropies"]) == len(row["output_token_ids"]) > 0
        assert row["mean_logprob"] < 0
    assert identity(tmp_path / "run")["logprobs_kind"] == "raw"


FAULTS = {
    "429": lambda handler: handler.fault(429, "slow down", retry_after="0.3"),
    "500": lambda handler: handler.fault(500, "oh"),
    "503": lambda handler: handler.fault(503, "loading the model"),
    "dropped": lambda handler: handler.drop(),
    "page": lambda handler: not handler.reply(200, "<html>Welcome</html>", "text/html"),
    "none": lambda handler: not handler.reply(200, {"choices": []}),
}


def test_every_passing_fault_is_got_over(cli, asking, server, rows_of, tmp_path):
    """Each request fails once in one of six ways, and is then answered."""
    seen, times = {}, {}

    def misbehave(handler, asked, nth):
        times.setdefault(asked["seed"], []).append(time.monotonic())
        if nth > 1:
            return False
        kind = seen.setdefault(asked["seed"], list(FAULTS)[len(seen) % len(FAULTS)])
        return FAULTS[kind](handler)

    server.misbehave = misbehave
    cli.must("generate", asking(), "--out", tmp_path / "run")
    assert len(rows_of(tmp_path / "run")) == EVERY
    assert len(set(server.drawn)) == len(server.drawn) == EVERY  # no answer was thrown away
    assert set(seen.values()) == set(FAULTS)
    assert set(server.nth[seed] for seed in seen) == {2}
    pauses = {kind: [b - a for seed, (a, b) in times.items() if seen[seed] == kind]
              for kind in FAULTS}  # fmt: skip
    assert min(pauses["429"]) >= 0.3  # as the server asked
    assert min(pauses["500"]) >= 0.37  # half a second, less a quarter at random


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("429", ["answers 429 (slow down)", "asked up to 2 times", "pause of 0.3 s"]),
        ("dropped", ["breaks off"]),
        ("page", ["breaks off", "answer that is none", "<html>Welcome"]),
    ],
)
def test_a_lasting_fault_stops_the_run_and_loses_nothing(
    cli, asking, server, rows_of, tmp_path, kind, words
):
    path, folder = asking({"max_retries": 1, "concurrency": 4}), tmp_path / "run"
    server.misbehave = lambda handler, asked, nth: len(server.drawn) >= 40 and FAULTS[kind](handler)
    child = cli("run", path, "--out", folder)
    child.refuses(server.url, *words, "finished samples are kept")
    kept = rows_of(folder)
    assert len(kept) >= 37  # all but those in flight beside the one that failed
    assert "asking again" not in child.err  # a single retry is no news
    server.misbehave = lambda handler, asked, nth: False
    cli.must("generate", path, "--out", folder)
    now = rows_of(folder)
    assert len(now) == EVERY
    assert {key: now[key] for key in kept} == kept
    finished = {json.loads(row)["seed"] for row in kept.values()}
    assert all(server.drawn.count(seed) == 1 for seed in finished)  # none was asked for again


def test_a_server_that_is_not_there_is_said_in_seconds(cli, asking, server, tmp_path):
    path = asking({"max_retries": 20})
    server.close()
    cli.must("validate", path)  # asks no server
    start = time.monotonic()
    cli("run", path, "--out", tmp_path / "run").refuses(
        server.url, "cannot be reached", "generation.engine.base_url"
    )
    assert time.monotonic() - start < 10
    assert not list((tmp_path / "run").glob("*.yaml"))


def test_a_long_outage_is_said_while_it_lasts(cli, asking, server, tmp_path):
    server.misbehave = lambda handler, asked, nth: nth < 3 and FAULTS["503"](handler)
    child = cli.must("generate", asking(), "--out", tmp_path / "run")
    said = [line for line in child.err.splitlines() if "asking again" in line]
    assert len(said) == 1
    assert "last status 503" in said[0]
    assert "up to 3 times" in said[0]


def test_a_finished_run_needs_its_server_no_more(cli, asking, server, tables_of, tmp_path):
    path, folder = asking(), tmp_path / "run"
    cli.must("run", path, "--out", folder)
    tables = tables_of(folder)
    assert tables
    server.close()
    again = cli.must("run", path, "--out", folder)
    assert f"all {EVERY} samples are there" in again.err
    cli.must("measure", path, "--out", folder)
    assert tables_of(folder) == tables
    path = asking(generation__n=5)
    cli("run", path, "--out", folder).refuses("cannot be reached")


def test_another_server_is_refused_and_another_address_is_not(cli, asking, server, tmp_path):
    folder = tmp_path / "run"
    cli.must("generate", asking(), "--out", folder)
    server.version = "0.33.0"
    child = cli("generate", asking(generation__n=5), "--out", folder)
    assert child.code == 1
    assert "server: the samples have" in child.err
    assert "0.33.0" in child.err
    server.version = "0.32.0"
    moved = server.url.replace("127.0.0.1", "localhost")
    path = asking({"base_url": moved, "timeout": 60, "concurrency": 2}, generation__n=5)
    cli.must("generate", path, "--out", folder)
    assert len(rows(folder)) == EVERY + 24


def test_a_request_that_is_refused_is_an_error_row_and_the_rest_goes_on(
    cli, asking, server, tmp_path
):
    statuses = itertools.cycle([400, 413, 422])

    def misbehave(handler, asked, nth):
        if asked["temperature"] != 0.3:
            return False
        return handler.fault(next(statuses), "the prompt is too long")

    server.misbehave = misbehave
    child = cli("generate", asking(), "--out", tmp_path / "run")
    child.refuses("48 of 108 samples could not be drawn", "(the prompt is too long)")
    found = rows(tmp_path / "run")
    refused = [row for row in found if row["stop_reason"] == "error"]
    assert {row["temperature"] for row in refused} == {0.3}
    assert len(refused) == 48
    assert len(found) == EVERY
    assert all("(the prompt is too long)" in row["error"] for row in refused)
    assert {server.nth[asked["seed"]] for asked in server.asked_for_samples} == {1}


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_stops_and_is_never_shown(cli, asking, server, tmp_path, status):
    key = "sk-very-secret-1234"
    server.misbehave = lambda handler, asked, nth: handler.fault(status, f"bad key {key}")
    setting = f"import os; os.environ['OPENAI_API_KEY'] = {key!r}\n"
    child = cli("generate", asking(), "--out", tmp_path / "run", before=setting)
    child.refuses(f"answers {status}", "OPENAI_API_KEY", "bad key ***")
    assert set(server.keys) == {f"Bearer {key}"}
    kept = [path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert kept
    assert not any(key.encode() in content for content in [*kept, child.err.encode()])


def test_an_unknown_model_or_path_is_said_with_what_there_is(cli, asking, server, tmp_path):
    path = asking(generation__model="smal")
    cli("run", path, "--out", tmp_path / "a").refuses(
        "404", "it serves small: set generation.model"
    )
    path = asking({"base_url": server.url.removesuffix("/v1")})
    cli("run", path, "--out", tmp_path / "b").refuses("404", "usually ends in /v1")


def test_no_address_is_said(cli, asking, server, tmp_path):
    path = asking({"base_url": None})
    cli("run", path, "--out", tmp_path / "a").refuses("base_url is missing", "OPENAI_BASE_URL")
    setting = f"import os; os.environ['OPENAI_BASE_URL'] = {server.url!r}\n"
    cli.must("generate", path, "--out", tmp_path / "a", before=setting)


def test_a_slow_server_is_a_time_out(cli, asking, server, tmp_path):
    server.misbehave = lambda handler, asked, nth: bool(time.sleep(1.0))
    path = asking({"timeout": 0.2, "max_retries": 0})
    child = cli("generate", path, "--out", tmp_path / "run")
    child.refuses("no whole answer within generation.engine.timeout = 0.2 s")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_request_to_stop_leaves_nothing_running(cli, asking, server, rows_of, tmp_path, number):
    path, folder = asking({"concurrency": 4}), tmp_path / "run"
    server.misbehave = lambda handler, asked, nth: len(server.drawn) > 9 and bool(time.sleep(3))
    child = cli.start("run", path, "--out", folder)
    child.until(lambda: len(rows_of(folder)) > 7 and server.busy == 4)
    start = time.monotonic()
    child.stop(number)
    assert time.monotonic() - start < 2
    assert child.code == 128 + number
    assert "Traceback" not in child.err
    kept = rows_of(folder)
    server.misbehave = lambda handler, asked, nth: False
    cli.must("generate", path, "--out", folder)
    now = rows_of(folder)
    assert len(now) == EVERY
    assert {key: now[key] for key in kept} == kept


def test_requests_are_pulled_as_places_become_free_and_closing_ends_all(server):
    from workbench.generate.openai import sample

    settings = Generation(
        model="small", backend="openai", engine={"base_url": server.url, "concurrency": 3}
    )
    pulled = []

    def endless():
        for index in itertools.count(1):
            pulled.append(index)
            yield Request("p", 1.0, index, Prompt(text="One, two,"), "hash", index)

    server.seconds = 0.01
    samples = sample(endless(), settings)
    got = [next(samples).sample_index for _ in range(9)]
    assert len(set(got)) == 9
    assert len(pulled) <= 9 + 3
    assert server.busiest == 3
    server.seconds = 3.0  # those in flight would take long
    next(samples)
    start = time.monotonic()
    samples.close()
    assert time.monotonic() - start < 1
    names = {thread.name for thread in threading.enumerate() if thread is not server.thread}
    assert not any("portal" in name for name in names)


def test_samples_that_arrived_beside_a_fault_are_handed_over_first(server):
    from workbench.generate.openai import sample

    engine = {"base_url": server.url, "concurrency": 8, "max_retries": 0}
    settings = Generation(model="small", backend="openai", engine=engine)
    requests = [Request("p", 1.0, i, Prompt(text="One,"), "hash", i) for i in range(1, 9)]
    together, told = threading.Barrier(8), threading.Event()

    def misbehave(handler, asked, nth):
        together.wait(30)
        if asked["seed"] != 5:
            return False
        time.sleep(1)  # the others arrive before it
        FAULTS["500"](handler)
        told.set()
        return True

    server.misbehave = misbehave
    samples = sample(requests, settings)
    got = {next(samples).sample_index}
    assert told.wait(30)
    time.sleep(0.5)  # the fault arrives too, while nobody asks for a sample
    with pytest.raises(ValueError, match="answers 500"):
        got.update(s.sample_index for s in samples)
    assert got == {1, 2, 3, 4, 6, 7, 8}
