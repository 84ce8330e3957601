"""Faults of ``task.prompts``: each at its key, all in one message, before anything is loaded."""

import json
from copy import deepcopy

import pytest

from workbench.config.prompt_variants import task_with_prompt
from workbench.config.schema import dump_experiment
from workbench.experiment import ExperimentError, check_experiment, load_experiment
from workbench.tasks import TASKS
from workbench.tasks.prompts import build_prompts, prompt_hash

TEMPLATE = "{% for e in examples %}{{ e.problem }} {{ e.solution }}\n{% endfor %}{{ problem }}"


@pytest.fixture
def write(tmp_path):
    def make(name, *rows):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(tmp_path / name)

    return make


@pytest.fixture
def own(write):
    """The settings of a task of two problems and three examples of one's own."""
    problems = [{"problem": "2 + 2?", "gold": "4", "level": 1}, {"problem": "3?", "gold": "3"}]
    examples = [{"problem": f"{n}?", "solution": str(n)} for n in (7, 8, 9)]
    return {
        "name": "jsonl",
        "source": write("problems.jsonl", *problems),
        "examples": write("examples.jsonl", *examples),
    }


def read(task, *overrides, **generation):
    tree = {"name": "x", "task": deepcopy(task), "generation": {"model": "m", "n": 8} | generation}
    return check_experiment(tree, overrides, "x.yaml")


def faults(task, *overrides, **generation):
    with pytest.raises(ExperimentError) as caught:
        read(task, *overrides, **generation)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def begin(lines, *starts):
    assert len(lines) == len(starts), "\n".join(lines)
    for line, start in zip(lines, starts, strict=True):
        assert line.startswith(start), line


def test_variants_that_fit_are_read_and_come_back_from_their_dump(own, tmp_path):
    prompts = {
        "brief": {"system": "Be brief."},
        "bare": {"few_shot": 0},
        "drawn": {"examples_seed": 2},
        "written": {"prompt": TEMPLATE},
        "said": {"prompt": [{"role": "user", "content": "{{ problem }}"}], "few_shot": 0},
        "1": {"prompt": "completion"},
    }
    experiment = read(own | {"few_shot": 2, "template_options": {"a": 1}, "prompts": prompts})
    (tmp_path / "copy.yaml").write_text(dump_experiment(experiment))
    assert load_experiment(tmp_path / "copy.yaml") == experiment

    task, row = experiment.task, TASKS["jsonl"]
    problems = row.problems(task)
    asked = {
        name: build_prompts(problems, row, task_with_prompt(task, name)) for name in prompts
    } | {"default": build_prompts(problems, row, task)}
    assert len({prompt_hash(first) for first, _ in asked.values()}) == 7
    plain = read(own | {"few_shot": 2, "template_options": {"a": 1}}).task
    assert asked["default"] == build_prompts(problems, row, plain)  # as without variants
    assert asked["written"][0].text == "7? 7\n8? 8\n2 + 2?"
    assert asked["bare"][0].messages[1:] == asked["default"][0].messages[-1:]


def test_every_kind_of_fault_stands_at_its_key_in_one_message(own):
    prompts = {
        "typo": {"few_shots": 1, "last_number": True, "few_shot": -1},
        "number": 3,
        "default": {},
        "no good": {},
        "form": {"prompt": "completed"},
        "syntax": {"prompt": "{{ problem"},
        "told": {"prompt": "{{ problem }}", "few_shot": 0, "system": "Be brief."},
        "many": {"few_shot": 9},
        "lost": {"examples": "nowhere.jsonl"},
        "column": {"prompt": "{{ lvel }}", "few_shot": 0},
        "rows": {"prompt": "{{ level }}", "few_shot": 0},
        "one": {"prompt": "completion", "template_options": {"a": 1}},
    }
    begin(
        sorted(faults(own | {"few_shot": 2, "prompts": prompts})),
        "task.prompts.column.prompt: unknown name 'lvel'; did you mean 'level'? (known: problem, ",
        "task.prompts.default: 'default' is the name of the task section's own prompt; give",
        "task.prompts.form.prompt: unknown value 'completed'; did you mean 'completion'? (known: ",
        "task.prompts.lost.examples: there is no file nowhere.jsonl",
        "task.prompts.many.few_shot: 9 worked examples are asked for, ",
        "task.prompts.no good: the name of a variant must be at most 40 letters",
        "task.prompts.number: expected a mapping (lines of 'key: value'), got 3",
        "task.prompts.one.template_options: a completion prompt goes through no chat template; ",
        "task.prompts.rows.prompt: problem 'problem-1': the template fails ('level' is undefined)",
        "task.prompts.syntax.prompt: line 1: not valid Jinja2",
        "task.prompts.told.system: a template says all of the prompt; write the instruction into",
        "task.prompts.typo.few_shot: must be at least 0, got -1",
        "task.prompts.typo.few_shots: unknown key; did you mean 'few_shot'? (known: system, few_",
        "task.prompts.typo.last_number: unknown key here; did you mean task.last_number?",
    )


