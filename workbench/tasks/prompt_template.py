"""Prompt templates of an experiment's own: Jinja2 in a sandbox, and what can be wrong with one.

A template sees ``problem`` (the question, with its choices where it has any), ``question`` (without
them), ``examples`` (``few_shot`` of them, each with ``problem``, ``question``, ``solution`` and its
own columns) and the other columns of the problem's row. It never sees the known answer. A name
that is not there is an error, and so is a value that is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from workbench.config import schema as config
from workbench.core.lookup import unknown
from workbench.core.types import Problem, Prompt
from workbench.tasks import multiple_choice
from workbench.tasks.task import Example

if TYPE_CHECKING:
    from jinja2 import Environment, Template

QUESTION = ("problem", "question")
WITHHELD = ("gold", "answer", "solution")
"""Names that would give the known answer away."""
FAULTS_SHOWN = 5


@cache
def _environment() -> Environment:
    """Return where templates are compiled: as chat templates are, and without chance.

    The line break behind a block is dropped, and so is the one at the very end of the template.
    """
    from jinja2 import StrictUndefined, UndefinedError  # not needed without a template
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def finalize(value: Any) -> Any:
        if value is None:
            raise UndefinedError("a value that is null would be written")
        return value

    made = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        autoescape=False,
        undefined=StrictUndefined,
        finalize=finalize,
    )
    del made.globals["lipsum"], made.filters["random"]  # a prompt must not depend on chance
    return made


@lru_cache(maxsize=64)
def _compiled(text: str) -> Template:
    """Return a compiled template; compiling takes longer than writing a prompt."""
    return _environment().from_string(text)


def _sources(prompt: Any) -> Iterator[tuple[str, str, str]]:
    """Yield for each template in a prompt where it is, in words, its role and its text."""
    if isinstance(prompt, str):
        yield "", "", prompt
        return
    for number, message in enumerate(prompt, start=1):
        yield f"message {number}, ", message["role"], message["content"]


def _names(prompt: Any) -> set[str]:
    """Return the names that a template looks up outside of itself."""
    from jinja2.meta import find_undeclared_variables

    environment = _environment()
    used = (find_undeclared_variables(environment.parse(text)) for *_, text in _sources(prompt))
    return {name for names in used for name in names if name not in environment.globals}


def template_faults(settings: config.TaskSettings) -> list[str]:
    """Return what is wrong with a template before any problem is read, each with its key."""
    from jinja2 import TemplateSyntaxError

    faults = []
    for where, _, text in _sources(settings.prompt):
        try:
            _compiled(text)
        except TemplateSyntaxError as fault:
            faults.append(f"prompt: {where}line {fault.lineno}: not valid Jinja2: {fault.message}")
    if settings.system is not None:
        faults.append("system: a template says all of the prompt; write the instruction into it")
    if any(fault.startswith("prompt: ") for fault in faults):
        return faults
    names = _names(settings.prompt)
    for name in sorted(names & {*WITHHELD}):
        faults.append(f"prompt: {name!r} would give the known answer away, and no template gets it")
    if not names - {"examples", *WITHHELD}:
        faults.append(
            "prompt: the template uses neither problem nor a column of the problems, so that all "
            "of them would be asked the same; write {{ problem }} where the question belongs"
        )
    if "examples" in names and not settings.few_shot:
        faults.append("few_shot: the template uses examples; say how many it is to have")
    if "examples" not in names and settings.few_shot:
        faults.append(
            f"few_shot: the template shows none of the {settings.few_shot} examples; loop over "
            "examples in it, or set few_shot to 0"
        )
    return faults


def render(settings: config.TaskSettings, problem: Problem, examples: Sequence[Example]) -> Prompt:
    r"""Return the prompt of one problem by the experiment's template.

    Raises:
        ValueError: the template fails for this problem, or a message of it is empty.

    Example:
        >>> settings = config.TaskSettings(name="jsonl", prompt="{{ problem|upper }} ({{ level }})")
        >>> render(settings, Problem("p", "2 + x?", metadata={"level": 3}), [])
        Prompt('2 + X? (3)')
    """
    columns = {key: value for key, value in problem.metadata.items() if key not in WITHHELD}
    values = {**columns, **_question(problem.question, problem.metadata)}
    values["examples"] = [
        {**one.metadata, **_question(one.question, one.metadata), "solution": one.solution}
        for one in examples
    ]
    written = []
    for where, role, text in _sources(settings.prompt):
        try:
            content = _compiled(text).render(values)
        except Exception as fault:  # a template is a program: it can raise anything
            raise ValueError(f"{where}the template fails ({_named(fault)})") from fault
        if not content.strip():
            raise ValueError(f"{where}the template writes nothing")
        written.append({"role": role, "content": content})
    if isinstance(settings.prompt, str):
        return Prompt(text=written[0]["content"])
    return Prompt(messages=tuple(written), template_options=settings.template_options)


def render_text(text: str, problem: Problem, what: str) -> str:
    r"""Return a text that may hold columns of a problem, as ``{{ hint }}``.

    A text without the marks of a template stays as it is.

    Raises:
        ValueError: the template fails for this problem; ``what`` is what the message calls it.

    Example:
        >>> render_text("Mind that {{ hint }}.", Problem("p", "?", metadata={"hint": "x > 0"}), "")
        'Mind that x > 0.'
    """
    if not any(mark in text for mark in ("{{", "{%")):
        return text
    columns = {key: value for key, value in problem.metadata.items() if key not in WITHHELD}
    try:
        written = _compiled(text).render(columns | _question(problem.question, problem.metadata))
    except Exception as fault:  # a template is a program: it can raise anything
        raise ValueError(f"{what}: problem {problem.id!r}: {_named(fault)}") from fault
    return str(written)


def _question(question: str, columns: Mapping[str, Any]) -> dict[str, str]:
    """Return a question as it is asked, and without the choices under it."""
    try:
        choices = multiple_choice.read_choices(columns)
    except ValueError:  # a column of that name which is something else
        choices = {}
    listed = multiple_choice.question_with_choices("", choices)
    return {"problem": question, "question": question.removesuffix(listed) if choices else question}


def _named(fault: Exception) -> str:
    from jinja2 import TemplateError

    return str(fault) if isinstance(fault, TemplateError) else f"{type(fault).__name__}: {fault}"


def render_all(
    settings: config.TaskSettings, problems: Sequence[Problem], examples: Sequence[Example]
) -> list[Prompt]:
    """Return the prompts of problems by the experiment's template.

    Raises:
        ValueError: with all faults, one a line: names that no problem has, problems for which the
            template fails, or all prompts being one.
    """
    columns = dict.fromkeys(key for problem in problems for key in problem.metadata)
    known = [*QUESTION, "examples", *(key for key in columns if key not in WITHHELD)]
    faults = [
        f"prompt: {unknown(name, known, 'name')}" for name in sorted(_names(settings.prompt))
        if name not in known
    ]  # fmt: skip
    prompts: list[Prompt] = []
    failed: dict[str, list[Problem]] = {}
    for problem in () if faults else problems:
        try:
            prompts.append(render(settings, problem, examples))
        except ValueError as fault:
            failed.setdefault(" ".join(str(fault).split()), []).append(problem)
    for message, (first, *others) in [*failed.items()][:FAULTS_SHOWN]:
        more = f" and {len(others):,} more" if others else ""
        row = first.metadata.items()
        has = ", ".join(f"{key} (null)" if value is None else key for key, value in row) or "none"
        faults.append(
            f"prompt: problem {first.id!r}{more}: {message}; its columns: {has}; ask for what a "
            "row may lack, as in {% if hint is defined and hint %}"
        )
    if not faults and len(prompts) > 1 and all(prompt == prompts[0] for prompt in prompts):
        faults.append(
            f"prompt: all {len(prompts):,} problems get the same prompt; write {{{{ problem }}}} "
            "where the question belongs"
        )
    if faults:
        raise ValueError("\n".join(faults))
    return prompts
