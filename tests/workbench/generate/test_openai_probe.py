"""What is found out about a server before the first sample."""

import json

import pytest

from tests.lazily import Lazy, needs
from workbench.generate.openai_protocol import parse_answer

needs("openai")
openai_probe = Lazy("workbench.generate.openai_probe")


def choice(logprobs):
    """One token, with the likeliest by name."""
    reported = {"tokens": ["a"], "token_logprobs": [-0.5], "top_logprobs": [logprobs]}
    fields = {"text": "a", "finish_reason": "length", "logprobs": reported}
    return parse_answer(json.dumps({"choices": [fields]}).encode()).choices[0]


@pytest.mark.parametrize(
    ("cool", "hot", "kind"),
    [
        ({"a": -0.5, "b": -1.5}, {"a": -0.5, "b": -1.5}, "raw"),
        ({"a": -0.5, "b": -1.5}, {"a": -0.6, "b": -1.5, "c": -9}, "raw"),  # rounding, in bfloat16
        ({"a": -0.1, "b": -2.1}, {"a": -0.4, "b": -1.07}, "processed"),  # 3 times as far apart
        ({"a": -0.5, "b": -2.0}, {"a": -0.5, "b": -1.5}, "unknown"),  # neither
        ({"a": -0.5}, {"a": -0.5}, "unknown"),  # one token has no distance
        ({"a": -0.5, "b": -1.5}, {"c": -0.5, "d": -1.5}, "unknown"),
        ({"a": -0.5, "b": -9999.0}, {"a": -0.5, "b": -9999.0}, "unknown"),  # ruled out
        ({"a": -0.7, "b": -0.7}, {"a": -0.7, "b": -0.7}, "unknown"),  # at any temperature
        ({}, {}, "unknown"),
    ],
)
def test_whose_log_probabilities_they_are(cool, hot, kind):
    assert openai_probe.logprobs_kind(choice(cool), choice(hot)) == kind


def test_a_server_that_tells_none():
    bare = parse_answer(b'{"choices": [{"text": "a", "finish_reason": "length"}]}').choices[0]
    assert openai_probe.logprobs_kind(bare, bare) == "none"


@pytest.fixture
def asking(client_loaded, experiment, server):
    def write(**changes):
        given = {
            "generation__model": "small", "generation__backend": "openai", "measure__k": [2],
            "generation__n": 2, "generation__engine": {"base_url": server.url, "max_retries": 1},
        }  # fmt: skip
        return experiment(**(given | changes))

    return write


def identity(folder):
    return json.loads((folder / "manifest.json").read_text())["identity"]


@pytest.mark.parametrize("prompt", ["completion", "chat"])
def test_options_that_a_server_refuses_are_left_out_where_they_change_nothing(
    cli, asking, server, tmp_path, prompt
):
    server.refuses = ("top_k", "repetition_penalty", "return_token_ids")
    child = cli.must("generate", asking(task__prompt=prompt), "--out", tmp_path / "run")
    said = [line for line in child.err.splitlines() if "does not take" in line]
    assert len(said) == 1
    assert "top_k, repetition_penalty, return_token_ids; left out" in said[0]
    left_out = ["top_k", "repetition_penalty", "return_token_ids"]
    assert identity(tmp_path / "run")["server"]["left_out"] == left_out
    drawn = server.asked_for_samples
    assert len(drawn) == 60
    assert all("min_p" in asked and "top_k" not in asked for asked in drawn)


def test_an_option_that_the_experiment_needs_is_not_left_out(cli, asking, server, tmp_path):
    server.refuses = ("min_p", "top_k")
    path = asking(generation__top_k=5)
    cli("run", path, "--out", tmp_path / "run").refuses(
        "generation.top_k", "does not take 5", "Unrecognized request argument: top_k", "set it to 0"
    )
    server.refuses = ("logprobs",)
    path = asking(generation__logprobs=20)
    cli("run", path, "--out", tmp_path / "run").refuses("generation.logprobs", "take 20")
    assert not server.drawn


def test_a_server_that_refuses_everything_says_why(cli, asking, server, tmp_path):
    server.refuses = ("model",)
    cli("run", asking(), "--out", tmp_path / "run").refuses(
        "400 (Unrecognized request argument: model)", "even to a plain request"
    )


@pytest.mark.parametrize("how", ["silent", "refuses"])
def test_samples_are_kept_without_log_probabilities(cli, asking, server, tmp_path, how):
    if how == "silent":
        server.tells_logprobs = server.tells_ids = False
    else:
        server.refuses = ("logprobs",)
    path, folder = asking(), tmp_path / "run"
    child = cli.must("run", path, "--out", folder, tables=())
    assert child.err.count("tells no log-probabilities; samples are kept without") == 1
    assert identity(folder)["logprobs_kind"] == "none"
    import workbench as wb

    run = wb.load_run(folder)
    assert len(run.samples) == 60
    assert run.samples["mean_logprob"].isna().all()
    assert run.samples["token_logprobs"].str.len().eq(0).all()
    assert run.samples["num_output_tokens"].between(2, 48).all()  # counted by the server
    assert run.samples["output_token_ids"].str.len().eq(0).all() == (how == "silent")
    path = asking(generation__logprobs=20)
    cli("run", path, "--out", tmp_path / "b").refuses("generation.logprobs")


