"""``workbench train-reward``: samples of finished runs -> a model that reward ``orm`` takes.

::

    FOLDER/
      config.json  *.safetensors  tokenizer...   the model, LoRA merged into it
      training.json       settings, runs, counts, curves, what was found on held-out problems
      split.csv           which problem of which run is in which part
      held_out.parquet    one row per sample of a problem that was not trained on, with its rewards
      tables/  figures/
      .training/          checkpoints, until the model is there
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
from workbench.reward_training.dataset import Shares, Task, prepare, read_labelled
from workbench.reward_training.options import Training
from workbench.rewards.outcome_model import check_judge
from workbench.rewards.outcome_prompt import find_signs
from workbench.run import Run
from workbench.storage.lock import locked
from workbench.storage.manifest import Manifest, environment, version_string
from workbench.storage.parquet import fingerprint, write_atomically, write_table
from workbench.tracking.artifacts import reward_model_artifact, run_artifacts
from workbench.tracking.wandb_run import Tracker, open_tracker

VERSION = 1
"""Raise when a training comes out differently, so that none goes on from an older one's steps."""

LIBRARIES = ("torch", "transformers", "peft")
SETTINGS = "training.json"
WORK = ".training"


@dataclass(frozen=True, eq=False)
class Outcome:
    """A finished training, for ``analysis`` to judge and to draw."""

    held_out: pd.DataFrame
    """One row per sample of the validation and test parts: ``part``, ``problem``, ``run``,
    ``temperature``, ``right`` and rewards, larger is better: ``trained`` and ``untrained``
    (probability of ``+``, of the new model and of the one it was made from), ``likelihood`` (nats
    per token), and ``reward_NAME`` for each other reward of the runs."""
    curves: pd.DataFrame
    """See ``workbench.reward_training.finetune.Tuned``."""
    best_step: int
    signature: str


Judge = Callable[[Path, Outcome, Tracker], Mapping[str, Any]]
"""Writes tables and figures of an outcome into a folder; returns numbers for training.json."""


def train(runs: Sequence[Path], out: Path, settings: Training, judge: Judge) -> None:
    """Train a reward model on runs' samples, or go on where the same command was stopped.

    Args:
        runs: folders of scored runs.
        out: the folder to be made.
        settings: how.
        judge: what ``analysis`` makes of the held-out samples; the command line hands it over.

    Raises:
        ValueError: a run is not scored, samples of one class only, too few problems, a model that
            cannot say the signs, a folder that holds something else, or what training raises.
            Finished steps are kept.
    """
    shares = Shares(settings.validation, settings.test, settings.seed)
    opened = [Run(run) for run in runs]
    _refuse_other(out)
    labelled = read_labelled(opened)
    check_judge(settings.model, fetch=True)
    place = str(resolve_model(settings.model))
    made_from = {
        "version": VERSION,
        **dataclasses.asdict(settings),
        "model_hash": model_hash(place),
        "samples": labelled.content,
        **{name: version(name) for name in LIBRARIES},
    }
    if _finished(Manifest(out / SETTINGS), out, made_from):
        notice("train: up to date")
        return
    task = prepare(labelled, place, settings.max_model_len, shares)
    signature = _sign(settings, opened)
    with locked(out):
        manifest = Manifest(out / SETTINGS)
        _finished(manifest, out, made_from)  # or another process was at it meanwhile
        _write_csv(out / "split.csv", task.problems(opened))
        manifest.update(
            signature=signature,
            runs=[run.signature for run in opened],
            counts=task.counts,
            made_from=made_from,
            **environment(),
        )
        tracking = dataclasses.replace(opened[0].experiment.tracking, job_type="train-reward")
        tracker = open_tracker(tracking, out, signature, made_from)
        try:
            with manifest.running("train", fingerprint(**made_from)):
                found = _carry_out(task, settings, out, signature, judge, tracker)
                manifest.update(**found, tracked=tracker.place)
            for run in opened:  # last: their upload is not to keep the training waiting
                tracker.use_artifacts(
                    run_artifacts(run.root, run.experiment.name, run.manifest)[:2]
                )
            tracker.log_artifacts([reward_model_artifact(out, signature, made_from)])
            shutil.rmtree(out / WORK)
        finally:
            tracker.finish()


