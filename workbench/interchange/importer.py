"""``workbench import``: files of samples become the folder of a run.

They are read twice: once to check every row and learn the problems and pools, and once to put
the rows into blocks, which wait on the disk until they are written one by one. So memory is bounded
by a block and by what there is to know of each problem and pool. Everything is made in a folder
beside the run's tables and moved there at the end; an import that was cut short is made again.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa

from workbench.config.schema import Measure, Selection
from workbench.core.console import notice, progress_bar
from workbench.core.selection_rule import SelectionRule
from workbench.core.types import Known
from workbench.experiment import check_experiment
from workbench.generate.drawing_settings import drawing_settings
from workbench.generate.imported import refuse_more, whole
from workbench.interchange.readers.record import Place
from workbench.interchange.row import COLUMNS, Row
from workbench.interchange.source import Reading, Source
from workbench.interchange.survey import Survey, describe, survey
from workbench.measure.missing_inputs import left_out, metric_needs, selection_needs, without
from workbench.storage.lock import locked
from workbench.storage.manifest import Manifest, environment
from workbench.storage.parquet import KEY, SAMPLES, fingerprint, write_table
from workbench.storage.run_folder import Folder, block_size
from workbench.storage.signature import run_signature

VERSION = 2
"""Raise when this code makes other samples of a file, so that an import is not up to date."""
BUFFERED_ROWS = 8192
"""Rows held in memory on their way to the blocks' waiting files."""
PART = "import.part"


def import_file(
    source: Source,
    root: Path,
    *,
    compare: str = "math",
    regrade: bool = False,
    overrides: Sequence[str] = (),
    aggregators: Mapping[str, SelectionRule],
) -> str:
    """Make a file of samples the run in ``root``; does nothing if it is that already.

    Args:
        source: the file and how it is read.
        root: the run's folder.
        compare: how answers are compared, a key of ``CHECKERS``.
        regrade: whether the answers and the correctness that rows come with are to be put aside.
        overrides: settings of the experiment, as ``measure.k=[2, 4]``.
        aggregators: the selection rules by name.

    Returns:
        What there is, in a few lines.

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
    }
    held = _held(root, current)
    found = survey(source) if held is None else None
    facts: dict[str, Any] = found.facts() if found else dict(held or {})
    tree = _experiment(root, facts, compare, regrade)
    what = f"the import of {source.name}"
    experiment = check_experiment(tree, overrides, what, aggregators=aggregators)
    if experiment.generation.backend != "import":
        raise ValueError("--set generation.backend: imported samples have the backend 'import'")
    refuse_more(experiment, facts)
    if experiment.scoring.regrade and not facts["golds"]:
        raise ValueError(f"--regrade needs known answers, and {source.name} has no gold")
    needs = metric_needs(experiment) | selection_needs(experiment, aggregators)
    left = left_out(needs, facts["absent"])
    experiment = without(experiment, left)
    with locked(root):
        folder, manifest = Folder(root), Manifest(root / "manifest.json")
        made_from = fingerprint(**current)
        if found is None:
            notice(f"import: {root} is up to date")
        else:
            _held(root, current)  # again, now that nobody else can change it
            manifest.update(identity=current, **environment())
            with manifest.running("generate", made_from) as entry:
                _write(folder, manifest, source, found, made_from)
                if _digest(source.files) != current["file"]:
                    raise ValueError(f"{source.name} changed while it was read; import it again")
                entry["samples_imported"] = facts["samples"]
                manifest.update(imported=facts)
        files = [path.name for path in source.files]
        manifest.update(imported=facts | {"left_out": left, "files": files})
        manifest.update(
            drawn_with=drawing_settings(experiment), signature=run_signature(experiment)
        )
        folder.write_experiment(experiment)
    return describe(root, source, facts, left, regrade=experiment.scoring.regrade)


def _digest(files: Sequence[Path]) -> str:
    digests = []
    for path in files:
        with path.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else fingerprint(files=digests)


def _held(root: Path, current: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what is known of the same import if it is there whole; None if it is to be made.

    Raises:
        ValueError: the folder holds another run.
    """
    manifest = Manifest(root / "manifest.json")
    before = manifest.data.get("identity")
    finished = manifest.stage("generate").get("status") == "done"
    if before is None:
        if any((root / "samples").glob("block-*")):
            raise ValueError(f"{root} holds samples already; give another folder with --out")
        return None
    if before == current:
        return manifest.data["imported"] if whole(Folder(root), manifest) else None
    if before.get("backend") == "import" and not finished:
        return None
    kind = "another import" if before.get("backend") == "import" else "a run with its own samples"
    changed = [key for key in current if before.get(key) != current[key]]
    what = f" (its {', '.join(changed)} differ)" if "import" in kind else ""
    raise ValueError(
        f"{root} holds {kind}{what}; give this one another folder with --out, or delete it"
    )


def _experiment(
    root: Path, facts: Mapping[str, Any], compare: str, regrade: bool
) -> dict[str, Any]:
    """Return the experiment that imported samples are analysed by, as an experiment file has it."""
    largest = facts["n"]
    rewards = [
        name
        for name, need in (("given", "reward_given"), ("likelihood", "logprobs"))
        if need not in facts["absent"]
    ][:1]
    return {
        "name": re.sub(r"[^\w.-]+", "-", root.resolve().name),
        "task": {"name": "jsonl", "options": {"compare": compare}},
        "generation": {
            "backend": "import",
            "model": facts["model"] or "unknown",
            "temperatures": [t for t in facts["temperatures"] if t != 0 or not facts["greedy"]],
            "n": largest,
            "greedy": facts["greedy"],
        },
        "scoring": {"rewards": rewards, "regrade": regrade},
        "measure": {
            "k": [2**power for power in range(1, largest.bit_length())] or [1],
            "metrics": list(Measure().metrics),
        },
        "selection": {
            "aggregators": list(Selection().aggregators),
            "reward": rewards[0] if rewards else None,
        },
    }


