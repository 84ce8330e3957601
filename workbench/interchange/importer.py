"""``workbench import``: files of samples become the folder of a run.

The files are read twice. ``survey.py`` checks every row and learns the problems and pools, from
which the experiment is made; then ``block_writer.py`` puts the rows into blocks and writes them. So
memory holds one block of rows, and a summary of each problem and pool. Tables are moved to their
place when all of them are complete; an interrupted import starts again.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.core.console import notice
from workbench.core.plugins import as_option
from workbench.core.types import SelectionRule
from workbench.experiment import check_experiment
from workbench.generate.drawing_settings import drawing_settings
from workbench.generate.imported import is_complete, refuse_more
from workbench.interchange.block_writer import write_blocks
from workbench.interchange.chosen_checks import chosen_task
from workbench.interchange.import_summary import column_table, describe, without_model
from workbench.interchange.program_tasks import named_program_task, take_tests
from workbench.interchange.sample_files import SampleFiles
from workbench.interchange.survey import Survey, survey
from workbench.measure.missing_inputs import left_out, metric_needs, selection_needs, without
from workbench.storage.kept_plugins import keep_plugins
from workbench.storage.lock import locked
from workbench.storage.manifest import Manifest, environment
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import fingerprint
from workbench.storage.run_folder import Folder
from workbench.storage.signature import run_signature
from workbench.tasks import TASKS

VERSION = 5
"""Raise when this code makes other samples of a file: imports by older code are then made again."""


def import_file(
    source: SampleFiles,
    root: Path,
    aggregators: Mapping[str, SelectionRule],
    compare: str | None = None,
    regrade: bool = False,
    overrides: Sequence[str] = (),
    allow_empty: bool = False,
) -> str:
    """Make files of samples the run in ``root``; do nothing if it is that run already.

    Answers are compared by ``compare``, a key of ``CHECKERS``, by default one that suits the known
    answers; ``regrade`` ignores the answers and the correctness that the rows have; ``overrides``
    are settings, as ``measure.k=[2, 4]``; ``allow_empty`` takes samples of which no text holds
    anything.

    Returns:
        What was imported, in a few lines.

    Raises:
        ValueError: the file has faults, which are named by line; the folder holds something else;
            or a setting is wrong.
        OSError: a file cannot be read or written.
    """
    current = {
        "backend": "import",
        "version": VERSION,
        "file": _digest(source.files),
        "columns": dict(source.columns),
        "where": {name: list(values) for name, values in source.where.items()},
        "reward_scale": source.reward_scale,
        **named_program_task(overrides),
    }
    before = _facts_of_same_import(root, current)
    untested = regrade and before is not None and not before["golds"]
    found = survey(source) if before is None or untested else None
    if found:
        notice(column_table(found))
        _refuse_whole(source, found, allow_empty)
    facts: dict[str, Any] = found.facts() if found else dict(before or {})
    task = chosen_task(source, found, facts, compare, regrade, overrides)
    tree = _experiment(root, facts, task, regrade)
    what = f"the import of {source.name}"
    experiment = check_experiment(tree, overrides, what, aggregators=aggregators)
    if experiment.generation.backend != "import":
        raise ValueError("--set generation.backend: imported samples have the backend 'import'")
    if found and TASKS[experiment.task.name].programs:
        take_tests(found, experiment.task)
        facts |= {name: found.facts()[name] for name in ("golds", "absent", "unknown_correct")}
    refuse_more(experiment.generation, facts)
    if experiment.generation.model == "unknown" and (fault := without_model(source, facts)):
        raise ValueError(fault)
    if experiment.scoring.regrade and not facts["golds"]:
        raise ValueError(
            f"--regrade needs known answers, and {source.name} has no gold; of programs it is a "
            "task that has their tests: --set task.name=humaneval, or another"
        )
    needs = metric_needs(experiment.measure) | selection_needs(experiment.selection, aggregators)
    left = left_out(needs, facts["absent"])
    experiment = without(experiment, left)
    with locked(root):
        run = OpenRun.of(root, experiment)
        manifest = run.manifest
        made_from = fingerprint(**current)
        if found is None:
            notice(f"import: {root} is up to date")
        else:
            _facts_of_same_import(root, current)  # again, now that the folder is locked
            manifest.update(identity=current, **environment())
            with manifest.running("generate", made_from) as entry:
                facts["thoughts"] = write_blocks(run, source, found, made_from)
                if _digest(source.files) != current["file"]:
                    raise ValueError(f"{source.name} changed while it was read; import it again")
                entry["samples_imported"] = facts["samples"]
                manifest.update(imported=facts)
        files = [path.name for path in source.files]
        manifest.update(
            imported=facts | {"left_out": left, "files": files},
            drawn_with=drawing_settings(experiment.generation, experiment.task.thinking),
            signature=run_signature(experiment),
        )
        keep_plugins(root, manifest, experiment.plugins)
        run.write_experiment(experiment)
    told = describe(root, source, facts, left, experiment.scoring.regrade)
    return told + as_option(experiment.plugins)  # the last line is the next command


def _refuse_whole(source: SampleFiles, found: Survey, allow_empty: bool) -> None:
    """Raise ValueError for samples of which no run can be made as they are."""
    if found.refusals:
        raise ValueError(found.refusals[0])
    if found.empty == found.samples and not allow_empty:
        raise ValueError(
            f"all {found.samples:,} texts of {source.name} ({found.mapping.theirs['text']}) are "
            "empty: say which column has them with --column text=THEIRS, or give --allow-empty"
        )


def _digest(files: Sequence[Path]) -> str:
    """Return the SHA-256 of a file's content, or one fingerprint of several."""
    digests = []
    for path in files:
        with path.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else fingerprint(files=digests)


def _facts_of_same_import(root: Path, current: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the facts of the same import if it is complete; None if it must be made."""
    manifest = Manifest(root / "manifest.json")
    before = manifest.data.get("identity")
    finished = manifest.stage("generate").get("status") == "done"
    if before is None:
        if any((root / "samples").glob("block-*")):
            raise ValueError(f"{root} holds samples already; give another folder with --out")
        return None
    if before == current:
        held = Folder(root).blocks_with_samples()
        return manifest.data["imported"] if is_complete(manifest, held) else None
    if before.get("backend") == "import" and not finished:
        return None
    keys = {**current, **before}
    changed = ", ".join(key for key in keys if before.get(key) != current.get(key))
    kind = f"another import (its {changed} differ)"
    if before.get("backend") != "import":
        kind = "a run with its own samples"
    raise ValueError(f"{root} holds {kind}; give this one another folder with --out, or delete it")


def _experiment(
    root: Path, facts: dict[str, Any], task: dict[str, Any], regrade: bool
) -> dict[str, Any]:
    """Return the experiment of imported samples, as an experiment file has it."""
    largest, needs = facts["n"], {"given": "reward_given", "likelihood": "logprobs"}
    rewards = [name for name, need in needs.items() if need not in facts["absent"]][:1]
    return {
        "name": re.sub(r"[^\w.-]+", "-", root.resolve().name),
        "task": task,
        "generation": {
            "backend": "import",
            "model": facts["model"] or "unknown",
            "temperatures": [t for t in facts["temperatures"] if t != 0 or not facts["greedy"]],
            "conditions": facts.get("conditions", []),
            "n": largest,
            "greedy": facts["greedy"],
            **facts.get("limits", {}),
        },
        "scoring": {"rewards": rewards, "regrade": regrade},
        "measure": {"k": [2**power for power in range(1, largest.bit_length())] or [1]},
        "selection": {"reward": rewards[0] if rewards else None},
    }
