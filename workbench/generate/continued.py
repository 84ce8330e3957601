"""Texts that are made to go on: ``generation.continue``.

Where a text ends by itself, or at a stop text, a few words are put behind it and the model goes on
from there, as if it had written them. It reads its prompt, the text and these words anew. A sample
keeps the tokens that the model drew with their log-probabilities, those that ended a part among
them, and the text with the words: its tokens do not spell the words. ``max_tokens`` is the limit
of all drawn tokens together, and a text that was cut there does not go on.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from workbench.config.schema import Generation
from workbench.core.types import Request, Sample
from workbench.tasks.prompts import prompt_hash


def go_on(request: Request, sample: Sample, settings: Generation) -> Request | Sample:
    """Return the request for what follows a sample that ended, or the whole sample.

    Args:
        request: what the sample answers.
        sample: what was drawn of it, to the next end.
        settings: say how often a text goes on, and with which words.
    """
    going = settings.continued
    if going is None:
        return sample
    if sample.stop_reason == "error":
        return replace(sample, seed=_first(request).seed, prompt_hash=_first(request).prompt_hash)
    whole = sample if request.drawn is None else _joined(request.drawn, sample, request)
    left = request.options.get("max_tokens", settings.max_tokens) - (sample.length or 0)
    if whole.stop_reason != "stop" or request.rounds == going.times or left <= 0:
        return _finished(request, whole)
    prompt = replace(request.prompt, begun=whole.completion + going.text)
    return replace(
        request,
        prompt=prompt,
        prompt_hash=prompt_hash(prompt),
        seed=_seed(whole.seed, request.rounds + 1),
        options={**request.options, "max_tokens": left},
        drawn=whole,
        rounds=request.rounds + 1,
    )


def stopped(request: Request, error: Sample) -> Sample:
    """Return what there is of a request for which there is no more room: a text that has ended."""
    return error if request.drawn is None else _finished(request, request.drawn)


def _first(request: Request) -> Request | Sample:
    return request.drawn or request


def _joined(first: Sample, second: Sample, request: Request) -> Sample:
    """Return two parts of one text as one; the request's prompt holds the words between them."""
    counts = first.num_output_tokens, second.num_output_tokens
    known = counts[0] is not None and counts[1] is not None
    return replace(
        first,
        completion=request.prompt.begun + second.completion,
        stop_reason=second.stop_reason,
        output_token_ids=first.output_token_ids + second.output_token_ids,
        token_logprobs=first.token_logprobs + second.token_logprobs,
        error="; ".join(dict.fromkeys(filter(None, (first.error, second.error)))),
        token_entropies=first.token_entropies + second.token_entropies,
        missing_mass=first.missing_mass + second.missing_mass,
        num_output_tokens=sum(count or 0 for count in counts) if known else None,
    )


def _finished(request: Request, whole: Sample) -> Sample:
    """Return a whole text with its thought apart from its answer."""
    first = replace(request, goes_on=False, seed=whole.seed, prompt_hash=whole.prompt_hash)
    return first.sampled(
        whole.completion,
        whole.stop_reason,
        whole.output_token_ids,
        whole.token_logprobs,
        whole.error,
        token_entropies=whole.token_entropies,
        missing_mass=whole.missing_mass,
        num_output_tokens=whole.num_output_tokens,
        reasoning=whole.thought,
        num_thought_tokens=whole.num_thought_tokens,
        num_prompt_tokens=whole.num_prompt_tokens,
    )


def _seed(seed: int, rounds: int) -> int:
    digest = hashlib.sha256(f"{seed}|continue|{rounds}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
