"""Stored rows -> pools: what the metrics and selections look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.behaviour.clusters import NO_OUTPUT, agreement
from workbench.config.schema import Measure, MeasuredText
from workbench.core.conditions import spell_condition, temperature_name
from workbench.core.handed_down import HANDED_DOWN
from workbench.core.types import REWARD_PREFIX, Floats, Ints, Problem, known_temperature
from workbench.metrics.bleu import bleu_of, pairwise_bleu
from workbench.metrics.cosine import similarity_matrix
from workbench.metrics.ngrams import Ngrams, number_ngrams, numbered
from workbench.storage.measured_text import PART_COLUMNS, measured_part
from workbench.storage.parquet import CONDITION, KEY, STORED_KEY, read_table
from workbench.storage.run_folder import Folder


@dataclass(frozen=True, eq=False)
class Pool:
    """All N samples of one problem in one condition, as arrays in the order of sample_index."""

    problem_id: str
    temperature: float | None
    """None where an imported run does not say, and in a mixture of several."""
    texts: tuple[str, ...]
    """The part of each sample that ``measure.text`` names; so are ``logprobs``, ``num_tokens``,
    ``entropies`` and ``embeddings`` of that part."""
    logprobs: Floats
    """(N,) mean token log-probability of each sample, nats per token; NaN where unknown."""
    num_tokens: Floats
    """(N,) lengths in tokens; NaN where unknown."""
    answers: tuple[str | None, ...]
    clusters: Ints
    """(N,) answer cluster of each sample, -1 = unanswered."""
    correct: Floats
    """(N,) 1 correct, 0 not, NaN unknown (a check that timed out, a sample that failed)."""
    statuses: tuple[str, ...]
    rewards: Mapping[str, Floats]
    """By name, (N,) each; NaN where a sample has none."""
    embeddings: Floats | None = None
    """(N, D) unit vectors, or None where the run has none."""
    rules: tuple[str, ...] = ()
    """(N,) which extraction rule found each answer."""
    bleu_tokenize: str = "whitespace"
    bleu_smoothing: str = "method1"
    entropies: Floats | None = None
    """(N,) mean token entropy of each sample, nats; NaN where unknown, None where never kept."""
    total_tokens: Floats | None = None
    """(N,) tokens drawn for each sample, thought and answer together; NaN where unknown."""
    thoughts: tuple[str | None, ...] = ()
    """(N,) what was thought before each answer; None where nothing was."""
    thought_tokens: Floats | None = None
    """(N,) tokens of the thoughts, 0 where there is none; NaN where nobody counted."""
    prompt_tokens: Floats | None = None
    """(N,) tokens of each sample's prompt; NaN where nobody counted."""
    outputs: Ints | None = None
    """(N, C) which output the programs of a problem gave on each of its C calls, -1 = none; None
    where answers are no programs."""
    problem: Problem | None = None
    """What was asked, where it is at hand: ``Run.pool`` sees to that."""
    condition: str = ""
    """The name of the condition, by default that of the temperature alone (``T0.7``); ``mixed`` in
    a mixture of several."""

    def __post_init__(self) -> None:
        """Name the condition."""
        object.__setattr__(self, "condition", self.condition or temperature_name(self.temperature))

    @property
    def key(self) -> dict[str, Any]:
        """The columns by which the pool is known in a table."""
        return {
            "problem_id": self.problem_id,
            "condition": self.condition,
            "temperature": self.temperature,
        }

    def __len__(self) -> int:
        """N, the number of samples."""
        return len(self.texts)

    def __repr__(self) -> str:
        """Say which pool it is, and how many of its samples are right."""
        known = self.correct[~np.isnan(self.correct)]
        right = f"{int(known.sum())} of {len(known)} right" if len(known) else "not judged"
        at = spell_condition(self.condition)
        return f"Pool({self.problem_id!r}, {at}: {len(self)} samples, {right})"

    def _repr_html_(self) -> str | None:
        """Show the answers, by votes, in a notebook."""
        return str(HANDED_DOWN["pool_html"](self))

    @cached_property
    def similarity(self) -> Floats:
        """(N, N) cosine similarities of the embeddings, 1 on the diagonal exactly."""
        if self.embeddings is None:
            plain = self.condition == temperature_name(self.temperature)
            where = f"at temperature {self.temperature}" if plain else f"in {self.condition}"
            raise ValueError(
                f"the pool of {self.problem_id} {where} has no embeddings; run `workbench score` "
                "with a metric or aggregator that needs them"
            )
        return similarity_matrix(self.embeddings)

    @cached_property
    def text_ids(self) -> Ints:
        """(N,) numbers of the texts, equal just where the texts are."""
        return numbered(self.texts)[0]

    @cached_property
    def ngrams(self) -> Ngrams:
        """The texts' n-grams of up to four tokens, whitespace between tokens."""
        return number_ngrams(self.texts, 4)

    @cached_property
    def bleu(self) -> Floats:
        """(N, N) sentence BLEU, [i, j] with i as hypothesis and j as its one reference."""
        if self.bleu_tokenize == "whitespace":
            return bleu_of(self.ngrams, self.bleu_smoothing)
        return pairwise_bleu(self.texts, self.bleu_tokenize, self.bleu_smoothing)

    @cached_property
    def agreement(self) -> Floats:
        """(N, N) share of the calls on which two programs have the same output."""
        if self.outputs is None:
            raise ValueError(
                f"the samples of {self.problem_id} are no programs: they have no outputs that "
                "could agree; choose a selection that does not need them"
            )
        return agreement(self.outputs)


