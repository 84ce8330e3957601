"""TASKS: where problems come from, how they are asked, and what counts as right.

Adding a task is one file beside this one and one row in the table. Imports ``config`` and
``core``. Start reading in ``task.py``, which says what a task is; ``math_answers.py`` finds answers
in texts, ``answer_checking.py`` compares them in worker processes.
"""

from __future__ import annotations

from workbench.tasks import arithmetic, gsm8k, jsonl, math500
from workbench.tasks.task import Task

TASKS: dict[str, Task] = {
    "arithmetic": Task(
        load=arithmetic.load,
        examples=arithmetic.examples,
        extract=arithmetic.extract,
        checker=arithmetic.checker,
        check=arithmetic.check,
        on_hub=arithmetic.on_hub,
        instruction=arithmetic.INSTRUCTION,
        summary="generated sums and differences of whole numbers, difficulty set by options",
    ),
    "gsm8k": Task(
        load=gsm8k.load,
        examples=gsm8k.examples,
        extract=gsm8k.extract,
        checker=gsm8k.checker,
        check=gsm8k.check,
        on_hub=gsm8k.on_hub,
        instruction=gsm8k.INSTRUCTION,
        summary="grade-school word problems (openai/gsm8k on the hub, or a local JSONL)",
    ),
    "math500": Task(
        load=math500.load,
        examples=math500.examples,
        extract=math500.extract,
        checker=math500.checker,
        check=math500.check,
        on_hub=math500.on_hub,
        instruction=math500.INSTRUCTION,
        summary="competition mathematics (MATH-500, or any local JSONL with LaTeX answers)",
    ),
    "jsonl": Task(
        load=jsonl.load,
        examples=jsonl.examples,
        extract=jsonl.extract,
        checker=jsonl.checker,
        check=jsonl.check,
        on_hub=jsonl.on_hub,
        instruction=jsonl.INSTRUCTION,
        summary="any local JSONL; options.compare: exact, integer, numeric, choice or math",
    ),
}
