"""Stage 1: problems -> samples. Only samples that the run folder lacks are drawn.

A sample is on disk (in its block's journal) as soon as the backend hands it over. When a block is
complete its journal is compacted into a Parquet file. A sample on disk is never drawn again or
changed; only an error row gives way, on request, to what is drawn in its place.

Conditions that need another model, or other engine options, are drawn one engine after another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench.config.conditions import prompt_name
from workbench.config.factors import SAMPLING_OPTIONS
from workbench.config.schema import Experiment, Generation, TaskSettings
from workbench.core.console import notice, progress_bar
from workbench.core.types import Known, Prompt
from workbench.generate import BACKENDS, Sampler, imported, resolve
from workbench.generate.asked_problems import PromptedProblem, prompted_problems
from workbench.generate.drawing_progress import DrawingProgress
from workbench.generate.drawing_settings import drawing_settings
from workbench.generate.first_prompt import as_the_model_gets_it
from workbench.generate.held_samples import HeldSamples, describe, spell_conditions
from workbench.generate.identity import (
    LoadGroup,
    condition_identities,
    identity,
    load_groups,
    merged_conditions,
    refuse_other_identity,
    server_facts,
)
from workbench.generate.missing_samples import MissingSamples
from workbench.generate.model_sizes import record_model_sizes
from workbench.storage.manifest import environment
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import fingerprint
from workbench.storage.run_folder import block_size
from workbench.storage.signature import run_signature
from workbench.tasks.correction import corrected_prompt
from workbench.tasks.prompt_template import render_text


@dataclass(frozen=True, eq=False)
class DrawingGroup:
    """A group of conditions of which samples are missing."""

    group: LoadGroup
    to_draw: Mapping[int, int]
    """Block -> how many samples."""
    sampler: Sampler

    @property
    def total(self) -> int:
        """How many samples are to be drawn."""
        return sum(self.to_draw.values())


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
    manifest, settings = run.manifest, run.generation
    groups = load_groups(settings, run.conditions)
    asked = prompted_problems(run.task, list(dict.fromkeys(map(prompt_name, run.conditions))))
    recorded = manifest.data.get("identity", {})
    current = identity(settings, run.task.thinking) | server_facts(settings, recorded)
    named = merged_conditions(run, condition_identities(settings, groups, run.task.correction))
    held = HeldSamples()
    for block in run.blocks_with_samples():
        held.add(run.read_samples(block))  # of all columns: damage is found now and not in hours
    more = held.beyond([item.problem.id for item in asked], run.pool_sizes)
    known = _merge_problems(run, asked, current)
    samples_per_problem = sum(run.pool_sizes.values())
    size = manifest.data.get("problems_per_block") or block_size(samples_per_problem)
    block_of = {item.problem.id: number // size for number, item in enumerate(known)}
    wanted: dict[int, list[PromptedProblem]] = {}
    for item in asked:
        wanted.setdefault(block_of[item.problem.id], []).append(item)
    absent = MissingSamples(run, wanted, known, redraw_errors)
    todo, failed = [], 0
    for group in groups:
        to_draw, errors = absent.counts(group)
        failed += errors
        if sum(to_draw.values()):
            prompt = prompt_of_group(asked[0], group, run.task)
            sampler, facts = open_sampler(group, prompt, without_logprobs)
            current |= facts
            todo.append(DrawingGroup(group, to_draw, sampler))
    refuse_other_identity(run, current)

    total, left = len(asked) * samples_per_problem, sum(group.total for group in todo)
    drawn_with = drawing_settings(settings, run.task.thinking)
    manifest.update(identity=current, drawn_with=drawn_with, problems_per_block=size)
    if named:
        manifest.update(conditions=named)
    run.write_experiment(experiment)
    run.write_problems(known)
    if left:
        words, text = as_the_model_gets_it(asked[0].prompt, groups[0].settings)
        run.write_first_prompt(f"{asked[0].problem.id}: {words}", text)
    (run.root / "samples").mkdir(exist_ok=True)
    made_from = fingerprint(
        identity=current,
        prompts=[hashed for item in asked for hashed in item.hashes.values()],
        pools=sorted([one.temperature, one.n] for one in run.conditions if not one.changed),
        **({"conditions": named, "sizes": run.pool_sizes} if named else {}),
    )
    before = manifest.stage("generate")
    machine = manifest.data.get("hardware")
    if more:
        spelt = spell_conditions({one.name: one.temperature for one in run.conditions})
        now = [spelt, f"N:{settings.n}", f"problems:{len(asked):,}"]
        notice(f"generate: {describe(more, now, manifest.data.get('overrides', ()))}")
    if not left and before.get("fingerprint") == made_from:
        notice(f"generate: all {total:,} samples are there")
        record_model_sizes(run, groups)  # a run of an older version has none
        known_errors = before.get("errors", 0) == failed and (not failed or "samples" in before)
        if before["status"] == "done" and known_errors:
            return
    manifest.update(signature=run_signature(experiment, more), **environment())
    same_machine = machine == manifest.data["hardware"]
    rate = {"tokens": 0, "seconds": 0.0} | (before.get("drawing", {}) if same_machine else {})
    progress = DrawingProgress(failed, rate["tokens"], rate["seconds"])
    there = {"samples": total - left, "tokens": held.tokens_of(run.pool_sizes)}
    known_now = {"samples": total, "errors": failed, "drawing": rate, "there": there}
    with manifest.running("generate", made_from, **known_now) as entry:
        for block in wanted:
            if not any(group.to_draw[block] for group in todo):
                absent.compact(block, made_from)  # the process may have been killed just before
        if left:
            with progress_bar("generate", total, "samples", done=total - left) as advance:
                for part in todo:
                    _announce(part, total, current, len(groups))
                    for _ in absent.draw(
                        part.group, part.sampler, part.to_draw, progress, made_from
                    ):
                        advance(1)
                        entry.update(progress.for_manifest())
                        if progress.drawn % max(1, left // 20) == 0:
                            counts = progress.counts().items()
                            log({f"generate/{name}": value for name, value in counts})
                    progress.pause()
        record_model_sizes(run, groups)


def prompt_of_group(item: PromptedProblem, group: LoadGroup, task: TaskSettings) -> Prompt:
    """Return a prompt as a group's samples answer it: of a second turn it holds an answer."""
    if not group.second_turn:
        return item.prompt
    correction = render_text(task.correction, item.problem, "task.correction")
    return corrected_prompt(item.prompt, "A first answer.", correction)


