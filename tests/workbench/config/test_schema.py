"""What the sections refuse when they are made in Python, without a file."""

import pytest
from pydantic import ValidationError

from workbench.config.schema import (
    Experiment,
    Generation,
    Measure,
    Selection,
    TaskSettings,
    Thinking,
)
from workbench.config.scoring_schema import Scoring

TASK = TaskSettings(name="arithmetic")


def said(*roles):
    """Messages of these roles."""
    return [{"role": role, "content": "{{ problem }}"} for role in roles]


@pytest.mark.parametrize(
    ("kind", "values", "fault"),
    [
        (Generation, {"temperatures": (0.3, 0.3)}, "0.3 is given twice"),
        (Generation, {"temperatures": (float("nan"),)}, "finite"),
        (Generation, {"top_p": 0}, "greater than 0"),
        (Generation, {"max_tokens": 0}, "greater than or equal to 1"),
        (Generation, {"engine": {"seed": 1}}, "'seed' is not an engine option here.*beside engine"),
        (Generation, {"nn": 1}, "nn"),
        (Thinking, {"family": "thoughts"}, "'auto'"),
        (Thinking, {"open": ""}, "at least 1 character"),
        (Thinking, {"open": "<a>"}, "give open and close, or neither"),
        (Measure, {"text": "answers"}, "'answer'"),
        (
            TaskSettings,
            {"name": "x", "template_options": {"tokenize": True}},
            "'tokenize' is set by",
        ),
        (TaskSettings, {"name": "x", "prompt": "chatt"}, "did you mean 'chat'.*a template holds"),
        (TaskSettings, {"name": "x", "prompt": 3}, "expected chat or completion, a template or a"),
        (TaskSettings, {"name": "x", "prompt": []}, r"a list of messages, got \[\]"),
        (TaskSettings, {"name": "x", "prompt": ["{{ problem }}"]}, "message 1 must have the keys"),
        (TaskSettings, {"name": "x", "prompt": said("usr")}, "message 1: .*did you mean 'user'"),
        (
            TaskSettings,
            {"name": "x", "prompt": said("user", "system")},
            "only the first",
        ),
        (TaskSettings, {"name": "x", "prompt": said("user", "assistant")}, "last message must be"),
        (
            TaskSettings,
            {"name": "x", "prompt": [{"role": "user", "content": 3}]},
            "message 1: content must be a text, got 3",
        ),
        (Measure, {"k": ()}, "at least one entry"),
        (Measure, {"k": (0,)}, "at least 1"),
        (Measure, {"k": (2, 2)}, "2 is given twice"),
        (Measure, {"metrics": ("dpp", "dpp")}, "'dpp' is given twice"),
        (Scoring, {"rewards": ("a", "a")}, "given twice"),
        (Selection, {"aggregators": ("maj", "maj")}, "given twice"),
    ],
)
def test_impossible_values(kind, values, fault):
    with pytest.raises(ValidationError, match=fault):
        kind(**({"model": "m"} if kind is Generation else {}), **values)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "~"])
def test_a_name_must_do_for_a_folder(name):
    with pytest.raises(ValidationError, match="names a folder"):
        Experiment(name=name, task=TASK, generation=Generation(model="m"))


def test_what_contradicts_itself_across_sections():
    good = {"name": "a", "task": TASK}
    switched = TaskSettings(name="x", prompt="completion", template_options={"thinks": False})
    with pytest.raises(ValidationError, match=r"template_options: a completion prompt goes"):
        Experiment(name="a", task=switched, generation=Generation(model="m"))
    with pytest.raises(
        ValidationError, match=r"measure.k: subsets of 8 .* got 4.*selection.reward"
    ):
        Experiment(**good, generation=Generation(model="m", n=4), selection=Selection(reward="orm"))
    for temperatures in ((0.0, 1.0), (-1.0,), (None,)):
        with pytest.raises(ValidationError, match=r"temperatures: .*above 0.*generation.greedy"):
            Experiment(**good, generation=Generation(model="m", temperatures=temperatures))
    with pytest.raises(ValidationError, match=r"temperatures: must not be negative"):
        Experiment(**good, generation=Generation(model="m", backend="import", temperatures=(-1.0,)))
    Experiment(**good, generation=Generation(model="m", backend="import", temperatures=(0.0, None)))
    with pytest.raises(ValidationError, match=r"generation.max_tokens: samples of 512 tokens"):
        Experiment(**good, generation=Generation(model="m", max_model_len=512))
    Experiment(**good, generation=Generation(model="m", n=8, max_model_len=513))


def test_a_text_template_is_a_completion_prompt_and_messages_are_a_chat():
    forms = ["chat", "completion", "{{ problem }}", said("user"), said("system", "user")]
    settings = [TaskSettings(name="x", prompt=form) for form in forms]
    assert [one.is_chat for one in settings] == [True, False, False, True, True]
    assert [one.has_template for one in settings] == [False, False, True, True, True]
    switched = TaskSettings(name="x", prompt="{{ problem }}", template_options={"thinks": False})
    with pytest.raises(ValidationError, match=r"template_options: a completion prompt goes"):
        Experiment(name="a", task=switched, generation=Generation(model="m"))
