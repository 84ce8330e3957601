"""A run's samples on their way out: pool by pool, with all that an import understands."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from workbench.config.schema import Experiment, pool_sizes
from workbench.core.types import REWARD_PREFIX, Problem
from workbench.rewards import REWARDS
from workbench.run import Run
from workbench.storage.parquet import KEY, read_table

SAMPLES = (
    *KEY, "completion", "stop_reason", "num_output_tokens", "output_token_ids", "token_logprobs",
    "cumulative_logprob", "mean_logprob", "mean_entropy", "error",
)  # fmt: skip
SCORES = ("answer", "answer_rule", "status", "is_correct")


@dataclass(frozen=True)
class Outgoing:
    """The samples of one problem at one temperature, in the order of their index."""

    problem: Problem
    temperature: float | None
    """None where an imported run does not say."""
    samples: list[dict[str, Any]]
    """Under the names of ``records.Row``, and ``status``, ``answer_rule``, ``token_ids`` and
    ``reward_NAME`` beside them; what is not known is None."""

    @property
    def accuracy(self) -> float | None:
        """Share of correct samples among those of known correctness; None if there are none."""
        known = [sample["correct"] for sample in self.samples if sample["correct"] is not None]
        return sum(known) / len(known) if known else None


@dataclass(frozen=True)
class Source:
    """What all samples of a run share."""

    experiment: Experiment
    signature: str
    problems: tuple[Problem, ...]
    created: str
    """When the samples were there, ISO 8601, UTC."""
    reward: str | None
    """Which reward goes out as the samples' own: that of ``selection.reward``, unless it is their
    likelihood, which an import makes of the log-probabilities."""

    @classmethod
    def of(cls, run: Run) -> Source:
        """Return what a run's samples share."""
        experiment = run.experiment
        chosen = experiment.selection.reward
        return cls(
            experiment=experiment,
            signature=run.signature,
            problems=tuple(known.problem for known in run.folder.read_problems()),
            created=str(run.manifest["stages"]["generate"]["started"]),
            reward=None if chosen == "likelihood" else chosen,
        )

    @property
    def model(self) -> str:
        """The model's name, as the experiment has it."""
        return self.experiment.generation.model

    @property
    def task(self) -> str:
        """The task's name."""
        return self.experiment.task.name

    def settings(self, temperature: float | None) -> dict[str, Any]:
        """Return what the samples of a temperature were drawn with, as far as it is known."""
        generation = self.experiment.generation
        known = {} if temperature is None else {"temperature": temperature}
        if generation.backend == "import":
            return known
        return known | {
            "max_tokens": generation.max_tokens,
            "top_p": generation.top_p,
            "stop": list(generation.stop),
        }

    def options(self) -> str:
        """Return the options with which an import makes the same of the files."""
        task = self.experiment.task
        compare = {"arithmetic": "integer"}.get(task.name, task.options.get("compare", "math"))
        found = f"--out results/NAME --compare {compare}"
        if "tolerance" in task.options:
            found += f" --set task.options.tolerance={task.options['tolerance']}"
        if self.reward is not None and REWARDS[self.reward].is_log:
            found += " --reward-scale logit"
        return found


def outgoing(run: Run, source: Source) -> Iterator[Outgoing]:
    """Yield a run's pools, problem by problem in the run's order, temperatures rising.

    Of each pool as many samples as the experiment looks at.

    Raises:
        ValueError: the run is not scored, or a table is damaged.
    """
    sizes = pool_sizes(source.experiment.generation)
    size = int(run.manifest["problems_per_block"])
    for block in run.blocks:
        samples = run.folder.read_samples(block, SAMPLES)
        path = run.folder.block_path("scores", block)
        if not path.exists():
            raise ValueError(f"{run.root} is not scored in full; run `workbench score {run.root}`")
        scores = read_table(path)
        if not scores.select(KEY).equals(samples.select(KEY)):
            raise ValueError(
                f"{path} is of other samples than {run.root / 'samples'}; run `workbench score "
                f"{run.root}`"
            )
        yield from _pools(
            source.problems[block * size : (block + 1) * size], sizes, samples, scores, source
        )


def _pools(
    problems: tuple[Problem, ...],
    sizes: Mapping[float | None, int],
    samples: pa.Table,
    scores: pa.Table,
    source: Source,
) -> Iterator[Outgoing]:
    rewards = [name for name in scores.schema.names if name.startswith(REWARD_PREFIX)]
    beside = scores.select([*SCORES, *rewards])
    found: dict[tuple[str, float | None], list[dict[str, Any]]] = {}
    for row, score in zip(samples.to_pylist(), beside.to_pylist(), strict=True):
        if row["sample_index"] < sizes.get(row["temperature"], 0):
            key = row["problem_id"], row["temperature"]
            found.setdefault(key, []).append(_sample(row, score, source))
    for problem in problems:
        for temperature in sorted(sizes, key=lambda t: (t is None, t or 0.0)):
            pool = found.get((problem.id, temperature), [])
            if pool:
                yield Outgoing(problem, temperature, sorted(pool, key=_index))


def _index(sample: Mapping[str, Any]) -> int:
    return int(sample["sample_index"])


def _sample(row: Mapping[str, Any], score: Mapping[str, Any], source: Source) -> dict[str, Any]:
    rewards = {
        name: _known(value) for name, value in score.items() if name.startswith(REWARD_PREFIX)
    }
    values: dict[str, Any] = {
        "sample_index": row["sample_index"],
        "text": row["completion"],
        "answer": score["answer"],
        "correct": score["is_correct"],
        "token_logprobs": row["token_logprobs"] or None,
        "logprob": _known(row["cumulative_logprob"]),
        "mean_logprob": _known(row["mean_logprob"]),
        "num_tokens": row["num_output_tokens"],
        "mean_entropy": _known(row.get("mean_entropy")),
        "reward": rewards.get(f"{REWARD_PREFIX}{source.reward}"),
        "stop_reason": row["stop_reason"],
        "error": row["error"] or None,
        "status": score["status"],
        "answer_rule": score["answer_rule"],
        "token_ids": row["output_token_ids"] or None,
    }
    return values | rewards


def _known(value: float | None) -> float | None:
    """Return a number, or None for none and for NaN, which is not JSON."""
    return None if value is None or math.isnan(value) else value
