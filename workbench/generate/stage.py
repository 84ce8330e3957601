"""Stage 1: problems -> samples. Only samples that the run folder lacks are drawn.

A sample is on disk (in its block's journal) as soon as the backend hands it over. When a block is
complete its journal is compacted into a Parquet file. A sample on disk is never drawn again or
changed; only an error row gives way, on request, to what is drawn in its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from workbench.config.schema import Experiment, Generation, TaskSettings, Thinking
from workbench.core.console import notice, progress_bar
from workbench.core.name_table import plugin_hashes
from workbench.core.table_text import spell_temperature
from workbench.core.types import Known, Problem, Prompt, Request, Sample
from workbench.generate import BACKENDS, Sampler, engine_versions, imported, resolve
from workbench.generate.drawing_progress import DrawingProgress
from workbench.generate.drawing_settings import (
    DEFAULT,
    drawing_settings,
    refuse_other_settings,
    sample_seed,
)
from workbench.generate.first_prompt import as_the_model_gets_it
from workbench.generate.held_samples import HeldSamples, describe
from workbench.models import locate
from workbench.storage.journal import Journal, read_journal
from workbench.storage.manifest import environment
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import (
    KEY,
    fingerprint,
    read_table,
    sample_rows,
    with_thoughts_if_any,
    write_table,
)
from workbench.storage.run_folder import block_size
from workbench.storage.signature import run_signature
from workbench.tasks import TASKS
from workbench.tasks.prompts import build_prompts, prompt_hash


@dataclass(frozen=True)
class PromptedProblem:
    """A problem of this experiment with its prompt."""

    problem: Problem
    prompt: Prompt
    prompt_hash: str


def prompted_problems(settings: TaskSettings) -> list[PromptedProblem]:
    """Load a task's problems and build their prompts.

    Raises:
        ValueError: the problems cannot be read, or a prompt cannot be built; one fault a line.
    """
    task = TASKS[settings.name]
    problems = task.problems(settings)
    try:
        prompts = build_prompts(problems, task, settings)
    except ValueError as fault:
        lines = str(fault).splitlines()
        raise ValueError("\n".join(f"task.{line}" for line in lines)) from fault
    asked = zip(problems, prompts, strict=True)
    return [PromptedProblem(problem, prompt, prompt_hash(prompt)) for problem, prompt in asked]


def identity(settings: Generation, thinking: Thinking = DEFAULT) -> dict[str, Any]:
    """Return everything that can change a sample, except the prompts.

    The manifest keeps it, and the fingerprint of the stage is a hash of it: samples are added to a
    run only under the same identity.
    """
    backend = resolve(settings.backend)
    row = BACKENDS[backend]
    model = settings.model
    found = {
        **drawing_settings(settings, thinking),
        "backend": backend,
        "engine_versions": {} if row.probe else engine_versions(backend),
        "logprobs_kind": row.logprobs_kind,
        "model": locate.model_hash(locate.resolve_model(model)) if row.local_model else model,
    }
    if files := row.hash_files(settings.engine) if row.hash_files else {}:
        found["engine_files"] = files
    if settings.logprobs:
        found["entropies"] = row.entropies
    return found | plugin_hashes(backend=BACKENDS.hashes([backend]))


def server_facts(settings: Generation, recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run's server said when it was last asked, of the recorded identity."""
    if BACKENDS[resolve(settings.backend)].probe is None:
        return {}
    return {key: recorded[key] for key in ("logprobs_kind", "server") if key in recorded}


