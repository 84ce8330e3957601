"""Samples that are known to be right or wrong, for a reward model to learn from and be tried on.

They are split by problem: a problem is its question, in whatever runs and under whatever ids.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.core.console import notice
from workbench.core.types import REWARD_PREFIX
from workbench.models.text_encoder import text_hash
from workbench.rewards.outcome_prompt import Signs, find_signs, judged_text
from workbench.run import Run
from workbench.storage.parquet import KEY, fingerprint

PARTS = ("train", "validation", "test")

COLUMNS = (*KEY, "completion", "mean_logprob")
"""What is read of a sample."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """The samples of some runs whose correctness is known, and how many others there were."""

    rows: pd.DataFrame
    """One row per sample: ``run`` (place among the runs), the key, ``problem`` (its question's
    hash), ``text`` (problem and solution, as a reward model is given them), ``right`` (bool),
    ``mean_logprob`` (nats per token; NaN where unknown), and ``reward_NAME`` for each other reward
    that a run has."""
    samples: int
    """All there are in the runs."""
    unknown: int
    """Samples of unknown correctness, left out."""
    contradictory: int
    """Samples left out as the same text counts as right in one place and as wrong in another."""

    @property
    def content(self) -> str:
        """What the samples that can be learnt from are known by."""
        texts = [text_hash(text) for text in self.rows["text"]]
        return fingerprint(texts=texts, right=self.rows["right"].tolist())


def read_labelled(runs: Sequence[Run]) -> Labelled:
    """Read every scored sample of some runs.

    Raises:
        ValueError: a run is given twice or is not scored in full, or the samples whose
            correctness is known are none, or of one class only.
    """
    places = [run.root.resolve() for run in runs]
    for number, place in enumerate(places):
        if place in places[:number]:
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
    return Labelled(found, len(rows), len(rows) - len(known), len(known) - len(found))


@dataclass(frozen=True)
class Shares:
    """How problems are split."""

    validation: float
    """Share of the problems, of each kind to the nearest whole one."""
    test: float
    seed: int
    """Another gives another split."""

    def __post_init__(self) -> None:
        """Refuse what leaves a part empty.

        Raises:
            ValueError: a share is 0, or together they leave nothing to train on.
        """
        if min(self.validation, self.test) <= 0 or self.validation + self.test >= 1:
            raise ValueError(
                "validation and test are shares of the problems: each more than 0, and together "
                f"less than 1, got {self.validation:g} and {self.test:g}"
            )


def split_by_problem(rows: pd.DataFrame, shares: Shares) -> pd.Series:
    """Deal problems into the parts, and say for each row in which its problem is.

    Problems with right and wrong samples, the only ones that can be ranked, are dealt apart from
    the others, so that each part has its share of them. The order is by a hash of seed and
    question: it depends on nothing else, such as the order of the runs.

    Args:
        rows: of ``Labelled``.
        shares: of the problems.

    Returns:
        A name of ``PARTS`` for each row.

    Raises:
        ValueError: the problems with right and wrong samples do not suffice for one in each part.
    """
    right = rows.groupby("problem")["right"].agg(["any", "all"])
    both = right["any"] & ~right["all"]
    part_of: dict[str, str] = {}
    for ranked in (True, False):
        problems = sorted(right.index[both == ranked], key=lambda name: _mark(shares.seed, name))
        least = 1 if ranked else 0
        tested = max(least, round(shares.test * len(problems)))
        validated = max(least, round(shares.validation * len(problems)))
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
class Task:
    """What is to be learnt, and by whom."""

    place: str
    """The model's folder or hub name."""
    tokenizer: Any
    signs: Signs
    rows: pd.DataFrame
    """Of ``Labelled``, with ``part``."""
    prompts: Mapping[str, list[int]]
    """Each distinct text's tokens up to the sign."""
    counts: dict[str, Any]
    """Samples, those left out by reason, and for each part its problems, samples, distinct texts
    and how many of these are right."""

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


def prepare(labelled: Labelled, place: str, longest: int | None, shares: Shares) -> Task:
    """Put solutions into a model's tokens, leave out those too long, and split the rest.

    Args:
        labelled: the samples.
        place: the model.
        longest: problem and solution together, tokens; by default what the model reads.
        shares: of the problems.

    Raises:
        ValueError: the model cannot say the signs, too much is too long, or too few problems.
    """
    from transformers import AutoConfig, AutoTokenizer  # a slow import

    tokenizer = AutoTokenizer.from_pretrained(place)
    signs = find_signs(tokenizer)
    config = AutoConfig.from_pretrained(place).get_text_config()
    limit = longest or int(config.max_position_embeddings)
    encoded = {text: signs.prompt(tokenizer, text) for text in labelled.rows["text"].unique()}
    prompts = {text: ids for text, ids in encoded.items() if len(ids) < limit}
    rows = labelled.rows[labelled.rows["text"].isin(prompts)].copy()
    too_long = len(labelled.rows) - len(rows)
    if rows["right"].nunique() < 2:
        raise ValueError(
            f"{too_long:,} of {len(labelled.rows):,} samples are too long for {limit} tokens, and "
            "the others are not both right and wrong; raise --max-model-len"
        )
    rows["part"] = split_by_problem(rows, shares)
    left_out = {
        "unknown": labelled.unknown, "contradictory": labelled.contradictory, "too_long": too_long,
    }  # fmt: skip
    for name, number in left_out.items():
        if number:
            why = name.replace("_", " ")
            notice(f"train: {number:,} of {labelled.samples:,} samples are left out: {why}")
    counts: dict[str, Any] = {"samples": labelled.samples, **left_out}
    for part in PARTS:
        inside = rows[rows["part"] == part]
        distinct = inside.drop_duplicates("text")
        counts[part] = {
            "problems": int(inside["problem"].nunique()), "samples": len(inside),
            "distinct": len(distinct), "distinct_right": int(distinct["right"].sum()),
        }  # fmt: skip
    return Task(place, tokenizer, signs, rows, prompts, counts)


def _mark(seed: int, problem: str) -> str:
    return hashlib.sha256(f"{seed}|{problem}".encode()).hexdigest()


def _read(run: Run, place: int) -> pd.DataFrame:
    """Return a run's samples; ``right`` is None where unknown."""
    scores = run.frame("scores")
    names = map(str, scores.columns)
    others = [c for c in names if c.startswith(REWARD_PREFIX) and c != f"{REWARD_PREFIX}likelihood"]
    scores = scores[[*KEY, "is_correct", *others]]
    tables = [run.folder.read_samples(block, COLUMNS) for block in run.blocks]
    samples: pd.DataFrame = pa.concat_tables(tables, promote_options="default").to_pandas()
    rows = samples.merge(scores, on=list(KEY), how="left", indicator=True, validate="1:1")
    fresh = int((rows["_merge"] == "left_only").sum())
    if fresh:
        raise ValueError(
            f"{fresh:,} samples of {run.root} are not scored yet; run `workbench score {run.root}`"
        )
    questions = run.problems.set_index("problem_id")["question"]
    asked = rows["problem_id"].map(questions)
    texts = [judged_text(q, text) for q, text in zip(asked, rows["completion"], strict=True)]
    return pd.DataFrame(
        {
            "run": place,
            **{name: rows[name] for name in KEY},
            "problem": asked.map(text_hash),
            "text": texts,
            "right": rows["is_correct"],
            "mean_logprob": rows["mean_logprob"].astype(float),
            **{name: rows[name].astype(float) for name in others},
        }
    )
