"""A project's workspace and report in Weights & Biases, made of what its runs hold.

The only module that imports wandb_workspaces, and beside ``track`` the only one to import wandb.
``workspace_of`` and ``report_of`` only build; ``save_dashboard`` alone talks to the server.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.metrics import METRICS

TABLES = ("accuracy_by_k_temperature", "correlation", "partial_correlation", "bucket", "statuses")
"""Those that are shown side by side, run under run; the others are on each run's own page."""
FIGURES = ("accuracy_by_k", "coverage_curve", "outcome_by_bucket")
GROUPED_BY = ("task_name", "model", "temperatures", "N")
"""Of a run's configuration: what its signature names."""
ACCURACIES = ("pass", "maj", "best")
"""What diversity is set against: any of the k is right, the vote is, the likeliest sample is."""
NEWEST = 50
"""Runs of a project that are looked at in order to learn what is there to be shown."""

READING = """\
Each run is one experiment; its name is its signature: task, model, temperatures, N, seed, version.
Rows of the table of runs can be grouped by any of these, which are columns of their own.

- **pass@k**: some sample among k is right. **maj@k**: the most frequent answer is. **best@k**: the
  sample of the highest reward is. The gap between pass@k and the others is what a better selection
  could win.
- A name without a temperature, such as `maj@8`, is the mean over the run's temperatures, so that
  all runs have it; `maj@8/T0.7` is at one, `maj@8/mixed` draws the k samples from all of them.
- `cos_sim` and `self_bleu` **fall** as answers become more diverse, the other diversities rise. A
  `dpp` compares at equal k only, and each repeated text costs it much: `dpp_no_repeats` leaves
  subsets with a repeat out.
- Points and curves are means without intervals. Before saying that one run beats another, look at
  the intervals in its tables, or run `workbench compare RUN RUN`: it is paired by problem.
"""


@dataclass(frozen=True)
class ProjectContents:
    """What the runs of a project hold."""

    k: int
    """The largest subset size that any of them has."""
    selections: Sequence[str]
    metrics: Sequence[str]
    """Metrics of diversity at ``k``."""
    temperatures: Sequence[str]
    """As they are spelt in names, such as ``T0.7``; ``mixed`` last."""


def project_contents(names: Collection[str]) -> ProjectContents:
    """Read off the scalars of runs what can be shown of them.

    Args:
        names: of the runs' summaries, such as ``maj@8``, ``cos_sim@8`` and ``maj@8/T0.7``.

    Raises:
        ValueError: no run has been analysed.
    """
    over_k = [found for name in names if (found := re.fullmatch(r"(.+)@(\d+)(?:/(.+))?", name))]
    sizes = [int(found[2]) for found in over_k if not found[3]]
    if not sizes:
        raise ValueError(
            "none of the project's runs has been analysed yet, so there is nothing to show; finish "
            "one with `workbench run EXPERIMENT`, or `wandb sync` a run that was tracked offline"
        )
    there = {found[1] for found in over_k if not found[3] and int(found[2]) == max(sizes)}
    order = [*METRICS, *(f"{name}_no_repeats" for name in METRICS)]
    selections = sorted(there - {*order, *ACCURACIES})
    at = {found[3] for found in over_k if found[3]}
    known = sorted((one for one in at if re.fullmatch(r"T[\d.]+", one)), key=lambda t: float(t[1:]))
    return ProjectContents(
        max(sizes),
        [*(name for name in ACCURACIES if name in there), *selections],
        [name for name in order if name in there],
        [*known, *sorted(at - {*known})],
    )


def workspace_of(project: str, entity: str, found: ProjectContents) -> Any:
    """Return the workspace (``wandb_workspaces.workspaces.Workspace``), not saved."""
    import wandb_workspaces.reports.v2.interface as wr
    import wandb_workspaces.workspaces as ws

    sections = [
        ws.Section(name="How to read this", panels=[wr.MarkdownPanel(markdown=READING)]),
        ws.Section(name="Accuracy against k, a line per run", panels=_curves(found, ["all"])),
        ws.Section(name="Diversity against accuracy, a point per run", panels=_points(found)),
        ws.Section(name="Curves by temperature", panels=_curves(found, found.temperatures)),
        ws.Section(name="Tables", panels=_tables()),
        ws.Section(name="Figures of each run", panels=_figures()),
    ]
    for section in sections[:3]:
        section.is_open = True
    return ws.Workspace(
        entity=entity,
        project=project,
        name="Diversity and accuracy",
        auto_generate_panels=False,
        sections=sections,
        settings=ws.WorkspaceSettings(max_runs=50),
        runset_settings=ws.RunsetSettings(pinned_columns=_columns(found)),
    )


def report_of(project: str, entity: str, found: ProjectContents) -> Any:
    """Return the report (``wandb_workspaces.reports.v2.Report``), not saved."""
    import wandb_workspaces.reports.v2.interface as wr

    def grid(panels: Sequence[Any]) -> Any:
        # a set of runs without a project is that of the report; naming one would ask the server
        runs = wr.Runset(name="Runs", pinned_columns=_columns(found))
        return wr.PanelGrid(runsets=[runs], panels=_laid_out(panels))

    return wr.Report(
        entity=entity,
        project=project,
        title="Does diversity buy accuracy",
        description=f"All runs of {project}, up to k = {found.k} samples",
        blocks=[
            wr.MarkdownBlock(READING),
            wr.H2("Accuracy against k"),
            grid(_curves(found, ["all"])),
            wr.H2(f"Diversity against accuracy at k = {found.k}"),
            wr.P("A point per run. Colour the runs by temperatures or model in the run set below."),
            grid(_points(found)),
            wr.H2("Tables"),
            wr.P("The rows of every selected run; intervals are 95 % ones, the problem as unit."),
            grid(_tables()),
        ],
        width="fluid",
    )