def test_switches_of_a_completion_are_told_beside_a_misspelt_key(own):
    begin(
        faults(own | {"few_shots": 1, "prompt": "completion", "template_options": {"a": 1}}),
        "task.few_shots: unknown key; did you mean 'few_shot'?",
        "task.template_options: a completion prompt goes through no chat template; leave them "
        "out, or set task.prompt to chat",
    )


def test_what_is_wrong_with_the_section_is_said_once(own):
    prompts = {"brief": {"system": "Be brief."}, "drawn": {"examples_seed": 1}}
    begin(
        faults(own | {"few_shot": 9, "prompts": prompts, "options": {"compar": 1}}),
        "task.options.compar: unknown option",
        "task.few_shot: 9 worked examples are asked for",
    )
    begin(
        faults(own | {"few_shot": 9, "prompts": {"many": {"few_shot": 9}}}),
        "task.few_shot: 9 ",
        "task.prompts.many.few_shot: 9 ",
    )
    begin(
        faults(own | {"prompt": "{{ lvel }}", "prompts": {"a": {"few_shot": 0}}}), "task.prompt: "
    )


def test_a_setting_of_the_section_that_does_not_fit_a_variant_is_said_of_the_variant(own):
    variant = {"prompts": {"written": {"prompt": "{{ problem }}"}}}
    begin(
        faults(own | {"few_shot": 2} | variant),
        "task.prompts.written.few_shot: the template shows none of the 2 examples; loop over "
        "examples in it, or set few_shot to 0",
    )
    begin(faults(own | {"few_shot": "two"} | variant), "task.few_shot: expected an integer")


def test_a_key_that_a_variant_does_not_have_is_the_sections(own):
    task = {"name": "gsm8k", "source": own["source"], "prompts": {"shots": {"few_shot": 2}}}
    begin(
        faults(task),
        "task.options.train: with the prompt 'shots': 2 worked examples are asked for and the ",
    )


def test_an_example_of_a_variant_must_not_be_asked(own, write):
    examples = write("asked.jsonl", {"problem": "3?", "solution": "3"})
    variants = {"prompts": {"leaks": {"examples": examples, "few_shot": 1}}}
    begin(faults(own | variants), "task.prompts.leaks.examples: '3?' of ")


def test_two_variants_that_ask_the_same_are_refused(own):
    same = {"a": {"few_shot": 0}, "b": {"few_shot": 0, "examples": own["examples"]}}
    begin(
        faults(own | {"few_shot": 2, "prompts": same}),
        "task.prompts.b: asks the same as 'a'; change one of them, or leave one out",
    )
    read(own | {"few_shot": 2, "prompts": {"a": {}, "b": {"few_shot": 1}}})  # a name for default


def test_what_is_set_by_hand_is_told_so(own):
    task = own | {"prompts": {"shots": {"few_shot": 1}}}
    begin(faults(task, "task.prompts.shots.few_shot=9"), "--set task.prompts.shots.few_shot: 9 ")
    read(task, "task.prompts.bare.few_shot=0")
    begin(faults(own | {"prompts": [1]}), "task.prompts: expected a mapping")


def test_the_examples_of_a_variant_may_lie_beside_the_experiment(own, tmp_path):
    text = "name: x\ntask: {name: jsonl, source: problems.jsonl, prompts: {a: {few_shot: 2, examp"
    (tmp_path / "x.yaml").write_text(text + "les: examples.jsonl}}}\ngeneration: {model: m}\n")
    experiment = load_experiment(tmp_path / "x.yaml")
    assert experiment.task.prompts["a"].examples == own["examples"]


def test_an_imported_run_is_not_asked(own):
    prompts = {"a": {"prompt": "{{ lvel }}"}}
    task = {"name": "arithmetic", "prompts": prompts}
    read(task, backend="import", temperatures=[1.0])
