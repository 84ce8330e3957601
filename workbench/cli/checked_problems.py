"""Three problems with their prompts and a few samples, graded as a run would grade them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from workbench.cli.check_models import check_models
from workbench.config.conditions import conditions_of, loading_of, prompt_name
from workbench.config.schema import Experiment, Generation
from workbench.core.console import notice
from workbench.core.types import Known, Problem, known_temperature
from workbench.generate import resolve
from workbench.generate.asked_problems import PromptedProblem, prompted_problems
from workbench.generate.first_prompt import as_the_model_gets_it
from workbench.generate.identity import load_groups
from workbench.generate.missing_samples import request_for
from workbench.generate.stage import open_sampler
from workbench.rewards.block_step import read_matching
from workbench.score.graders import open_grader
from workbench.score.grading import Graded
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import sample_rows
from workbench.tasks.asked_again import AskedAgain

PROBLEMS = 3
SAMPLES = 3
"""Of each problem."""


@dataclass(frozen=True, eq=False)
class Checked:
    """What is shown."""

    experiment: Experiment
    problems: Sequence[Problem]
    prompts: Sequence[tuple[str, str]]
    """Of each problem how it is asked, in words, and the prompt; the prompt may be empty."""
    samples: Sequence[dict[str, Any]]
    """In the order of the problems, a dict of the columns of each."""
    graded: Graded
    """Of the samples, in their order."""


def drawn_now(experiment: Experiment) -> Checked:
    """Draw samples of three problems of an experiment, in its hottest condition; first answers.

    They have the seeds of the run's own first samples.

    Raises:
        ValueError: the model or the server is not to be found, or refuses its settings.
    """
    check_models(experiment, ("generate",), fetch=True)
    settings = experiment.generation
    if settings.backend == "import":
        raise ValueError("generation.backend is 'import': check the folder of the run instead")
    firsts = [one for one in conditions_of(settings) if not one.first]
    hottest = max(firsts, key=lambda one: one.temperature or 0.0)
    (group,) = load_groups(settings, [hottest])
    asked = list(_first_that_differ(prompted_problems(experiment.task, [prompt_name(hottest)])))
    sampler, _ = open_sampler(group, asked[0].prompt, "")
    requests = [
        request_for(item, hottest, index, experiment.task, settings)
        for item in asked
        for index in range(SAMPLES)
    ]
    notice(f"check: {len(requests)} samples to draw with {resolve(settings.backend)}")
    with closing(sampler(requests, group.settings)) as drawn:
        found = {(sample.problem_id, sample.sample_index): sample for sample in drawn}
    ordered = [found[request.problem_id, request.sample_index] for request in requests]
    prompts = [as_the_model_gets_it(item.prompt, group.settings) for item in asked]
    return _graded(experiment, [item.problem for item in asked], prompts, sample_rows(ordered))


def of_run(root: Path, experiment: Experiment) -> Checked:
    """Take samples of a run: of its first three problems that differ, in the hottest condition.

    Of a run with second answers they are first ones.

    Raises:
        ValueError: there are no samples, or a file is damaged.
    """
    run = OpenRun.of(root, experiment)
    problems: list[Known] = []
    conditions = {one.name: one for one in run.conditions}
    seconds = {one.name for one in run.conditions if one.first}
    samples, given = [], []
    for block, known in run.known_problems().items():
        held = run.read_samples(block)
        rows = _first_rows(held, [*conditions], seconds)
        there = [item for item in known if item.problem.id in rows]
        seen = {*map(_asked, problems)}
        new = [item for item in _first_that_differ(there) if _asked(item) not in seen]
        new = new[: PROBLEMS - len(problems)]
        chosen = [row for item in new for row in rows[item.problem.id]]
        problems += new
        samples.append(held.take(chosen))
        if run.block_path("given", block).exists() and not experiment.scoring.regrade:
            given.append(read_matching(run, "given", block, held).take(chosen))
        if len(problems) == PROBLEMS:
            break
    if not problems:
        raise ValueError(f"{root} holds no samples; run `workbench generate` first")
    rows_given = pa.concat_tables(given, promote_options="default") if given else None
    table = pa.concat_tables(samples, promote_options="default")
    names, hashes = (table[name].to_pylist() for name in ("condition", "prompt_hash"))
    first = {name: row for row, name in reversed([*enumerate(table["problem_id"].to_pylist())])}
    asked, prompts = AskedAgain(run.task), []
    for item in problems:
        row = first[item.problem.id]
        condition = conditions.get(names[row])
        settings = loading_of(condition, run.generation) if condition else run.generation
        prompts.append(_prompt_of(item, hashes[row], asked, run, settings))
    return _graded(experiment, [item.problem for item in problems], prompts, table, rows_given)


def _first_that_differ(items: Sequence[Any]) -> Iterator[Any]:
    """Yield the first problems of different questions."""
    first = {_asked(item): item for item in reversed(items)}
    yield from list(reversed(first.values()))[:PROBLEMS]


def _asked(item: Known | PromptedProblem) -> str:
    return item.problem.question or item.problem.id  # samples may come without the question


def _first_rows(
    samples: pa.Table, conditions: Sequence[str], left_out: Collection[str] = ()
) -> dict[str, list[int]]:
    """Return problem -> the rows of its first samples in its hottest condition.

    Of conditions of one temperature it is the first of those that the experiment has.
    """
    names, found = samples["problem_id"].to_pylist(), samples["condition"].to_pylist()
    heats = [known_temperature(value) or 0.0 for value in samples["temperature"].to_pylist()]
    indices = samples["sample_index"].to_pylist()
    rank = {name: -place for place, name in enumerate(conditions)}
    last = -len(rank)
    hottest = {
        name: condition
        for _, _, name, condition in sorted(
            (heat, rank.get(condition, last), name, condition)
            for heat, name, condition in zip(heats, names, found, strict=True)
            if condition not in left_out
        )
    }
    rows: dict[str, list[int]] = {}
    for row in sorted(range(len(names)), key=indices.__getitem__):
        if found[row] == hottest.get(names[row]):
            rows.setdefault(names[row], []).append(row)
    return {name: found[:SAMPLES] for name, found in rows.items()}


def _graded(
    experiment: Experiment,
    problems: Sequence[Problem],
    prompts: Sequence[tuple[str, str]],
    samples: pa.Table,
    given: pa.Table | None = None,
) -> Checked:
    known = {problem.id: Known(problem, "") for problem in problems}
    with open_grader(experiment.task, experiment.scoring) as grader:
        graded = grader.grade(samples, known, given)
    shown = ["problem_id", "condition", "temperature", "sample_index"]
    shown += ["completion", "stop_reason", "error"]
    shown += ["thought"] if "thought" in samples.schema.names else []
    return Checked(experiment, problems, prompts, samples.select(shown).to_pylist(), graded)


def _prompt_of(
    item: Known, hashed: str, asked: AskedAgain, run: OpenRun, settings: Generation
) -> tuple[str, str]:
    """Return how a run's problem was asked, as far as that is still to be found out.

    ``hashed`` is the hash of the prompt that the samples answer, and ``settings`` are those with
    which their model was loaded.
    """
    if run.imported:
        question = item.problem.question
        return ("question (how it was asked is not known)", question) if question else ("", "")
    try:
        prompt = asked.prompt(item, hashed)
    except ValueError as fault:
        return f"question (its prompt cannot be made again: {fault})", item.problem.question
    if prompt is None:
        return "question (it was asked with other settings than these)", item.problem.question
    return as_the_model_gets_it(prompt, settings)