def save_dashboard(project: str, entity: str | None) -> list[str]:
    """Save a workspace and a report of a project.

    Args:
        project: its name.
        entity: whose it is, a user or a team; by default the one who is logged in.

    Returns:
        The addresses of both.

    Raises:
        ValueError: nobody is logged in, the server refuses, or the project has nothing to show.
    """
    os.environ.setdefault("WANDB_SILENT", "true")
    import wandb

    owner = entity or "the default entity"
    try:
        api = wandb.Api(timeout=30)
        owner = str(entity or api.default_entity)
        names: set[str] = set()
        runs = api.runs(f"{owner}/{project}", order="-created_at", per_page=NEWEST, lazy=False)
        for run, _ in zip(runs, range(NEWEST), strict=False):
            names |= {*run.summary.keys()}
    except wandb.errors.UsageError as fault:
        raise ValueError(
            "nobody is logged in to Weights & Biases; run `wandb login`, or set WANDB_API_KEY to "
            "the key from https://wandb.ai/authorize (and WANDB_BASE_URL for a server of your own)"
        ) from fault
    except Exception as fault:  # of many kinds, by where the server is asked
        raise _refused(owner, project, fault) from fault
    found = project_contents(names)
    try:
        workspace = workspace_of(project, owner, found).save()
        report = report_of(project, owner, found).save()
    except Exception as fault:
        raise _refused(owner, project, fault) from fault
    return [str(workspace.url), str(report.url)]


def _refused(owner: str, project: str, fault: Exception) -> ValueError:
    why = (str(fault).strip().splitlines() or [type(fault).__name__])[0]
    return ValueError(
        f"W&B did not give or take what belongs to {owner}/{project}: {why}; check the names of "
        "project and entity, and that the key may write there"
    )


def _curves(found: ProjectContents, places: Sequence[str]) -> list[Any]:
    """Return a panel for each selection and place: its accuracy against k, a line per run."""
    import wandb_workspaces.reports.v2.interface as wr

    return [
        wr.LinePlot(
            title=f"{name}@k" if place == "all" else f"{name}@k, {place}",
            x="k",
            y=[f"curve/{place}/{name}@k"],
            log_x=True,
            title_x="k, samples in the subset",
            title_y="share of problems right",
            max_runs_to_show=50,
        )
        for place in places
        for name in found.selections
    ]


def _points(found: ProjectContents) -> list[Any]:
    """Return scatter panels of each metric against accuracies, and all side by side."""
    import wandb_workspaces.reports.v2.interface as wr

    k = found.k
    outcomes = [name for name in ACCURACIES if name in found.selections]
    names = [f"{name}@{k}" for name in (*found.metrics, *outcomes)]
    axes = [wr.Config(name) for name in GROUPED_BY] + [wr.SummaryMetric(name) for name in names]
    scatter = [
        wr.ScatterPlot(
            title=f"{outcome}@{k} against {metric}@{k}",
            x=wr.SummaryMetric(f"{metric}@{k}"),
            y=wr.SummaryMetric(f"{outcome}@{k}"),
        )
        for metric in found.metrics
        for outcome in outcomes
    ]
    together = wr.ParallelCoordinatesPlot(
        title=f"Settings, diversity and accuracy at k = {k}",
        columns=[wr.ParallelCoordinatesPlotColumn(metric=axis) for axis in axes],
    )
    return [*scatter, together]


def _tables() -> list[Any]:
    import wandb_workspaces.reports.v2.interface as wr

    return [wr.WeavePanelSummaryTable(table_name=f"tables/{name}") for name in TABLES]


def _figures() -> list[Any]:
    import wandb_workspaces.reports.v2.interface as wr

    return [
        wr.MediaBrowser(title=name, media_keys=[f"{kind}/{name}"])
        for name in FIGURES
        for kind in ("charts", "figures")
    ]


def _laid_out(panels: Sequence[Any]) -> list[Any]:
    """Place panels in a report: tables one under another, others three to a row."""
    import wandb_workspaces.reports.v2.interface as wr

    wide = isinstance(panels[0], wr.WeavePanelSummaryTable)
    for place, panel in enumerate(panels):
        x, y = (0, 10 * place) if wide else (8 * (place % 3), 6 * (place // 3))
        panel.layout = wr.Layout(x=x, y=y, w=24 if wide else 8, h=10 if wide else 6)
    return list(panels)


def _columns(found: ProjectContents) -> list[str]:
    """Return the columns of the table of runs: settings, then the scalars at the largest k."""
    scalars = [f"{name}@{found.k}" for name in (*found.selections, *found.metrics)]
    settings = [f"config:{name}.value" for name in GROUPED_BY]
    return ["run:displayName", *settings, *(f"summary:{name}" for name in scalars)]
