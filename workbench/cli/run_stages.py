"""A run from the outside: its folder, its lock, and the stages one after another."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

from analysis.aggregate.aggregator import Aggregator
from workbench.config.schema import Experiment, experiment_to_dict
from workbench.generate import BACKENDS, resolve
from workbench.generate.drawing_settings import differences, drawing_settings
from workbench.generate.stage import generate
from workbench.measure.missing_inputs import needs_embeddings
from workbench.measure.stage import measure
from workbench.models.locate import check_encoder, check_model
from workbench.rewards import outcome_model as orm
from workbench.rewards import second_model as under
from workbench.score.stage import score
from workbench.storage.lock import locked
from workbench.storage.manifest import Manifest
from workbench.storage.run_folder import Folder
from workbench.storage.signature import facts, sign
from workbench.tracking.artifacts import bundles
from workbench.tracking.wandb_run import Tracker, Untracked, open_tracker

STAGES = ("generate", "score", "measure", "analyze")

Analyze = Callable[[Folder, Manifest, Tracker], None]


class Stopped(BaseException):
    """A request to stop: Ctrl-C or SIGTERM. Not an error, so nothing takes it for one."""

    def __init__(self, signum: int) -> None:
        """Remember which signal it was, for the exit code."""
        super().__init__(signum)
        self.signum = signum


@dataclass(frozen=True)
class Stages:
    """What ``analysis`` gives the stages; the command line hands it over."""

    aggregators: Mapping[str, Aggregator]
    analyze: Analyze


def run_stages(
    names: tuple[str, ...],
    root: Path,
    experiment: Experiment,
    given: Stages,
    workers: int | None = None,
) -> tuple[Folder, Tracker]:
    """Run stages of an experiment in a folder.

    Args:
        names: which of ``STAGES``, in order.
        root: the run's folder; made if it is not there.
        experiment: what to do.
        given: the selections and the last stage.
        workers: processes that compare answers and that measure; by default one for each core
            compares and one measures. Results do not depend on it.

    Returns:
        The folder and the closed tracker (untracked unless the last stage is among ``names``).

    Raises:
        ValueError: a stage refuses, or another process is working on the folder.
        OSError: the folder cannot be written.
    """
    folder = Folder(root)
    check_models(experiment, given.aggregators, names, fetch=True)
    with locked(root):
        manifest = Manifest(folder.manifest)
        if "generate" not in names:
            _same_samples(folder, manifest, experiment)
        tracker: Tracker = Untracked()
        if "analyze" in names:
            config = experiment_to_dict(experiment) | facts(experiment)
            name = str(manifest.data.get("signature") or sign(experiment))
            tracker = open_tracker(experiment.tracking, root, name, config)
        try:
            for name in names:
                before = manifest.stage(name)
                if name == "generate":
                    generate(folder, manifest, experiment, tracker.log)
                folder.write_experiment(experiment)
                manifest.update(experiment=experiment_to_dict(experiment))
                if name == "score":
                    score(folder, manifest, experiment, given.aggregators, workers)
                elif name == "measure":
                    measure(folder, manifest, experiment, given.aggregators, workers or 1)
                elif name == "analyze":
                    given.analyze(folder, manifest, tracker)
                went = manifest.stage(name)
                if went != before:
                    tracker.log({f"stage/{name}/{k}": v for k, v in went.items() if _is_number(v)})
                    if name == "analyze":
                        tracker.artifacts(bundles(root, experiment.name, manifest.data))
        finally:
            tracker.finish()
        if tracker.place:
            manifest.update(tracked=tracker.place)
    return folder, tracker


def check_models(
    experiment: Experiment,
    aggregators: Mapping[str, Aggregator],
    stages: tuple[str, ...] = STAGES,
    *,
    fetch: bool = False,
) -> None:
    """Look for the models that stages of an experiment will need, without loading them.

    Those of the scoring are looked for before the samples are drawn, not hours later.

    Args:
        experiment: what is to be done.
        aggregators: the selections there are.
        stages: which of them are to run.
        fetch: ask the hub for what is needed in order to tell; else no network is asked.

    Raises:
        ValueError: some are not to be found, or the reward model cannot say ``+`` and ``-``; the
            message says what there is.
    """
    faults = []
    checks: list[tuple[str, Callable[[], None]]] = []
    if "generate" in stages and BACKENDS[resolve(experiment.generation.backend)].local_model:
        name = experiment.generation.model
        checks.append(("generation.model", partial(check_model, name)))
    if {"generate", "score"} & {*stages}:
        if experiment.embedding.source == "text" and needs_embeddings(experiment, aggregators):
            name = experiment.embedding.model
            checks.append(("embedding.model", partial(check_encoder, name)))
        judge = experiment.scoring.orm
        if "orm" in experiment.scoring.rewards and judge is not None:
            checks.append(("scoring.orm.backend", partial(orm.check_engine, judge.backend)))
            checks.append(("scoring.orm.model", partial(orm.check_judge, judge.model, fetch)))
        if judge is not None and judge.encodings:
            checks.append(("scoring.orm.encodings", partial(orm.check_engine, "transformers")))
            checks.append(("scoring.orm.model", partial(orm.check_judge, judge.model, fetch)))
        chat = experiment.task.prompt == "chat"
        for name, second in experiment.scoring.models.items():
            key = f"scoring.models.{name}"
            checks.append((f"{key}.backend", partial(under.check_engine, name, second.backend)))
            checks.append((f"{key}.model", partial(under.check_model, second.model, chat, fetch)))
    for key, check in checks:
        try:
            check()
        except ValueError as fault:
            faults.append(f"{key}: {fault}")
    if faults:
        raise ValueError("\n".join(faults))


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Turn SIGINT and SIGTERM into ``Stopped``, so that open files are closed on the way out."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise Stopped(signum)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _same_samples(folder: Folder, manifest: Manifest, experiment: Experiment) -> None:
    """Refuse to score, measure or analyse samples under settings they were not drawn with."""
    if not folder.experiment.exists():
        raise ValueError(f"{folder.root} holds no samples; run `workbench generate` first")
    drawn = manifest.data.get("drawn_with", {})
    now = drawing_settings(experiment)
    if drawn and drawn != now:
        raise ValueError(differences(folder.root, drawn, now))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
