"""``workbench train-correction``: an experiment -> a model that was taught to correct itself.

::

    FOLDER/
      config.json  *.safetensors  tokenizer...   the model, which generation.model takes
      training.json       settings, counts, what became of the problems held out
      split.csv           which problem is in which part
      curves.jsonl  curves.csv   a line per update
      figures/
      .training/          checkpoints, until the model is finished
"""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.config.schema import Experiment, TaskSettings
from workbench.config.training_schema import CorrectionTraining
from workbench.core.console import notice
from workbench.core.lookup import lookup
from workbench.correction_training.problems import (
    OWN,
    BatchPlan,
    Parts,
    asked_problems,
    part_rows,
    split,
)
from workbench.correction_training.rewards import Rewarder
from workbench.models.locate import check_model, model_hash, resolve_model
from workbench.storage.lock import locked
from workbench.storage.manifest import Manifest, environment, version_string
from workbench.storage.parquet import fingerprint, write_atomically
from workbench.storage.trained_folder import (
    SETTINGS,
    WORK,
    is_finished,
    publish,
    refuse_other_folder,
)
from workbench.tasks import TASKS
from workbench.tracking.open_tracker import open_tracker
from workbench.tracking.wandb_run import ArtifactFiles, Tracker

VERSION = 1
"""Raise when a training comes out differently, so that no training continues an older one."""
WHAT = "a model that corrects itself"
"""What is in the folder, in words."""
UNHASHED = ("save_every", "evaluate_every", "evaluation_samples", "patience")
"""Settings that do not change the weights, so that a training may go on with others."""
MADE = "model"
"""The folder in which the model is written, among the checkpoints, until it is whole."""


@dataclass(frozen=True, eq=False)
class TrainedCorrection:
    """A finished training, for the figure of ``analysis``."""

    curves: pd.DataFrame
    """A row per update: see ``workbench.correction_training.training_loop.run_training``."""
    steps_1: int
    """Updates of Stage I."""
    signature: str


Draw = Callable[[Path, TrainedCorrection, Tracker], None]
"""Writes the figure of a training into its folder."""


def train_correction(experiment: Experiment, out: Path, draw: Draw) -> None:
    """Train the experiment's model, or continue where the same command was stopped.

    Raises:
        ValueError: settings with which nothing can be trained, a folder that holds something else,
            or what training raises. What the last checkpoint holds is kept.
    """
    training = experiment.training or CorrectionTraining()
    generation, seed = experiment.generation, experiment.generation.seed
    refuse_other_folder(out)
    tasks = {OWN: experiment.task, **training.tasks}
    check_model(generation.model)
    rewarder = Rewarder(tasks, experiment.scoring, training.reward)
    parts = _parts(tasks, training, seed)
    plan = BatchPlan(parts, training.problems_per_batch, seed)
    made_from = _made_from(experiment, training, parts)
    with locked(out), rewarder:
        manifest = Manifest(out / SETTINGS)
        if is_finished(manifest, out, made_from, WHAT):
            notice("train: up to date")
            return
        signature = _signature(experiment, training)
        counts = {"train": len(parts.train), "held_out": len(parts.held_out)}
        rows = pd.DataFrame(part_rows(parts))
        write_atomically(out / "split.csv", lambda path: rows.to_csv(path, index=False))
        settings = {**dataclasses.asdict(training), "model": generation.model}
        manifest.update(
            signature=signature, counts=counts, made_from=made_from, settings=settings,
            **environment(),
        )  # fmt: skip
        tracking = replace(experiment.tracking, job_type="train-correction")
        tracker = open_tracker(tracking, manifest, signature, settings)
        try:
            with manifest.running("train", fingerprint(**made_from)):
                notice(
                    f"train: {counts['train']:,} problems to learn from, {counts['held_out']:,} "
                    f"held out; {training.steps_1:,} steps of Stage I, {training.steps_2:,} of "
                    "Stage II"
                )
                curves = _trained(experiment, training, parts, plan, rewarder, out, tracker)
                draw(out, TrainedCorrection(curves, training.steps_1, signature), tracker)
                publish(out / WORK / MADE, out)
                found = _held_out(curves)
                tracker.summarize(found)
                manifest.update(held_out=found, tracked=tracker.place)
            files = [out / "split.csv", out / "curves.csv"]
            name = re.sub(r"[^\w.-]", "_", out.resolve().name)
            about = {"signature": signature, "folder": str(out.resolve()), **made_from}
            tracker.log_artifacts([ArtifactFiles(name, "corrected-model", files, about)])
            shutil.rmtree(out / WORK)
        finally:
            tracker.finish()


