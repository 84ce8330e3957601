"""Problems whose answers are programs: what one of them holds, and how it is read.

A problem of code is an ordinary ``Problem``. Its known answer is the source of its tests, which
decides what is right; ``CodeProblem.of`` gives what else it holds a name.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench.behaviour.inputs import OPTIONS as INPUT_OPTIONS
from workbench.behaviour.inputs import input_option_faults
from workbench.config import schema as config
from workbench.config.faults import shown
from workbench.core.types import Problem
from workbench.tasks.program_source import assertions, begins_program, first_lines, parsed

ID_KEYS = ("task_id", "id", "problem_id")
QUESTION_KEYS = ("prompt", "problem", "question", "text")
TEST_KEYS = ("tests", "test", "test_list")
SOLUTION_KEYS = ("canonical_solution", "solution", "code")
KEPT = ("entry_point", "check", "setup", "visible_tests", "examples", "solution", "wordings")
"""The metadata of a problem of code."""
CHECK = "check"
"""The name of a function that takes the program's, as in HumanEval."""


@dataclass(frozen=True, kw_only=True)
class CodeProblem:
    """A problem of code, and what programs are judged by."""

    id: str
    question: str
    """What is asked: the beginning of a program, or a text."""
    entry_point: str
    """The function that the tests call."""
    tests: str
    """Source of the tests: assertions, or functions with assertions in them."""
    check: str | None = None
    """A function of the tests that is called with the entry point; None where they assert."""
    setup: str = ""
    """Source that the tests need, such as imports."""
    visible_tests: tuple[str, ...] = ()
    """Those assertions that may be shown, and whose arguments may be used; others are hidden."""
    examples: tuple[str, ...] = ()
    """Further assertions that may be shown."""
    solution: str | None = None
    """A program that is known to be right, whole."""
    wordings: tuple[str, ...] = ()
    """Other texts in which the same is asked in public, whose examples may be used."""

    @classmethod
    def of(cls, problem: Problem) -> CodeProblem:
        """Return what a problem of code holds; ValueError where it is none."""
        held = problem.metadata
        if problem.gold is None or not isinstance(held.get("entry_point"), str):
            raise ValueError(f"problem {problem.id!r} has no tests and entry point to judge it by")
        return cls(
            id=problem.id,
            question=problem.question,
            entry_point=held["entry_point"],
            tests=problem.gold,
            check=held.get("check"),
            setup=held.get("setup") or "",
            visible_tests=tuple(held.get("visible_tests") or ()),
            examples=tuple(held.get("examples") or ()),
            solution=held.get("solution"),
            wordings=tuple(held.get("wordings") or ()),
        )

    @property
    def is_signature(self) -> bool:
        """Whether the question is the beginning of a program, which defines the entry point."""
        return begins_program(self.question, self.entry_point)

    @property
    def prelude(self) -> str:
        """What stands before the entry point in a question that begins a program; else empty."""
        tree = parsed(self.question) if self.is_signature else None
        if tree is None:
            return ""
        place = first_lines(tree)[self.entry_point]
        return "".join(self.question.splitlines(keepends=True)[: place - 1])

    def continued(self, text: str) -> str:
        """Return the program that a text makes of a question which begins one.

        A question may end without a line break, so that the model writes it.
        """
        joint = "" if self.question.endswith("\n") or text.startswith("\n") else "\n"
        return self.question + joint + text

    @property
    def shown(self) -> tuple[str, ...]:
        """The assertions that may be shown, each once."""
        return tuple(dict.fromkeys([*self.examples, *self.visible_tests]))


def parse_code(record: Mapping[str, Any], default_id: str) -> Problem:
    """Return one problem of code from a JSON object.

    Its keys are ``prompt`` (or ``problem``), ``entry_point``, ``tests`` (or ``test``), and if need
    be ``examples``, ``canonical_solution`` (or ``solution``), ``check`` and ``task_id`` (or
    ``id``). All others are kept as the problem's metadata.

    Raises:
        ValueError: one is missing, or no test or program; the message names the key.
    """
    question = _text(record, QUESTION_KEYS, "question")
    entry_point = _text(record, ("entry_point",), "entry point").strip()
    if not entry_point.isidentifier():
        raise ValueError(f"'entry_point' must be the name of a function, got {entry_point!r}")
    key, given = _first(record, TEST_KEYS)
    if given is None:
        raise ValueError(
            "no tests: needs the key 'tests', assertions such as "
            f"'assert {entry_point}(1) == 2', pairs of input and output, or a function check"
        )
    tests, check = _read_tests(key, given, record.get("check"), entry_point)
    held = {
        name: value
        for name, value in record.items()
        if name not in (*ID_KEYS, *QUESTION_KEYS, *TEST_KEYS, *SOLUTION_KEYS, *KEPT)
    }
    held |= {"entry_point": entry_point, "check": check}
    if (setup := record.get("setup")) is not None:
        held["setup"] = _python("setup", setup)
    if (examples := record.get("examples")) is not None:
        held["examples"] = _read_list("examples", examples, entry_point)
    key, solution = _first(record, SOLUTION_KEYS)
    if solution is not None:
        held["solution"] = _whole(key, solution, question, entry_point)
    _, ident = _first(record, ID_KEYS)
    return Problem(
        id=default_id if ident is None else str(ident),
        question=question,
        gold=tests,
        metadata=held,
    )


