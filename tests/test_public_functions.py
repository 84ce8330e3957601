"""What notebooks and other people's tests call directly: the names, where they have always been."""

from importlib import import_module
from inspect import signature
from pathlib import Path

import numpy as np
import pytest

import workbench as wb

ROOT = Path(__file__).parents[1]
FUNCTIONS = {
    "workbench.load_run": "root",
    "workbench.metrics.passk.pass_at_k": "n correct k",
    "workbench.metrics.bleu.pairwise_bleu": "texts tokenize smoothing",
    "workbench.metrics.distinct.distinct_n": "texts n",
    "workbench.metrics.dpp.log_volume": "similarity subsets jitter",
    "workbench.metrics.vendi.vendi_score": "similarity q",
    "workbench.tasks.math_answers.extract_answer": "text",
    "workbench.tasks.math_answers.answers_equal": "gold answer",
    "analysis.aggregate.majority": "clusters",
    "analysis.aggregate.best_of_n": "rewards",
    "analysis.aggregate.weighted_majority": "clusters weights",
    "analysis.aggregate.mbr": "utility",
    "analysis.aggregate.maj_at_k": "clusters correct k",
    "analysis.aggregate.best_at_k": "rewards correct k",
    "analysis.correlation.partial_correlation": "x y covariates method",
    "analysis.buckets.bucket": "df metric num_buckets k outcomes width",
}
"""By where it is, the arguments it takes by these names. From the root of a clone ``analysis`` is a
package by its own name as well, as it was before it was linked into ``workbench``."""


@pytest.mark.parametrize("place", FUNCTIONS)
def test_a_public_function_is_where_it_was_and_takes_what_it_took(place):
    module, _, name = place.rpartition(".")
    taken = signature(getattr(import_module(module), name)).parameters
    assert [*taken][: len(FUNCTIONS[place].split())] == FUNCTIONS[place].split()
    if module.startswith("analysis"):
        linked = signature(getattr(import_module(f"workbench.{module}"), name)).parameters
        assert [*linked] == [*taken]


def test_by_its_own_name_the_analysis_counts_as_by_its_link():
    from analysis.aggregate import maj_at_k, majority
    from workbench.analysis.aggregate import maj_at_k as linked

    clusters, correct = np.array([0, 1, 1, -1]), np.array([1.0, 0.0, 0.0, 0.0])
    assert majority(clusters) == 1
    assert maj_at_k(clusters, correct, 2) == linked(clusters, correct, 2)


def test_a_run_is_read_by_the_names_it_was_read_by():
    run = wb.load_run(ROOT / "results" / "reference")
    assert {"samples", "scores", "subsets"} <= {*dir(run)}
    assert "accuracy_by_k_temperature" in run.tables
    pool = run.pool("problem-3", 0.7)
    assert all(hasattr(pool, name) for name in ("texts", "logprobs", "answers", "correct"))
