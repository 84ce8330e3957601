"""The loop of a training: Stage I, Stage II, evaluations, curves and checkpoints."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workbench.config.training_schema import CorrectionTraining
from workbench.core.console import notice, progress_bar
from workbench.core.thinking import Markers
from workbench.correction_training.checkpoints import (
    Place,
    last_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from workbench.correction_training.evaluation import evaluate
from workbench.correction_training.policy import Policy
from workbench.correction_training.problems import BatchPlan, Parts
from workbench.correction_training.rewards import Rewarder
from workbench.correction_training.rollouts import draw_attempts
from workbench.correction_training.schedule import learning_rate
from workbench.correction_training.updates import RewardedBatch, apply_update, backward, rewarded
from workbench.storage.parquet import write_text

CURVES = "curves.jsonl"
"""In the folder of the checkpoints: a line per update."""
Line = dict[str, float]


@dataclass(frozen=True)
class TrainingParts:
    """What a training needs besides its settings."""

    policy: Policy
    parts: Parts
    plan: BatchPlan
    rewarder: Rewarder
    thinking: tuple[Markers, ...]
    seed: int


def run_training(
    made: TrainingParts,
    training: CorrectionTraining,
    work: Path,
    log: Callable[[Mapping[str, float]], None],
) -> list[Line]:
    """Train the policy, from the last checkpoint in ``work`` if there is one.

    All that is random follows from the seed and the number of the update, so that a training that
    was stopped ends with the same weights as one that was not (on a CPU in float32: equal ones).

    Returns:
        The curves, a line per update: ``step`` (from 1), ``stage``, ``reward_1`` and ``reward_2``,
        those of ``updates.backward``, ``learning_rate``, ``gradient_norm``, ``tokens`` drawn and
        ``seconds``; where evaluated, also those of ``evaluation.evaluate``. The line of step 0 is
        the evaluation before the training.

    Raises:
        ValueError: the loss is no number, nothing can be learnt, or memory is short. What the last
            checkpoint holds is kept.
    """
    state = _Loop(made, training, work, log)
    try:
        return state.run()
    except (MemoryError, RuntimeError) as fault:
        if not _of_memory(fault):
            raise
        said = (str(fault).splitlines() or [type(fault).__name__])[0][:120]
        raise ValueError(
            f"a batch of {training.batch_size} pairs of answers does not fit in memory at step "
            f"{state.place.step + 1:,} ({said}); {state.kept()}: lower training.batch_size (and "
            "raise training.accumulation by as much), or generation.max_tokens"
        ) from fault


def _of_memory(fault: Exception) -> bool:
    """Say whether memory was short; torch's exception of a CPU has no class of its own."""
    known = isinstance(fault, torch.OutOfMemoryError | MemoryError)
    return known or "can't allocate memory" in str(fault)


