"""Samples of known correctness, for the training and the evaluation of a reward model.

They are split by problem. Two problems with the same question are the same problem, even in
different runs and under different ids.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.core.console import notice
from workbench.core.types import REWARD_PREFIX
from workbench.models.text_encoder import text_hash
from workbench.reward_training.options import Training
from workbench.rewards.outcome_prompt import VerdictTokens, find_verdict_tokens, judged_text
from workbench.saved_run import Run
from workbench.storage.parquet import KEY, STORED_KEY, fingerprint

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class LabelledSamples:
    """The samples of some runs whose correctness is known, and how many others there are."""

    rows: pd.DataFrame
    """One row per sample: ``run`` (number of the run, from 0), the key, ``problem`` (its question's
    hash), ``text`` (problem and answer, as a reward model judges them), ``right`` (bool),
    ``mean_logprob`` (nats per token; NaN where unknown), and ``reward_NAME`` for each other reward
    that a run has."""
    samples: int
    """All samples of the runs."""
    unknown: int
    """Samples of unknown correctness, left out."""
    contradictory: int
    """Samples left out because the same text is right in one place and wrong in another."""

    @property
    def content(self) -> str:
        """Fingerprint of the samples that can be learned from."""
        texts = [text_hash(text) for text in self.rows["text"]]
        return fingerprint(texts=texts, right=self.rows["right"].tolist())


def read_labelled(runs: Sequence[Run]) -> LabelledSamples:
    """Read every scored sample of some runs.

    Raises:
        ValueError: a run is given twice or is not scored in full, or the samples whose
            correctness is known are none, or of one class only.
    """
    for place, times in Counter(run.root.resolve() for run in runs).items():
        if times > 1:
            raise ValueError(f"{place} is given twice; give each run once")
    rows = pd.concat([_read(run, place) for place, run in enumerate(runs)], ignore_index=True)
    known = rows[rows["right"].notna()].assign(right=lambda part: part["right"].astype(bool))
    if known.empty:
        raise ValueError(
            f"it is not known of any of the {len(rows):,} samples whether it is right; give runs "
            "of problems with known answers"
        )
    agreed = known.groupby("text")["right"].transform("nunique") == 1
    found = known[agreed].reset_index(drop=True)
    if found["right"].nunique() < 2:
        which = "right" if found["right"].any() else "wrong"
        raise ValueError(
            f"all {len(found):,} samples are {which}, and what tells right from wrong cannot be "
            "learnt from one class; give runs that have both"
        )
    return LabelledSamples(found, len(rows), len(rows) - len(known), len(known) - len(found))


def split_by_problem(rows: pd.DataFrame, settings: Training) -> pd.Series:
    """Split the problems of ``LabelledSamples`` into ``PARTS``; return the part of each row.

    Problems with both right and wrong samples, the only ones whose samples can be ranked, are split
    separately from the others, so that each part has its share of them, rounded to a whole number.
    The order of problems is that of a hash of seed and question; it does not depend on the order of
    the runs.

    Raises:
        ValueError: there are too few problems with right and wrong samples for one in each part.
    """
    right = rows.groupby("problem")["right"].agg(["any", "all"])
    both = right["any"] & ~right["all"]
    part_of: dict[str, str] = {}

    def order(problem: str) -> str:
        return hashlib.sha256(f"{settings.seed}|{problem}".encode()).hexdigest()

    for ranked in (True, False):
        problems = sorted(right.index[both == ranked], key=order)
        least = 1 if ranked else 0
        tested = max(least, round(settings.test * len(problems)))
        validated = max(least, round(settings.validation * len(problems)))
        if len(problems) - tested - validated < least:
            raise ValueError(
                f"too few problems to split: {len(problems)} of {len(right)} have right and wrong "
                "samples, and training, validation and test need at least one each; give runs "
                "with more problems, or smaller shares"
            )
        for place, name in enumerate(problems):
            held = "test" if place < tested else "validation"
            part_of[name] = held if place < tested + validated else "train"
    return rows["problem"].map(part_of)


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The prompts to learn from and to be evaluated on, in the tokens of one model."""

    place: str
    """The model's folder or hub name."""
    tokenizer: Any
    verdict: VerdictTokens
    rows: pd.DataFrame
    """Of ``LabelledSamples``, with ``part``."""
    prompts: Mapping[str, list[int]]
    """The tokens of each distinct text, up to the verdict."""
    counts: dict[str, Any]
    """Number of samples, of those left out by reason, and of each part's problems, samples,
    distinct texts and right ones among these."""

    def solutions(self, part: str) -> Iterator[tuple[list[int], bool]]:
        """Yield tokens and correctness of a part's distinct texts, in the order of the runs."""
        rows = self.rows[self.rows["part"] == part].drop_duplicates("text")
        for text, right in zip(rows["text"], rows["right"], strict=True):
            yield self.prompts[text], bool(right)

    def problems(self, runs: Sequence[Run]) -> pd.DataFrame:
        """Return a row per problem of each run: its part, its samples and how many are right."""
        groups = self.rows.groupby(["part", "run", "problem_id"], sort=False)["right"]
        table = groups.agg(samples="size", right="sum").reset_index()
        table["run"] = [str(runs[place].root) for place in table["run"]]
        return table


