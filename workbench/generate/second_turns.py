"""Requests for second answers: each shows the model one of its first answers.

A first answer that was cut is shown as it was cut: it is what the model said, and counts as an
answer. A thought before it is not shown. Where a first answer could not be drawn there is none to
correct: its second answers are error rows, so that they are counted, and drawn with it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from workbench.config.schema import TaskSettings
from workbench.core.conditions import Condition
from workbench.core.types import Problem, Request, Sample
from workbench.generate.compaction import sample_keys
from workbench.storage.parquet import KEY
from workbench.storage.run_folder import Folder
from workbench.tasks.correction import corrected_prompt
from workbench.tasks.prompt_template import render_text
from workbench.tasks.prompts import prompt_hash


@dataclass(frozen=True)
class FirstAnswers:
    """The samples of a block, as second answers need them."""

    completions: Mapping[tuple[str, str, int], str | None]
    """By problem, condition and index; None where a sample is an error row."""

    @classmethod
    def of(cls, run: Folder, block: int) -> FirstAnswers:
        """Read a block."""
        held = run.read_samples(block, (*KEY, "completion", "stop_reason"))
        texts = zip(held["completion"].to_pylist(), held["stop_reason"].to_pylist(), strict=True)
        known = (None if reason == "error" else text for text, reason in texts)
        return cls(dict(zip(sample_keys(held), known, strict=True)))


def second_request(
    plain: Request,
    problem: Problem,
    condition: Condition,
    firsts: FirstAnswers,
    task: TaskSettings,
) -> Request | Sample:
    """Return the request for a second answer, or an error row where it has no first answer.

    Args:
        plain: the request as it would be without a first answer.
        problem: whose columns ``task.correction`` may hold.
        condition: that of the second answer.
        firsts: what there is in its block.
        task: what is asked in the second turn.
    """
    parent = plain.sample_index // condition.corrections
    first = firsts.completions.get((plain.problem_id, condition.first, parent))
    request = replace(plain, parent=parent)
    if first is None:
        reason = f"there is no first answer to correct: sample {parent} of condition "
        return request.sampled("", "error", error=f"{reason}{condition.first!r} could not be drawn")
    correction = render_text(task.correction, problem, "task.correction")
    prompt = corrected_prompt(plain.prompt, first, correction)
    return replace(request, prompt=prompt, prompt_hash=prompt_hash(prompt))
