"""The scores of an Inspect log: which say whether a sample is correct, and which are marks.

A scorer is looked at over the whole log, because a 1 is a correct answer where its other values are
0, and the lowest mark where they go up to 10. As numbers, C is 1, P (partly correct) 0.5, and I and
N (no answer) are 0, as by Inspect's ``value_to_float``.
Source: ``inspect_ai/scorer/_metric.py`` and ``_model.py``, 0.3.285.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.interchange.readers.records import Record

LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
MODEL_GRADED = "model_graded"
"""How the names of Inspect's scorers begin that ask a model; their answer is the whole response."""


@dataclass
class Scale:
    """The values that a scorer gives in a log."""

    low: float = math.inf
    high: float = -math.inf
    has_marks: bool = False
    """Whether a number is neither 0 nor 1."""
    has_partial: bool = False
    """Whether a value is P."""

    def add(self, value: Any) -> None:
        """Take note of a value."""
        number = as_number(value)
        if number is None:
            return
        self.low, self.high = min(self.low, number), max(self.high, number)
        self.has_partial |= value == "P"
        self.has_marks |= value != "P" and number not in (0, 1)

    @property
    def is_correctness(self) -> bool:
        """Whether all of its values say that a sample is correct, or that it is not."""
        return not (self.has_marks or self.has_partial)

    @property
    def divisor(self) -> float:
        """The smallest power of ten that no value exceeds, at least 1.

        Example:
            >>> [Scale(0, high).divisor for high in (0.7, 1, 5, 10, 100)]
            [1.0, 1.0, 10.0, 10.0, 100.0]
        """
        largest = max(abs(self.low), abs(self.high), 1.0)
        return float(10 ** math.ceil(math.log10(largest)))

    def reward(self, value: Any) -> float | None:
        """Return a value as a weight in [0, 1], the larger the better; None if it is no number."""
        number = as_number(value)
        if number is None:
            return None
        share = number / self.divisor
        return share if self.low >= 0 else (share + 1) / 2

    def correct(self, value: Any) -> bool | None:
        """Return whether a value says that its sample is correct; None is unknown."""
        number = as_number(value)
        return None if self.has_marks or number not in (0, 1) else bool(number)

    def remark(self, name: str) -> str:
        """Return what a value of this scorer is taken for, if it is no correctness."""
        if self.has_marks:
            by = f", divided by {self.divisor:g}" if self.divisor > 1 else ""
            by = f"{by}, from -1..1 to 0..1" if self.low < 0 else by
            return (
                f"the scorer {name!r} gives marks from {self.low:g} to {self.high:g}: they are "
                f"read as rewards{by}, and correctness is unknown"
            )
        return (
            f"the scorer {name!r} gives partial credit: P is read as unknown correctness, and C, "
            "P, I, N as the rewards 1, 0.5, 0, 0, as Inspect converts them"
        )


def as_number(value: Any) -> float | None:
    """Return a score's value as a number; None if it is no finite one.

    Example:
        >>> as_number("C"), as_number("P"), as_number(True), as_number("7"), as_number("seven")
        (1.0, 0.5, 1.0, 7.0, None)
    """
    if isinstance(value, str):
        value = LETTERS.get(value, value)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def values_of(scores: Mapping[str, Any] | None) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """Yield (name of the grading, its value, the score) of a sample's scores.

    A score whose value is a dictionary is a grading for each of its entries.

    Example:
        >>> scores = {"match": {"value": "C"}, "judge": {"value": {"style": 3, "tone": 5}}}
        >>> [(name, value) for name, value, _ in values_of(scores)]
        [('match', 'C'), ('judge.style', 3), ('judge.tone', 5)]
    """
    for key, score in (scores or {}).items():
        value = score["value"]
        if isinstance(value, dict):
            yield from ((f"{key}.{name}", part, score) for name, part in value.items())
        else:
            yield key, value, score


def scales_of(samples: Iterable[Any]) -> dict[str, Scale]:
    """Return the scale of each grading over samples, or summaries of samples, of a log."""
    scales: dict[str, Scale] = {}
    for sample in samples:
        try:
            for name, value, _ in values_of(sample.get("scores")):
                scales.setdefault(name, Scale()).add(value)
        except (KeyError, TypeError, AttributeError):
            continue  # the sample is named when it is read
    return scales


def gradings(sample: Record, text: str, scales: Mapping[str, Scale]) -> Iterator[Record]:
    """Yield the columns of each grading of a sample."""
    for name, value, score in values_of(sample.get("scores")):
        scale, answer = scales.get(name) or scales_of([sample])[name], score.get("answer")
        record: Record = {"graded_by": name, "correct": scale.correct(value)}
        if not scale.is_correctness:
            record["reward"] = scale.reward(value)
        if is_judged(name, scales) and answer == text:
            answer = None
        yield record | {"answer": answer}


def is_judged(name: str | None, scales: Mapping[str, Scale]) -> bool:
    """Say whether a grading is no comparison with the target, so that ours must not replace it."""
    known = scales.get(name or "")
    is_model = MODEL_GRADED in (name or "")
    return is_model or (known is not None and not known.is_correctness)
