"""Stage 4: subsets -> outcomes, tables, figures, tracked run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.analysis.aggregate import AGGREGATORS
from workbench.analysis.aggregate.stage import aggregate, selection_settings
from workbench.analysis.doubts import doubts_of
from workbench.analysis.figures import FIGURES, save
from workbench.analysis.frames import Data, Table
from workbench.analysis.markdown import to_markdown
from workbench.analysis.tables import TABLES, make_table
from workbench.analysis.wandb_curves import curves, factor_curves, token_curves
from workbench.analysis.wandb_summary import condition_rows, diversity, summary
from workbench.config.conditions import price_of
from workbench.config.schema import experiment_to_dict
from workbench.core.console import notice, progress_bar
from workbench.core.name_table import plugin_hashes
from workbench.measure.missing_inputs import needs_embeddings
from workbench.saved_run import Run
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import fingerprint, read_stamps, write_atomically
from workbench.tracking.wandb_run import Tracker

VERSION = 10
"""Raise when the tables would come out otherwise, so that finished runs are analysed again."""


def analyze(opened: OpenRun, tracker: Tracker, workers: int = 1) -> None:
    """Pick from every subset, write every table (CSV, Markdown) and figure (PNG, SVG), log them.

    Args:
        opened: the run; the tables are made as the experiment in its folder says.
        tracker: where tables and figures are logged.
        workers: processes that pick. Results do not depend on it.

    Raises:
        ValueError: the run is not measured yet.
    """
    run, manifest = Run(opened.root), opened.manifest
    measured, selection = run.experiment.measure, run.experiment.selection
    embedded = needs_embeddings(run.experiment, AGGREGATORS)
    aggregate(opened, measured, selection, embedded, workers)
    names = ("subsets", "outcomes", "expectations", "scores", "under/*")
    inputs = [
        read_stamps(path)["content"]
        for name in names
        for path in sorted(run.root.glob(f"{name}/block-*.parquet"))
    ]
    left = Data(run).left_out
    made_from = fingerprint(
        version=VERSION,
        inputs=inputs,
        analysis=experiment_to_dict(run.experiment)["analysis"],
        selection=selection_settings(selection),
        signature=run.signature,
        **({"left_out": left} if left else {}),
        **_costs(run),
        **plugin_hashes(tables=TABLES.hashes(TABLES), figures=FIGURES.hashes(FIGURES)),
    )
    if manifest.stage("analyze") and _complete(opened, made_from):
        notice("analyze: up to date")
        manifest.check("analyze")
        return
    with manifest.running("analyze", made_from):
        data = Data(run)
        if data.subsets.empty:
            raise ValueError(
                f"{run.root} has no pool of {min(measured.k)} samples yet; let "
                "`workbench generate` finish, or lower measure.k"
            )
        with progress_bar("analyze", len(TABLES) + len(FIGURES), "tables") as advance:
            frames = {}
            for name in TABLES:
                table = make_table(name, data)
                _write(run.root / "tables", name, table, run.signature)
                tracker.table(name, table.frame)
                frames[name] = table.frame
                advance(1)
            for name, draw in FIGURES.items():
                chart = draw(run)
                picture = save(chart, run.root / "figures", name)
                tracker.figure(name, picture, chart.to_html)
                advance(1)
        if len(rows := condition_rows(frames, data.expectations)):
            tracker.table("conditions", rows)
        doubtful = "\n\n".join(map(str, doubts_of(run)))
        tracker.summarize({"doubts": doubtful or "none"})  # a run of before may have had some
        scalars = {"problems": len(data.problems), **summary(frames), **diversity(data)}
        axes = {"k": curves(scalars, frames), "tokens": token_curves(frames)}
        for axis, points in (axes | factor_curves(scalars, run.conditions)).items():
            tracker.curves(axis, points)
        tracker.summarize(scalars)


def _costs(run: Run) -> dict[str, Any]:
    """Return what of a run changes its costs and is not in its samples: model sizes and prices."""
    generation, sizes = run.experiment.generation, run.manifest.get("model_sizes")
    prices = [price_of(one, generation) for one in run.conditions]
    spelt = [None if price is None else vars(price) for price in prices]
    found = {"model_sizes": sizes} if sizes else {}
    return found | ({"prices": spelt} if any(prices) else {})


def _complete(run: OpenRun, made_from: str) -> bool:
    stage = run.manifest.stage("analyze")
    root = run.root
    wanted = [root / "tables" / f"{name}.csv" for name in TABLES]
    wanted += [root / "figures" / f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")]
    done = stage.get("status") == "done" and stage.get("fingerprint") == made_from
    return done and all(path.exists() for path in wanted)


def _write(folder: Path, name: str, table: Table, signature: str) -> None:
    text = to_markdown(name, table, signature)
    write_atomically(folder / f"{name}.md", lambda part: part.write_text(text, encoding="utf-8"))
    write_atomically(folder / f"{name}.csv", lambda part: table.frame.to_csv(part, index=False))
