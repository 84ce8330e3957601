"""Outputs of AlpacaEval, and the annotations that compare them with a baseline's.

A row of ``model_outputs.json`` is an instruction and one output. A row of
``ANNOTATOR/annotations.json`` has the output of the baseline (1) and of the model (2), and a
``preference`` from 1 to 2: less 1, it is the probability that the model's output is the better one,
which is read as a reward; 0 is a draw. Whether an output is correct is unknown.
Source: https://github.com/tatsu-lab/alpaca_eval, README ("Data format") and
``src/alpaca_eval/metrics/glm_winrate.py``.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from workbench.interchange.readers.file_beginning import FileBeginning
from workbench.interchange.readers.records import LocatedRecord, Record, split_row
from workbench.interchange.readers.rows import read_rows

INTERPRETATION = (
    "instructions as problems, the outputs of the model (not of the baseline) as samples, the "
    "preference for them as rewards; correctness is unknown"
)


def recognise(beginning: FileBeginning) -> bool:
    """Take rows of outputs or of annotations."""
    has_outputs = beginning.names >= {"instruction", "output", "generator"}
    return has_outputs or beginning.names >= {"instruction", "output_1", "output_2", "preference"}


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the outputs of a file; ValueError if it is damaged."""
    for row in read_rows(path, "instruction"):
        yield from split_row(row, _samples, "not in the known form of AlpacaEval")


def beside(path: Path) -> list[Path]:
    """Return the outputs that annotations have as well."""
    return [path.parent.parent / "model_outputs.json"] if path.name == "annotations.json" else []


def _samples(row: Record) -> Iterator[tuple[str, Record]]:
    instruction = row["instruction"]
    digest = hashlib.sha256(instruction.encode(errors="replace")).hexdigest()
    record: Record = {"problem_id": f"instruction-{digest[:12]}", "problem": instruction}
    if "output_2" not in row:
        yield "", record | {"text": row["output"], "model": row["generator"]}
        return
    preference = row["preference"]
    if preference is not None:
        preference = 0.5 if preference == 0 else preference - 1
    yield (
        "",
        record
        | {
            "text": row["output_2"],
            "model": row.get("generator_2"),
            "reward": preference,
            "graded_by": row.get("annotator"),
        },
    )
