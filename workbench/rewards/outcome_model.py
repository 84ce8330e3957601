"""Reward ``orm``: how probable an outcome reward model holds ``+`` after a solution.

A step of its own before the scoring, as it needs a model. Each text of a block is judged once,
values go to a journal as they come, and a finished block's table stands in ``rewards/orm``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from scipy.special import expit

from workbench.config.schema import Experiment
from workbench.config.scoring_schema import OutcomeRewardModel
from workbench.core.console import notice, progress_bar
from workbench.generate import engine_versions, resolve
from workbench.generate.drawing_settings import SPEED_OPTIONS
from workbench.models.locate import model_hash, resolve_model
from workbench.models.protocols import Scorer
from workbench.models.text_encoder import text_hash
from workbench.models.tokenization import open_tokenizer
from workbench.rewards.judgement_cache import Facts, journal_path, judged_blocks, read_kept
from workbench.rewards.outcome_prompt import find_signs, judged_text
from workbench.storage.journal import Journal
from workbench.storage.manifest import Manifest
from workbench.storage.parquet import KEY, fingerprint, read_table, write_table
from workbench.storage.run_folder import Folder, fresh

TABLE = "rewards/orm"

VERSION = 1
"""Raise when a model is asked or read differently, so that finished runs are judged again."""


def check_judge(name: str, fetch: bool) -> None:
    """Look for a reward model, and in its tokenizer for the two signs.

    Args:
        name: a folder, a hub name, or a packaged model.
        fetch: get the tokenizer from the hub if it is not here: that a model cannot judge is to be
            known before samples are drawn for it. Without, nothing is said of such a model.

    Raises:
        ValueError: there is no such model, or it cannot say ``+`` and ``-``.
    """
    tokenizer = open_tokenizer(name, fetch)
    if tokenizer is not None:
        find_signs(tokenizer)


def check_engine(backend: str) -> None:
    """Raise ValueError if what is to run the reward model is not installed."""
    engine_versions(resolve(backend), "scoring.orm.backend")


def judge(folder: Folder, manifest: Manifest, experiment: Experiment) -> None:
    """Judge every sample of the folder that has not been judged by this model.

    A text's reward is the probability of ``+`` against ``-``, in [0, 1]. It is null where the
    sample failed, and where problem and solution are longer than the model reads. An empty
    solution is judged like any other.

    Raises:
        ValueError: the model cannot be loaded or gives NaN, or a file is damaged. Finished values
            are kept.
    """
    settings = experiment.scoring.orm
    if settings is None:
        raise ValueError("the reward 'orm' needs scoring.orm with a model")
    judged_by = fingerprint(**_identity(settings))
    questions, made_from = judged_blocks(folder, manifest, judged_by)
    todo = [block for block, made in made_from.items() if not fresh(folder, TABLE, block, made)]
    if not todo and manifest.stage("orm").get("status") == "done":
        notice("orm: up to date")
        return
    with manifest.running("orm", fingerprint(blocks=made_from)) as entry, ExitStack() as stack:
        texts = sum(len(_read(folder, b, questions[b], judged_by).missing) for b in todo)
        if texts:
            notice(f"orm: {texts:,} texts to judge with {settings.model}")
        advance = stack.enter_context(progress_bar("orm", texts, "texts"))
        scorer: Scorer | None = None
        facts = Facts()
        for block in todo:
            work = _read(folder, block, questions[block], judged_by)
            if work.missing:
                scorer = scorer or stack.enter_context(_open(settings))
                with Journal(journal_path(folder, TABLE, block)) as journal:
                    for name, reward in _rewards(scorer, work.missing, facts):
                        journal.add({"judged_by": judged_by, "text": name, "reward": reward})
                        work.values[name] = reward
                        entry.update(facts.counts())
                        advance(1)
            write_table(folder.block_path(TABLE, block), work.table(judged_by), made_from[block])
            journal_path(folder, TABLE, block).unlink(missing_ok=True)
        entry.update(_unjudged(folder, list(made_from)))
    if entry["failed"] or entry["too_long"]:
        notice(
            f"orm: {entry['failed'] + entry['too_long']:,} samples have no reward: "
            f"{entry['failed']:,} had failed, {entry['too_long']:,} are too long with their "
            "problem (scoring.orm.max_model_len)"
        )


@dataclass(frozen=True)
class Work:
    """A block's samples and what is known of their rewards."""

    samples: pa.Table
    names: list[str | None]
    """For each sample, what its problem and solution are known by; None if it failed."""
    values: dict[str, float | None]
    missing: dict[str, str]
    """Texts by name that have not been judged."""

    def table(self, judged_by: str) -> pa.Table:
        """Return the block's table; call it when nothing is missing."""
        rewards = [None if name is None else self.values[name] for name in self.names]
        columns: dict[str, Any] = {name: self.samples.column(name) for name in KEY}
        columns["reward"] = pa.array(rewards, pa.float64())
        columns["text_hash"] = pa.array(self.names, pa.string())
        columns["judged_by"] = pa.array([judged_by] * len(rewards), pa.string())
        return pa.table(columns)


