"""The reward ``orm``: the probability that an outcome reward model says ``+`` after a solution.

A step of its own before the scoring, as it needs a model. Its table is ``rewards/orm``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
from scipy.special import expit

from workbench.config.scoring_schema import OutcomeRewardModel
from workbench.core.console import notice
from workbench.generate import engine_versions, resolve
from workbench.models.protocols import NextTokenScorer
from workbench.models.scoring_library import scoring_library
from workbench.models.text_encoder import text_hash
from workbench.models.tokenization import open_tokenizer
from workbench.rewards.block_step import BlockStep
from workbench.rewards.model_step import BlockTexts, ModelStep, Throughput, Values, model_identity
from workbench.rewards.outcome_prompt import find_verdict_tokens, judged_text
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import KEY, fingerprint
from workbench.storage.run_folder import Folder

TABLE = "rewards/orm"

VERSION = 1
"""Raise when a model is asked or read differently, so that finished runs are judged again."""

Questions = dict[int, dict[str, str]]
"""For each block that holds samples, the question of each of its problems."""


def check_judge(name: str, fetch: bool) -> None:
    """Check that a reward model exists and that its tokenizer has the two verdict tokens.

    Args:
        name: a folder, a hub name, or a packaged model.
        fetch: whether to fetch the tokenizer from the hub if it is not here, so that an unsuitable
            model is refused before samples are drawn. If not, such a model is not checked.

    Raises:
        ValueError: there is no such model, or it cannot say ``+`` and ``-``.
    """
    tokenizer = open_tokenizer(name, fetch)
    if tokenizer is not None:
        find_verdict_tokens(tokenizer)


def check_engine(backend: str) -> None:
    """Raise ValueError if the library that is to run the reward model is not installed."""
    engine_versions(resolve(backend), "scoring.orm.backend")


def judge(run: OpenRun, settings: OutcomeRewardModel | None) -> None:
    """Judge every sample of the folder that has not been judged by this model.

    A sample's reward is the probability of ``+`` against ``-``, in [0, 1]. It is null if the sample
    failed, and if problem and solution are longer than the model reads. An empty solution is judged
    like any other.

    Raises:
        ValueError: the model cannot be loaded or gives NaN, or a file is damaged. Finished values
            are kept.
    """
    if settings is None:
        raise ValueError("the reward 'orm' needs scoring.orm with a model")
    backend = resolve(settings.backend)
    judged_by = fingerprint(**model_identity(settings, VERSION, backend, "scoring.orm.backend"))
    questions, made_from = judged_blocks(run, judged_by)
    step = BlockStep(run, stage="orm", table=TABLE, made_from=made_from)
    outdated = step.outdated_blocks()
    if outdated is None:
        return
    throughput = Throughput()

    def judge_texts(
        scorer: NextTokenScorer, texts: Mapping[str, str]
    ) -> Iterator[tuple[str, Values]]:
        for name, reward in plus_probabilities(scorer, texts, throughput):
            yield name, {"reward": reward}

    model_step = ModelStep(
        step=step,
        judged_by=judged_by,
        columns=["reward"],
        cached_in=[TABLE],
        read_texts=lambda block: read_solutions(run, block, questions, with_failed=False),
        open_model=lambda: scoring_library(backend).open_next_token_scorer(settings),
        judge=judge_texts,
        to_columns=_to_columns,
        throughput=throughput,
    )
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


def judged_blocks(run: OpenRun, judged_by: str) -> tuple[Questions, dict[int, str]]:
    """Return what one reward model is to judge, block by block.

    Args:
        run: the run.
        judged_by: fingerprint of the model and its settings.

    Returns:
        The questions, and for each block that holds samples what its table is made from.
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
    return questions, made_from


def read_solutions(
    folder: Folder, block: int, questions: Questions, *, with_failed: bool
) -> BlockTexts:
    """Read the samples of a block as a reward model judges them: each behind its question.

    Args:
        folder: the run.
        block: number of the block.
        questions: as ``judged_blocks`` returns them.
        with_failed: whether a failed sample counts as an empty solution, or is not judged.
    """
    samples = folder.read_samples(block, [*KEY, "completion", "stop_reason"])
    hashes: list[str | None] = []
    texts: dict[str, str] = {}
    for row in samples.to_pylist():
        if row["stop_reason"] == "error" and not with_failed:
            hashes.append(None)
            continue
        text = judged_text(questions[block][row["problem_id"]], row["completion"])
        name = text_hash(text)
        hashes.append(name)
        texts[name] = text
    return BlockTexts(samples, hashes, texts)


def plus_probabilities(
    scorer: NextTokenScorer, texts: Mapping[str, str], throughput: Throughput
) -> Iterator[tuple[str, float | None]]:
    """Yield the name and the reward of each text; first None for those too long to be read.

    Args:
        scorer: the reward model.
        texts: problem and solution, by name.
        throughput: where to count what the model has read.

    Raises:
        ValueError: the model gives NaN, or its tokenizer does not keep a verdict apart.
    """
    verdict = find_verdict_tokens(scorer.tokenizer)
    throughput.start_once()
    prompts, too_long = verdict.prompts(scorer.tokenizer, texts, scorer.limit)
    for name in too_long:
        yield name, None
    for name, (plus, minus) in scorer.next_logprobs(prompts, (verdict.plus, verdict.minus)):
        if math.isnan(plus - minus):
            raise ValueError(
                "the reward model gave a NaN log-probability: its weights are damaged or its "
                "numbers overflow; try scoring.orm.dtype: float32. Finished rewards are kept"
            )
        throughput.count(len(prompts[name]))
        yield name, float(expit(plus - minus))


def _to_columns(rows: Sequence[Values | None]) -> dict[str, pa.Array]:
    rewards = [None if row is None else row["reward"] for row in rows]
    return {"reward": pa.array(rewards, pa.float64())}
