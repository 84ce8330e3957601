"""The reward ``orm``: the probability that an outcome reward model says ``+`` after a solution.

A step of its own before the scoring, as it needs a model. Its table is ``rewards/orm``. A solution
is the answer alone: a thought before it is neither judged nor encoded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import pyarrow as pa
from scipy.special import expit

from workbench.config.scoring_schema import Scoring
from workbench.core.console import notice
from workbench.generate import resolve
from workbench.models.packaged import MODELS
from workbench.models.protocols import NextTokenScorer
from workbench.models.scoring_library import scoring_library
from workbench.models.text_encoder import text_hash
from workbench.models.tokenization import open_tokenizer
from workbench.rewards.block_step import BlockStep
from workbench.rewards.model_step import BlockTexts, Judged, ModelStep, model_identity
from workbench.rewards.outcome_prompt import NO_CHAT_TEMPLATE, find_verdict_tokens, judged_text
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import STORED_KEY, fingerprint

TABLE = "rewards/orm"

VERSION = 1
"""Raise when a model is asked or read differently, so that finished runs are judged again."""


def check_judge(name: str, fetch: bool) -> None:
    """Check that a reward model exists and that its tokenizer has the two verdict tokens.

    With ``fetch`` a tokenizer that is not here is fetched from the hub, so that an unsuitable model
    is refused before samples are drawn; without, such a model is not checked.

    Raises:
        ValueError: there is no such model, or it cannot say ``+`` and ``-``.
    """
    tokenizer = open_tokenizer(name, fetch)
    if name in MODELS and not MODELS[name].chat_template:
        raise ValueError(NO_CHAT_TEMPLATE)
    if tokenizer is not None:
        find_verdict_tokens(tokenizer)


def judge(run: OpenRun, scoring: Scoring) -> None:
    """Judge every sample of a run that has not been judged by this model.

    A sample's reward is the probability of ``+`` against ``-``, in [0, 1]. It is null if the sample
    failed, and if problem and solution are longer than the model reads. An empty solution is judged
    like any other.

    Raises:
        ValueError: the model cannot be loaded or gives NaN, or a file is damaged. Finished values
            are kept.
    """
    settings = scoring.orm
    if settings is None:
        raise ValueError("the reward 'orm' needs scoring.orm with a model")
    backend = resolve(settings.backend)
    judged_by = fingerprint(**model_identity(settings, VERSION, backend, "scoring.orm.backend"))
    made_from, read_texts = solutions(run, judged_by, with_failed=False)
    step = BlockStep(run, stage="orm", table=TABLE, made_from=made_from)
    outdated = step.outdated_blocks()
    if outdated is None:
        return

    def open_model() -> AbstractContextManager[NextTokenScorer]:
        return scoring_library(backend).open_next_token_scorer(settings)

    columns = {"reward": pa.float64()}
    model_step = ModelStep(step, judged_by, columns, read_texts, open_model, _judge_texts)
    with step.running() as entry:
        model_step.run(outdated, entry, f"to judge with {settings.model}")
        failed = sum(step.read_column(block, "text_hash").null_count for block in made_from)
        nulls = sum(step.read_column(block, "reward").null_count for block in made_from)
        entry.update(failed=failed, too_long=nulls - failed)
    if nulls:
        notice(
            f"orm: {nulls:,} samples have no reward: {failed:,} had failed, {nulls - failed:,} are "
            "too long with their problem (scoring.orm.max_model_len)"
        )


def solutions(
    run: OpenRun, judged_by: str, *, with_failed: bool
) -> tuple[dict[int, str], Callable[[int], BlockTexts]]:
    """Return what one reward model is to judge: each solution behind its question.

    Args:
        run: the run.
        judged_by: fingerprint of the model and its settings.
        with_failed: whether a failed sample counts as an empty solution, or is not judged.

    Returns:
        For each block that holds samples what its table is made from, and the reader of its texts.
    """
    questions = {
        block: {item.problem.id: item.problem.question for item in known}
        for block, known in run.known_problems().items()
    }
    made_from = {
        block: fingerprint(
            judged_by=judged_by,
            samples=run.sample_hashes(block),
            questions=[list(item) for item in asked.items()],
        )
        for block, asked in questions.items()
    }

    def read_texts(block: int) -> BlockTexts:
        samples = run.read_samples(block, [*STORED_KEY, "completion", "stop_reason"])
        rows, asked = samples.to_pylist(), questions[block]
        texts = [judged_text(asked[row["problem_id"]], row["completion"]) for row in rows]
        left_out = [row["stop_reason"] == "error" and not with_failed for row in rows]
        hashes = [None if out else text_hash(t) for out, t in zip(left_out, texts, strict=True)]
        return BlockTexts(samples, hashes, texts)

    return made_from, read_texts


def _judge_texts(scorer: NextTokenScorer, texts: Mapping[str, str]) -> Judged:
    verdict = find_verdict_tokens(scorer.tokenizer)
    prompts, too_long = verdict.prompts(scorer.tokenizer, texts, scorer.limit)
    for name in too_long:
        yield name, {"reward": None}, 0
    for name, (plus, minus) in scorer.next_logprobs(prompts, (verdict.plus, verdict.minus)):
        if math.isnan(plus - minus):
            raise ValueError(
                "the reward model gave a NaN log-probability: its weights are damaged or its "
                "numbers overflow; try scoring.orm.dtype: float32. Finished rewards are kept"
            )
        yield name, {"reward": float(expit(plus - minus))}, len(prompts[name])
