"""A run's samples for export: pool by pool, with all that an import understands."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Self

from workbench.config.conditions import loading_of, ordered_conditions, settings_of
from workbench.config.factors import PROMPT
from workbench.config.schema import Experiment, Thinking
from workbench.core.conditions import UNKNOWN, Condition, level_value, temperature_name
from workbench.core.types import REWARD_PREFIX, Problem
from workbench.interchange.sample_row import PROMPT_STYLE
from workbench.rewards import REWARDS
from workbench.saved_run import Run
from workbench.storage.parquet import STORED_KEY, THOUGHT_COLUMNS, read_table

SAMPLES = (
    *STORED_KEY, "completion", "stop_reason", "num_output_tokens", "output_token_ids",
    "token_logprobs", "cumulative_logprob", "mean_logprob", "mean_entropy", "error",
    *THOUGHT_COLUMNS,
)  # fmt: skip


@dataclass(frozen=True)
class ExportedPool:
    """The samples of one problem in one condition, in the order of their index."""

    problem: Problem
    condition: Condition
    samples: list[dict[str, Any]]
    """With the columns of ``SampleRow``, and ``status``, ``answer_rule``, ``token_ids`` and
    ``reward_NAME``; an unknown value is None."""

    @property
    def accuracy(self) -> float | None:
        """Share of correct samples among those of known correctness; None if there are none."""
        known = [sample["correct"] for sample in self.samples if sample["correct"] is not None]
        return sum(known) / len(known) if known else None

    @property
    def temperature(self) -> float | None:
        """None where an imported run does not have it."""
        return self.condition.temperature

    @property
    def file_name(self) -> str:
        """The condition as in the names of files."""
        return "Tunknown" if self.condition.name == UNKNOWN else self.condition.name


@dataclass(frozen=True)
class ExportedRun:
    """What all samples of a run share."""

    experiment: Experiment
    model: str
    """The model's name, as the experiment has it."""
    task: str
    signature: str
    problems: tuple[Problem, ...]
    created: str
    """When sampling started, ISO 8601, UTC."""
    reward: str | None
    """The reward that is exported as the samples' own: ``selection.reward``. None if that is the
    likelihood, which an import computes from the log-probabilities."""
    limits: Mapping[str, Any] = field(default_factory=dict)
    """What an import learned of them: ``max_tokens`` and ``top_p``, where all samples have one."""

    @classmethod
    def of(cls, run: Run) -> Self:
        """Return what the samples of a run share."""
        experiment = run.experiment
        chosen = experiment.selection.reward
        return cls(
            experiment=experiment,
            model=experiment.generation.model,
            task=experiment.task.name,
            signature=run.signature,
            problems=tuple(known.problem for known in run.folder.read_problems()),
            created=str(run.manifest["stages"]["generate"]["started"]),
            reward=None if chosen == "likelihood" else chosen,
            limits=run.manifest.get("imported", {}).get("limits", {}),
        )

    @property
    def has_log_reward(self) -> bool:
        """Whether the samples' reward is a log-ratio."""
        return self.reward is not None and REWARDS[self.reward].is_log

    def settings(self, condition: Condition, words: Mapping[str, str]) -> dict[str, Any]:
        """Return the known settings that the samples of a condition were drawn with.

        ``words`` has another tool's names for some of them.
        """
        heat = condition.temperature
        known: dict[str, Any] = {} if heat is None else {"temperature": heat}
        drawn = settings_of(condition, self.experiment.generation)
        if drawn.backend != "import":
            known |= {"max_tokens": drawn.max_tokens, "top_p": drawn.top_p, "stop": [*drawn.stop]}
            own = ("top_k", "min_p", "repetition_penalty")
            known |= {name: getattr(drawn, name) for name in own if name in condition.changed}
        known |= self.limits
        return {words.get(name, name): value for name, value in known.items()}

    def shared_columns(self, pool: ExportedPool) -> dict[str, Any]:
        """Return the columns of ``SampleRow`` that all samples of a pool share."""
        problem = pool.problem
        return {
            "problem_id": problem.id,
            "problem": problem.question,
            "gold": problem.gold,
            "model": self.model_of(pool.condition),
            "temperature": pool.temperature,
        } | self.condition_columns(pool.condition)

    def model_of(self, condition: Condition) -> str:
        """Return the model that drew the samples of a condition."""
        return loading_of(condition, self.experiment.generation).model

    def condition_columns(self, condition: Condition) -> dict[str, Any]:
        """Return a condition's name, where its temperature does not say it, and its factors.

        They are under the names that an import reads: the prompt's is ``prompt_style``.
        """
        own = {name: level for name, level in condition.levels.items() if level is not None}
        levels: dict[str, Any] = {
            column_of(name): level if isinstance(level, int | float) else level_value(level)
            for name, level in own.items()
        }
        plain = condition.name == temperature_name(condition.temperature)
        named = levels if plain else {"condition": condition.name} | levels
        return {key: value for key, value in named.items() if key not in ("temperature", "model")}

    def options(self) -> str:
        """Return the options with which ``workbench import`` makes an equal run of the files."""
        given = self.experiment.task.options
        compare = {"arithmetic": "integer"}.get(self.task, given.get("compare", "math"))
        options = f"--out results/NAME --compare {compare}"
        if "tolerance" in given:
            options += f" --set task.options.tolerance={given['tolerance']}"
        if self.experiment.task.thinking != Thinking():  # they are apart already
            options += " --set task.thinking.family=none"
        return options + (" --reward-scale logit" if self.has_log_reward else "")


