"""Backend ``vllm``: the engine in this process. The only module that imports vllm."""

from __future__ import annotations

import dataclasses
import gc
import logging
import os
import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from typing import Any

from workbench.config import Generation
from workbench.generate.entropies import entropy_bounds
from workbench.generate.tokens import encode_prompt, too_long
from workbench.models import resolve_model
from workbench.rewards.sequences import Reader, Sequences, Told
from workbench.rewards.signs import Prompts, Scorer
from workbench.settings import OutcomeRewardModel, SecondModel
from workbench.types import Request, Sample

IN_FLIGHT = 4
"""Requests handed to the engine ahead, as a multiple of ``max_num_seqs``: enough to keep it
saturated, few enough that memory does not grow with the run."""

DEFAULT_MAX_LOGPROBS = 20
"""How many of the likeliest tokens the engine tells unless it is started for more."""

PLACES = 2048
"""Tokens in a step where given tokens are read, unless the engine is told otherwise: it holds the
logits of them all, and reads longer prompts in pieces."""


def sample(requests: Iterable[Request], settings: Generation) -> Generator[Sample]:
    """Draw samples with vLLM, each yielded in the step in which it finishes.

    One request per sample with its own seed; requests that share a prompt share its prefix.
    Log-probabilities are of the untempered model (``logprobs_mode="raw_logprobs"``).

    Raises:
        ValueError: vLLM refuses an option or the model.
    """
    options = settings.engine
    if settings.logprobs > DEFAULT_MAX_LOGPROBS:
        options = {"max_logprobs": settings.logprobs, **options}
    engine = load_engine(
        settings.model, settings.dtype, settings.seed, settings.max_model_len, options
    )
    try:
        yield from _draw(engine, requests, settings)
    finally:
        shut_down(engine)


def _draw(engine: Any, requests: Iterable[Request], settings: Generation) -> Iterator[Sample]:
    tokenizer = engine.get_tokenizer()
    limit = engine.model_config.max_model_len
    ahead = IN_FLIGHT * engine.vllm_config.scheduler_config.max_num_seqs
    waiting = iter(requests)
    running: dict[str, Request] = {}
    encoded: dict[str, list[int]] = {}
    exhausted = False
    while running or not exhausted:
        while not exhausted and len(running) < ahead:
            request = next(waiting, None)
            if request is None:
                exhausted = True
                break
            if request.prompt_hash not in encoded:
                encoded = {request.prompt_hash: encode_prompt(tokenizer, request.prompt)}
            ids = encoded[request.prompt_hash]
            error = too_long(request, len(ids), limit)
            if error is not None:
                yield error
                continue
            key = f"{request.problem_id}|{request.temperature}|{request.sample_index}"
            running[key] = request
            engine.add_request(key, {"prompt_token_ids": ids}, _params(request, settings))
        if running:
            for output in engine.step():
                if output.finished:
                    yield _sample(
                        running.pop(output.request_id), output.outputs[0], settings.logprobs
                    )


def load_engine(
    model: str,
    dtype: str,
    seed: int,
    max_model_len: int | None,
    options: Mapping[str, Any],
    section: str = "generation",
) -> Any:
    """Start an engine; on a CPU with the environment that its runner needs.

    Args:
        model: a folder, a hub name, or a model that a registry package carries.
        dtype: ``auto``, ``float32`` ...
        seed: the engine's own; requests bring theirs.
        max_model_len: longest prompt and sample together, tokens; None for the model's limit.
        options: further fields of vLLM's ``EngineArgs``.
        section: the part of the experiment that ``options`` come from, for messages.

    Returns:
        vLLM's ``LLMEngine``, to be given to ``shut_down`` at the end.

    Raises:
        ValueError: vLLM has no such option, or refuses the model.
    """
    level = os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    logging.getLogger("vllm").setLevel(level)  # for what it says before it reads the variable
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a dozen lines of vLLM's own, at import
        from vllm.platforms import current_platform

        if current_platform.is_cpu():
            os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "4")  # GiB
            cores = sorted(os.sched_getaffinity(0))
            os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", ",".join(map(str, cores)))
            os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        from vllm import LLM
        from vllm.engine.arg_utils import EngineArgs

        known = [field.name for field in dataclasses.fields(EngineArgs)]
        _check_options(options, known, section)
        ours: dict[str, Any] = {
            "model": str(resolve_model(model)),
            "dtype": dtype,
            "seed": seed,
            "max_model_len": max_model_len,
            "logprobs_mode": "raw_logprobs",
            "generation_config": "vllm",  # no sampling defaults of the model's own
            "disable_log_stats": True,
            "use_tqdm_on_load": False,
        }
        return LLM(**{**ours, **options}).llm_engine


def shut_down(engine: Any) -> None:
    """Stop an engine and free its memory, so that another can be loaded in the same process."""
    engine.engine_core.shutdown()
    gc.collect()