def _identity(settings: OutcomeRewardModel) -> dict[str, Any]:
    """Return what decides a reward, apart from the text."""
    backend = resolve(settings.backend)
    return {
        "version": VERSION,
        "model": model_hash(resolve_model(settings.model)),
        "backend": backend,
        "engine_versions": engine_versions(backend, "scoring.orm.backend"),
        "dtype": settings.dtype,
        "max_model_len": settings.max_model_len,
        "engine": {k: v for k, v in settings.engine.items() if k not in SPEED_OPTIONS},
    }


def _open(settings: OutcomeRewardModel) -> AbstractContextManager[Scorer]:
    if resolve(settings.backend) == "vllm":
        from workbench.models.vllm_engine import open_scorer  # slow imports, both
    else:
        from workbench.models.hf_scoring import open_scorer
    return open_scorer(settings)


def _read(folder: Folder, block: int, questions: Mapping[str, str], judged_by: str) -> Work:
    """Read a block's samples, and the rewards that they have from this very model."""
    samples = folder.read_samples(block, [*KEY, "completion", "stop_reason"])
    texts: dict[str, str] = {}
    names: list[str | None] = []
    for row in samples.to_pylist():
        text = judged_text(questions[row["problem_id"]], row["completion"])
        failed = row["stop_reason"] == "error"
        names.append(None if failed else text_hash(text))
        if not failed:
            texts[text_hash(text)] = text
    known = read_kept(folder, TABLE, block, judged_by, ["reward"])
    values = {name: known[name]["reward"] for name in texts if name in known}
    return Work(samples, names, values, {n: text for n, text in texts.items() if n not in known})


def _rewards(
    scorer: Scorer, texts: Mapping[str, str], facts: Facts
) -> Iterator[tuple[str, float | None]]:
    """Yield each text's name and reward as they come; those too long for the model first."""
    signs = find_signs(scorer.tokenizer)
    facts.start = facts.start or time.perf_counter()
    prompts = {}
    for name, text in texts.items():
        ids = signs.prompt(scorer.tokenizer, text)
        if len(ids) < scorer.limit:
            prompts[name] = ids
        else:
            yield name, None
    for name, (plus, minus) in scorer.next_logprobs(prompts, (signs.plus, signs.minus)):
        if math.isnan(plus - minus):
            raise ValueError(
                "the reward model gave a NaN log-probability: its weights are damaged or its "
                "numbers overflow; try scoring.orm.dtype: float32. Finished rewards are kept"
            )
        facts.texts += 1
        facts.tokens += len(prompts[name])
        yield name, float(expit(plus - minus))


def _unjudged(folder: Folder, held: list[int]) -> dict[str, int]:
    """Count the samples without a reward, over the whole run, by reason."""
    failed = nulls = 0
    for block in held:
        table = read_table(folder.block_path(TABLE, block), ["text_hash", "reward"])
        failed += table.column("text_hash").null_count
        nulls += table.column("reward").null_count
    return {"failed": failed, "too_long": nulls - failed}
