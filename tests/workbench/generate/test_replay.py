import dataclasses
import json
import time
from pathlib import Path

import numpy as np
import pytest

from workbench.config.schema import Generation
from workbench.core.types import Prompt, Request
from workbench.experiment import load_experiment
from workbench.generate.identity import identity
from workbench.generate.replay import sample
from workbench.generate.replay_options import ReplayOptions
from workbench.tasks.answer_extraction import extract_answer

SETTINGS = Generation(model="replay", backend="replay")
QUICKSTART = Path(__file__).parents[3] / "experiments" / "quickstart.yaml"


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


ROWS = [
    {"problem_id": "p-1", "temperature": 1, "completion": "first"},
    {"problem_id": "p-2", "temperature": 1.0, "completion": "of another"},
    {"problem_id": "p-1", "temperature": 1.0, "completion": "second one", "stop_reason": "length"},
    {"problem_id": "p-1", "temperature": 0.5, "completion": "cold", "right": True},
]


def of_file(path, rows=ROWS):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return dataclasses.replace(SETTINGS, engine={"samples": str(path)})


def test_texts_of_a_file_are_drawn_in_their_order(tmp_path):
    settings = of_file(tmp_path / "texts.jsonl")
    drawn = draw([request(1), request(0), request(0, 0.5), request(0, problem="p-2")], settings)
    assert [s.completion for s in drawn] == ["second one", "first", "cold", "of another"]
    assert [s.stop_reason for s in drawn] == ["length", "stop", "stop", "stop"]
    assert [len(s.token_logprobs) for s in drawn] == [2, 1, 1, 2]
    assert draw([request(1)], settings) == drawn[:1]  # of its request alone
    with pytest.raises(ValueError, match="has 2 texts of problem 'p-1' at temperature 1, and"):
        draw([request(2)], settings)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"problem_id": 1, "completion": "x"}, "'problem_id' and 'completion', both texts"),
        ({"problem_id": "p", "completion": "x"}, "'temperature', a number, got None"),
        (ROWS[0] | {"stop_reason": "eos"}, "must be 'stop' or 'length', got 'eos'"),
        ("text", "expected a JSON object"),
    ],
)
def test_a_faulty_text_is_named_by_its_line(tmp_path, row, fault):
    settings = of_file(tmp_path / "texts.jsonl", [ROWS[0], row])
    with pytest.raises(ValueError, match=f"texts.jsonl, line 2: .*{fault}"):
        draw([request(0)], settings)


def test_the_file_is_looked_at_before_anything_is_drawn():
    changes = ["generation.backend=replay", "generation.engine.samples=no/such.jsonl"]
    with pytest.raises(ValueError, match=r"generation.engine.samples: there is no file no/such"):
        load_experiment(QUICKSTART, changes)
    load_experiment(QUICKSTART, changes, here=False)  # a run that was copied elsewhere


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


def test_another_text_in_the_file_is_another_identity(tmp_path):
    settings = of_file(tmp_path / "texts.jsonl")
    before = identity(settings)
    assert identity(of_file(tmp_path / "texts.jsonl")) == before
    assert identity(of_file(tmp_path / "texts.jsonl", ROWS[:1])) != before
    assert "engine_files" not in identity(SETTINGS)  # as in runs that are there already