class _Loop:
    """The state of a running training."""

    def __init__(
        self,
        made: TrainingParts,
        training: CorrectionTraining,
        work: Path,
        log: Callable[[Mapping[str, float]], None],
    ) -> None:
        self.made, self.training, self.work, self.log = made, training, work, log
        self.place = Place()
        self.saved: int | None = None
        self.lines: list[Line] = []
        self.scaler = torch.amp.GradScaler(
            made.policy.device.type, enabled=made.policy.precision == "float16"
        )
        self.optimizer = self._new_optimizer()

    def _new_optimizer(self) -> Any:
        weights = self.made.policy.trained().values()
        return torch.optim.AdamW(weights, weight_decay=self.training.weight_decay)

    def kept(self) -> str:
        """Say what a training that ends now has kept."""
        if self.saved is None:
            return "no checkpoint was reached yet"
        return f"the checkpoint of step {self.saved:,} is kept"

    def run(self) -> list[Line]:
        """Train to the end; return the curves."""
        steps = self.training.steps
        self._resume()
        with progress_bar("train", steps, "steps", self.place.step) as advance:
            if self.place.step == 0 and not self.lines:
                self._add({"step": 0} | self._evaluated())
            while self.place.step < steps:
                line = self._update()
                if self._due(self.training.evaluate_every):
                    line |= self._evaluated()
                self._add(line)
                if self._due(self.training.save_every):
                    self._save()
                advance(1)
        return self.lines

    def _resume(self) -> None:
        found = last_checkpoint(self.work)
        if found is None:
            return
        path, self.place = found
        load_checkpoint(path, self.made.policy, self.optimizer, self.scaler)
        self.saved = self.place.step
        if self.place.step < self.training.steps:
            notice(f"train: goes on from step {self.place.step:,} of {self.training.steps:,}")
        lines = (self.work / CURVES).read_text(encoding="utf-8").splitlines()
        read = (json.loads(line) for line in lines[: self.place.step + 1])
        self.lines = [line for line in read if line["step"] <= self.place.step]

    def _due(self, every: int) -> bool:
        """Say whether something is due after this update, or at the end of a stage."""
        step = self.place.step
        return step % every == 0 or step in (self.training.steps_1, self.training.steps)

    def _add(self, line: Line) -> None:
        self.lines.append(line)
        self.work.mkdir(parents=True, exist_ok=True)
        with (self.work / CURVES).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.log(line)

    def _save(self) -> None:
        text = "".join(json.dumps(line) + "\n" for line in self.lines)
        write_text(self.work / CURVES, text)  # without what an earlier process wrote beyond
        save_checkpoint(self.work, self.made.policy, self.optimizer, self.scaler, self.place)
        self.saved = self.place.step

    def _evaluated(self) -> Line:
        made, training = self.made, self.training
        return evaluate(
            made.policy, made.parts, made.rewarder, training.evaluation_samples, made.thinking,
            made.seed, training.batch_size,
        )  # fmt: skip

    def _update(self) -> Line:
        training, step = self.training, self.place.step
        start = time.perf_counter()
        stage = 1 if step < training.steps_1 else 2
        within = step - (0 if stage == 1 else training.steps_1)
        steps = training.steps_1 if stage == 1 else training.steps_2
        if within == 0:
            self.optimizer = self._new_optimizer()  # a stage is a training of its own
        told: list[Line] = []
        nothing = True
        for number in range(training.accumulation):
            at = step * training.accumulation + number
            batch, tokens, names = self._drawn(at, stage)
            nothing &= batch.advantages.nothing_to_learn
            line = backward(self.made.policy, batch, training, stage, self.scaler)
            if not np.isfinite(line["loss"]):
                raise ValueError(
                    f"the loss is {line['loss']} at step {step + 1:,}, batch {at + 1:,} (problems "
                    f"{', '.join(names)}): the training ran away; {self.kept()}. Lower "
                    "training.lr, or set training.precision to float32, with another --out"
                )
            told.append(line | {"tokens": tokens})
        rate = learning_rate(within, steps, training.warmup, training.lr)
        norm = apply_update(self.made.policy, self.optimizer, self.scaler, rate, training.clip)
        self.place.step += 1
        mean = {name: float(np.mean([line[name] for line in told])) for name in told[0]}
        self._count_quiet(nothing, mean)
        seconds = round(time.perf_counter() - start, 3)
        found: Line = {"step": step + 1, "stage": stage, **mean}
        found["tokens"] = sum(line["tokens"] for line in told)
        return found | {"learning_rate": rate, "gradient_norm": norm, "seconds": seconds}

    def _drawn(self, number: int, stage: int) -> tuple[RewardedBatch, int, list[str]]:
        """Draw and reward a batch; return it, its tokens, and the ids of its problems."""
        made, training = self.made, self.training
        problems = made.plan.batch(number)
        made.parts.require_apart(problems)
        drawn = draw_attempts(
            made.policy, problems, training.samples, made.thinking, f"{made.seed}|{number}",
            training.batch_size,
        )  # fmt: skip
        first = made.rewarder.rewards(drawn.problems, drawn.first.samples)
        second = made.rewarder.rewards(drawn.problems, drawn.second.samples)
        batch = rewarded(
            (drawn.first.turns, drawn.second.turns),
            (first, second),
            training,
            stage,
            np.random.default_rng([made.seed, number, 1]),
        )
        return batch, drawn.first.tokens + drawn.second.tokens, [one.problem.id for one in problems]

    def _count_quiet(self, nothing: bool, mean: Line) -> None:
        self.place.quiet = self.place.quiet + 1 if nothing else 0
        if self.place.quiet >= self.training.patience:
            raise ValueError(
                f"the answers to each problem had equal rewards for {self.place.quiet:,} steps in "
                f"a row, up to step {self.place.step:,} (mean reward of the last step: "
                f"{mean['reward_1']:.3f} for first answers, {mean['reward_2']:.3f} for second "
                f"ones): nothing can be learnt from them; {self.kept()}. Give problems that the "
                "model gets right now and then, raise training.samples, or raise "
                "training.patience, with another --out"
            )
