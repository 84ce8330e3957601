"""Problems and scores are the package's; the file is made as its ``eval/eval.py`` writes it."""

import json

import pytest

from tests.lazily import Lazy
from workbench.interchange.readers.find_files import find_files

reasoning_gym = Lazy("reasoning_gym")

ANSWERS = 3

DRAWN = {"model": "org/m", "temperature": 0.6, "max_tokens": 32768, "top_p": 0.95}


def evaluated(name, answers_of):
    """Return the results of a data set as ``evaluate_dataset`` of ``eval.py`` makes them."""
    data = reasoning_gym.create_dataset(name, size=2, seed=1)
    results = []
    for entry in data:
        completions = [
            {"model_answer": answer, "full_model_response": f"<answer>{answer}</answer>",
             "score": data.score_answer(answer=answer, entry=entry)}
            for answer in answers_of(entry["answer"])
        ]  # fmt: skip
        scores = [c["score"] for c in completions]
        results.append({
            "question": entry["question"], "expected_answer": str(entry["answer"]),
            "best_model_answer": None, "best_full_model_response": None, "best_score": max(scores),
            "mean_score": sum(scores) / len(scores), "completions": completions,
        })  # fmt: skip
    mean = sum(r["mean_score"] for r in results) / 2
    return {"name": name, "category": "c", "average_mean_score": mean, "total_examples": 2,
            "completions_per_prompt": ANSWERS, "results": results}  # fmt: skip


def saved(home, dataset):
    (home / "c").mkdir(exist_ok=True)
    path = home / "c" / f"{dataset['name']}.json"
    path.write_text(json.dumps(dataset, indent=2))
    (home / "summary.json").write_text(json.dumps(DRAWN))
    return path


def test_scores_of_0_and_1_are_correctness(rows_of, tmp_path):
    dataset = evaluated("leg_counting", lambda right: [right, "-1", right])
    path = saved(tmp_path, dataset)
    rows = rows_of(path, fmt="reasoning-gym")
    scores = [c["score"] for r in dataset["results"] for c in r["completions"]]
    assert set(scores) == {0, 1}  # as this data set scores
    assert [r.correct for r in rows] == [score == 1 for score in scores]
    assert {r.reward for r in rows} == {None}
    assert sum(r.correct for r in rows) / 6 == pytest.approx(dataset["average_mean_score"])
    assert [r.problem_id for r in rows] == [f"leg_counting-{i}" for i in (0, 1) for _ in range(3)]
    drawn = {(r.model, r.temperature, r.max_tokens, r.top_p) for r in rows}
    assert drawn == {("org/m", 0.6, 32768, 0.95)}
    whole = {"metadata": DRAWN,
             "categories": [{"name": "c", "datasets": [dataset]}]}  # fmt: skip
    (tmp_path / "results.json").write_text(json.dumps(whole, indent=2))
    assert rows_of(tmp_path / "results.json", fmt="reasoning-gym") == rows
    assert find_files([tmp_path])[0] == (tmp_path / "results.json",)  # which holds the other too


def test_partial_credit_is_a_reward(rows_of, tmp_path, capfd):
    dataset = evaluated("leg_counting", lambda right: [right, "-1", right])
    for result in dataset["results"]:
        result["completions"][1]["score"] = 0.25
    dataset["results"][0]["completions"][2] |= {"score": 0.0, "error": "cannot be scored"}
    rows = rows_of(saved(tmp_path, dataset))
    assert [r.correct for r in rows] == [True, None, None, True, None, True]
    assert [r.reward for r in rows] == [1, 0.25, None, 1, 0.25, 1]
    assert {r.gold for r in rows} == {None}
    assert "leg_counting.json: some scores are between 0 and 1" in capfd.readouterr().err


def test_a_problem_without_completions_is_a_failed_sample(rows_of, tmp_path, capfd):
    dataset = evaluated("leg_counting", lambda right: [right, "-1", right])
    dataset["results"][1] |= {"completions": [], "error": "All completion attempts failed"}
    rows = rows_of(saved(tmp_path, dataset))
    assert [r.problem_id for r in rows] == ["leg_counting-0"] * 3 + ["leg_counting-1"]
    assert [r.correct for r in rows] == [True, False, True, None]
    assert (rows[3].stop_reason, rows[3].error) == ("error", "All completion attempts failed")
    broken = {"name": "maze", "results": [], "error": "no such data set"}
    whole = {"metadata": {}, "categories": [{"name": "c", "datasets": [dataset, broken]}]}
    (tmp_path / "results.json").write_text(json.dumps(whole, indent=2))
    assert len(rows_of(tmp_path / "results.json")) == 4
    assert "results.json: maze failed: no such data set" in capfd.readouterr().err