def prepare(labelled: LabelledSamples, place: str, settings: Training) -> TrainingData:
    """Tokenize the solutions for the model at ``place``, leave out long ones, and split the rest.

    Raises:
        ValueError: the model has no verdict tokens, too many texts are too long, or there are too
            few problems.
    """
    from transformers import AutoConfig, AutoTokenizer  # a slow import

    tokenizer = AutoTokenizer.from_pretrained(place)
    verdict = find_verdict_tokens(tokenizer)
    config = AutoConfig.from_pretrained(place).get_text_config()
    limit = settings.max_model_len or int(config.max_position_embeddings)
    texts = {text: text for text in labelled.rows["text"].unique()}
    prompts, _ = verdict.prompts(tokenizer, texts, limit)
    rows = labelled.rows[labelled.rows["text"].isin(prompts)].copy()
    too_long = len(labelled.rows) - len(rows)
    if rows["right"].nunique() < 2:
        raise ValueError(
            f"{too_long:,} of {len(labelled.rows):,} samples are too long for {limit} tokens, and "
            "the others are not both right and wrong; raise --max-model-len"
        )
    rows["part"] = split_by_problem(rows, settings)
    left_out = {"unknown": labelled.unknown, "contradictory": labelled.contradictory}
    left_out["too_long"] = too_long
    for name, number in left_out.items():
        if number:
            why = name.replace("_", " ")
            notice(f"train: {number:,} of {labelled.samples:,} samples are left out: {why}")
    counts: dict[str, Any] = {"samples": labelled.samples, **left_out}
    for part in PARTS:
        inside = rows[rows["part"] == part]
        distinct = inside.drop_duplicates("text")
        counts[part] = {"problems": int(inside["problem"].nunique()), "samples": len(inside)}
        counts[part] |= {"distinct": len(distinct), "distinct_right": int(distinct["right"].sum())}
    return TrainingData(place, tokenizer, verdict, rows, prompts, counts)


def _read(run: Run, place: int) -> pd.DataFrame:
    """Return a run's samples; ``right`` is missing where unknown."""
    scores = run.read("scores")
    others = [str(c) for c in scores.filter(regex=f"^{REWARD_PREFIX}(?!likelihood$)")]
    scores = scores[[*KEY, "correct", *others]]
    columns = [*STORED_KEY, "completion", "mean_logprob"]
    tables = [run.folder.read_samples(block, columns) for block in run.blocks]
    samples: pd.DataFrame = pa.concat_tables(tables, promote_options="default").to_pandas()
    rows = samples.merge(scores, on=list(KEY), how="left", indicator=True, validate="1:1")
    unscored = int((rows["_merge"] == "left_only").sum())
    if unscored:
        raise ValueError(
            f"{unscored:,} samples of {run.root} are not scored yet; run `workbench score "
            f"{run.root}`"
        )
    asked = rows["problem_id"].map(run.problems.set_index("problem_id")["question"])
    rows["run"], rows["problem"] = place, asked.map(text_hash)
    rows["text"] = [judged_text(q, text) for q, text in zip(asked, rows["completion"], strict=True)]
    numbers = ["mean_logprob", *others]
    rows[numbers] = rows[numbers].astype(float)
    rows = rows.rename(columns={"correct": "right"})
    return rows[["run", *STORED_KEY, "problem", "text", "right", *numbers]]