def _trained(
    experiment: Experiment,
    training: CorrectionTraining,
    parts: Parts,
    plan: BatchPlan,
    rewarder: Rewarder,
    out: Path,
    tracker: Tracker,
) -> pd.DataFrame:
    """Train, and write the model among the checkpoints; return the curves."""
    from workbench.correction_training.policy import open_policy  # slow imports
    from workbench.correction_training.training_loop import CURVES, TrainingParts, run_training

    seed = experiment.generation.seed
    policy = open_policy(experiment.generation, training, seed)
    markers = experiment.task.thinking.markers
    made = TrainingParts(policy, parts, plan, rewarder, markers, seed)

    def log(line: Mapping[str, float]) -> None:
        tracker.log({f"train/{name}": value for name, value in line.items()})

    curves = pd.DataFrame(run_training(made, training, out / WORK, log))
    write_atomically(out / "curves.csv", lambda path: curves.to_csv(path, index=False))
    shutil.copy(out / WORK / CURVES, out / CURVES)
    shutil.rmtree(out / WORK / MADE, ignore_errors=True)  # of a process that was killed
    policy.save(out / WORK / MADE)
    return curves


def _parts(tasks: Mapping[str, TaskSettings], training: CorrectionTraining, seed: int) -> Parts:
    problems = []
    for name, task in tasks.items():
        at = "task" if name == OWN else f"training.tasks.{name}"
        try:
            lookup(TASKS, task.name, "task")
            TASKS[task.name].check(task)
            problems += asked_problems(name, task)
        except ValueError as fault:
            raise ValueError(f"{at}: {fault}") from fault
    return split(problems, training.held_out, seed)


def _made_from(
    experiment: Experiment, training: CorrectionTraining, parts: Parts
) -> dict[str, Any]:
    """Return all that decides the weights."""
    generation = experiment.generation
    asked = [
        [one.task, one.problem.id, one.problem.gold, one.correction, repr(vars(one.prompt))]
        for one in (*parts.train, *parts.held_out)
    ]
    named = dataclasses.asdict(training)
    own = {name: value for name, value in named.items() if name not in (*UNHASHED, "tasks")}
    models = {"model_hash": model_hash(str(resolve_model(generation.model)))}
    if training.reference:
        models["reference_hash"] = model_hash(str(resolve_model(training.reference)))
    graded = repr([experiment.task.options, training.tasks, experiment.scoring.limits])
    return {
        "version": VERSION,
        **own,
        **models,
        **{name: getattr(generation, name) for name in ("max_tokens", "seed", "max_model_len")},
        "stop": list(generation.stop),
        "problems": fingerprint(asked=asked, graded=graded),
        **{name: version(name) for name in ("torch", "transformers", "peft")},
    }


def _held_out(curves: pd.DataFrame) -> dict[str, float]:
    """Return the first and the last evaluation on the problems held out."""
    evaluated = curves[curves["held_out_t1"].notna()].filter(like="held_out_")
    found: dict[str, float] = {}
    for when, row in (("before", evaluated.iloc[0]), ("after", evaluated.iloc[-1])):
        found |= {f"{when}/{name}": float(value) for name, value in row.items()}
    return found


def _signature(experiment: Experiment, training: CorrectionTraining) -> str:
    """Return the line that stands under the figure, and names the tracked run."""
    model = experiment.generation.model.rstrip("/").rsplit("/", 1)[-1]
    tasks = "+".join([experiment.task.name, *training.tasks])
    steps = f"steps:{training.steps_1}+{training.steps_2}"
    seed = f"seed:{experiment.generation.seed}"
    return f"score|{model}|{tasks}|{steps}|{seed}|{version_string()}"
