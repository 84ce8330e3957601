"""A run from the outside: its folder, its lock, and the stages one after another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.analysis.aggregate import AGGREGATORS
from workbench.cli.check_models import check_models
from workbench.config.schema import Experiment, experiment_to_dict
from workbench.generate.drawing_progress import say_how_it_went
from workbench.generate.drawing_settings import drawing_settings, refuse_other_settings
from workbench.generate.identity import refuse_other_conditions
from workbench.generate.stage import generate
from workbench.measure.missing_inputs import lost_without_logprobs, needs_embeddings
from workbench.measure.stage import measure
from workbench.score.reference_solutions import check_solutions
from workbench.score.stage import score
from workbench.storage.kept_plugins import keep_plugins
from workbench.storage.lock import locked
from workbench.storage.open_run import OpenRun
from workbench.storage.signature import run_signature, signature_parts
from workbench.tracking.artifacts import run_artifacts
from workbench.tracking.open_tracker import open_tracker
from workbench.tracking.wandb_run import Tracker


def run_stages(
    names: tuple[str, ...],
    root: Path,
    experiment: Experiment,
    workers: int | None = None,
    *,
    redraw_errors: bool = False,
    overrides: Sequence[str] | None = None,
) -> tuple[OpenRun, Tracker]:
    """Run some of ``STAGES``, in order, in a run's folder, which is made if it is not there.

    Workers are processes that compare answers, measure and pick; by default one for each core
    compares, and one does the rest. Results do not depend on how many there are. Samples that
    could not be drawn are drawn again with ``redraw_errors``. The ``overrides`` that made the
    experiment of its file are kept, to be told of.

    Returns:
        The run and the closed tracker (untracked unless the last stage is among ``names``).

    Raises:
        ValueError: a stage refuses, no sample could be drawn, or another process is working on
            the folder.
        OSError: the folder cannot be written.
    """
    check_models(experiment, names, fetch=True)
    with locked(root):
        run = OpenRun.of(root, experiment)
        manifest = run.manifest
        if "generate" not in names:
            _same_samples(run)
        keep_plugins(root, manifest, experiment.plugins)
        if "generate" in names and not run.imported:
            check_solutions(run.task, experiment.scoring, run.read_problems())
        tracker = Tracker()
        if "analyze" in names:
            config = experiment_to_dict(experiment) | signature_parts(experiment)
            drawn = "generate" in names  # then the manifest's signature is that of before
            known = "" if drawn else manifest.data.get("signature")
            signature = str(known or run_signature(experiment))
            tracker = open_tracker(experiment.tracking, manifest, signature, config)
        try:
            for name in names:
                before = manifest.stage(name)
                if name == "generate":
                    generate(
                        run,
                        experiment,
                        tracker.log,
                        redraw_errors=redraw_errors,
                        without_logprobs=lost_without_logprobs(experiment, AGGREGATORS),
                    )
                    tracker.rename(manifest.data["signature"])
                    went = manifest.stage(name)
                    if went.get("errors") and went["errors"] == went.get("samples"):
                        say_how_it_went(manifest, 1.0)  # there is nothing for later stages
                    if overrides is not None:
                        manifest.update(overrides=[*overrides])
                run.write_experiment(experiment)
                manifest.update(experiment=experiment_to_dict(experiment))
                if name == "score":
                    score(
                        run,
                        experiment.scoring,
                        experiment.embedding,
                        with_embeddings=needs_embeddings(experiment, AGGREGATORS),
                        seed=experiment.measure.seed,
                        text=experiment.measure.text,
                        workers=workers,
                    )
                elif name == "measure":
                    measure(run, experiment.measure, workers or 1)
                elif name == "analyze":
                    # here, as it takes a second, which other stages are spared
                    from workbench.analysis.report import analyze

                    analyze(run, tracker, workers or 1)
                went = manifest.stage(name)
                if went != before:
                    tracker.log({f"stage/{name}/{k}": v for k, v in went.items() if _is_number(v)})
                    if name == "analyze":
                        tracker.log_artifacts(run_artifacts(root, experiment.name, manifest.data))
        finally:
            tracker.finish()
        if tracker.place:
            manifest.update(tracked=tracker.place)
    return run, tracker


def _same_samples(run: OpenRun) -> None:
    """Refuse to score, measure or analyse samples under settings they were not drawn with."""
    if not run.experiment_path.exists():
        raise ValueError(f"{run.root} holds no samples; run `workbench generate` first")
    if drawn := run.manifest.data.get("drawn_with", {}):
        now = drawing_settings(run.generation, run.task.thinking)
        refuse_other_settings(run.root, drawn, now)
        refuse_other_conditions(run)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
