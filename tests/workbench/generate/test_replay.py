import dataclasses
import time

import numpy as np
import pytest

from workbench.config.schema import Generation
from workbench.core.types import Prompt, Request
from workbench.generate.replay import sample
from workbench.generate.replay_options import ReplayOptions
from workbench.tasks.answer_extraction import extract_answer

SETTINGS = Generation(model="replay", backend="replay")


def request(seed, temperature=1.0, text="What is 2 + 3?\n\nQ: What is 14 - 5 + 1?", problem="p-1"):
    return Request(problem, temperature, seed, Prompt(text=text), "hash", seed)


def draw(requests, settings=SETTINGS):
    return list(sample(requests, settings))


def test_a_sample_is_a_function_of_its_request_alone():
    together = draw([request(seed) for seed in range(20)])
    backwards = draw([request(seed) for seed in reversed(range(20))])
    assert together == backwards[::-1]
    assert len({s.completion for s in together}) > 3  # other seeds, other samples


def test_it_does_the_last_sum_of_the_prompt_and_errs_sometimes():
    answers = [extract_answer(s.completion)[0] for s in draw(request(seed) for seed in range(200))]
    counts = {answer: answers.count(answer) for answer in answers}
    assert max(counts, key=counts.get) == "10"
    assert 3 < len(counts) < 30
    assert counts[None] > 0  # and does not answer at all now and then


def test_a_conversation_is_read_too():
    prompt = Prompt(messages=({"role": "user", "content": "What is 8 + 9?"},))
    asked = [dataclasses.replace(request(seed, 0.1), prompt=prompt) for seed in range(30)]
    assert any("17" in s.completion for s in draw(asked))


def test_hotter_samples_differ_more_and_are_less_likely():
    cold, hot = (draw(request(seed, t) for seed in range(100)) for t in (0.3, 1.0))
    assert len({s.completion for s in cold}) < len({s.completion for s in hot})
    means = [np.mean([np.mean(s.token_logprobs) for s in samples]) for samples in (cold, hot)]
    assert means[0] > means[1]


def test_tokens_and_log_probabilities_belong_together():
    for s in draw(request(seed) for seed in range(50)):
        assert len(s.output_token_ids) == len(s.token_logprobs) == len(s.completion.split(" "))
        assert max(s.token_logprobs) <= 0
        assert all(float(np.float32(v)) == v for v in s.token_logprobs)  # as they will be stored
        assert s.stop_reason == "stop"


def test_entropies_are_make_believe_too_and_only_where_they_are_asked_for():
    asked = [request(seed) for seed in range(20)]
    plain, full = draw(asked), draw(asked, dataclasses.replace(SETTINGS, logprobs=20))
    for a, b in zip(plain, full, strict=True):
        assert (a.token_entropies, a.missing_mass) == ((), ())
        assert len(b.token_entropies) == len(b.missing_mass) == len(b.output_token_ids)
        assert min(b.token_entropies) >= 0
        assert dataclasses.replace(b, token_entropies=(), missing_mass=()) == a


def test_a_long_sample_is_cut_and_marked():
    settings = dataclasses.replace(SETTINGS, max_tokens=4)
    for s in draw([request(seed) for seed in range(5)], settings):
        assert (s.stop_reason, len(s.output_token_ids)) == ("length", 4)


def test_samples_come_one_by_one_and_can_be_slow():
    settings = dataclasses.replace(SETTINGS, engine={"seconds_per_sample": 0.02})
    start = time.perf_counter()
    samples = sample((request(seed) for seed in range(10**9)), settings)
    assert [next(samples).sample_index for _ in range(5)] == [0, 1, 2, 3, 4]
    assert time.perf_counter() - start >= 0.1


def test_an_unknown_engine_option_is_refused():
    with pytest.raises(ValueError, match="max_num_seqs"):
        ReplayOptions(max_num_seqs=4)
