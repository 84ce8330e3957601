"""``workbench train-reward``: samples of finished runs -> a model for the reward ``orm``.

::

    FOLDER/
      config.json  *.safetensors  tokenizer...   the model, LoRA merged into it
      training.json       settings, runs, counts, curves, results on held-out problems
      split.csv           which problem of which run is in which part
      held_out.parquet    one row per sample of a problem that was not trained on, with its rewards
      tables/  figures/
      .training/          checkpoints, until the model is finished
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from scipy.special import expit

from workbench.config.scoring_schema import OutcomeRewardModel
from workbench.core.console import notice, progress_bar
from workbench.models.locate import model_hash, resolve_model
from workbench.reward_training.dataset import TrainingData, prepare, read_labelled
from workbench.reward_training.options import Training
from workbench.rewards.outcome_model import check_judge
from workbench.rewards.outcome_prompt import find_verdict_tokens
from workbench.saved_run import Run
from workbench.storage.lock import locked
from workbench.storage.manifest import Manifest, environment, version_string
from workbench.storage.parquet import fingerprint, write_atomically, write_table
from workbench.storage.trained_folder import (
    SETTINGS,
    WORK,
    is_finished,
    publish,
    refuse_other_folder,
)
from workbench.tracking.artifacts import reward_model_artifact, run_artifacts
from workbench.tracking.open_tracker import open_tracker
from workbench.tracking.wandb_run import Tracker

VERSION = 1
"""Raise when a training comes out differently, so that no training continues an older one."""

MERGED = "merged"
WHAT = "a reward model"
"""What is in the folder, in words."""


@dataclass(frozen=True, eq=False)
class TrainedReward:
    """A finished training, for the tables and figures of ``analysis``."""

    held_out: pd.DataFrame
    """One row per sample of the validation and test parts: ``part``, ``problem``, ``run``,
    ``temperature``, ``right`` and rewards, larger is better: ``trained`` and ``untrained``
    (probability of ``+``, of the new model and of the one it was made from), ``likelihood`` (nats
    per token), and ``reward_NAME`` for each other reward of the runs."""
    curves: pd.DataFrame
    """See ``workbench.reward_training.finetune.FineTuned``."""
    best_step: int
    signature: str


Evaluate = Callable[[Path, TrainedReward, Tracker], Mapping[str, Any]]
"""Writes tables and figures of a trained reward; returns numbers for training.json."""


def train(runs: Sequence[Path], out: Path, settings: Training, evaluate: Evaluate) -> None:
    """Train a reward model on runs' samples, or continue where the same command was stopped.

    ``evaluate`` makes the tables and figures of the held-out samples in the folder ``out``.

    Raises:
        ValueError: a run is not scored, samples of one class only, too few problems, a model that
            has no verdict tokens, a folder that holds something else, or what training raises.
            Finished steps are kept.
    """
    opened = [Run(run) for run in runs]
    refuse_other_folder(out)
    labelled = read_labelled(opened)
    check_judge(settings.model, fetch=True)
    place = str(resolve_model(settings.model))
    made_from = {
        "version": VERSION,
        **dataclasses.asdict(settings),
        "model_hash": model_hash(place),
        "samples": labelled.content,
        **{name: version(name) for name in ("torch", "transformers", "peft")},
    }
    if is_finished(Manifest(out / SETTINGS), out, made_from, WHAT):
        notice("train: up to date")
        return
    data = prepare(labelled, place, settings)
    signature = _signature(settings, opened)
    with locked(out):
        manifest = Manifest(out / SETTINGS)
        is_finished(manifest, out, made_from, WHAT)  # another process may have trained meanwhile
        split = data.problems(opened)
        write_atomically(out / "split.csv", lambda part: split.to_csv(part, index=False))
        manifest.update(
            signature=signature,
            runs=[run.signature for run in opened],
            counts=data.counts,
            made_from=made_from,
            **environment(),
        )
        tracking = dataclasses.replace(opened[0].experiment.tracking, job_type="train-reward")
        tracker = open_tracker(tracking, manifest, signature, made_from)
        try:
            with manifest.running("train", fingerprint(**made_from)):
                found, trained = _train(data, settings, out, signature, tracker)
                held_out = dict(evaluate(out, trained, tracker))
                publish(out / WORK / MERGED, out)
                manifest.update(**found, held_out=held_out, tracked=tracker.place)
            for run in opened:  # last: the training does not wait for their upload
                made = run_artifacts(run.root, run.experiment.name, run.manifest)
                tracker.use_artifacts(made[:2])
            tracker.log_artifacts([reward_model_artifact(out, signature, made_from)])
            shutil.rmtree(out / WORK)
        finally:
            tracker.finish()


def _train(
    data: TrainingData, settings: Training, out: Path, signature: str, tracker: Tracker
) -> tuple[dict[str, Any], TrainedReward]:
    """Train and judge held-out problems; return entries of training.json, and what was trained."""
    from workbench.models.lora import resolve_dtype
    from workbench.reward_training.finetune import TrainingExample, merge, tune

    dtype = resolve_dtype(settings.dtype)
    weights = _class_weights(data.counts["train"], settings.balance)

    def examples(part: str) -> list[TrainingExample]:
        return [TrainingExample(ids, right, weights[right]) for ids, right in data.solutions(part)]

    notice(
        "train: {train[distinct]:,} distinct solutions ({train[distinct_right]:,} right) of "
        "{train[problems]:,} problems; {validation[problems]:,} problems to choose by and "
        "{test[problems]:,} to be judged on".format(**data.counts)
    )

    def log(line: Mapping[str, float]) -> None:
        tracker.log({f"train/{name}": value for name, value in line.items()})

    parts = examples("train"), examples("validation")
    tuned = tune(data.place, data.verdict, *parts, settings, dtype, out / WORK, log)
    merged = out / WORK / MERGED
    merge(data.place, tuned.checkpoint, dtype, merged)
    data.tokenizer.save_pretrained(merged)

    held = data.rows[data.rows["part"] != "train"].copy()
    texts = list(held["text"].unique())
    for name, model in (("untrained", data.place), ("trained", str(merged))):
        held[name] = held["text"].map(_rewards(model, texts, settings, dtype, name))
    held = held.rename(columns={"mean_logprob": "likelihood"}).drop(columns="text")
    table = pa.Table.from_pandas(held, preserve_index=False)
    write_table(out / "held_out.parquet", table, signature)
    found = {"dtype": dtype, "device": tuned.device, "steps": tuned.steps, "best_step": tuned.step}
    trained = TrainedReward(held, pd.DataFrame(tuned.curves), tuned.step, signature)
    return found | {"curves": tuned.curves}, trained


def _rewards(
    model: str, texts: Sequence[str], settings: Training, dtype: str, name: str
) -> dict[str, float]:
    """Return the reward ``orm`` of each text: the probability of ``+`` against ``-``."""
    from workbench.models.hf_scoring import open_next_token_scorer  # a slow import

    most = settings.max_model_len
    orm = OutcomeRewardModel(model=model, backend="transformers", dtype=dtype, max_model_len=most)  # type: ignore[arg-type]
    found = {}
    with open_next_token_scorer(orm) as scorer, progress_bar(name, len(texts), "texts") as advance:
        verdict = find_verdict_tokens(scorer.tokenizer)
        prompts = {text: verdict.prompt(scorer.tokenizer, text) for text in texts}
        for text, (plus, minus) in scorer.next_logprobs(prompts, (verdict.plus, verdict.minus)):
            found[text] = float(expit(plus - minus))
            advance(1)
    return found


def _class_weights(counts: Mapping[str, int], balance: bool) -> dict[bool, float]:
    """Return the weight of a right and of a wrong solution; their mean over all is 1."""
    if not balance:
        return {True: 1.0, False: 1.0}
    whole, right = counts["distinct"], counts["distinct_right"]
    return {True: whole / (2 * right), False: whole / (2 * (whole - right))}


def _signature(settings: Training, runs: Sequence[Run]) -> str:
    """Return the line that is printed under the tables and figures, and names the tracked run."""
    model = settings.model.rstrip("/").rsplit("/", 1)[-1]
    names = "+".join(run.root.resolve().name for run in runs)
    return f"orm|{model}|{names}|seed:{settings.seed}|{version_string()}"