def test_processed_log_probabilities_are_said_and_recorded(cli, asking, server, tmp_path):
    server.logprobs_kind = "processed"
    child = cli.must("generate", asking(), "--out", tmp_path / "run")
    assert child.err.count("log-probabilities are processed") == 1
    assert "avg_log_prob" in child.err
    assert identity(tmp_path / "run")["logprobs_kind"] == "processed"


def test_a_server_of_another_make_is_known_by_what_it_tells(cli, asking, server, tmp_path):
    server.version = None  # not vLLM
    cli.must("generate", asking(), "--out", tmp_path / "run")
    facts = identity(tmp_path / "run")["server"]
    assert facts["version"] is None
    assert facts["model"]["id"] == "small"


def refuses(test, reason):
    return lambda asked: reason if test(asked) else ""


SUITS = {
    "the other name": (
        refuses(lambda asked: "max_tokens" in asked, "use max_completion_tokens"),
        ["max_tokens"], "max_completion_tokens says how long",
    ),
    "seeds of 31 bits": (
        refuses(lambda asked: asked.get("seed", 0) > 2**31 - 1, "seed must be a 32-bit integer"),
        ["large_seeds"], "only the last 31 bits",
    ),
    "both": (
        refuses(lambda asked: "max_tokens" in asked or asked.get("seed", 0) >= 2**31, "no"),
        ["max_tokens", "large_seeds"], "only the last 31 bits",
    ),
    "at least 16 tokens": (
        refuses(lambda asked: asked.get("max_tokens", 1) < 16, "at least 16"), [], "",
    ),
    "no temperature above 1": (
        refuses(lambda asked: asked["temperature"] > 1, "must be in [0, 1]"), [], "",
    ),
    "neither n nor top_p": (
        refuses(lambda asked: {"n", "top_p"} & {*asked}, "no such field"),
        ["n", "top_p"], "n, top_p; left out, which changes no sample",
    ),
    "the other name and no top_k": (
        refuses(lambda asked: {"max_tokens", "top_k"} & {*asked}, "no such field"),
        ["max_tokens", "top_k"], "does not take top_k",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SUITS)
def test_a_server_that_suits_the_experiment_is_taken(cli, asking, server, tmp_path, name):
    server.accepts, left_out, said = SUITS[name]
    path = asking(task__num_problems=2, task__prompt="chat", task__system="Be brief.")
    child = cli.must("generate", path, "--out", tmp_path / "run")
    assert said in child.err
    assert identity(tmp_path / "run")["server"]["left_out"] == left_out
    samples = [asked for asked in server.answered if 48 in asked.values()]
    assert len(samples) >= 10
    for asked in samples if "16" not in name else ():
        assert asked["messages"][0]["role"] == "system"
        assert (asked["seed"] < 2**31) == ("large_seeds" in left_out)


UNSUITED = {
    "a system message": (
        refuses(lambda asked: asked["messages"][0]["role"] == "system", "System role no"),
        ["task.system", "System role no", 'set it to ""'],
    ),
    "temperatures": (
        refuses(lambda asked: asked["temperature"] not in (0.3, 0), "only 0.3"),
        ["generation.temperatures", "temperature 1 (", "only 0.3"],
    ),
    "every temperature": (
        refuses(lambda asked: asked["temperature"] == 0.3, "not 0.3"),
        ["generation.temperatures", "temperature 0.3 (", "leave it out"],
    ),
    "a greedy sample": (
        refuses(lambda asked: asked["temperature"] == 0, "not 0"),
        ["generation.greedy", "temperature 0 (", "set it to false"],
    ),
    "a nucleus": (
        refuses(lambda asked: "top_p" in asked, "no top_p"),
        ["generation.top_p", "does not take 0.9", "set it to 1.0"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSUITED)
def test_what_has_to_change_for_a_server_is_said_before_any_sample(
    cli, asking, server, tmp_path, name
):
    server.accepts, words = UNSUITED[name]
    top_p = 0.9 if name == "a nucleus" else 1.0
    path = asking(task__prompt="chat", task__system="Be brief.", generation__top_p=top_p)
    cli("run", path, "--out", tmp_path / "run").refuses(*words)
    assert not server.drawn


def test_what_there_will_not_be_without_log_probabilities_is_said(cli, asking, server, tmp_path):
    server.tells_logprobs = False
    child = cli.must("generate", asking(), "--out", tmp_path / "run")
    assert "there will be no avg_log_prob, best, weighted" in child.err


def test_log_probabilities_that_are_none_are_none():
    odd = choice({"a": 0.5})
    assert openai_probe.logprobs_kind(odd, odd) == "none"
