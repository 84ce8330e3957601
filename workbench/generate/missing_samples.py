"""Drawing the samples that a folder lacks: requests to a backend, samples to journals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain

from workbench.config.conditions import prompt_name
from workbench.config.schema import Generation, TaskSettings
from workbench.core.conditions import Condition, temperature_name
from workbench.core.types import Known, Request, Sample
from workbench.generate import Sampler
from workbench.generate.asked_problems import PromptedProblem
from workbench.generate.compaction import compact, sample_keys
from workbench.generate.drawing_progress import DrawingProgress
from workbench.generate.drawing_settings import sample_seed
from workbench.generate.identity import LoadGroup, request_options
from workbench.generate.second_turns import FirstAnswers, second_request
from workbench.storage.journal import Journal
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import KEY

State = tuple[PromptedProblem, Condition, int, str]
"""A sample that is asked for: its problem, condition and index, and '' if it is there, or
``missing``, or ``error``."""


@dataclass(frozen=True, eq=False)
class MissingSamples:
    """What is asked of a folder, block by block."""

    run: OpenRun
    asked: Mapping[int, Sequence[PromptedProblem]]
    """The problems of each block that are asked."""
    known: Sequence[Known]
    """All problems of the folder, in their order."""
    redraw_errors: bool = False
    """Whether the samples are drawn again that are error rows."""

    def counts(self, group: LoadGroup) -> tuple[dict[int, int], int]:
        """Return how many samples of each block are to be drawn, and how many are error rows."""
        to_draw, failed = {}, 0
        for block in self.asked:
            states = [state for *_, state in self._states(block, group)]
            to_draw[block] = states.count("missing") + self.redraw_errors * states.count("error")
            failed += 0 if self.redraw_errors else states.count("error")
        return to_draw, failed

    def draw(
        self,
        group: LoadGroup,
        sampler: Sampler,
        to_draw: Mapping[int, int],
        progress: DrawingProgress,
        made_from: str,
    ) -> Iterator[Sample]:
        """Have a backend draw what is missing of a group, and write each sample to its journal.

        A block of which all samples of the group are there is compacted. Yields each sample when
        it is on disk.
        """
        block_of = {item.problem.id: block for block, items in self.asked.items() for item in items}
        open_count = dict(to_draw)
        journals: dict[int, Journal] = {}
        # lazily, block by block: the requests of a large run do not fit in memory
        requests = (request for block in self.asked for request in self._requests(block, group))
        unasked = (sample for block in self.asked for sample in self._unasked(block, group))
        # closed at the end: an engine's memory, a server's connections
        with (
            ExitStack() as stack,
            closing(sampler(progress.asked(requests), group.settings)) as samples,
        ):
            for sample in chain(unasked, samples):
                _refuse_nan(sample)
                block = block_of[sample.problem_id]
                if block not in journals:
                    journals[block] = stack.enter_context(Journal(self.run.journal(block)))
                journals[block].add(sample)
                progress.add(sample)
                open_count[block] -= 1
                if not open_count[block]:
                    journals.pop(block).close()
                    self.compact(block, made_from)
                yield sample

    def compact(self, block: int, made_from: str) -> None:
        """Move a block's journal, if there is one, into a Parquet file."""
        compact(self.run, block, self.known, self.run.condition_rank, made_from)

    def _states(self, block: int, group: LoadGroup) -> Iterator[State]:
        """Yield every sample of a block and group that is asked for.

        Problem by problem, so that requests share their prompt.
        """
        held = self.run.read_samples(block, (*KEY, "stop_reason"))
        reasons = dict(zip(sample_keys(held), held["stop_reason"].to_pylist(), strict=True))
        for item in self.asked[block]:
            for condition in group.conditions:
                for index in range(condition.n):
                    reason = reasons.get((item.problem.id, condition.name, index), "missing")
                    state = reason if reason in ("missing", "error") else ""
                    yield item, condition, index, state

    def _wanted(self, block: int, group: LoadGroup) -> Iterator[State]:
        """Yield what is to be drawn: what is not on disk, and on request what is an error row."""
        wanted = ("missing", "error") if self.redraw_errors else ("missing",)
        return (state for state in self._states(block, group) if state[-1] in wanted)

    def _requests(self, block: int, group: LoadGroup) -> Iterator[Request]:
        """Yield requests for what is to be drawn and can be."""
        if group.second_turn:
            found = self._asked_again(block, group)
            yield from (request for request in found if isinstance(request, Request))
            return
        for item, condition, index, _ in self._wanted(block, group):
            yield request_for(item, condition, index, self.run.task, self.run.generation)

    def _unasked(self, block: int, group: LoadGroup) -> Iterator[Sample]:
        """Yield error rows for second answers whose first answer could not be drawn."""
        found = self._asked_again(block, group) if group.second_turn else ()
        yield from (sample for sample in found if isinstance(sample, Sample))

    def _asked_again(self, block: int, group: LoadGroup) -> Iterator[Request | Sample]:
        """Yield the requests for second answers, or error rows where there is no first answer.

        Those of one problem with equal prompts follow one another, so that they can share a batch.
        """
        firsts = FirstAnswers.of(self.run, block)
        places = itertools.groupby(self._wanted(block, group), key=lambda state: state[0])
        for item, states in places:
            found = [
                second_request(
                    request_for(item, condition, index, self.run.task, self.run.generation),
                    item.problem, condition, firsts, self.run.task,
                )
                for _, condition, index, _ in states
            ]  # fmt: skip
            yield from sorted(found, key=lambda one: (one.condition, one.prompt_hash))


def request_for(
    item: PromptedProblem,
    condition: Condition,
    index: int,
    task: TaskSettings,
    generation: Generation,
) -> Request:
    """Return the request for one sample of a problem in a condition, with its own seed.

    Raises:
        ValueError: the temperature is not known, as it may be of imported samples.
    """
    if condition.temperature is None:
        raise ValueError(f"condition {condition.name!r} has no temperature, so cannot be drawn")
    key = item.problem.id, condition.temperature, index
    prompt = prompt_name(condition)
    return Request(
        *key,
        item.prompts[prompt],
        item.hashes[prompt],
        sample_seed(generation.seed, *key, condition.changed),
        task.thinking.markers,
        condition.name,
        request_options(condition, generation),
        goes_on=generation.continued is not None,
    )


def _refuse_nan(sample: Sample) -> None:
    if any(math.isnan(value) for value in sample.token_logprobs):
        plain = sample.condition == temperature_name(sample.temperature)
        where = f"temperature {sample.temperature}" if plain else f"condition {sample.condition}"
        raise ValueError(
            f"the model gave a NaN log-probability ({sample.problem_id}, {where}, sample "
            f"{sample.sample_index}): its weights are damaged or its numbers overflow; try "
            "generation.dtype: float32. Finished samples are kept"
        )
