"""Stage 4: subsets -> outcomes, tables, figures, tracked run."""

from __future__ import annotations

from pathlib import Path

from analysis.aggregate.stage import aggregate
from analysis.figures import FIGURES, save
from analysis.frames import Data, Table
from analysis.markdown import to_markdown
from analysis.tables import TABLES, make_table
from analysis.wandb_summary import curves, diversity, summary
from workbench.config.schema import Experiment
from workbench.core.console import notice, progress_bar
from workbench.run import Run
from workbench.storage.manifest import Manifest
from workbench.storage.parquet import fingerprint, read_stamps, write_atomically
from workbench.storage.run_folder import Folder
from workbench.tracking.wandb_run import Tracker

VERSION = 6
"""Raise when the tables would come out otherwise, so that finished runs are analysed again."""


def analyze(
    folder: Folder,
    manifest: Manifest,
    experiment: Experiment,
    tracker: Tracker,
    workers: int = 1,
) -> None:
    """Pick from every subset, write every table (CSV, Markdown) and figure (PNG, SVG), log them.

    Args:
        folder: the run.
        manifest: its manifest.
        experiment: its selections and the settings of the tables.
        tracker: where tables and figures are logged.
        workers: processes that pick. Results do not depend on it.

    Raises:
        ValueError: the run is not measured yet.
    """
    aggregate(folder, manifest, experiment, workers)
    run = Run(folder.root)
    names = ("subsets", "outcomes", "expectations", "scores", "under/*")
    inputs = [
        read_stamps(path)["content"]
        for name in names
        for path in sorted(folder.root.glob(f"{name}/block-*.parquet"))
    ]
    left = Data(run).left_out
    made_from = fingerprint(
        version=VERSION,
        inputs=inputs,
        analysis=vars(run.experiment.analysis),
        selection=vars(run.experiment.selection),
        signature=run.signature,
        **({"left_out": left} if left else {}),
    )
    if manifest.stage("analyze") and _complete(folder.root, manifest, made_from):
        notice("analyze: up to date")
        return
    with manifest.running("analyze", made_from):
        data = Data(run)
        if data.subsets.empty:
            raise ValueError(
                f"{folder.root} has no pool of {min(run.experiment.measure.k)} samples yet; let "
                "`workbench generate` finish, or lower measure.k"
            )
        with progress_bar("analyze", len(TABLES) + len(FIGURES), "tables") as advance:
            frames = {}
            for name in TABLES:
                table = make_table(name, data)
                _write(folder.root / "tables", name, table, run.signature)
                tracker.table(name, table.frame)
                frames[name] = table.frame
                advance(1)
            for name, draw in FIGURES.items():
                chart = draw(run)
                picture = save(chart, folder.root / "figures", name)
                tracker.figure(name, picture, chart.to_html())
                advance(1)
        scalars = {"problems": len(data.problems), **summary(frames), **diversity(data)}
        tracker.curves("k", curves(scalars, frames))
        tracker.summarize(scalars)


def _complete(root: Path, manifest: Manifest, made_from: str) -> bool:
    stage = manifest.stage("analyze")
    wanted = [root / "tables" / f"{name}.csv" for name in TABLES]
    wanted += [root / "figures" / f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")]
    done = stage.get("status") == "done" and stage.get("fingerprint") == made_from
    return done and all(path.exists() for path in wanted)


def _write(folder: Path, name: str, table: Table, signature: str) -> None:
    text = to_markdown(name, table, signature)
    write_atomically(folder / f"{name}.md", lambda part: part.write_text(text, encoding="utf-8"))
    write_atomically(folder / f"{name}.csv", lambda part: table.frame.to_csv(part, index=False))
