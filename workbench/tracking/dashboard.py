"""The workspace and the report of a project in Weights & Biases, made from its runs.

This is the only module that imports wandb_workspaces, which takes more than a second. Only
``save_dashboard`` talks to the server; ``workspace_of`` and ``report_of`` need none.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import wandb
import wandb_workspaces.reports.v2.interface as wr
import wandb_workspaces.workspaces as ws

from workbench.config.factors import PROMPT, SAMPLING_OPTIONS
from workbench.core.conditions import MIXED
from workbench.metrics import METRICS

TABLES = ("accuracy_by_k_temperature", "correlation", "partial_correlation", "bucket", "statuses")
"""The tables in which runs stand one under another; the others are on the page of each run."""
FIGURES = ("accuracy_by_k", "coverage_curve", "outcome_by_bucket")
GROUPED_BY = ("task_name", "model", "temperatures", "N")
"""The parts of a run's configuration that its signature names, beside the factors that vary."""
ACCURACIES = ("pass", "maj", "best")
"""What diversity is compared with: any of the k is right, the vote is, or the likeliest sample."""
NEWEST = 50
"""How many runs of a project are read to find out what there is to show."""

READING = """\
Each run is one experiment; its name is its signature: task, model, temperatures, N, seed, version.
Rows of the table of runs can be grouped by any of these, which are columns of their own, and so by
each factor: min_p is 0.1 in a run that has no other, and "0,0.1" in one that compares the two.

- **pass@k**: some sample among k is right. **maj@k**: the most frequent answer is. **best@k**: the
  sample of the highest reward is. The gap between pass@k and the others is what a better selection
  could win.
- A name without a condition, such as `maj@8`, is the mean over the run's conditions, so that all
  runs have it; `maj@8/T0.7` is at one temperature, `maj@8/T1.5-min_p0.1` in one condition, and
  `maj@8/mixed` draws the k samples from all of them. Bounds of intervals are `maj@8/T0.7/low` and
  `maj@8/T0.7/high`; those of `maj@8` are `maj@8/all/low` and `maj@8/all/high`.
- Each is the exact expectation over all k-subsets. Of a selection without one there is the mean
  over the drawn subsets, such as `drawn_weighted@8`, with its sampling error in
  `drawn_weighted@8/T0.7/error`.
- `cos_sim` and `self_bleu` **fall** as answers become more diverse, the other diversities rise. A
  `dpp` compares at equal k only, and each repeated text costs it much: `dpp_no_repeats` leaves
  subsets with a repeat out.
- Points and curves are means without intervals. Before saying that one run beats another, look at
  the intervals in its tables, or run `workbench compare RUN RUN`: it is paired by problem.
"""


@dataclass(frozen=True)
class ProjectContents:
    """What the runs of a project hold that can be shown."""

    k: int
    """The largest subset size of any run."""
    selections: Sequence[str]
    metrics: Sequence[str]
    """Metrics of diversity at ``k``."""
    conditions: Sequence[str]
    """Spelt as in names, such as ``T0.7``; temperatures come first and ``mixed`` last."""
    factors: Sequence[str] = ()
    """The factors that have several levels within a run or among the runs."""


def project_contents(
    names: Collection[str], configs: Sequence[Mapping[str, Any]] = ()
) -> ProjectContents:
    """Find out what can be shown, from the names in the runs' summaries, such as ``maj@8/T0.7``.

    Bounds and errors, which have one part more, belong to these.

    Args:
        names: of all summaries.
        configs: the runs' configurations, which tell the factors.

    Raises:
        ValueError: no run has been analysed.
    """
    over_k = [found for name in names if (found := re.fullmatch(r"(.+)@(\d+)(?:/([^/]+))?", name))]
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
        [*known, *sorted(at - {*known}, key=lambda name: (name == MIXED, name))],
        _factors(configs),
    )


