import numpy as np
import pytest
from sklearn.decomposition import PCA

from workbench import load_run
from workbench.analysis.page.explorer import explore, project
from workbench.core.types import STATUSES


def rng():
    return np.random.default_rng(0)


def test_every_sample_is_there_as_it_was_scored(embedded, unpack):
    run = load_run(embedded[1])
    found = {}
    explorer = explore(run, rng())
    for problem in explorer.problems:
        whole = unpack(problem["chunk"])
        for pool in whole["pools"]:
            for place, index in enumerate(pool["index"]):
                answer = pool["answer"][place]
                found[problem["id"], pool["condition"], index] = (
                    pool["texts"][pool["text"][place]],
                    pool["answers"][answer] if answer >= 0 else None,
                    STATUSES[pool["status"][place]],
                    pool["correct"][place],
                    pool["cluster"][place],
                    pool["logprob"][place],
                )
    rows = run.samples.merge(
        run.scores.drop(columns="temperature"), on=["problem_id", "condition", "sample_index"]
    )
    expected = {
        (row.problem_id, f"{row.temperature:g}", row.sample_index): (
            row.completion, row.answer if isinstance(row.answer, str) else None, row.status,
            int(row.correct), row.answer_cluster, round(row.mean_logprob, 4),
        )
        for row in rows.itertuples()
    }  # fmt: skip
    assert found == expected
    assert not explorer.notes
    assert explorer.facts["samples"].sum() == len(rows)
    assert explorer.facts["right"].sum() == rows["correct"].sum()


def test_a_run_too_large_for_a_page_is_sampled_by_problem_and_says_so(finished):
    run = load_run(finished[1])
    whole = explore(run, rng())
    sizes = [len(problem["chunk"]) for problem in whole.problems]
    budget = sum(sizes) // 3
    some, again = (explore(run, rng(), budget) for _ in range(2))
    names = [problem["id"] for problem in some.problems]
    assert [problem["id"] for problem in again.problems] == names
    assert 1 < len(names) < 12
    assert sum(len(problem["chunk"]) for problem in some.problems) <= budget
    order = np.array([p["id"] for p in whole.problems])[np.argsort(rng().permutation(12))]
    assert set(names) == set(order[: len(names)])  # those that come first in a shuffled order
    assert some.notes[0].startswith(f"{len(names)} of 12 problems, drawn at random")
    assert some.facts.equals(whole.facts)
    assert len(explore(run, rng(), 1).problems) == 1


def test_the_map_is_what_an_independent_analysis_gives():
    vectors = rng().normal(size=(9, 5))
    copies = np.array([1, 1, 3, 1, 2, 1, 1, 1, 1])
    found = project(vectors, copies)
    pca = PCA(2).fit(np.repeat(vectors, copies, axis=0))
    expected = pca.transform(vectors)
    for axis, part in (("x", 0), ("y", 1)):
        ours = np.array(found[axis])
        assert min(abs(ours - expected[:, part]).max(), abs(ours + expected[:, part]).max()) < 1e-3
        assert ours[abs(ours).argmax()] > 0
    assert found["share"] == pytest.approx(pca.explained_variance_ratio_, abs=1e-3)


def test_where_there_is_nothing_to_project_there_is_no_map():
    same = np.ones((3, 4)) / 2
    missing = np.eye(4)
    missing[0, 0] = np.nan
    for vectors in (np.eye(4)[:2], same, missing):
        assert project(vectors, np.ones(len(vectors), dtype=int)) is None