def _check_options(given: Iterable[str], known: list[str], section: str) -> None:
    """Refuse a misspelt option before the model is loaded, without listing all 250."""
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=3)
            hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise ValueError(
                f"{section}.engine.{name}: vLLM has no such engine option{hint} "
                "(the options are the fields of vllm.EngineArgs)"
            )


def _params(request: Request, settings: Generation) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(
        n=1,
        temperature=request.temperature,
        top_p=settings.top_p,
        top_k=settings.top_k,
        min_p=settings.min_p,
        repetition_penalty=settings.repetition_penalty,
        max_tokens=settings.max_tokens,
        stop=list(settings.stop),
        seed=request.seed,
        logprobs=settings.logprobs,  # beside the sampled token's own
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def _sample(request: Request, output: Any, top: int) -> Sample:
    if output.finish_reason not in ("stop", "length"):
        return request.sampled("", "error", error=f"vLLM ended it with {output.finish_reason!r}")
    ids = tuple(output.token_ids)
    logprobs = tuple(
        float(step[token].logprob) for token, step in zip(ids, output.logprobs, strict=True)
    )
    entropies: tuple[float, ...] = ()
    missing: tuple[float, ...] = ()
    if top:  # the sampled token's own is told as well, however unlikely: it would tilt the bound
        entropies, missing = entropy_bounds(
            [entry.logprob for entry in step.values() if entry.rank <= top]
            for step in output.logprobs
        )
    return request.sampled(
        output.text,
        output.finish_reason,
        ids,
        logprobs,
        token_entropies=entropies,
        missing_mass=missing,
    )


@contextmanager
def open_scorer(settings: OutcomeRewardModel) -> Iterator[Scorer]:
    """Load a reward model while the block runs; no sampling, one step for each prompt."""
    engine = load_engine(
        settings.model, settings.dtype, 0, settings.max_model_len, settings.engine, "scoring.orm"
    )
    try:
        limit = engine.model_config.max_model_len
        yield Scorer(engine.get_tokenizer(), limit, partial(_next_logprobs, engine))
    finally:
        shut_down(engine)


def _next_logprobs(
    engine: Any, prompts: Prompts, tokens: Sequence[int]
) -> Iterator[tuple[str, list[float]]]:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    params = SamplingParams(
        temperature=0,
        max_tokens=1,
        logprob_token_ids=list(tokens),  # of the whole vocabulary's distribution, however unlikely
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )
    for name, ids in prompts.items():
        engine.add_request(name, {"prompt_token_ids": list(ids)}, params)
    while engine.has_unfinished_requests():
        for output in engine.step():
            if output.finished:
                told = output.outputs[0]
                if told.finish_reason not in ("stop", "length"):
                    raise ValueError(
                        f"vLLM ended a judgement with {told.finish_reason!r}; run the same command "
                        "again: what is finished is kept"
                    )
                step = told.logprobs[0]
                yield output.request_id, [float(step[token].logprob) for token in tokens]


@contextmanager
def open_reader(settings: SecondModel) -> Iterator[Reader]:
    """Load a model while the block runs that says how likely it holds given tokens."""
    options: dict[str, Any] = {"max_num_batched_tokens": PLACES, "enable_chunked_prefill": True}
    if settings.logprobs > DEFAULT_MAX_LOGPROBS:
        options["max_logprobs"] = settings.logprobs
    engine = load_engine(
        settings.model, settings.dtype, 0, settings.max_model_len, options | settings.engine,
        "scoring.models",
    )  # fmt: skip
    try:
        limit, vocabulary = engine.model_config.max_model_len, engine.model_config.get_vocab_size()
        read = partial(_read_tokens, engine, settings.logprobs)
        yield Reader(engine.get_tokenizer(), limit, vocabulary, read)
    finally:
        shut_down(engine)


def _read_tokens(engine: Any, top: int, sequences: Sequences) -> Iterator[Told]:
    """Yield log-probabilities of completions, and entropies from the ``top`` likeliest tokens.

    A prompt and its completion are one prompt to the engine, which tells the log-probabilities of
    a prompt's tokens. It reads each such prompt whole: what is in its prefix cache has no logits.
    """
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    params = SamplingParams(
        temperature=0,
        max_tokens=1,
        prompt_logprobs=top,  # beside the token's own
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )
    for name, (prompt, completion) in sequences.items():
        engine.add_request(name, {"prompt_token_ids": [*prompt, *completion]}, params)
    while engine.has_unfinished_requests():
        for output in engine.step():
            if not output.finished:
                continue
            prompt, completion = sequences[output.request_id]
            told = (output.prompt_logprobs or [])[len(prompt) :]
            if len(told) != len(completion):
                raise ValueError(
                    f"vLLM told the log-probabilities of {len(told)} of {len(completion)} tokens; "
                    "run the same command again: what is finished is kept"
                )
            logprobs = [
                float(step[token].logprob) for token, step in zip(completion, told, strict=True)
            ]
            entropies, _ = entropy_bounds(
                [entry.logprob for entry in step.values() if entry.rank <= top]
                for step in (told if top else ())
            )
            yield Told(output.request_id, logprobs, entropies)
