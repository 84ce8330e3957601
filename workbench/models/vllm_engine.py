"""vLLM's engine: loading it, and reading probabilities off it."""

from __future__ import annotations

import dataclasses
import gc
import logging
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from typing import Any

from workbench.config.scoring_schema import OutcomeRewardModel, SecondModel
from workbench.models.locate import resolve_model
from workbench.models.protocols import Prompts, Reader, Scorer, Sequences, Told
from workbench.models.token_entropy import entropy_bounds

DEFAULT_MAX_LOGPROBS = 20
"""How many of the likeliest tokens the engine tells unless it is started for more."""


PLACES = 2048
"""Tokens in a step where given tokens are read, unless the engine is told otherwise: it holds the
logits of them all, and reads longer prompts in pieces."""


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