def _write(
    folder: Folder, manifest: Manifest, source: Source, found: Survey, made_from: str
) -> None:
    """Write the samples, what they came with, and the problems; in place only when all is whole."""
    for name in (PART, "samples", "given"):
        shutil.rmtree(folder.root / name, ignore_errors=True)
    (folder.root / "problems.jsonl").unlink(missing_ok=True)
    part = Folder(folder.root / PART)
    part.root.mkdir(parents=True)
    per_problem = -(-found.samples // len(found.problems))
    size = manifest.data.get("problems_per_block") or block_size(per_problem)
    manifest.update(problems_per_block=size)
    try:
        known = list(found.known())
        part.write_problems(known)
        count = -(-len(known) // size)
        _spread(source, found, part.root, size)
        with progress_bar("import", count, "blocks") as advance:
            for block in range(count):
                rows = _in_order(_waiting(part.root, block), found, source)
                samples = _samples(rows, found, known)
                write_table(part.next_part(block), samples, made_from)
                given = _given(rows, samples, found)
                write_table(part.block_path("given", block), given, made_from)
                advance(1)
        for name in ("given", "samples", "problems.jsonl"):
            if (part.root / name).exists():
                (part.root / name).replace(folder.root / name)
    finally:
        shutil.rmtree(part.root, ignore_errors=True)


def _spread(source: Source, found: Survey, home: Path, size: int) -> None:
    """Put every row into the waiting file of its block."""
    waiting: dict[int, list[str]] = {}
    buffered = 0
    for at, row in Reading(source).rows():
        if row.problem_id not in found.problems:
            raise ValueError(f"{source.name} changed while it was read; import it again")
        place = found.problems[row.problem_id].place
        fields = {name: value for name in COLUMNS if (value := getattr(row, name)) is not None}
        fields.pop("problem", None)
        waiting.setdefault(place // size, []).append(json.dumps([place, at, fields]) + "\n")
        buffered += 1
        if buffered == BUFFERED_ROWS:
            _flush(waiting, home)
            buffered = 0
    _flush(waiting, home)


def _flush(waiting: dict[int, list[str]], home: Path) -> None:
    for block, lines in waiting.items():
        with (home / f"rows-{block}").open("a", encoding="utf-8") as file:
            file.writelines(lines)
    waiting.clear()


def _waiting(home: Path, block: int) -> list[tuple[int, Place, Row]]:
    """Return the rows of a block, as (problem's place, place of the row, row)."""
    path = home / f"rows-{block}"
    with path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    path.unlink()
    return [(place, Place(*at), Row(**fields)) for place, at, fields in rows]


def _in_order(
    rows: list[tuple[int, Place, Row]], found: Survey, source: Source
) -> list[tuple[int, Row]]:
    """Return (index in the pool, row) in order of problem, temperature and index.

    Raises:
        ValueError: two rows have the same problem, temperature and sample_index.
    """
    rank = {temperature: place for place, temperature in enumerate(found.temperatures)}
    keyed = sorted(
        (
            place,
            rank[row.temperature],
            at.number if row.sample_index is None else row.sample_index,
            at,
        )
        for place, at, row in rows
    )
    row_at = {at: row for _, at, row in rows}
    twice = [(a, b) for a, b in pairwise(keyed) if a[:3] == b[:3]]
    if twice:
        reading = Reading(source)
        for first, second in twice:
            row = row_at[second[3]]
            reading.fault(
                second[3],
                f"sample {row.sample_index} of {row.problem_id!r} at temperature "
                f"{'null' if row.temperature is None else format(row.temperature, 'g')} is also at "
                f"{first[3].label}; keep one of them, or leave out sample_index",
            )
        reading.check(len(rows))
    counts: Counter[tuple[int, int]] = Counter()
    ordered = []
    for place, temperature, _, at in keyed:
        ordered.append((counts[place, temperature], row_at[at]))
        counts[place, temperature] += 1
    return ordered


def _samples(rows: Sequence[tuple[int, Row]], found: Survey, known: Sequence[Known]) -> pa.Table:
    """Return rows as the table of samples; what a file does not say is null."""
    columns: dict[str, list[Any]] = {name: [] for name in SAMPLES.names}
    for index, row in rows:
        tokens, total, mean = row.likelihood()
        values = {
            "problem_id": row.problem_id,
            "temperature": row.temperature,
            "sample_index": index,
            "completion": row.text,
            "stop_reason": row.stop_reason,
            "num_output_tokens": tokens,
            "output_token_ids": [],
            "token_logprobs": row.token_logprobs or [],
            "cumulative_logprob": total,
            "mean_logprob": mean,
            "prompt_hash": known[found.problems[row.problem_id].place].prompt_hash,
            "error": row.error or "",
            "mean_entropy": row.mean_entropy,
            "token_entropies": [],
            "missing_mass": [],
        }
        for name, column in columns.items():
            column.append(values.get(name))
    return pa.table(columns, schema=SAMPLES)


def _given(rows: Sequence[tuple[int, Row]], samples: pa.Table, found: Survey) -> pa.Table:
    """Return what the rows came with: those of answer, correctness and reward that the file has."""
    columns = {
        "answer": ("answer", pa.string()),
        "is_correct": ("correct", pa.bool_()),
        "reward": ("reward", pa.float64()),
    }
    table = samples.select(KEY)
    for name, (column, kind) in columns.items():
        if found.having[column]:
            values = pa.array([getattr(row, column) for _, row in rows], kind)
            table = table.append_column(name, values)
    return table
