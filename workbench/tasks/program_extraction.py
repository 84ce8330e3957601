"""Finds the program in a model's text: in a fenced block, whole, or behind its prompt."""

from __future__ import annotations

import ast
import re
import textwrap
from dataclasses import dataclass

from workbench.tasks.code_problems import CodeProblem
from workbench.tasks.program_source import begins_program, parsed

PROGRAM_RULES = ("fenced", "whole", "continued", "trimmed", "none")
"""The rules by which programs are found."""
STOPS = ("\nclass ", "\ndef ", "\n#", "\nif ", "\nprint(", "\nassert ", "\n```")
"""Where a completion of one function ends: fitting texts for ``generation.stop``."""
MOST_CUTS = 40
"""Lines of a text, from the first that is not indented, at which it is tried to end it."""

_FENCE = re.compile(
    r"^[ \t]*(?P<mark>`{3,}|~{3,})[^\n`]*\n(?P<inside>.*?)(?:^[ \t]*(?P=mark)[`~]*[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)
_TOP_LINE = re.compile(r"^(?=\S)", re.MULTILINE)


@dataclass(frozen=True)
class FoundProgram:
    """A program that a text gives, and how it was found."""

    source: str | None
    """The whole program, with what the question says before it; None where there is none."""
    rule: str
    """One of ``PROGRAM_RULES``."""
    is_open: bool = False
    """Whether it reaches to the end of the text: if that was cut, so was the program."""


def find_program(text: str, problem: CodeProblem) -> FoundProgram:
    r"""Return the program of a text.

    The rules, in order:

    - ``fenced``: the last block between lines of backticks that defines the entry point; where the
      question begins a program, also one that goes on from it.
    - ``whole``: the text is a program that defines the entry point.
    - ``continued``: the question begins a program, and the text goes on from it.
    - ``trimmed``: as the two before, of the text up to a line that is not indented, where with that
      line it is no Python: what a model says behind its program, or begins anew.
    - ``none``: no program.

    What the question has before the entry point (imports, helpers) stands before every program. A
    text that only looks like a program is one as well, with the outcome ``syntax``.

    >>> problem = CodeProblem(id="p", question="Twice n.", entry_point="double", tests="")
    >>> find_program("Here:\n```python\ndef double(n):\n    return 2 * n\n```\nDone.", problem)
    FoundProgram(source='def double(n):\n    return 2 * n\n', rule='fenced', is_open=False)
    """
    if found := _fenced(text, problem):
        return found
    if not text.strip():
        return FoundProgram(None, "none")
    if whole := _program(text, problem):
        return FoundProgram(*whole, is_open=True)
    cuts = [line.start() for line in _TOP_LINE.finditer(text) if line.start()][:MOST_CUTS]
    for cut in reversed(cuts):
        if part := _program(text[:cut], problem):
            return FoundProgram(part[0], "trimmed")
    return _faulty(text, problem)


def _program(text: str, problem: CodeProblem) -> tuple[str, str] | None:
    """Return the program that a text is, by itself or behind its question, and the rule."""
    if begins_program(text, problem.entry_point):
        return problem.prelude + text, "whole"
    if problem.is_signature and _goes_on(text, problem):
        return problem.continued(text), "continued"
    return None


def _goes_on(text: str, problem: CodeProblem) -> bool:
    """Say whether a text adds to the function that a question begins."""
    tree = parsed(problem.continued(text))
    ends = [
        node.end_lineno or 0
        for node in (tree.body if tree else ())
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.name == problem.entry_point
    ]
    return bool(ends) and ends[-1] > problem.question.rstrip().count("\n") + 1


def _fenced(text: str, problem: CodeProblem) -> FoundProgram | None:
    """Return the program of a block, the last of those that have one."""
    blocks = [*_FENCE.finditer(text)]
    for block in reversed(blocks):
        inside = textwrap.dedent(block["inside"])
        if _defines(inside, problem.entry_point):
            source = problem.prelude + inside
            return FoundProgram(source, "fenced", is_open=_is_open(block))
    for block in reversed(blocks) if problem.is_signature else ():
        if _goes_on(block["inside"], problem):
            source = problem.continued(block["inside"])
            return FoundProgram(source, "fenced", is_open=_is_open(block))
    return None


def _is_open(block: re.Match[str]) -> bool:
    """Say whether a block has no end; its text then reaches to that of the whole."""
    return block.end() == block.end("inside")


def _defines(source: str, name: str) -> bool:
    """Say whether a program defines a name, or would if it were Python."""
    if parsed(source) is not None:
        return begins_program(source, name)
    return bool(re.search(rf"^(?:async +)?(?:def|class) +{name}\b", source, re.MULTILINE))


def _faulty(text: str, problem: CodeProblem) -> FoundProgram:
    """Return the program that a text would be if it were Python."""
    if _defines(text, problem.entry_point):
        return FoundProgram(problem.prelude + text, "whole", is_open=True)
    if problem.is_signature and text.lstrip("\n")[:1] in (" ", "\t"):
        return FoundProgram(problem.continued(text), "continued", is_open=True)
    return FoundProgram(None, "none")


def program_of_block(text: str) -> tuple[str | None, str]:
    r"""Return the last fenced block of a text, of whatever problem, and the rule that found it.

    >>> program_of_block("So:\n```\nx = 1\n```")
    ('x = 1', 'fenced')
    """
    blocks = [*_FENCE.finditer(text)]
    inside = textwrap.dedent(blocks[-1]["inside"]).strip("\n") if blocks else ""
    return (inside, "fenced") if inside.strip() else (None, "none")
