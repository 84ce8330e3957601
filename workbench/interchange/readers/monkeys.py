r"""Samples of large-language-monkeys: a YAML file for each problem, with lists of its samples.

``is_corrects`` is there when the samples were graded. The known answer is what the tool compares
with: the number after ``####`` of GSM8K, the last ``\\boxed`` of MATH. The file's name is the
problem's; graded files of CodeContests have it inside, and no suffix. The temperature and the model
are in no file.
Source: https://github.com/ScalingIntelligence/large_language_monkeys, ``llmonk/generate/*.py`` and
``llmonk/evaluate/*.py``.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import yaml

from workbench.core.bounded_lines import LONGEST_LINE
from workbench.core.unpacked_files import MIB
from workbench.interchange.readers.file_beginning import FileBeginning
from workbench.interchange.readers.records import LocatedRecord, Record, split_row

INTERPRETATION = (
    "a file for each problem, which is named by it; samples as texts, is_corrects as correctness"
)
KEYS = re.compile(r"^(samples|is_corrects|gt_answer|question|prompt|test_cases):", re.MULTILINE)
BOXED = re.compile(r"\\boxed\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
"""The content of a box, with braces in braces."""


def recognise(beginning: FileBeginning) -> bool:
    """Take text that begins as such a YAML file does: with two of its keys."""
    return beginning.kind == "lines" and len({*KEYS.findall(beginning.text)}) > 1


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the samples of a file; ValueError if it is no YAML, or too large."""
    if path.stat().st_size > LONGEST_LINE:
        raise ValueError(f"{path} is longer than {LONGEST_LINE // MIB} MiB, and YAML is read whole")
    try:
        row = yaml.load(path.read_bytes(), yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        where = " ".join(str(fault).split())
        raise ValueError(f"{path} cannot be read as YAML ({where}); fetch it again") from fault
    split = partial(_samples, name=path.stem)
    yield from split_row((path.name, row), split, "not in the known form of large-language-monkeys")


def _samples(row: Record, name: str) -> Iterator[tuple[str, Record]]:
    texts, correct = row["samples"], row.get("is_corrects")
    if correct is None:
        correct = [None] * len(texts)
    if len(correct) != len(texts):
        raise ValueError(f"is_corrects: there are {len(correct)} for {len(texts)} samples")
    shared = {
        "problem_id": row.get("name") or name,
        "problem": row.get("question") or row.get("prompt") or row.get("description"),
        "gold": _gold(row.get("gt_answer")),
    }
    for number, (text, right) in enumerate(zip(texts, correct, strict=True), start=1):
        yield f"sample {number}", shared | {"text": text, "correct": right}


def _gold(answer: object) -> object:
    """Return the answer that a solution ends with, or the answer itself."""
    if not isinstance(answer, str):
        return answer
    boxes = BOXED.findall(answer)
    return boxes[-1] if boxes else answer.rpartition("#### ")[2]