def _carry_out(
    task: Task,
    settings: Training,
    out: Path,
    signature: str,
    judge: Judge,
    tracker: Tracker,
) -> dict[str, Any]:
    """Train, write the model, and judge it on the problems it has not seen; return what to keep."""
    from workbench.reward_training.finetune import Judgement, merge, resolve_dtype, tune

    dtype = resolve_dtype(settings.dtype)
    weights = _weights(task.counts["train"], settings.balance)

    def judgements(part: str) -> list[Judgement]:
        return [Judgement(ids, right, weights[right]) for ids, right in task.solutions(part)]

    notice(
        "train: {train[distinct]:,} distinct solutions ({train[distinct_right]:,} right) of "
        "{train[problems]:,} problems; {validation[problems]:,} problems to choose by and "
        "{test[problems]:,} to be judged on".format(**task.counts)
    )
    tuned = tune(
        task.place, task.signs, judgements("train"), judgements("validation"), settings, dtype,
        out / WORK,
        lambda line: tracker.log({f"train/{name}": value for name, value in line.items()}),
    )  # fmt: skip
    merged = out / WORK / "merged"
    merge(task.place, tuned.checkpoint, dtype, merged)
    task.tokenizer.save_pretrained(merged)

    held = task.rows[task.rows["part"] != "train"].copy()
    texts = list(held["text"].unique())
    for name, model in (("untrained", task.place), ("trained", str(merged))):
        rewards = _rewards(model, texts, settings, dtype, name)
        held[name] = held["text"].map(rewards)
    held = held.rename(columns={"mean_logprob": "likelihood"}).drop(columns="text")
    table = pa.Table.from_pandas(held, preserve_index=False)
    write_table(out / "held_out.parquet", table, signature)
    outcome = Outcome(held, pd.DataFrame(tuned.curves), tuned.step, signature)
    found = judge(out, outcome, tracker)
    _publish(merged, out)
    return {
        "dtype": dtype, "device": tuned.device, "steps": tuned.steps, "best_step": tuned.step,
        "curves": tuned.curves, "held_out": dict(found),
    }  # fmt: skip


def _rewards(
    model: str, texts: Sequence[str], settings: Training, dtype: str, name: str
) -> dict[str, float]:
    """Return what reward ``orm`` gives to texts: the probability of ``+`` against ``-``."""
    from workbench.models.hf_scoring import open_scorer  # a slow import

    orm = OutcomeRewardModel(
        model=model,
        backend="transformers",
        dtype=dtype,  # type: ignore[arg-type]
        max_model_len=settings.max_model_len,
    )
    found = {}
    with open_scorer(orm) as scorer, progress_bar(name, len(texts), "texts") as advance:
        signs = find_signs(scorer.tokenizer)
        prompts = {text: signs.prompt(scorer.tokenizer, text) for text in texts}
        for text, (plus, minus) in scorer.next_logprobs(prompts, (signs.plus, signs.minus)):
            found[text] = float(expit(plus - minus))
            advance(1)
    return found


def _weights(counts: Mapping[str, int], asked: bool) -> dict[bool, float]:
    """Return the weight of a right and of a wrong solution; their mean over all is 1."""
    if not asked:
        return {True: 1.0, False: 1.0}
    whole, right = counts["distinct"], counts["distinct_right"]
    return {True: whole / (2 * right), False: whole / (2 * (whole - right))}


def _publish(model: Path, out: Path) -> None:
    """Move a model's files to where it is looked for: ``config.json``, which marks it, last."""
    for path in sorted(model.iterdir(), key=lambda path: path.name == "config.json"):
        path.replace(out / path.name)


def _write_csv(path: Path, frame: pd.DataFrame) -> None:
    write_atomically(path, lambda part: frame.to_csv(part, index=False))


def _sign(settings: Training, runs: Sequence[Run]) -> str:
    """Return the line that stands under what is said of the model, and names the tracked run."""
    model = settings.model.rstrip("/").rsplit("/", 1)[-1]
    names = "+".join(run.root.resolve().name for run in runs)
    return f"orm|{model}|{names}|seed:{settings.seed}|{version_string()}"


def _refuse_other(out: Path) -> None:
    """Refuse a folder that holds anything but a training."""
    if out.is_dir() and not (out / SETTINGS).exists():
        others = sorted(path.name for path in out.iterdir() if path.name != ".lock")
        if others:
            raise ValueError(
                f"{out} holds something else ({others[0]}); give a new folder with --out"
            )


def _finished(manifest: Manifest, out: Path, made_from: Mapping[str, Any]) -> bool:
    """Say whether a folder holds this very training, finished.

    Raises:
        ValueError: it holds another one.
    """
    before = manifest.data.get("made_from", made_from)
    names = [n for n in {**before, **made_from} if before.get(n) != made_from.get(n)]
    if names:
        changes = "; ".join(f"{n}: {before.get(n)} there, {made_from.get(n)} now" for n in names)
        raise ValueError(
            f"{out} holds a reward model made from something else ({changes}); give another "
            "folder with --out, or delete that one"
        )
    return bool(manifest.stage("train").get("status") == "done")
