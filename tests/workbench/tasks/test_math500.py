"""The MATH task: local files, the hub, worked examples."""

import json
import sys
import types
from pathlib import Path

import pytest

from workbench.config import schema as config
from workbench.tasks import math500, problem_files
from workbench.tasks.answer_extraction import extract_answer

PATH = Path(__file__).resolve().parents[4] / "shared" / "data" / "problems" / "math500.jsonl"
ROWS = [{"problem": f"{i}+1?", "answer": str(i + 1), "level": i} for i in range(3)]


def settings(**values):
    return config.TaskSettings(name="math500", **values)


@pytest.fixture
def local(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    return str(path)


@pytest.fixture
def hub(monkeypatch):
    """A stand-in for the datasets library; returns the names asked for."""
    problem_files._fetch.cache_clear()
    asked = []

    def load_dataset(name, split):
        asked.append((name, split))
        if name == "OWNER/nowhere":
            raise ConnectionError("no route to host")
        return ROWS

    module = types.ModuleType("datasets")
    module.load_dataset = load_dataset
    monkeypatch.setitem(sys.modules, "datasets", module)
    return asked


def test_a_local_file(local):
    problems = math500.load(settings(source=local, num_problems=2))
    assert [(p.id, p.gold) for p in problems] == [("math500-0", "1"), ("math500-1", "2")]
    assert problems[1].metadata == {"level": 1}
    assert len(math500.load(settings(source=local))) == 3


def test_the_hub_by_default_and_by_name(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [p.id for p in math500.load(settings(num_problems=2))] == ["math500-0", "math500-1"]
    math500.load(settings(source="OWNER/name"))
    assert hub == [("HuggingFaceH4/MATH-500", "test"), ("OWNER/name", "test")]


def test_a_hub_that_cannot_be_reached_says_how_to_do_without(hub):
    with pytest.raises(ValueError, match=r"ConnectionError: no route.*set task.source to a local"):
        math500.load(settings(source="OWNER/nowhere"))


def test_more_problems_than_there_are(local):
    with pytest.raises(ValueError, match=r"asks for 4 problems, .*mine.jsonl has 3"):
        math500.load(settings(source=local, num_problems=4))


def test_faults_are_found_before_anything_is_loaded(hub):
    bad = settings(source="nowhere.jsonl", few_shot=5, options={"level": 3})
    with pytest.raises(ValueError, match="current working directory") as error:
        math500.check(bad)
    keys = [line.split(":")[0] for line in str(error.value).splitlines()]
    assert keys == ["options.level", "source", "few_shot"]
    math500.check(settings())
    assert hub == []


def test_worked_examples_are_right():
    golds = ["144", "1", r"\frac{1}{12}", r"3\sqrt{2}"]
    examples = math500.examples(settings())
    assert [extract_answer(e.solution) for e in examples] == [(gold, "boxed") for gold in golds]
    x = next(x for x in range(50) if 3 * x - 7 == 2 * x + 5)
    assert x**2 == 144
    assert 7**10 % 8 == 1
    throws = [(a, b, die) for a in "HT" for b in "HT" for die in range(1, 7)]
    assert sum(throw[:2] == ("H", "H") and throw[2] > 4 for throw in throws) / len(throws) == 1 / 12
    diagonal = 3 * 2**0.5 * 2**0.5
    assert diagonal == pytest.approx(6)


def test_the_real_file_and_no_worked_example_among_its_problems():
    if not PATH.exists():
        pytest.skip(f"no real data at {PATH}")
    problems = math500.load(settings(source=str(PATH), num_problems=200))
    assert len({p.id for p in problems}) == 200
    assert problems[0].gold == r"\left( 3, \frac{\pi}{2} \right)"
    everything = {p.question for p in math500.load(settings(source=str(PATH)))}
    assert not everything & {e.question for e in math500.examples(settings())}
