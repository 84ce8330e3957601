"""The prompts of problems of code: the beginning of a program to go on from, or a conversation."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.config import schema as config
from workbench.core.types import Problem, Prompt
from workbench.tasks.program_source import begins_program
from workbench.tasks.task import Example


def code_prompt(
    problem: Problem, instruction: str, settings: config.TaskSettings, shown: Sequence[Example]
) -> Prompt:
    '''Return the prompt of a problem.

    A completion is the question itself, where that begins a program. Else it stands in a docstring,
    with the tests that may be shown, and the model writes the program behind it::

        """
        Write a function to square the numbers of a list.
        assert square_nums([10, 20]) == [100, 400]
        """

    No instruction stands before it but one that the experiment sets. A chat is the instruction as
    the system message, and the question with the name of the function and these tests.
    '''
    if settings.prompt == "completion":
        blocks = [settings.system] if settings.system else []
        blocks += [_completed(example) for example in shown]
        return Prompt(text="\n\n\n".join([*blocks, _begun(problem)]))
    system = instruction if settings.system is None else settings.system
    turns = [("system", system)] if system else []
    for example in shown:
        question = _asked(Problem("", example.question, metadata=example.metadata))
        turns += [("user", question), ("assistant", example.solution)]
    turns.append(("user", _asked(problem)))
    messages = tuple({"role": role, "content": text} for role, text in turns)
    return Prompt(messages=messages, template_options=settings.template_options)


def _begun(problem: Problem) -> str:
    """Return a question as the beginning of a program."""
    if _is_signature(problem):
        return problem.question
    lines = [problem.question.strip(), *_tests(problem)]
    return '"""\n' + "\n".join(lines) + '\n"""\n'


def _completed(example: Example) -> str:
    """Return an example as a whole program; a file's solution has lost its first indentation."""
    shown = Problem("", example.question, metadata=example.metadata)
    solution = example.solution.strip("\n")
    name = str(example.metadata.get("entry_point"))
    if _is_signature(shown) and not begins_program(solution, name) and not solution[0].isspace():
        solution = "    " + solution
    return _begun(shown).rstrip("\n") + "\n" + solution


def _asked(problem: Problem) -> str:
    name, tests = problem.metadata.get("entry_point"), _tests(problem)
    if _is_signature(problem):
        parts = [f"Complete this function:\n\n```python\n{problem.question.rstrip()}\n```"]
    else:
        parts = [problem.question.strip()]
        parts += [f"The function is to be called `{name}`."] if name else []
    if tests:
        listed = "\n".join(tests)
        parts.append(f"It has to pass these tests:\n\n```python\n{listed}\n```")
    return "\n\n".join(parts)


def _is_signature(problem: Problem) -> bool:
    name = problem.metadata.get("entry_point")
    return isinstance(name, str) and begins_program(problem.question, name)


def _tests(problem: Problem) -> list[str]:
    """Return the assertions that may be shown, each once."""
    held = problem.metadata
    return list(dict.fromkeys([*held.get("examples", ()), *held.get("visible_tests", ())]))
