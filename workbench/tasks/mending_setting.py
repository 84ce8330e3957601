"""Which setting would most likely let answers be found, tried on some of the texts themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from workbench.config.schema import Generation, TaskSettings
from workbench.config.yaml_file import YamlError, parse_yaml
from workbench.tasks import TASKS
from workbench.tasks.checkers import OF_WORDS
from workbench.tasks.gold_kinds import options_of_golds

NEXT_QUESTION = "\nQ:"
"""How a completion prompt begins a question, and a model that goes on to ask itself another."""
_STOP = 'generation.stop=["\\nQ:"]: the texts go on to another question, where they should end'
OF_COMPARISON = ("compare", "labels", "pattern", "tolerance", "any_order", "whole_text")


class KnownText(NamedTuple):
    """A sample's text beside the known answer."""

    problem_id: str
    gold: str | None
    text: str
    error: str = ""
    """Why it could not be drawn."""


def setting_that_helps(texts: Sequence[KnownText], task: TaskSettings) -> str:
    r"""Return the setting that lets most of these texts be right, and how many; '' for none.

    Only settings that need no new samples are tried, on the texts themselves. One by which more
    answers are found, but no more are right, has to find half of them.

    Example:
        >>> texts = [KnownText("a", "7", "It is 7"), KnownText("b", "9", "So 9")]
        >>> setting_that_helps(texts, TaskSettings(name="gsm8k"))
        'task.last_number=true, which finds an answer in 2 of 2 such texts, 2 of them right'
    """
    if task.name not in TASKS or TASKS[task.name].programs:  # of a plug-in that is not loaded here,
        return ""  # or there is nothing to choose in how answers are compared
    known = [text for text in texts if text.gold is not None]
    before = best = _tried(known, task)
    words = ""
    for name, other in _other_settings(known, task):
        found, right = _tried(known, other)
        whole = other.options.get("compare") == "contains"  # which takes every text for an answer
        gains = right > best[1] or (
            right == best[1]
            and not whole
            and found > best[0]
            and 2 * (found - before[0]) >= len(known)
        )
        if gains:
            best = found, right
            words = (
                f"{name}, which finds an answer in {found:,} of {len(known):,} such texts, "
                f"{right:,} of them right"
            )
    return words


def how_to_ask(texts: Sequence[KnownText], task: TaskSettings, generation: Generation) -> str:
    """Return the setting that most likely makes texts whose answers are found, where none helps."""
    if task.options.get("compare") == "regex":
        return f"another task.options.pattern: {task.options['pattern']!r} is found in none of them"
    if generation.backend == "import":
        return (
            "task.options.compare=regex with a task.options.pattern of how answers are written, or "
            "--column answer=NAME of the import, if a column holds them"
        )
    if _goes_on_asking(texts, task):
        return _STOP
    if 2 * sum(not text.text.strip() for text in texts) >= len(texts):
        return (
            "generation.stop or task.prompt, as the texts are empty (chat is for models that "
            "follow instructions, completion for others)"
        )
    form = r"how an answer is to be written, such as \boxed{}"
    if task.name in TASKS and TASKS[task.name].programs:
        form = "that the whole program belongs into one block between lines of ```"
    if task.has_template:
        return f"task.prompt: let the template say or show {form}"
    if task.prompt == "completion" and not task.few_shot:
        return f"task.few_shot=4 or so: worked examples show a completion model {form}"
    if task.system == "" and not task.few_shot:
        return f"task.system, which is empty: let it say {form}"
    return f"task.system or task.few_shot: say more plainly, or show, {form}"


def how_to_end(texts: Sequence[KnownText], task: TaskSettings, generation: Generation) -> str:
    """Return the setting that most likely lets samples end by themselves that were cut off."""
    if generation.backend == "import":
        return "a higher max_tokens where the samples are drawn: they were cut off there"
    if _goes_on_asking(texts, task):
        return _STOP
    return f"generation.max_tokens (now {generation.max_tokens:,}): with more, samples can end"


def _goes_on_asking(texts: Sequence[KnownText], task: TaskSettings) -> bool:
    """Say whether half of the texts go on with another question of a completion prompt."""
    asking = sum(NEXT_QUESTION in text.text for text in texts)
    return not task.is_chat and 2 * asking >= len(texts) > 0


def _tried(texts: Sequence[KnownText], task: TaskSettings) -> tuple[int, int]:
    """Return how many of the texts have an answer, and how many are right, as quickly known."""
    checker = TASKS[task.name].checker(task)
    equal = checker.quick or checker.equal
    found = right = 0
    for known in texts:
        answer, _ = TASKS[task.name].answer_of(known.text, task)
        found += answer is not None
        if answer is not None and known.gold is not None:
            right += equal(checker.canonical(known.gold), checker.canonical(answer)) is True
    return found, right


def _as_yaml(labels: list[str]) -> str:
    """Return labels as one would write them, with quotes only where YAML needs them."""
    bare = f"[{', '.join(labels)}]"
    try:
        return bare if parse_yaml(bare) == labels else json.dumps(labels, ensure_ascii=False)
    except YamlError:
        return json.dumps(labels, ensure_ascii=False)


def _other_settings(
    texts: Sequence[KnownText], task: TaskSettings
) -> Iterator[tuple[str, TaskSettings]]:
    """Yield settings, in words and as the task's, that may find answers; the plainest first."""
    last = "task.last_number=true"
    if not task.last_number and task.options.get("compare") not in OF_WORDS:
        yield last, replace(task, last_number=True)
    if task.name != "jsonl":
        return
    kept = {name: value for name, value in task.options.items() if name not in OF_COMPARISON}
    suited, _ = options_of_golds(text.gold for text in texts if text.gold is not None)
    choices: list[dict[str, Any]] = [suited]
    if suited == {"compare": "text"}:  # of long known answers
        choices.append({"compare": "contains"})
    for options in choices:
        compare = options["compare"]
        if compare == task.options.get("compare", "math"):
            continue
        name = f"task.options.compare={compare}"
        if "labels" in options:
            name += f" with task.options.labels={_as_yaml(options['labels'])}"
        other = replace(task, last_number=False, options=kept | options)
        yield name, other
        if compare not in OF_WORDS:
            yield f"{name} with {last}", replace(other, last_number=True)