def open_sampler(
    group: LoadGroup, prompt: Prompt, without_logprobs: str
) -> tuple[Sampler, Mapping[str, Any]]:
    """Return what draws the samples of a group, and what a server says of itself."""
    backend = BACKENDS[resolve(group.settings.backend)]
    if backend.probe is None:
        return backend.sample, {}
    probed = backend.probe(_with_all_options(group), prompt, without_logprobs)
    return probed.sample, probed.facts


def _with_all_options(group: LoadGroup) -> Generation:
    """Return settings that use every option which any condition of a group uses."""
    used = {
        name: level
        for one in group.conditions
        for name, level in one.changed.items()
        if name in SAMPLING_OPTIONS
    }
    return replace(group.settings, **used)


def _announce(part: DrawingGroup, total: int, current: Mapping[str, Any], groups: int) -> None:
    """Say what is drawn, with which engine and model."""
    engine = " ".join([current["backend"], *current["engine_versions"].values()])
    what = f"{part.total:,} of {total:,} samples"
    names = [condition.name for condition in part.group.conditions]
    where = f" ({', '.join(names[:4])}{' ...' * (len(names) > 4)})" if groups > 1 else ""
    model = part.group.settings.model
    notice(f"generate: {what} to draw with {engine}, model {model}{where}")


def _merge_problems(
    run: OpenRun, asked: Sequence[PromptedProblem], current: Mapping[str, Any]
) -> list[Known]:
    """Return the run's problems with new ones added at the end.

    Raises:
        ValueError: the folder holds samples of another identity, or of other prompts.
    """
    known = {item.problem.id: item for item in run.read_problems()}
    refuse_other_identity(run, current)
    merged = {item.problem.id: _merged(known.get(item.problem.id), item.known) for item in asked}
    changed = [name for name, item in merged.items() if name in known and item is None]
    if changed and next(run.blocks_with_samples(), None) is not None:
        raise ValueError(
            f"{run.root} holds samples of other prompts for {len(changed)} of its problems "
            f"(first: {changed[0]!r}: its question, examples, system text or template changed); "
            "give this experiment another folder with --out, restore the prompts, or delete the "
            "folder"
        )
    new = {item.problem.id: merged[item.problem.id] or item.known for item in asked}
    return list((known | new).values())  # in their places; a gold answer may have been corrected


def _merged(before: Known | None, now: Known) -> Known | None:
    """Return a problem with the hashes of all its prompts; None if one of them has changed."""
    if before is None:
        return now
    old = {"": before.prompt_hash, **before.variant_hashes}
    new = {"": now.prompt_hash, **now.variant_hashes}
    if any(old[name] and new[name] and old[name] != new[name] for name in old.keys() & new.keys()):
        return None
    merged = old | {name: hashed for name, hashed in new.items() if hashed}
    return Known(now.problem, merged.pop(""), merged)