def with_visible(problem: Problem, count: int) -> Problem:
    """Return a problem of which the first ``count`` assertions are visible, and no others."""
    held = problem.metadata
    if not count or problem.gold is None:
        return problem
    source = f"{held.get('setup', '')}\n{problem.gold}"
    plain = assertions(source, held["check"], held["entry_point"])
    return replace(problem, metadata={**held, "visible_tests": plain[:count]})


def option_faults(settings: config.TaskSettings, known: Sequence[str]) -> list[str]:
    """Return what is wrong with a task's options: its ``known`` ones, and those of calls."""
    able = (*known, *INPUT_OPTIONS)
    faults = [
        f"options.{name}: unknown option; task {settings.name} has {', '.join(able)}"
        for name in settings.options
        if name not in able
    ]
    faults += input_option_faults(settings.options)
    count = settings.options.get("visible_tests", 0)
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        faults.append(
            "options.visible_tests: must be how many of a problem's tests may be shown, from the "
            f"first, a whole number of at least 0, got {count!r}"
        )
    if settings.last_number:
        faults.append("last_number: the answers of this task are programs; leave it out")
    return faults


def _first(record: Mapping[str, Any], keys: Sequence[str]) -> tuple[str, Any]:
    return next(
        ((key, record[key]) for key in keys if record.get(key) is not None), (keys[0], None)
    )


def _text(record: Mapping[str, Any], keys: Sequence[str], what: str) -> str:
    key, value = _first(record, keys)
    if value is None:
        raise ValueError(f"no {what}: needs the key {key!r}, has {', '.join(map(repr, record))}")
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key!r} must be a text that is not empty, got {shown(value)}")
    return value


def _read_tests(key: str, given: Any, check: Any, entry_point: str) -> tuple[str, str | None]:
    """Return the source of tests, and the name of their function that takes the entry point."""
    if isinstance(given, list):
        return "\n".join(_read_list(key, given, entry_point)), None
    source = _python(key, given)
    tree = ast.parse(source)
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    calls = {
        n.value.func.id
        for n in tree.body
        if isinstance(n, ast.Expr)
        and isinstance(n.value, ast.Call)
        and isinstance(n.value.func, ast.Name)
    }
    if check is not None and check not in functions:
        raise ValueError(
            f"'check' names the function {shown(check)}, which {key!r} does not define"
        )
    name = check or (CHECK if CHECK in functions else None)
    if not any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
        raise ValueError(f"{key!r} holds no assertion, so that every program would pass")
    return source, None if name in calls else name


def _read_list(key: str, given: Any, entry_point: str) -> list[str]:
    """Return a list of assertions, of which some may be given as input and output."""
    if not isinstance(given, list) or not given:
        raise ValueError(f"{key!r} must be a list that is not empty, got {shown(given)}")
    return [_assertion(f"{key}[{place}]", one, entry_point) for place, one in enumerate(given)]


def _assertion(where: str, given: Any, entry_point: str) -> str:
    if isinstance(given, dict) and given.keys() == {"input", "output"}:
        args = given["input"]
        if isinstance(args, list):
            spelt = ", ".join(map(repr, args))
        elif isinstance(args, dict):
            spelt = ", ".join(f"{name}={value!r}" for name, value in args.items())
        else:
            raise ValueError(
                f"{where!r}: 'input' must be a list of the arguments, or an object of arguments "
                f"by name, got {shown(args)}"
            )
        return f"assert {entry_point}({spelt}) == {given['output']!r}"
    if not isinstance(given, str):
        raise ValueError(
            f"{where!r} must be an assertion, or an object of 'input' and 'output', got "
            f"{shown(given)}"
        )
    source = _python(where, given)
    if not any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(source))):
        raise ValueError(f"{where!r} is no assertion: {shown(given)}; write 'assert ...'")
    return source


def _python(where: str, source: Any) -> str:
    if not isinstance(source, str):
        raise ValueError(f"{where!r} must be a text, Python, got {shown(source)}")
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError) as fault:
        told = fault.msg if isinstance(fault, SyntaxError) else str(fault)
        line = f", line {fault.lineno}" if isinstance(fault, SyntaxError) else ""
        raise ValueError(f"{where!r} is no Python{line}: {told}") from fault
    return source


def _whole(key: str, solution: Any, question: str, entry_point: str) -> str:
    """Return a solution as a whole program; as in HumanEval it may go on from the question."""
    if not isinstance(solution, str):
        raise ValueError(f"{key!r} must be a text, Python, got {shown(solution)}")
    for source in (solution, question.rstrip() + "\n" + solution):
        if begins_program(source, entry_point):
            if source is solution and begins_program(question, entry_point):
                return question.rstrip() + "\n\n\n" + source  # with its imports and helpers
            return source
    raise ValueError(f"{key!r} does not define {entry_point!r}, by itself or behind the question")