def column_of(factor: str) -> str:
    """Return the column that an import reads a factor's levels from.

    Example:
        >>> column_of("prompt"), column_of("min_p")
        ('prompt_style', 'min_p')
    """
    return PROMPT_STYLE if factor == PROMPT else factor


def exported_pools(run: Run, about: ExportedRun) -> Iterator[ExportedPool]:
    """Yield a run's pools, problem by problem in the run's order, in the order of conditions.

    Of each pool only as many samples as the experiment analyses.

    Raises:
        ValueError: the run is not scored, or a table is damaged.
    """
    conditions = ordered_conditions(about.experiment.generation)
    sizes = {one.name: one.n for one in conditions}
    size = int(run.manifest["problems_per_block"])
    for block in run.blocks:
        samples = run.folder.read_samples(block, SAMPLES)
        path = run.folder.block_path("scores", block)
        if not path.exists():
            raise ValueError(f"{run.root} is not scored in full; run `workbench score {run.root}`")
        scores = read_table(path)
        if not scores.select(STORED_KEY).equals(samples.select(STORED_KEY)):
            raise ValueError(
                f"{path} is of other samples than {run.root / 'samples'}; run `workbench score "
                f"{run.root}`"
            )
        rewards = [name for name in scores.schema.names if name.startswith(REWARD_PREFIX)]
        columns = ["answer", "answer_rule", "status", "is_correct", *rewards]
        graded = scores.select(columns).to_pylist()
        pools: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for row, score in zip(samples.to_pylist(), graded, strict=True):
            if row["sample_index"] < sizes.get(row["condition"], 0):
                sample = _sample(row, score, about.reward)
                pools[row["problem_id"], row["condition"]].append(sample)
        for problem in about.problems[block * size : (block + 1) * size]:
            for condition in conditions:
                pool = pools[problem.id, condition.name]
                if pool:
                    pool.sort(key=itemgetter("sample_index"))
                    yield ExportedPool(problem, condition, pool)


def _sample(row: Mapping[str, Any], score: Mapping[str, Any], reward: str | None) -> dict[str, Any]:
    rewards = {key: _known(score[key]) for key in score if key.startswith(REWARD_PREFIX)}
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
        "reward": rewards.get(f"{REWARD_PREFIX}{reward}"),
        "stop_reason": row["stop_reason"],
        "error": row["error"] or None,
        "status": score["status"],
        "answer_rule": score["answer_rule"],
        "token_ids": row["output_token_ids"] or None,
    }
    thoughts = {name: row.get(name) for name in THOUGHT_COLUMNS}  # no columns where there is none
    return values | thoughts | rewards


def _known(value: float | None) -> float | None:
    """Return a number, or None for None and for NaN, which JSON does not have."""
    return None if value is None or math.isnan(value) else value
