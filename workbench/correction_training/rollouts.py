"""Draws pairs of answers from a policy in this process: prompts of many lengths in one batch.

A token is drawn as the backend ``transformers`` draws it, by the sample's own generator. So no
random state outlives a batch, and a training that goes on from a checkpoint draws what it would
have drawn. The backend itself reads one prompt for a whole batch, which second turns, each with a
prompt of its own, do not have; and it loads a model of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

from workbench.core.thinking import Markers
from workbench.core.types import Prompt, Request, Sample
from workbench.correction_training.policy import Policy, Turn, padded
from workbench.correction_training.problems import AskedProblem
from workbench.generate.transformers import RunningSample, next_tokens
from workbench.models.hf_model import Model
from workbench.models.tokenization import (
    encode_prompt,
    has_special_markers,
    markers_behind,
    too_long,
)
from workbench.tasks.correction import corrected_prompt

TEMPERATURE = 1.0
"""Of the distribution that is trained."""


@dataclass(frozen=True)
class DrawnTurn:
    """Answers of one turn, and their tokens."""

    samples: Sequence[Sample]
    turns: Sequence[Turn]

    @property
    def tokens(self) -> int:
        """How many were drawn."""
        return sum(len(answer) for _, answer in self.turns)


@dataclass(frozen=True)
class Attempts:
    """Pairs of answers, problem by problem."""

    problems: Sequence[AskedProblem]
    """Of each pair."""
    first: DrawnTurn
    second: DrawnTurn


def draw_attempts(
    policy: Policy,
    problems: Sequence[AskedProblem],
    samples: int,
    thinking: tuple[Markers, ...],
    seed: str,
    at_once: int,
) -> Attempts:
    """Draw ``samples`` pairs of answers to each problem, ``at_once`` so many pairs.

    By the ``seed``, a text, all of them are decided.

    Raises:
        ValueError: a prompt is a conversation and the model has no chat template.
    """
    pairs = [(one, number) for one in problems for number in range(samples)]
    parts = [
        _draw_pairs(policy, pairs[start : start + at_once], thinking, seed)
        for start in range(0, len(pairs), at_once)
    ]
    first, second = (
        DrawnTurn(
            [sample for part in parts for sample in part[of].samples],
            [turn for part in parts for turn in part[of].turns],
        )
        for of in (0, 1)
    )
    return Attempts([one for one, _ in pairs], first, second)


def _draw_pairs(
    policy: Policy,
    pairs: Sequence[tuple[AskedProblem, int]],
    thinking: tuple[Markers, ...],
    seed: str,
) -> tuple[DrawnTurn, DrawnTurn]:
    def requests(prompts: Sequence[Prompt], turn: int) -> list[Request]:
        return [
            Request(
                problem_id=one.problem.id,
                temperature=TEMPERATURE,
                sample_index=number,
                prompt=prompt,
                prompt_hash="",
                seed=_seed(f"{seed}|{one.task}|{one.problem.id}|{number}|{turn}"),
                thinking=thinking,
            )
            for (one, number), prompt in zip(pairs, prompts, strict=True)
        ]

    first = draw(policy, requests([one.prompt for one, _ in pairs], 1))
    prompts = [
        corrected_prompt(one.prompt, sample.completion, one.correction)
        for (one, _), sample in zip(pairs, first.samples, strict=True)
    ]
    return first, draw(policy, requests(prompts, 2))


def draw(policy: Policy, requests: Sequence[Request]) -> DrawnTurn:
    """Draw one batch of samples, each by its own prompt; ``generate`` is left one choice.

    A prompt that is too long is an error row, without a token, and only its beginning is kept.
    """
    model = policy.model
    prompts = [encode_prompt(model.tokenizer, request.prompt) for request in requests]
    found: list[Sample | None] = [
        too_long(request, len(prompt), model.limit)
        for request, prompt in zip(requests, prompts, strict=True)
    ]
    places = [place for place, sample in enumerate(found) if sample is None]
    rows = [_start(requests[place], prompts[place], model) for place in places]
    if rows:
        with policy.as_computed():
            _run(rows, model, dict(zip(range(len(rows)), places, strict=True)), found)
    samples = [sample for sample in found if sample is not None]
    turns: list[Turn] = [
        (prompt if sample.output_token_ids else prompt[:1], sample.output_token_ids)
        for prompt, sample in zip(prompts, samples, strict=True)
    ]
    return DrawnTurn(samples, turns)


def _run(
    rows: Sequence[RunningSample],
    model: Model,
    place_of: dict[int, int],
    found: list[Sample | None],
) -> None:
    """Draw the rows to their ends, and put each sample at its place."""
    inputs, _, _ = padded([(row.prompt, ()) for row in rows], model.network.device)
    ids, mask = (inputs[name][:, :-1] for name in ("input_ids", "attention_mask"))
    device = ids.device
    temperatures = torch.full((len(rows),), TEMPERATURE, device=device)

    def choose(input_ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        """Draw each row's next token; return (rows, vocabulary), 1 for these tokens, else 0."""
        logits = logits.float()
        uniforms = torch.cat(
            [torch.rand(1, generator=row.generator, dtype=torch.float64) for row in rows]
        )
        tokens = next_tokens(logits, temperatures, uniforms.to(device), lambda scores: scores)
        chosen = torch.log_softmax(logits, dim=-1).gather(1, tokens[:, None]).squeeze(1)
        for number, (row, token, logprob) in enumerate(
            zip(rows, tokens.tolist(), chosen.tolist(), strict=True)
        ):
            if not row.ended and (sample := row.append(model, token, logprob)):
                found[place_of[number]] = sample
        return torch.zeros_like(logits).scatter_(1, tokens[:, None], 1.0)

    def ended(input_ids: torch.Tensor, scores: Any, **more: Any) -> torch.Tensor:
        return torch.tensor([row.ended for row in rows], device=device)

    with torch.no_grad():
        model.network.generate(
            input_ids=ids,
            attention_mask=mask,
            generation_config=GenerationConfig(
                do_sample=False,
                max_new_tokens=max(row.max_new_tokens for row in rows),
                pad_token_id=0,
            ),
            logits_processor=LogitsProcessorList([choose]),
            stopping_criteria=StoppingCriteriaList([ended]),
        )


def _start(request: Request, prompt: list[int], model: Model) -> RunningSample:
    behind = markers_behind(model.tokenizer, prompt, request.thinking)
    return RunningSample(
        request=replace(request, thinking=behind),
        prompt=prompt,
        max_new_tokens=min(model.settings.max_tokens, model.limit - len(prompt)),
        generator=torch.Generator().manual_seed(request.seed),
        skip_special=not has_special_markers(model.tokenizer, request.thinking),
    )


def _seed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:7])
