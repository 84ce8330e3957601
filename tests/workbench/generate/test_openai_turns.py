"""Second turns behind a server."""

import pytest

from tests.lazily import needs
from workbench import load_run

needs("openai")
pytestmark = pytest.mark.usefixtures("client_loaded")


def test_a_second_turn_is_asked_as_a_conversation_that_goes_on(cli, experiment, server, tmp_path):
    path = experiment(
        generation__model="small", generation__backend="openai", measure__k=[2],
        generation__engine={"base_url": server.url}, task__prompt="chat", task__few_shot=0,
        generation__turns=2, generation__greedy=False, generation__temperatures=[1.0],
        generation__second_turn={"temperature": 0.4, "max_tokens": 9}, generation__n=2,
    )  # fmt: skip
    cli.must("generate", path, "--out", tmp_path / "run")
    asked = server.asked_for_samples
    second = [one for one in asked if len(one["messages"]) > 2]
    assert len(asked) == 2 * len(second) == 12 * 4
    samples = load_run(tmp_path / "run").samples
    firsts = {*samples[samples["condition"] == "T1"]["completion"]}
    assert {one["messages"][-2]["content"] for one in second} == firsts
    for one in second:
        assert [turn["role"] for turn in one["messages"]] == ["system", "user", "assistant", "user"]
        assert one["messages"][-1]["content"].startswith("There might be an error in the solution")
        assert (one["temperature"], one["max_tokens"]) == (0.4, 9)