SAMPLE_COLUMNS = (*STORED_KEY, *PART_COLUMNS, "num_prompt_tokens")


@dataclass(frozen=True, eq=False)
class BlockRows:
    """A block's joined rows, and their embeddings in the same order."""

    frame: pd.DataFrame
    vectors: NDArray[np.float32] | None
    """As stored: a pool's become float64 when it is its turn."""


def read_block(folder: Folder, block: int, *, with_embeddings: bool) -> BlockRows:
    """Read a block's samples and scores, side by side.

    Raises:
        ValueError: a table is missing, damaged or of other samples.
    """
    joined = joined_rows(folder, block, SAMPLE_COLUMNS)
    vectors = None
    if with_embeddings:
        table = _table(folder, "embeddings", block)
        _same_rows(folder, "embeddings", joined, table.select(KEY).to_pandas())
        flat = table.column("embedding").combine_chunks().flatten().to_numpy()
        vectors = flat.reshape(len(joined), -1)
    return BlockRows(joined, vectors)


def joined_rows(folder: Folder, block: int, columns: Sequence[str]) -> pd.DataFrame:
    """Return columns of a block's samples, each sample with its scores beside it.

    Columns that a run of an older version lacks are null.

    Raises:
        ValueError: a table is missing, damaged or of other samples.
    """
    samples = folder.read_samples(block, columns).to_pandas()
    frame = samples.reindex(columns=list(columns))
    scores = _table(folder, "scores", block).to_pandas()
    _same_rows(folder, "scores", frame, scores)
    joined: pd.DataFrame = pd.concat([frame, scores.drop(columns=list(STORED_KEY))], axis=1)
    return joined


def pools(rows: BlockRows, sizes: Mapping[str, int], settings: Measure) -> Iterator[Pool]:
    """Yield the pools of a block, in the order of their first samples.

    The sizes say by condition how many samples are wanted; others are left aside, and of a larger
    pool the first samples are taken. The settings say how BLEU is computed.
    """
    ordered = _ordered(rows, sizes, settings.text)
    for start, stop in ordered.bounds:
        yield _pool(ordered, start, stop, settings)


def by_problem(
    rows: BlockRows,
    sizes: Mapping[str, int],
    settings: Measure,
    share: int = 0,
    shares: int = 1,
) -> Iterator[list[tuple[int, Pool]]]:
    """Yield all pools of one problem after another, each with its place among those of ``pools``.

    Of the problems, those in the place ``share`` and every ``shares`` behind it.
    """
    ordered = _ordered(rows, sizes, settings.text)
    problems: dict[str, list[int]] = {}
    for place, (start, _) in enumerate(ordered.bounds):
        problems.setdefault(ordered.columns["problem_id"][start], []).append(place)
    for places in list(problems.values())[share::shares]:
        yield [(place, _pool(ordered, *ordered.bounds[place], settings)) for place in places]


@dataclass(frozen=True, eq=False)
class _Ordered:
    """A block's wanted rows, pool by pool in the order of sample_index: a pool is a slice."""

    columns: Mapping[str, Any]
    """Numbers as arrays, all else as lists."""
    bounds: Sequence[tuple[int, int]]
    """(start, stop) of each pool."""
    vectors: NDArray[np.float32] | None
    index: Ints
    """Where each row's vector is."""


