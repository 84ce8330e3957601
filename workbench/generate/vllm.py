"""Backend ``vllm``: the engine in this process. The only module that imports vllm."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from workbench.config.schema import Generation
from workbench.core.types import Request, Sample
from workbench.generate.continued import go_on, stopped
from workbench.generate.request_options import options_of, refused_by
from workbench.models import vllm_engine
from workbench.models.tokenization import (
    encode_prompt,
    has_special_markers,
    markers_behind,
    token_counter,
    too_long,
)

IN_FLIGHT = 4
"""Requests in the engine at a time, as a multiple of ``max_num_seqs``: enough to keep it busy, and
few enough that memory does not grow with the run."""


def sample(requests: Iterable[Request], settings: Generation) -> Generator[Sample]:
    """Draw samples with vLLM, each yielded in the step in which it finishes.

    One request per sample with its own seed; requests that share a prompt share its prefix.
    Log-probabilities are of the untempered model (``logprobs_mode="raw_logprobs"``).

    Raises:
        ValueError: vLLM refuses an option or the model.
    """
    engine = vllm_engine.load_engine(settings, "generation", settings.seed)
    try:
        yield from _draw(engine, requests, settings)
    finally:
        vllm_engine.shut_down(engine)


def _draw(engine: Any, requests: Iterable[Request], settings: Generation) -> Iterator[Sample]:
    tokenizer = engine.get_tokenizer()
    limit = engine.model_config.max_model_len
    ahead = IN_FLIGHT * engine.vllm_config.scheduler_config.max_num_seqs
    waiting = iter(requests)
    running: dict[str, tuple[Request, list[int], bool]] = {}
    encoded: dict[str, list[int]] = {}
    again: deque[Request] = deque()
    exhausted = False
    while running or again or not exhausted:
        while (again or not exhausted) and len(running) < ahead:
            request = again.popleft() if again else next(waiting, None)
            if request is None:
                exhausted = True
                break
            if request.prompt_hash not in encoded:
                encoded = {request.prompt_hash: encode_prompt(tokenizer, request.prompt)}
            ids = encoded[request.prompt_hash]
            error = too_long(request, len(ids), limit)
            if error is not None:
                yield stopped(request, error)
                continue
            key = f"{request.problem_id}|{request.condition}|{request.sample_index}"
            key += f"|{request.rounds}" * bool(request.rounds)
            skip = not has_special_markers(tokenizer, request.thinking)
            behind = markers_behind(tokenizer, ids, request.thinking)
            running[key] = replace(request, thinking=behind), ids, skip
            params = _params(request, settings, skip)
            with _refusals(request):
                engine.add_request(key, {"prompt_token_ids": ids}, params)
        if running:
            for output in engine.step():
                if output.finished:
                    request, ids, skip = running.pop(output.request_id)
                    drawn = output.outputs[0]
                    count = token_counter(tokenizer, ids, drawn.token_ids, skip_special=skip)
                    part = _sample(request, drawn, settings.logprobs, len(ids), count)
                    further = go_on(request, part, settings)
                    if isinstance(further, Sample):
                        yield further
                    else:
                        again.append(further)


def _params(request: Request, settings: Generation, skip_special: bool) -> Any:
    options = options_of(request, settings)
    with _refusals(request):
        return vllm_engine.sampling_params(
            n=1,
            temperature=request.temperature,
            seed=request.seed,
            skip_special_tokens=skip_special,
            logprobs=settings.logprobs,
            **options | {"stop": list(options["stop"])},
        )


@contextmanager
def _refusals(request: Request) -> Iterator[None]:
    """Raise what vLLM says of a request's options as one ValueError with their keys."""
    try:
        yield
    except (ValueError, TypeError) as fault:
        raise ValueError(refused_by("vLLM", request, str(fault))) from fault


def _sample(
    request: Request,
    output: Any,
    top: int,
    num_prompt_tokens: int,
    count: Callable[[int], int | None],
) -> Sample:
    if output.finish_reason not in ("stop", "length"):
        return request.sampled("", "error", error=f"vLLM ended it with {output.finish_reason!r}")
    ids = tuple(output.token_ids)
    pairs = zip(ids, output.logprobs, strict=True)
    logprobs = tuple(float(step[token].logprob) for token, step in pairs)
    entropies, missing = vllm_engine.likeliest_bounds(output.logprobs, top)
    return request.sampled(
        output.text,
        output.finish_reason,
        ids,
        logprobs,
        token_entropies=entropies,
        missing_mass=missing,
        count_tokens=count,
        num_prompt_tokens=num_prompt_tokens,
    )