def _factors(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the factors of which any run has several levels, or that differ between runs."""
    found = []
    for name in (*SAMPLING_OPTIONS, PROMPT):
        levels = {str(config[name]) for config in configs if name in config}
        if len(levels) > 1 or any("," in level for level in levels):
            found.append(name)
    return found


def workspace_of(project: str, entity: str, found: ProjectContents) -> Any:
    """Return the workspace, a ``wandb_workspaces.workspaces.Workspace`` that is not saved yet."""
    panels = {
        "How to read this": [wr.MarkdownPanel(markdown=READING)],
        "Accuracy against k, a line per run": _curves(found, ["all"]),
        "Diversity against accuracy, a point per run": _points(found),
        f"Curves by {'condition' if found.factors else 'temperature'}": _curves(
            found, found.conditions
        ),
        "Tables": _tables(),
        "Figures of each run": [
            wr.MediaBrowser(title=name, media_keys=[f"{kind}/{name}"])
            for name in FIGURES
            for kind in ("charts", "figures")
        ],
    }
    sections = [
        ws.Section(name=name, panels=shown, is_open=number < 3)
        for number, (name, shown) in enumerate(panels.items())
    ]
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
    """Return the report, a ``wandb_workspaces.reports.v2.Report`` that is not saved yet."""

    def grid(panels: Sequence[Any]) -> Any:
        # without a project the set of runs is the report's; with one, the server would be asked
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
    """Save a workspace and a report of a project, and return their addresses.

    Args:
        project: its name.
        entity: the user or team that owns it; by default the user who is logged in.

    Raises:
        ValueError: nobody is logged in, the server refuses, or the project has nothing to show.
    """
    os.environ.setdefault("WANDB_SILENT", "true")
    owner = entity or "the default entity"
    try:
        api = wandb.Api(timeout=30)
        owner = str(entity or api.default_entity)
        names: set[str] = set()
        configs: list[Mapping[str, Any]] = []
        runs = api.runs(f"{owner}/{project}", order="-created_at", per_page=NEWEST, lazy=False)
        for run, _ in zip(runs, range(NEWEST), strict=False):
            names |= {*run.summary.keys()}
            configs.append(run.config)
    except wandb.errors.UsageError as fault:
        raise ValueError(
            "nobody is logged in to Weights & Biases; run `wandb login`, or set WANDB_API_KEY to "
            "the key from https://wandb.ai/authorize (and WANDB_BASE_URL for a server of your own)"
        ) from fault
    except Exception as fault:  # the kind depends on where the server is asked
        raise _refused(owner, project, fault) from fault
    found = project_contents(names, configs)
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
    """Return a panel for each selection and place: accuracy against k, with a line per run."""
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
    """Return a scatter panel for each pair of metric and accuracy, and one of all together."""
    k = found.k
    outcomes = [name for name in ACCURACIES if name in found.selections]
    names = [f"{name}@{k}" for name in (*found.metrics, *outcomes)]
    settings = (*GROUPED_BY, *found.factors)
    axes = [wr.Config(name) for name in settings] + [wr.SummaryMetric(name) for name in names]
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
    return [wr.WeavePanelSummaryTable(table_name=f"tables/{name}") for name in TABLES]


def _laid_out(panels: Sequence[Any]) -> list[Any]:
    """Place panels in a report: tables one under another, others three in a row."""
    wide = isinstance(panels[0], wr.WeavePanelSummaryTable)
    for place, panel in enumerate(panels):
        x, y = (0, 10 * place) if wide else (8 * (place % 3), 6 * (place // 3))
        panel.layout = wr.Layout(x=x, y=y, w=24 if wide else 8, h=10 if wide else 6)
    return list(panels)


def _columns(found: ProjectContents) -> list[str]:
    """Return the columns of the table of runs: settings, then the scalars at the largest k."""
    scalars = [f"{name}@{found.k}" for name in (*found.selections, *found.metrics)]
    settings = [f"config:{name}.value" for name in (*GROUPED_BY, *found.factors)]
    return ["run:displayName", *settings, *(f"summary:{name}" for name in scalars)]
