"""Questions an accuracy of 0 or 1 over all samples: more often than not a setting is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.config.schema import TaskSettings
from workbench.tasks.checkers import OF_WORDS

SHOWN = 60
"""Characters of a text or an answer in a message."""
FEW = 10
"""Fewer samples may all be right, or all be wrong, by chance."""


@dataclass
class Correctness:
    """How many samples are right, and one that is typical of all."""

    right: int = 0
    wrong: int = 0
    unanswered: int = 0
    """Those of the wrong that have no answer."""
    gold: str | None = None
    answer: str | None = None
    text: str = ""

    def add(self, correct: bool | None, gold: str | None, answer: str | None, text: str) -> None:
        """Count a sample; one that has an answer is the example rather than one that has none."""
        self.right += correct is True
        self.wrong += correct is False
        self.unanswered += correct is False and answer is None
        if correct is not None and (self.gold is None or self.answer is None is not answer):
            self.gold, self.answer, self.text = gold, answer, text


def extreme_accuracy(right: int, wrong: int) -> str | None:
    """Return the words for samples that are all right, or all wrong; None for others and for one.

    Example:
        >>> extreme_accuracy(0, 360), extreme_accuracy(1, 359), extreme_accuracy(12, 0)
        ('none of 360 samples is right', None, 'all 12 samples are right')
    """
    total = right + wrong
    if total < 2 or (right and wrong):
        return None
    samples = f"{total:,} samples" + (" (so few that it may be chance)" if total < FEW else "")
    return f"all {samples} are right" if right else f"none of {samples} is right"


def doubt(found: Correctness, task: TaskSettings) -> str | None:
    """Return one line that questions an accuracy of 0 or 1, with its likely cause and an example.

    None where there are fewer than two samples of known correctness, or some are right and some
    are wrong.

    Example:
        >>> some = Correctness()
        >>> for text in ("It is 7", "So 7"):
        ...     some.add(False, "7", None, text)
        >>> doubt(some, TaskSettings(name="jsonl")).partition(":")[0]
        'none of 2 samples (so few that it may be chance) is right, and in 2 no answer was found'
    """
    extreme = extreme_accuracy(found.right, found.wrong)
    if extreme is None:
        return None
    total = found.right + found.wrong
    known = f"known answer {(found.gold or 'none')[:SHOWN]!r}"
    example = f"{known}, answer {found.answer[:SHOWN]!r}" if found.answer is not None else known
    if found.right:
        return (
            f"{extreme}: are the problems so easy, or was a column of the file, such as the known "
            f"answer, taken for another (--column)? For example {example}"
        )
    compare = task.options.get("compare", "math")
    setting = "what the task asks for"
    if task.name == "jsonl":
        setting = f"task.options.compare (--compare, now {compare})"
    if 2 * found.unanswered <= total:
        return f"{extreme}; see {setting}. For example {example}"
    if compare in OF_WORDS or task.last_number:
        cause = f"see how the texts end, and {setting}"
    else:
        cause = f"task.last_number=true takes the last number of a text; or see {setting}"
    end = found.text.strip()[-SHOWN:]
    ends = f", a text ends {end!r}" if end else ""
    return (
        f"{extreme}, and in {found.unanswered:,} no answer was found: "
        f"{cause}. For example {known}{ends}"
    )
