"""vLLM's engine: how it is loaded, and how probabilities are read from it.

``NextTokenScorer`` and ``CompletionScorer`` of ``protocols.py``.
"""

from __future__ import annotations

import dataclasses
import gc
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from typing import Any

from workbench.config.schema import Generation
from workbench.config.scoring_schema import OutcomeRewardModel, SecondModel
from workbench.core.version import install_command
from workbench.models import protocols
from workbench.models.locate import resolve_model
from workbench.models.protocols import CompletionScores, Prompts, Sequences
from workbench.models.token_entropy import Values, entropy_bounds

DEFAULT_MAX_LOGPROBS = 20
"""How many of the likeliest tokens the engine returns unless it is started for more."""

ROOM_ON_CPU = 8192
"""Longest prompt and sample together on a CPU, tokens, where the experiment does not say: of a
model that reads 100,000 the cache would not hold one."""

PLACES = 2048
"""Tokens in a step while completions are scored, unless the engine is set otherwise: it holds the
logits of all of them, and reads longer prompts in pieces."""


def load_engine(
    settings: Generation | OutcomeRewardModel | SecondModel,
    section: str,
    seed: int = 0,
    defaults: Mapping[str, Any] | None = None,
) -> Any:
    """Start an engine; on a CPU with the environment that its runner needs.

    Args:
        settings: model, dtype, length limit and further engine options.
        section: the part of the experiment that ``settings`` are, for messages.
        seed: the engine's own; requests bring theirs.
        defaults: options of the engine, unless ``settings`` have others.

    Returns:
        vLLM's ``LLMEngine``, to be given to ``shut_down`` at the end.

    Raises:
        ValueError: vLLM has no such option, refuses the model, or is for a GPU that is not there.
    """
    level = os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    logging.getLogger("vllm").setLevel(level)  # it logs before it reads the variable
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # "NUMA binding: ...", at every start
    logging.getLogger("torch._library.triton").setLevel(logging.ERROR)  # "Triton not available"
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # vLLM's own, at import
        from vllm.platforms import current_platform

        if current_platform.is_unspecified():
            raise ValueError(
                f"{section}: vLLM is installed here for a GPU, and this machine shows none "
                f"(`nvidia-smi` lists them); {install_command('cpu')} installs vLLM for a CPU, and "
                f"{section}.backend=transformers draws without vLLM, more slowly"
            )
        if current_platform.is_cpu():
            os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "4")  # GiB
            cores = sorted(os.sched_getaffinity(0))
            os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", ",".join(map(str, cores)))
            os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        from vllm import LLM
        from vllm.engine.arg_utils import EngineArgs

        _check_options(settings.engine, EngineArgs, section)
        ours: dict[str, Any] = {
            "model": str(resolve_model(settings.model)),
            "dtype": settings.dtype,
            "seed": seed,
            "max_model_len": settings.max_model_len,
            "logprobs_mode": "raw_logprobs",
            "generation_config": "vllm",  # no sampling defaults of the model's own
            "disable_log_stats": True,
            "use_tqdm_on_load": False,
        }
        top = 0 if isinstance(settings, OutcomeRewardModel) else settings.logprobs
        if top > DEFAULT_MAX_LOGPROBS:
            ours["max_logprobs"] = top
        if current_platform.is_cpu():
            ours |= _on_cpu(settings, EngineArgs(model=ours["model"]))
        return LLM(**{**ours, **(defaults or {}), **settings.engine}).llm_engine


def _on_cpu(settings: Generation | OutcomeRewardModel | SecondModel, own: Any) -> dict[str, Any]:
    """Return options of the engine without which it fails on a CPU, or is far slower there.

    A prefill in chunks of a request with a seed crashes ("CPU Generator does not use offset"), and
    without chunks a step must have room for the longest prompt. Compiling takes a minute at every
    start. ``auto`` is float32 on a processor that only imitates bfloat16.
    """
    import torch

    longest = settings.max_model_len
    if longest is None:
        drawn = settings.max_tokens if isinstance(settings, Generation) else 0
        longest = min(own.create_model_config().max_model_len, max(ROOM_ON_CPU, 2 * drawn))
    options: dict[str, Any] = {
        "max_model_len": longest,
        "enforce_eager": True,
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(4096, longest),
        "max_num_seqs": 128,
    }
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    if settings.dtype == "auto" and not fast:
        options["dtype"] = "float32"
    return options