def generate(
    run: OpenRun,
    experiment: Experiment,
    log: Callable[[Mapping[str, Any]], None] = lambda values: None,
    *,
    redraw_errors: bool = False,
    without_logprobs: str = "",
) -> None:
    """Draw every sample that the experiment asks for and the folder does not hold.

    Args:
        run: the run.
        experiment: what to draw; it is written into the folder.
        log: called with the progress of drawing, about twenty times.
        redraw_errors: whether to draw the samples again that are error rows.
        without_logprobs: what of the experiment is left out where a server tells none, in words.

    Raises:
        ValueError: the folder holds samples of another experiment, the model gives NaN
            log-probabilities, or the backend refuses its settings. Finished samples are kept.
    """
    if run.imported:
        return imported.check(run)
    manifest, settings, sizes = run.manifest, run.generation, run.pool_sizes.values()
    asked = prompted_problems(run.task)
    recorded = manifest.data.get("identity", {})
    current = identity(settings, run.task.thinking) | server_facts(settings, recorded)
    held = HeldSamples()
    for block in run.blocks_with_samples():
        held.add(run.read_samples(block))  # of all columns: damage is found now and not in hours
    more = held.beyond([item.problem.id for item in asked], run.pool_sizes)
    known = _merge_problems(run, asked, current)
    size = manifest.data.get("problems_per_block") or block_size(sum(sizes))
    block_of = {item.problem.id: number // size for number, item in enumerate(known)}
    wanted: dict[int, list[PromptedProblem]] = {}
    for item in asked:
        wanted.setdefault(block_of[item.problem.id], []).append(item)
    missing, failed = {}, 0
    for block, items in wanted.items():
        states = [state for *_, state in _states(run, block, items)]
        missing[block] = states.count("missing") + redraw_errors * states.count("error")
        failed += 0 if redraw_errors else states.count("error")
    total = len(asked) * sum(sizes)
    left = sum(missing.values())
    backend = BACKENDS[resolve(settings.backend)]
    sampler = backend.sample
    if left and backend.probe is not None:  # a server is asked only where it has to draw
        probed = backend.probe(settings, asked[0].prompt, without_logprobs)
        current, sampler = {**current, **probed.facts}, probed.sample
        _refuse_other_identity(run, current)

    drawn_with = drawing_settings(settings, run.task.thinking)
    manifest.update(identity=current, drawn_with=drawn_with, problems_per_block=size)
    run.write_experiment(experiment)
    run.write_problems(known)
    if left:
        words, text = as_the_model_gets_it(asked[0].prompt, settings)
        run.write_first_prompt(f"{asked[0].problem.id}: {words}", text)
    (run.root / "samples").mkdir(exist_ok=True)
    made_from = fingerprint(
        identity=current,
        prompts=[item.prompt_hash for item in asked],
        pools=sorted(run.pool_sizes.items()),
    )
    before = manifest.stage("generate")
    machine = manifest.data.get("hardware")
    if more:
        temperatures = ",".join(
            map(spell_temperature, sorted(t for t in run.pool_sizes if t is not None))
        )
        now = [f"T:{temperatures}", f"N:{settings.n}", f"problems:{len(asked):,}"]
        notice(f"generate: {describe(more, now, manifest.data.get('overrides', ()))}")
    if not left and before.get("fingerprint") == made_from:
        notice(f"generate: all {total:,} samples are there")
        known_errors = before.get("errors", 0) == failed and (not failed or "samples" in before)
        if before["status"] == "done" and known_errors:
            return
    manifest.update(signature=run_signature(experiment, more), **environment())
    same_machine = machine == manifest.data["hardware"]
    drawing = {"tokens": 0, "seconds": 0.0} | (before.get("drawing", {}) if same_machine else {})
    with manifest.running("generate", made_from) as entry:
        entry.update(samples=total, errors=failed, drawing=drawing)
        for block in wanted:
            if not missing[block]:  # the process may have been killed just before compacting
                _compact(run, block, known, made_from)
        if left:
            engine = " ".join([current["backend"], *current["engine_versions"].values()])
            what = f"{left:,} of {total:,} samples"
            notice(f"generate: {what} to draw with {engine}, model {settings.model}")
            with progress_bar("generate", total, "samples", done=total - left) as advance:
                progress = DrawingProgress(failed, drawing["tokens"], drawing["seconds"])
                for finished in _draw(run, sampler, wanted, missing, redraw_errors, progress):
                    advance(1)
                    entry.update(progress.for_manifest())
                    if progress.drawn % max(1, left // 20) == 0:
                        counts = progress.counts().items()
                        log({f"generate/{name}": value for name, value in counts})
                    if finished is not None:
                        _compact(run, finished, known, made_from)


def _draw(
    run: OpenRun,
    sampler: Sampler,
    wanted: Mapping[int, Sequence[PromptedProblem]],
    missing: Mapping[int, int],
    redraw_errors: bool,
    progress: DrawingProgress,
) -> Iterator[int | None]:
    """Have the backend draw the missing samples, and write each to its block's journal.

    Yields the block that a sample completes, or None.
    """
    block_of = {item.problem.id: block for block, items in wanted.items() for item in items}
    open_count = dict(missing)
    journals: dict[int, Journal] = {}
    # lazily, block by block: the requests of a large run do not fit in memory
    requests = (
        request
        for block, items in wanted.items()
        for request in _missing(run, block, items, redraw_errors)
    )
    # closed at the end: an engine's memory, a server's connections
    with (
        ExitStack() as stack,
        closing(sampler(progress.asked(requests), run.generation)) as samples,
    ):
        for sample in samples:
            _refuse_nan(sample)
            block = block_of[sample.problem_id]
            if block not in journals:
                journals[block] = stack.enter_context(Journal(run.journal(block)))
            journals[block].add(sample)
            progress.add(sample)
            open_count[block] -= 1
            if not open_count[block]:
                journals.pop(block).close()
            yield None if open_count[block] else block


def _merge_problems(
    run: OpenRun, asked: Sequence[PromptedProblem], current: Mapping[str, Any]
) -> list[Known]:
    """Return the run's problems with new ones added at the end.

    Raises:
        ValueError: the folder holds samples of another identity, or of other prompts.
    """
    known = {item.problem.id: item for item in run.read_problems()}
    _refuse_other_identity(run, current)
    new = {item.problem.id: Known(item.problem, item.prompt_hash) for item in asked}
    changed = [
        name
        for name, item in new.items()
        if name in known and known[name].prompt_hash != item.prompt_hash
    ]
    if changed and next(run.blocks_with_samples(), None) is not None:
        raise ValueError(
            f"{run.root} holds samples of other prompts for {len(changed)} of its problems "
            f"(first: {changed[0]!r}: its question, examples, system text or template changed); "
            "give this experiment another folder with --out, restore the prompts, or delete the "
            "folder"
        )
    return list((known | new).values())  # in their places; a gold answer may have been corrected


def _refuse_other_identity(run: OpenRun, current: Mapping[str, Any]) -> None:
    """Refuse to go on where the folder holds samples of another identity."""
    before = run.manifest.data.get("identity")
    if before is not None and [*run.blocks_with_samples()]:
        refuse_other_settings(run.root, before, current)


def _states(
    run: OpenRun, block: int, items: Iterable[PromptedProblem]
) -> Iterator[tuple[PromptedProblem, float, int, str]]:
    """Yield every sample of a block that is asked for, and whether it is missing or an error.

    Problem by problem, so that requests share their prompt; '' is a sample that is there.
    """
    held = run.read_samples(block, (*KEY, "stop_reason"))
    reasons = dict(zip(_keys(held), held["stop_reason"].to_pylist(), strict=True))
    for item in items:
        for temperature, count in run.pool_sizes.items():
            if temperature is None:
                continue  # unknown, so imported: it cannot be drawn
            for index in range(count):
                reason = reasons.get((item.problem.id, temperature, index), "missing")
                yield item, temperature, index, reason if reason in ("missing", "error") else ""


def _missing(
    run: OpenRun, block: int, items: Iterable[PromptedProblem], redraw_errors: bool
) -> Iterator[Request]:
    """Yield what is to be drawn: what is not on disk, and on request what is an error row."""
    thinking = run.task.thinking.markers
    for item, temperature, index, state in _states(run, block, items):
        if state == "missing" or (redraw_errors and state == "error"):
            key = item.problem.id, temperature, index
            seed = sample_seed(run.generation.seed, *key)
            yield Request(*key, item.prompt, item.prompt_hash, seed, thinking)


def _keys(samples: pa.Table) -> list[tuple[str, float, int]]:
    return list(zip(*(samples[name].to_pylist() for name in KEY), strict=True))


def _compact(run: OpenRun, block: int, known: Sequence[Known], made_from: str) -> None:
    """Move a block's journal into Parquet files, rows in order of problem, temperature, index.

    New samples make a new file. Those drawn in the place of error rows take their rows in the file
    where these are, which is replaced as a whole; until the journal is gone, they count from there.
    """
    journal = run.journal(block)
    if not journal.exists():
        return
    rows = {(s.problem_id, s.temperature, s.sample_index): s for s in read_journal(journal)}
    for path in run.parts(block):
        held = read_table(path, (*KEY, "stop_reason"))
        failed = [reason == "error" for reason in held["stop_reason"].to_pylist()]
        drawn = [rows.pop(key, None) for key in _keys(held)]  # good ones stay as they are
        places = {n: s for n, (s, e) in enumerate(zip(drawn, failed, strict=True)) if s and e}
        if places:
            new = sample_rows(list(places.values()))
            order = {place: held.num_rows + n for n, place in enumerate(places)}
            table = pa.concat_tables([read_table(path), new], promote_options="default")
            table = with_thoughts_if_any(table)
            taken = table.take([order.get(n, n) for n in range(held.num_rows)])
            write_table(path, taken, made_from)
    number = {item.problem.id: n for n, item in enumerate(known)}
    late = sorted(rows, key=lambda key: (number[key[0]], *key[1:]))
    if late:
        samples = with_thoughts_if_any(sample_rows([rows[key] for key in late]))
        write_table(run.next_part(block), samples, made_from)
    journal.unlink()


def _refuse_nan(sample: Sample) -> None:
    if any(math.isnan(value) for value in sample.token_logprobs):
        raise ValueError(
            f"the model gave a NaN log-probability ({sample.problem_id}, temperature "
            f"{sample.temperature}, sample {sample.sample_index}): its weights are damaged or its "
            "numbers overflow; try generation.dtype: float32. Finished samples are kept"
        )
