"""The problems of a training: which are held out, and which are in which batch.

All of it follows from the problems and a seed, so that the place in the data is one number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.config.schema import TaskSettings
from workbench.core.types import Problem, Prompt
from workbench.models.text_encoder import text_hash
from workbench.tasks import TASKS
from workbench.tasks.prompt_template import render_text
from workbench.tasks.prompts import build_prompts

OWN = "task"
"""The name of the experiment's own task, beside those of ``training.tasks``."""


@dataclass(frozen=True)
class AskedProblem:
    """A problem, how it is asked, and what is said between the two answers."""

    task: str
    """The name of its task in the experiment: ``task``, or one of ``training.tasks``."""
    problem: Problem
    prompt: Prompt
    correction: str
    digest: str
    """The hash of its text: problems of the same digest are the same problem."""


@dataclass(frozen=True)
class Parts:
    """The problems of a training in two parts, which share no text."""

    train: Sequence[AskedProblem]
    held_out: Sequence[AskedProblem]

    def require_apart(self, batch: Iterable[AskedProblem]) -> None:
        """Raise ValueError where a problem of a batch is held out."""
        held = {one.digest for one in self.held_out}
        for one in batch:
            if one.digest in held:
                raise ValueError(
                    f"problem {one.problem.id!r} of {one.task} is held out, and would have been "
                    "trained on; this is a mistake of the workbench's: please report it"
                )


def problem_digest(question: str) -> str:
    r"""Return the hash of a problem's text, in which white space counts as one space.

    >>> problem_digest("What is 1 + 1?") == problem_digest(" What is  1 + 1?\n")
    True
    """
    return text_hash(" ".join(question.split()))


def asked_problems(name: str, settings: TaskSettings) -> list[AskedProblem]:
    """Load the problems of one task, with their prompts; ``name`` is what the experiment calls it.

    Raises:
        ValueError: they cannot be read, a prompt cannot be built, or one of them has no known
            answer, so that no answer to it can be rewarded.
    """
    task = TASKS[settings.name]
    problems = task.problems(settings)
    for problem in problems:
        if problem.gold is None:
            raise ValueError(
                f"problem {problem.id!r} of {name} has no known answer, so that nothing can check "
                "an answer to it, nor reward one; leave it out, or give it an answer"
            )
    prompts = build_prompts(problems, task, settings)
    return [
        AskedProblem(
            name,
            problem,
            prompt,
            render_text(settings.correction, problem, "correction"),
            problem_digest(problem.question),
        )
        for problem, prompt in zip(problems, prompts, strict=True)
    ]


def split(problems: Sequence[AskedProblem], held_out: float, seed: int) -> Parts:
    """Hold out a share of each task's problems, at least one, by the hashes of their texts.

    Two problems of one text are in one part, in whichever tasks they are. The order of the hashes
    is that of a hash with the seed, so the parts do not depend on the order of the problems.
    """
    held: set[str] = set()
    for name in dict.fromkeys(one.task for one in problems):
        digests = {one.digest for one in problems if one.task == name}
        ordered = sorted(digests, key=lambda one: hashlib.sha256(f"{seed}|{one}".encode()).digest())
        held |= {*ordered[: max(1, round(held_out * len(digests)))]}
    return Parts(
        [one for one in problems if one.digest not in held],
        [one for one in problems if one.digest in held],
    )


class BatchPlan:
    """Which problems are in which batch: every batch has problems of one task.

    In each epoch the problems of each task come in a new order, and batches of all tasks in turn by
    chance; what is left of a task's problems over is not in that epoch.
    """

    def __init__(self, parts: Parts, size: int, seed: int) -> None:
        """Plan batches of ``size`` problems of the part that is trained on.

        Raises:
            ValueError: a task has too few problems for a batch.
        """
        self._size, self._seed = size, seed
        tasks = dict.fromkeys(one.task for one in (*parts.train, *parts.held_out))
        self._groups = [[one for one in parts.train if one.task == name] for name in tasks]
        for name, group in zip(tasks, self._groups, strict=True):
            if len(group) < size:
                raise ValueError(
                    f"a batch of {size} problems cannot be formed: {len(group)} problems of {name} "
                    "are left to train on beside those held out; give it more problems, or lower "
                    "training.batch_size or training.held_out"
                )
        self.per_epoch = sum(len(group) // size for group in self._groups)
        self._epoch: tuple[int, list[list[AskedProblem]]] = (-1, [])

    def batch(self, number: int) -> list[AskedProblem]:
        """Return the problems of batch ``number``, from 0, over all epochs."""
        epoch, place = divmod(number, self.per_epoch)
        if epoch != self._epoch[0]:
            self._epoch = (epoch, self._planned(np.random.default_rng([self._seed, epoch])))
        return self._epoch[1][place]

    def _planned(self, rng: np.random.Generator) -> list[list[AskedProblem]]:
        found = []
        for group in self._groups:
            order = rng.permutation(len(group))
            for start in range(0, len(group) - self._size + 1, self._size):
                found.append([group[at] for at in order[start : start + self._size]])
        return [found[at] for at in rng.permutation(len(found))]


def part_rows(parts: Parts) -> list[Mapping[str, str]]:
    """Return a row per problem: its task, its id, its digest and its part."""
    named = (("train", parts.train), ("held_out", parts.held_out))
    return [
        {"part": part, "task": one.task, "problem_id": one.problem.id, "digest": one.digest}
        for part, group in named
        for one in group
    ]