def sampling_params(**options: Any) -> Any:
    """Return vLLM's sampling parameters of one request, which is handed over once it has ended."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(output_kind=RequestOutputKind.FINAL_ONLY, **options)


def shut_down(engine: Any) -> None:
    """Stop an engine and free its memory, so that another can be loaded in the same process."""
    engine.engine_core.shutdown()
    gc.collect()


def _check_options(given: Mapping[str, Any], engine_args: Any, section: str) -> None:
    """Refuse a misspelt option before the model is loaded, without listing all 250."""
    known = [field.name for field in dataclasses.fields(engine_args)]
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=3)
            hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise ValueError(
                f"{section}.engine.{name}: vLLM has no such engine option{hint} "
                "(the options are the fields of vllm.EngineArgs)"
            )


@contextmanager
def open_next_token_scorer(settings: OutcomeRewardModel) -> Iterator[protocols.NextTokenScorer]:
    """Load a reward model while the ``with`` block runs; one step for each prompt, no sampling."""
    engine = load_engine(settings, "scoring.orm")
    try:
        limit, score = engine.model_config.max_model_len, partial(_next_logprobs, engine)
        yield protocols.NextTokenScorer(engine.get_tokenizer(), limit, score)
    finally:
        shut_down(engine)


def _next_logprobs(
    engine: Any, prompts: Prompts, tokens: Sequence[int]
) -> Iterator[tuple[str, list[float]]]:
    # of the whole vocabulary's distribution, however unlikely they are
    for output in _read(engine, prompts, logprob_token_ids=list(tokens)):
        found = output.outputs[0]
        if found.finish_reason not in ("stop", "length"):
            raise ValueError(
                f"vLLM ended a judgement with {found.finish_reason!r}; run the same "
                "command again: what is finished is kept"
            )
        step = found.logprobs[0]
        yield output.request_id, [float(step[token].logprob) for token in tokens]


@contextmanager
def open_completion_scorer(settings: SecondModel) -> Iterator[protocols.CompletionScorer]:
    """Load one of ``scoring.models`` while the ``with`` block runs."""
    options = {"max_num_batched_tokens": PLACES, "enable_chunked_prefill": True}
    engine = load_engine(settings, "scoring.models", defaults=options)
    try:
        limit, vocabulary = engine.model_config.max_model_len, engine.model_config.get_vocab_size()
        score = partial(_completion_scores, engine, settings.logprobs)
        yield protocols.CompletionScorer(engine.get_tokenizer(), limit, vocabulary, score)
    finally:
        shut_down(engine)


def _completion_scores(engine: Any, top: int, sequences: Sequences) -> Iterator[CompletionScores]:
    """Yield log-probabilities of completions, and entropies from the ``top`` likeliest tokens.

    Prompt and completion together are one prompt of the engine, which returns the log-probabilities
    of a prompt's tokens. It reads each such prompt whole, as there are no logits for what is in its
    prefix cache.
    """
    prompts = {name: [*before, *after] for name, (before, after) in sequences.items()}
    for output in _read(engine, prompts, prompt_logprobs=top):  # beside the token's own
        prompt, completion = sequences[output.request_id]
        steps = (output.prompt_logprobs or [])[len(prompt) :]
        if len(steps) != len(completion):
            raise ValueError(
                f"vLLM told the log-probabilities of {len(steps)} of {len(completion)} tokens; "
                "run the same command again: what is finished is kept"
            )
        pairs = zip(completion, steps, strict=True)
        logprobs = [float(step[token].logprob) for token, step in pairs]
        entropies, _ = likeliest_bounds(steps, top)
        yield CompletionScores(output.request_id, logprobs, entropies)


def _read(engine: Any, prompts: Prompts, **options: Any) -> Iterator[Any]:
    """Have the engine read prompts, with one step after each; yield what has finished."""
    params = sampling_params(temperature=0, max_tokens=1, detokenize=False, **options)
    for name, ids in prompts.items():
        engine.add_request(name, {"prompt_token_ids": list(ids)}, params)
    while engine.has_unfinished_requests():
        yield from (output for output in engine.step() if output.finished)


def likeliest_bounds(steps: Sequence[Any], top: int) -> tuple[Values, Values]:
    """Return ``entropy_bounds`` from the ``top`` likeliest tokens that vLLM tells; none at 0.

    vLLM adds the token itself, however unlikely, with which the bound would be biased.
    """
    return entropy_bounds(
        [entry.logprob for entry in step.values() if entry.rank <= top]
        for step in (steps if top else ())
    )
