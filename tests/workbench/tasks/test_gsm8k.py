"""The grade-school task: local files, the hub, worked examples from the training split."""

import json
import sys
import types
from pathlib import Path

import pytest

from workbench.config import schema as config
from workbench.tasks import TASKS, gsm8k, problem_files
from workbench.tasks.answer_extraction import extract_answer

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "problems"
TEST = [
    {"question": "Eggs?", "answer": "Janet has 16 - 3 = <<16-3=13>>13 eggs.\n#### 13"},
    {"question": "Price?", "answer": "It is $1,000 + $80 = $<<1000+80=1080>>1,080\n#### 1,080"},
]
TRAIN = [
    {"question": f"Train {i}?", "answer": f"It is {i}*2=<<{i}*2={2 * i}>>{2 * i}\n#### {2 * i}"}
    for i in range(20)
]


def settings(**values):
    return config.TaskSettings(name="gsm8k", **values)


def write(path, rows):
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return str(path)


@pytest.fixture(autouse=True)
def _nothing_remembered():
    problem_files._fetch.cache_clear()


@pytest.fixture
def local(tmp_path):
    """Settings of a local source and a local training file."""
    return {
        "source": write(tmp_path / "test.jsonl", TEST),
        "options": {"train": write(tmp_path / "train.jsonl", [TRAIN[0] | TEST[0], *TRAIN])},
    }


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A stand-in for the datasets library; returns what was asked for."""
    asked = []

    def load_dataset(*names, split):
        asked.append((*names, split))
        if names[0] == "OWNER/nowhere":
            raise ConnectionError("no route\nto host")
        return {"test": TEST, "train": TRAIN}[split]

    module = types.ModuleType("datasets")
    module.load_dataset = load_dataset
    monkeypatch.setitem(sys.modules, "datasets", module)
    monkeypatch.chdir(tmp_path)
    return asked


def test_the_answer_behind_the_solution_without_commas(local):
    problems = gsm8k.load(settings(**local))
    assert [(p.id, p.question, p.gold) for p in problems] == [
        ("gsm8k-0", "Eggs?", "13"),
        ("gsm8k-1", "Price?", "1080"),
    ]
    assert gsm8k.load(settings(**local, num_problems=1)) == problems[:1]
    with pytest.raises(ValueError, match=r"asks for 3 problems, .*test.jsonl has 2"):
        gsm8k.load(settings(**local, num_problems=3))


def test_the_answer_in_a_key_of_its_own(tmp_path):
    rows = [{"problem": "x", "gold": "1,234", "solution": "..."}, {"question": "y", "answer": "7"},
            {"problem": "z", "gold": 5}]  # fmt: skip
    source = write(tmp_path / "mine.jsonl", rows)
    assert [p.gold for p in gsm8k.load(settings(source=source))] == ["1234", "7", "5"]


def test_worked_examples_by_hand(local):
    examples = gsm8k.examples(settings(**local, few_shot=2))
    assert len(examples) == 16
    assert examples[0].question == "Train 0?"  # the first row of the file is one of the problems
    assert examples[3].solution == r"It is 3*2=6. The answer is \boxed{6}."
    # they do not depend on how many problems are asked
    assert gsm8k.examples(settings(**local, num_problems=1)) == examples


def test_several_lines_become_one(tmp_path):
    row = {"question": "q", "answer": "First 1+1=<<1+1=2>>2.\n\nThen 2+2=<<2+2=4>>4!\n#### 4"}
    train = write(tmp_path / "train.jsonl", [row])
    source = write(tmp_path / "test.jsonl", TEST)
    example = gsm8k.examples(settings(source=source, options={"train": train}))[0]
    assert example.solution == r"First 1+1=2. Then 2+2=4! The answer is \boxed{4}."


def test_a_training_file_without_solutions_is_refused(tmp_path, local):
    train = write(tmp_path / "bare.jsonl", [{"problem": "q", "gold": "4"}])
    bad = settings(source=local["source"], options={"train": train}, few_shot=1)
    with pytest.raises(ValueError, match="gsm8k-0 of the training split has no solution"):
        gsm8k.examples(bad)


def test_the_hub_is_asked_once_for_each_split_however_many_prompts_are_built(hub):
    chosen = settings(few_shot=4)
    assert [p.gold for p in gsm8k.load(chosen)] == ["13", "1080"]
    assert hub == [("openai/gsm8k", "main", "test")]  # the other only when it is needed
    for _ in range(3):
        assert gsm8k.examples(chosen)[0].question == "Train 0?"
    assert hub == [("openai/gsm8k", "main", "test"), ("openai/gsm8k", "main", "train")]
    gsm8k.load(settings(source="OWNER/other"))
    assert hub[2:] == [("OWNER/other", "test")]
    assert TASKS["gsm8k"].on_hub(chosen)


def test_a_hub_that_cannot_be_reached_says_how_to_do_without(hub):
    with pytest.raises(
        ValueError, match=r"no route to host\).*task.source.*options.train"
    ) as error:
        gsm8k.load(settings(source="OWNER/nowhere"))
    assert len(str(error.value).splitlines()) == 1


def test_a_row_of_the_hub_that_is_no_problem_is_named(hub, monkeypatch):
    monkeypatch.setitem(TEST[1], "question", None)
    with pytest.raises(ValueError, match="row 1 of 'openai/gsm8k', split 'test': no question"):
        gsm8k.load(settings())


def test_a_changed_file_is_read_again(local, tmp_path):
    assert len(gsm8k.load(settings(**local))) == 2
    write(tmp_path / "test.jsonl", TEST[:1])
    assert len(gsm8k.load(settings(**local))) == 1


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"options": {}}, "options.train: 2 worked examples are asked for and the problems are a"),
        ({"options": {"train": "no.jsonl"}}, "options.train: there is no file no.jsonl"),
        ({"options": {"train": 5}}, "options.train: expected the path of a JSONL file, got 5"),
        ({"source": "./no.jsonl"}, "source: there is no file no.jsonl .*it is openai/gsm8k"),
        ({"options": {"trian": "x"}}, "options.trian: unknown option; task gsm8k has only 'train'"),
        ({"few_shot": 17}, "few_shot: 17 worked examples are asked for, task 'gsm8k' has 16"),
    ],
)
def test_faults_are_found_before_anything_is_read(local, hub, changes, fault):
    with pytest.raises(ValueError, match=fault):
        gsm8k.check(settings(**({"few_shot": 2} | local | changes)))
    gsm8k.check(settings(**local, few_shot=2))
    assert not hub


def test_the_last_number_only_where_it_is_allowed():
    assert TASKS["gsm8k"].extract("So 13", settings(last_number=True)) == ("13", "last_number")
    assert TASKS["gsm8k"].extract("So 13", settings()) == (None, "none")


def test_the_real_files():
    source, train = DATA / "gsm8k_test.jsonl", DATA / "gsm8k_train_slice.jsonl"
    if not source.exists():
        pytest.skip(f"no real data at {source}")
    real = settings(source=str(source), options={"train": str(train)})
    problems = gsm8k.load(real)
    assert len(problems) == 1319
    assert all(p.gold.lstrip("-").isdigit() for p in problems)
    # Each solution ends in its own answer, so that the two ways of giving it agree.
    assert all(p.metadata["solution"].rpartition("####")[2].strip().replace(",", "") == p.gold
               for p in problems)  # fmt: skip
    examples = gsm8k.examples(real)
    assert examples[0].solution == (
        "Natalia sold 48/2 = 24 clips in May. Natalia sold 48+24 = 72 clips altogether in April "
        r"and May. The answer is \boxed{72}."
    )
    known = {p.question: p.gold for p in gsm8k.DATASET.read(str(train), "train")}
    for example in examples:
        assert extract_answer(example.solution) == (known[example.question], "boxed")
        assert not any(mark in example.solution for mark in ("<<", ">>", "####", "\n"))
