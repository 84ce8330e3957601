"""Which setting is named is the one by which the texts themselves are graded right."""

import pytest

from workbench.config.schema import Generation, TaskSettings
from workbench.tasks.mending_setting import (
    KnownText,
    how_to_ask,
    how_to_end,
    setting_that_helps,
)

PROSE = [("Paris", "The capital is Paris."), ("Rome", "Rome it is."), ("Oslo", "I think Bern.")]
NUMBERS = [("7", "We get 7."), ("9", "So 4 + 5 makes 9 apples"), ("3", "That is 8")]
VERDICTS = [("yes", "Yes, it does."), ("no", "No."), ("yes", "It does, so yes")]
TRUTHS = [("true", "True, it does."), ("false", "False."), ("true", "It does, so true")]
LETTERS = [("A", "I choose A."), ("B", "B"), ("C", "(C)")]


def texts_of(pairs):
    return [KnownText(f"p{n}", *pair) for n, pair in enumerate(pairs)]


@pytest.mark.parametrize(
    ("pairs", "task", "said"),
    [
        (NUMBERS, {"name": "gsm8k"}, "task.last_number=true, which finds an answer in 3 of 3 such "
         "texts, 2 of them right"),
        (NUMBERS, {"name": "gsm8k", "last_number": True}, ""),  # nothing is left to try
        (NUMBERS, {}, "task.last_number=true, which finds an answer in 3 of 3"),
        (NUMBERS, {"options": {"compare": "text"}}, "task.options.compare=integer with "
         "task.last_number=true, which finds an answer in 3 of 3 such texts, 2"),
        (PROSE, {"options": {"compare": "exact"}}, "task.options.compare=contains, which finds an "
         "answer in 3 of 3 such texts, 2 of them right"),
        (PROSE, {"options": {"compare": "contains"}}, ""),
        (VERDICTS, {"options": {"compare": "exact"}}, "task.options.compare=text with "
         "task.options.labels=[yes, no], which finds an answer in 3 of 3 such texts, 3"),
        (TRUTHS, {"options": {"compare": "exact"}}, "task.options.compare=text with "
         'task.options.labels=["true", "false"], which finds an answer in 3 of 3'),
        (LETTERS, {"options": {"compare": "exact"}}, "task.options.compare=choice, which finds"),
        ([("Paris", "Bern."), ("Rome", "Kiev")], {"options": {"compare": "exact"}}, ""),
        ([("7", "Some."), ("9", "In 1999 it was")], {"name": "gsm8k"}, "task.last_number=true"),
        ([("7", "Some."), ("9", "Few"), ("1", "in 1999")], {"name": "gsm8k"}, ""),  # a third only
        ([], {}, ""),
    ],
)  # fmt: skip
def test_the_setting_that_helps_is_found_by_trying(pairs, task, said):
    found = setting_that_helps(texts_of(pairs), TaskSettings(**({"name": "jsonl"} | task)))
    assert found.startswith(said)
    assert bool(found) == bool(said)


@pytest.mark.parametrize(
    ("texts", "task", "generation", "said"),
    [
        (["?"], {"options": {"compare": "regex", "pattern": "x(.)"}}, {}, "another task.options.p"),
        (["?"], {}, {"backend": "import"}, "task.options.compare=regex with a task.options.patt"),
        (["I\nQ: b", "I\nQ: c"], {"prompt": "completion"}, {}, 'generation.stop=["\\nQ:"]'),
        (["I\nQ: b", "I\nQ: c"], {"prompt": "chat"}, {}, "task.system or task.few_shot"),
        (["", " ", "a"], {}, {}, "generation.stop or task.prompt, as the texts are empty"),
        (["a"], {"prompt": "completion"}, {}, "task.few_shot=4"),
        (["a"], {"system": ""}, {}, "task.system, which is empty"),
        (["a"], {}, {}, "task.system or task.few_shot"),
        (["a"], {"prompt": "{{ problem }}"}, {}, "task.prompt: let the template say or show how"),
        (["I\nQ: b"], {"prompt": "{{ problem }}"}, {}, 'generation.stop=["\\nQ:"]'),
    ],
)
def test_where_none_helps_the_prompt_has_to_change(texts, task, generation, said):
    settings = TaskSettings(**({"name": "jsonl"} | task))
    known = texts_of(("1", text) for text in texts)
    assert how_to_ask(known, settings, Generation(model="m", **generation)).startswith(said)


@pytest.mark.parametrize(
    ("text", "prompt", "backend", "said"),
    [
        ("We add", "chat", "auto", "generation.max_tokens (now 64)"),
        ("4\n\nQ: And", "completion", "auto", 'generation.stop=["\\nQ:"]'),
        ("4\n\nQ: And", "completion", "import", "a higher max_tokens where the samples"),
    ],
)
def test_a_cut_text_needs_more_tokens_or_an_end(text, prompt, backend, said):
    task = TaskSettings(name="jsonl", prompt=prompt)
    generation = Generation(model="m", backend=backend, max_tokens=64)
    assert how_to_end(texts_of([("4", text)]), task, generation).startswith(said)