def _ordered(rows: BlockRows, sizes: Mapping[str, int], part: MeasuredText) -> _Ordered:
    frame = rows.frame
    wanted = frame[CONDITION].map(sizes).fillna(0)
    frame = frame[frame["sample_index"] < wanted]
    groups = frame.groupby(["problem_id", CONDITION], sort=False)
    order = np.lexsort((frame["sample_index"], groups.ngroup()))
    frame = frame.iloc[order]
    ends = np.cumsum(groups.size().to_numpy())
    texts = ("problem_id", CONDITION, "temperature", "status", "answer_rule")
    columns: dict[str, Any] = {name: frame[name].tolist() for name in texts}
    measured = measured_part(frame, part)
    columns["text"] = measured["text"].tolist()
    columns |= {name: measured[name].to_numpy() for name in ("tokens", "logprob", "entropy")}
    columns["thought"] = [None if pd.isna(thought) else thought for thought in frame["thought"]]
    columns["answer"] = [None if pd.isna(answer) else answer for answer in frame["answer"]]
    columns["correct"] = np.asarray(frame["is_correct"].astype("Float64"), dtype=np.float64)
    columns["answer_cluster"] = frame["answer_cluster"].to_numpy(dtype=np.int64)
    if "outputs" in frame:
        columns["outputs"] = _of_one_length(frame["outputs"].tolist(), columns["problem_id"])
    rewards = [name for name in frame.columns if name.startswith(REWARD_PREFIX)]
    columns["thought_tokens"] = measured_part(frame, "thought")["tokens"].to_numpy()
    for name in ("num_output_tokens", "num_prompt_tokens", *rewards):
        columns[name] = frame[name].to_numpy(dtype=float)
    bounds = list(pairwise([0, *ends.tolist()]))
    return _Ordered(columns, bounds, rows.vectors, frame.index.to_numpy())


def _pool(ordered: _Ordered, start: int, stop: int, settings: Measure) -> Pool:
    part = {name: values[start:stop] for name, values in ordered.columns.items()}
    rewards = {
        name.removeprefix(REWARD_PREFIX): values
        for name, values in part.items()
        if name.startswith(REWARD_PREFIX)
    }
    embeddings = None
    if ordered.vectors is not None:
        embeddings = ordered.vectors[ordered.index[start:stop]].astype(np.float64)
    return Pool(
        problem_id=part["problem_id"][0],
        condition=part[CONDITION][0],
        temperature=known_temperature(part["temperature"][0]),
        texts=tuple(part["text"]),
        logprobs=part["logprob"],
        entropies=part["entropy"],
        num_tokens=part["tokens"],
        total_tokens=part["num_output_tokens"],
        prompt_tokens=part["num_prompt_tokens"],
        thoughts=tuple(part["thought"]),
        thought_tokens=part["thought_tokens"],
        answers=tuple(part["answer"]),
        clusters=part["answer_cluster"],
        correct=part["correct"],
        statuses=tuple(part["status"]),
        rules=tuple(part["answer_rule"]),
        rewards=rewards,
        outputs=np.array(part["outputs"], np.int64) if "outputs" in part else None,
        embeddings=embeddings,
        bleu_tokenize=settings.bleu_tokenize,
        bleu_smoothing=settings.bleu_smoothing,
    )


def _of_one_length(rows: Sequence[Sequence[int] | None], names: Sequence[str]) -> list[list[int]]:
    """Return the outputs of samples, as many for each of a problem; -1 where a sample has none."""
    calls: dict[str, int] = {}
    for name, row in zip(names, rows, strict=True):
        calls[name] = max(calls.get(name, 0), 0 if row is None else len(row))
    pairs = zip(names, rows, strict=True)
    return [[NO_OUTPUT] * calls[name] if row is None else [*row] for name, row in pairs]


def outputs_of(rows: Sequence[Sequence[int] | None]) -> Ints:
    """Return the outputs of one problem's samples as (N, C) numbers; -1 where a sample has none.

    Example:
        >>> outputs_of([[0, 1], None]).tolist()
        [[0, 1], [-1, -1]]
    """
    found = _of_one_length(rows, [""] * len(rows))
    return np.array(found, np.int64).reshape(len(rows), -1 if any(found) else 0)


def _table(folder: Folder, name: str, block: int) -> pa.Table:
    path = folder.block_path(name, block)
    if not path.exists():
        raise ValueError(f"{path} is missing; run `workbench score` first")
    return read_table(path)


def _same_rows(folder: Folder, name: str, left: pd.DataFrame, right: pd.DataFrame) -> None:
    keys = list(KEY)
    if len(left) != len(right) or not left[keys].equals(right[keys].astype(left[keys].dtypes)):
        raise ValueError(
            f"{folder.root / name} is of other samples than {folder.root / 'samples'}; run "
            "`workbench score` first"
        )
