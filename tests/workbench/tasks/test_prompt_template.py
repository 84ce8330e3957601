"""Prompt templates of an experiment's own, rendered by hand, and everything wrong with one."""

import pytest

from workbench.config.schema import TaskSettings
from workbench.core.types import Problem, Prompt
from workbench.tasks import TASKS, prompt_template
from workbench.tasks.prompt_template import render, render_all, template_faults
from workbench.tasks.prompts import build_prompts, prompt_hash, roles_of
from workbench.tasks.task import Example

COLOURS = {"choices": ["sky", "blood"], "level": 3, "solution": "It is blood.", "hint": None}
PROBLEMS = [
    Problem("p0", "Which is red?\nA. sky\nB. blood", "B", COLOURS),
    Problem("p1", "1 < 2?", "yes", {"level": 1, "hint": "count"}),
]
EXAMPLES = [Example("2 + 2?", "It is 4.", {"level": 9}), Example("3 + 3?", "It is 6.")]
SHOWN = """Answer.

  {% for example in examples %}
Q: {{ example.problem }}
A: {{ example.solution }}

{% endfor %}
Q: {{ problem }}
A:
"""


def settings(prompt, **values):
    return TaskSettings(name="jsonl", prompt=prompt, **values)


def rendered(prompt, problems=PROBLEMS, examples=(), **values):
    return render_all(settings(prompt, **values), problems, examples)


def texts(prompt, *args, **values):
    return [one.text for one in rendered(prompt, *args, **values)]


def test_a_text_is_a_completion_prompt_and_its_lines_are_as_they_look():
    assert texts(SHOWN, PROBLEMS[1:], EXAMPLES) == [
        "Answer.\n\nQ: 2 + 2?\nA: It is 4.\n\nQ: 3 + 3?\nA: It is 6.\n\nQ: 1 < 2?\nA:"
    ]


def test_one_line_break_at_the_very_end_is_dropped_and_no_more():
    assert texts("{{ problem }}\n\n", PROBLEMS[1:]) == ["1 < 2?\n"]


def test_messages_are_a_chat_with_the_switches_of_the_chat_template():
    messages = (
        {"role": "system", "content": "Level {{ level }}."},
        {"role": "user", "content": "{{ examples[0].question }}"},
        {"role": "assistant", "content": "{{ examples[0].solution }}"},
        {"role": "user", "content": "{{ problem }}"},
    )
    switches = {"enable_thinking": False}
    chosen = settings(messages, few_shot=1, template_options=switches)
    assert render_all(chosen, PROBLEMS[1:], EXAMPLES[:1]) == [
        Prompt(
            messages=(
                {"role": "system", "content": "Level 1."},
                {"role": "user", "content": "2 + 2?"},
                {"role": "assistant", "content": "It is 4."},
                {"role": "user", "content": "1 < 2?"},
            ),
            template_options=switches,
        )
    ]
    assert roles_of(TASKS["jsonl"], chosen) == ("system", "user", "assistant", "user")


def test_a_question_is_to_be_had_with_its_choices_and_without_them():
    choices = "{{ question }}{% for c in choices %} ({{ loop.index }}) {{ c }}{% endfor %}"
    assert texts(choices, PROBLEMS[:1]) == ["Which is red? (1) sky (2) blood"]
    assert texts("{{ problem }}", PROBLEMS[:1]) == [PROBLEMS[0].question]
    other = [Problem("p", "Which?", "x", {"choices": "many"})]
    assert texts("{{ question }} {{ choices }}", other) == ["Which? many"]
    shown = [Example("Which?\nA. x\nB. y", "A", {"choices": ["x", "y"], "level": 9})]
    each = "{% for e in examples %}{{ e.question }}|{{ e.level }}|{% endfor %}{{ problem }}"
    assert texts(each, PROBLEMS[1:], shown) == ["Which?|9|1 < 2?"]


def test_a_null_can_be_asked_for_and_is_never_written():
    careful = "{{ problem }}{% if hint %} Hint: {{ hint }}.{% endif %}"
    assert texts(careful) == [PROBLEMS[0].question, "1 < 2? Hint: count."]
    with pytest.raises(ValueError, match=r"^prompt: problem 'p0': .*null.*hint \(null\)"):
        rendered("{{ problem }} {{ hint }}")


