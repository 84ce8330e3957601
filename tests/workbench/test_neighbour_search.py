import itertools
import json

import numpy as np
import pandas as pd
import pytest

from workbench import load_run
from workbench.neighbour_search import neighbours_of, open_neighbours
from workbench.rewards.nearest import build, neighbour_features


def unit(vectors):
    vectors = np.asarray(vectors, dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def clustered(count, rng, size=32, clusters=50):
    centres = rng.normal(size=(clusters, size))
    return unit(centres[rng.integers(clusters, size=count)] + 0.6 * rng.normal(size=(count, size)))


def entries(problems, correct=None):
    right = np.ones(len(problems)) if correct is None else correct
    return pd.DataFrame({"problem_id": problems, "correct": right})


@pytest.mark.parametrize("apart", [False, True])
def test_the_flat_index_is_an_exhaustive_search(apart):
    rng = np.random.default_rng(0)
    vectors = clustered(300, rng)
    problems = [f"p{i % 7}" for i in range(300)]
    known = build(vectors, entries(problems))
    cosines, rows = known.nearest(vectors[:40], 12, problems[:40] if apart else None)
    for query in range(40):
        exact = vectors @ vectors[query]
        if apart:
            exact[[p == problems[query] for p in problems]] = -2
        order = np.argsort(-exact)[:12]
        assert set(rows[query]) == set(order)
        np.testing.assert_allclose(cosines[query], exact[order], atol=1e-6)


def test_the_graph_finds_nearly_all_and_the_same_ones_again():
    rng = np.random.default_rng(1)
    vectors = clustered(3000, rng)
    problems = [f"p{i % 11}" for i in range(3000)]
    flat, graph, again = (build(vectors, entries(problems), most) for most in (10**6, 10, 10))
    for apart in (None, problems[:200]):
        exact, found = (index.nearest(vectors[:200], 10, apart)[1] for index in (flat, graph))
        shared = [len(set(a) & set(b)) / 10 for a, b in zip(exact, found, strict=True)]
        assert np.mean(shared) > 0.98
        np.testing.assert_array_equal(found, again.nearest(vectors[:200], 10, apart)[1])
        if apart:
            assert all(problems[row] != apart[q] for q in range(200) for row in found[q])


def test_features_by_hand():
    vectors = unit([[1, 0], [0.8, 0.6], [0, 1], [-1, 0]])
    known = build(vectors, entries(["a", "b", "b", "c"], np.array([1.0, 0.5, np.nan, 1.0])))
    queries = unit([[1, 0], [1, 0]])
    similarity, correct = neighbour_features(known, queries, ["a", "z"], count=2)
    # of others than a: cosines 0.8 and 0; the one at 0 has no known correctness, nor any weight
    assert similarity[0] == pytest.approx(0.4)
    assert correct[0] == pytest.approx(0.5)
    assert similarity[1] == pytest.approx((1 + 0.8) / 2)
    assert correct[1] == pytest.approx((1 * 1 + 0.8 * 0.5) / 1.8)
    lonely = neighbour_features(known, queries[:1], ["z"], count=9)
    assert lonely[0][0] == pytest.approx((1 + 0.8 + 0 - 1) / 4)  # all there are


def test_features_where_nothing_is_known():
    known = build(unit([[1, 0]]), entries(["a"], np.array([np.nan])))
    similarity, correct = neighbour_features(known, unit([[1, 0]]), ["a"])
    assert np.isnan(similarity).all()
    assert np.isnan(correct).all()


def test_an_empty_index_and_vectors_of_another_length_are_refused():
    with pytest.raises(ValueError, match="finds nothing"):
        build(np.empty((0, 4), dtype=np.float32), entries([]))
    with pytest.raises(ValueError, match="vectors of 2 numbers, got shape"):
        build(unit([[1, 0]]), entries(["a"])).nearest(np.ones((1, 3), dtype=np.float32), 1)


def test_a_run_is_indexed_by_distinct_text_saved_and_read_again(embedded):
    run = load_run(embedded[1])
    known = open_neighbours(run)
    samples = run.samples.merge(run.scores, on=["problem_id", "temperature", "sample_index"])
    by_text = samples.groupby(["problem_id", "completion"])
    assert len(known.entries) == by_text.ngroups
    assert known.entries["copies"].sum() == len(samples)
    right = known.entries["correct"] * known.entries["copies"]
    assert right.sum() == pytest.approx(samples["correct"].sum())
    before = (embedded[1] / "neighbours" / "index.faiss").stat().st_mtime_ns
    again = open_neighbours(load_run(embedded[1]))
    assert (embedded[1] / "neighbours" / "index.faiss").stat().st_mtime_ns == before
    pd.testing.assert_frame_equal(again.entries, known.entries)
    pool = next(iter(run.pools(0)))
    queries = pool.embeddings.astype(np.float32)
    for first, second in zip(known.nearest(queries, 3), again.nearest(queries, 3), strict=True):
        np.testing.assert_array_equal(first, second)


def test_the_neighbours_of_a_sample_are_those_of_all_pairs(embedded):
    run = load_run(embedded[1])
    pools = list(itertools.chain.from_iterable(run.pools(block) for block in run.blocks))
    pool = next(p for p in pools if p.temperature == 1.0)
    found = neighbours_of(run, 5, sample=f"{pool.problem_id}/1.0/2")
    best = {}
    for other in pools:
        for text, cosine in zip(other.texts, other.embeddings @ pool.embeddings[2], strict=True):
            if (other.problem_id, text) != (pool.problem_id, pool.texts[2]):
                best[other.problem_id, text] = cosine
    exact = sorted(best.values(), reverse=True)[:5]
    np.testing.assert_allclose(found["cosine"], exact, atol=1e-6)
    for row in found.to_dict("records"):
        assert best[row["problem_id"], row["completion"]] == pytest.approx(row["cosine"], abs=1e-6)
    others = neighbours_of(run, 5, sample=f"{pool.problem_id}/1.0/2", other_problems=True)
    assert pool.problem_id not in set(others["problem_id"])


NEAREST = """
from workbench import load_run
from workbench.neighbour_search import neighbours_of
neighbours_of(load_run({run!r}), 3, text={text!r}).to_json({out!r}, orient="table", index=False)
"""


def test_a_text_is_nearest_to_itself(cli, embedded, tmp_path):
    """In a process that has the encoder."""
    run = load_run(embedded[1])
    pool = next(p for p in run.pools(0) if p.temperature == 1.0)
    asked = NEAREST.format(run=str(run.root), text=pool.texts[0], out=str(tmp_path / "found.json"))
    cli.must("--version", before=asked)
    found = pd.read_json(tmp_path / "found.json", orient="table")
    assert found["cosine"][0] == pytest.approx(1.0, abs=1e-5)
    assert pool.texts[0] in set(found["completion"][found["cosine"] > 1 - 1e-5])


def test_from_the_command_line(cli, embedded, finished):
    run = embedded[1]
    name = load_run(run).problems["problem_id"][0]
    shown = cli.must("neighbours", run, "--sample", f"{name}/1.0/0", "-n", "3").out
    assert "cosine" in shown
    assert "correct" in shown
    cli("neighbours", run).refuses("--sample", "--text")
    cli("neighbours", run, "--sample", name).refuses("PROBLEM/CONDITION/INDEX", name)
    cli("neighbours", run, "--sample", f"{name}/1.0/99").refuses("samples 0 to 7")
    cli("neighbours", run, "--sample", f"{name}/0.5/0").refuses("0.5", "known")
    cli("neighbours", finished[1], "--text", "x").refuses("embeddings", "cos_sim")


def test_texts_with_markup_are_printed_as_they_are(cli, tmp_path):
    """Rows as those of shared/faults/markup.jsonl and brack.jsonl."""
    texts = ["So the set is [a,b]: 8.", "It holds [b]8[/b].", "[/bold] [0, 1] minus [x]."]
    rows = [{"problem_id": "[/b]", "gold": "8", "text": text} for text in texts]
    path = tmp_path / "samples.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    cli.must("import", path, "--out", tmp_path / "run")
    cli.must("score", tmp_path / "run")
    shown = cli.must("neighbours", tmp_path / "run", "--text", "[a,b] or [/bold]").out
    for part in ("[a,b]", "[b]8[/b]", "[/bold]", "[0, 1]", "[x]", "[/b]"):
        assert part in shown