def test_prompts_of_a_template_are_those_of_the_task_where_they_say_the_same():
    own = settings("Q: {{ problem }}\nA:")
    built_in = TaskSettings(name="jsonl", prompt="completion", system="")
    ours, theirs = (build_prompts(PROBLEMS, TASKS["jsonl"], one) for one in (own, built_in))
    assert [*map(prompt_hash, ours)] == [*map(prompt_hash, theirs)]


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("{{ problm }}{{ level }}", r"prompt: unknown name 'problm'; did you mean 'problem'\?"),
        ("{{ problem }}{% if levl is defined %}{% endif %}", "did you mean 'level'"),
        (
            "{{ problem }}{{ choices }}",
            r"prompt: problem 'p1': .*'choices' is undefined.*: level, h",
        ),
        ("{{ problem }}{{ level.size }}", r"problem 'p0' and 1 more: .*\('int object' has no attr"),
        ("{{ problem }}{{ level + 'a' }}", r"the template fails \(TypeError: unsupported operand"),
        ("{{ problem }}{{ problem.__class__.__mro__ }}", "access to attribute '__class__'.*unsafe"),
        ("{{ problem }}{% include 'x' %}", r"the template fails \(TypeError: no loader"),
        (
            "{% if level == 3 %}{{ problem }}{% endif %}",
            "problem 'p1': the template writes nothing",
        ),
        ("{{ problem[:0] }}x", "prompt: all 2 problems get the same prompt"),
    ],
)
def test_a_template_that_does_not_fit_the_problems(template, fault):
    with pytest.raises(ValueError, match=fault):
        rendered(template)


def test_all_that_does_not_fit_is_said_at_once_and_the_message_is_named():
    messages = [
        {"role": "system", "content": "{{ level }}"},
        {"role": "user", "content": "{{ choices }}"},
    ]
    with pytest.raises(ValueError, match=r"'p1': message 2, .*'choices' is undefined"):
        rendered(tuple(messages))
    with pytest.raises(ValueError, match=r"'aa'.*\n.*'bb'"):
        rendered("{{ problem }}{{ aa }}{{ bb }}")


@pytest.mark.parametrize(
    ("template", "values", "faults"),
    [
        ("{{ problem }}", {}, []),
        ("{{ question }}{% for e in examples %}{{ e.problem }}{% endfor %}", {"few_shot": 2}, []),
        ("{{ level }}", {}, []),
        ("a\n{% if %}{{ problem }}", {}, ["prompt: line 2: not valid Jinja2: Expected an expr"]),
        ("{{ problem | uper }}", {}, ["prompt: line 1: not valid Jinja2: No filter named 'uper'"]),
        ("{{ problem | random }}", {}, ["prompt: line 1: not valid Jinja2: No filter named 'rand"]),
        ("{% x %}", {"system": ""}, ["prompt: line 1", "system: a template says all of"]),
        ("{{ range(3) }}", {}, ["prompt: the template uses neither problem nor a column"]),
        ("{{ problem }}{{ gold }}", {}, ["prompt: 'gold' would give the known answer away"]),
        (
            "{{ solution }}", {},
            ["prompt: 'solution' would give", "prompt: the template uses neither problem"],
        ),
        ("{{ problem }}{{ examples }}", {}, ["few_shot: the template uses examples; say how many"]),
        ("{{ problem }}", {"few_shot": 2}, ["few_shot: the template shows none of the 2 examples"]),
        (
            ({"role": "system", "content": "{{"}, {"role": "user", "content": "{{ problem }}"}), {},
            ["prompt: message 1, line 1: not valid Jinja2"],
        ),
        (
            ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "x"}), {},
            ["prompt: the template uses neither problem"],
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_before_any_problem_is_read(template, values, faults):
    said = template_faults(settings(template, **values))
    assert len(said) == len(faults)
    assert all(line.startswith(fault) for line, fault in zip(said, faults, strict=True))


def test_the_known_answer_is_in_no_template_whatever_it_is_called():
    for name in ("gold", "answer", "solution"):
        with pytest.raises(ValueError, match=f"unknown name '{name}'"):
            rendered(f"{{{{ problem }}}}{{{{ {name} }}}}")
    with pytest.raises(ValueError, match=r"the template fails \('solution' is undefined\)"):
        render(settings("{{ solution }}"), PROBLEMS[0], [])


def test_a_template_is_compiled_once_for_all_problems(monkeypatch):
    made, environment = [], prompt_template._environment()
    compiled = environment.from_string
    monkeypatch.setattr(environment, "from_string", lambda t: made.append(t) or compiled(t))
    chosen = TaskSettings(name="jsonl", prompt="Only here: {{ problem }}")
    render_all(chosen, [Problem(str(n), f"{n}?") for n in range(20)], [])
    assert made == ["Only here: {{ problem }}"]
