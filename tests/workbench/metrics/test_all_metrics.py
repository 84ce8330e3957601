"""What must hold of every metric; a new one gets these tests by having a row in METRICS."""

import dataclasses
import importlib
import inspect
import pkgutil
import subprocess
import sys

import numpy as np
import pytest

import workbench.metrics
from workbench.config.schema import Measure
from workbench.core.subsets import draw_subsets
from workbench.measure.evaluate import LOG_QUALITY, compute_all
from workbench.metrics import INTERMEDIATES, METRICS
from workbench.pools import Pool

HEAVY = {
    "torch", "vllm", "sentence_transformers", "wandb", "altair", "pandas", "scipy", "nltk",
    "sacrebleu", "pydantic",
}  # fmt: skip

N = 12
TEXTS = (
    "We add 4 and 9 to get 13. The answer is 13.",
    "We add 4 and 9 to get 13. The answer is 13.",  # a repeat
    "4 plus 9 makes 12, so 12.",
    "",
    "13",
    "I do not know what the answer is to that one, sorry.",
    "\u6570 \u2014 r\u00e9ponse : \u00ab 13 \u00bb",
    "the the the the the the",
    "First 4 + 6 = 10 and then 10 + 3 = 13. The answer is 13.",
    "We subtract 4 from 9 to get 5. The answer is 5.",
    "\\boxed{13} because 4 and 9 to get 13",
    "13 13 12 12 13 13",
)


def make_pool(rows=range(N), **changes):
    """The same twelve samples in any order, with a fixed embedding each; row 1 repeats row 0."""
    rng = np.random.default_rng(11)
    embeddings = rng.normal(size=(N, 16))
    embeddings[1] = embeddings[0]
    rows = list(rows)
    fields = {
        "problem_id": "p",
        "temperature": 0.7,
        "texts": tuple(TEXTS[i] for i in rows),
        "logprobs": (-rng.gamma(2.0, 0.3, size=N))[rows],
        "entropies": rng.gamma(2.0, 0.4, size=N)[rows],
        "num_tokens": np.array([len(text) // 3 + 1 for text in TEXTS])[rows],
        "answers": (None,) * len(rows),
        "clusters": np.array([0, 0, 1, -1, 0, -1, 0, -1, 0, 2, 0, 3])[rows],
        "correct": np.zeros(len(rows)),
        "statuses": ("answered",) * len(rows),
        "rewards": {},
        "embeddings": embeddings[rows],
    }
    return Pool(**(fields | changes))


def apply(name, pool, subsets, settings=None):
    return compute_all([name], pool, subsets, settings or Measure())[name]


POOL = make_pool()
SUBSETS = draw_subsets(N, 5, 20, np.random.default_rng(1))
EVERYTHING = np.arange(N)[None, :]

each_metric = pytest.mark.parametrize("name", METRICS)


@each_metric
def test_a_row_fits_the_pool_the_settings_and_the_reader(name):
    metric = METRICS[name]
    attributes = (
        {field.name for field in dataclasses.fields(Pool)} | set(vars(Pool)) | {LOG_QUALITY}
    )
    assert metric.fields
    assert set(metric.fields) <= attributes
    assert not attributes & set(INTERMEDIATES)
    assert metric.label.endswith("]")
    assert "larger" in metric.summary or "covariate" in metric.summary
    assert "\n" not in metric.summary
    assert len(name + metric.summary) <= 110


@each_metric
@pytest.mark.parametrize("subsets", [SUBSETS, SUBSETS[:1], SUBSETS[:, :1], EVERYTHING])
def test_one_float64_per_subset(name, subsets):
    values = apply(name, POOL, subsets)
    assert values.shape == (len(subsets),)
    assert values.dtype == np.float64
    assert isinstance(values, np.ndarray)


@each_metric
def test_order_within_a_subset_does_not_matter(name):
    forwards = apply(name, POOL, SUBSETS)
    backwards = apply(name, POOL, SUBSETS[:, ::-1])
    np.testing.assert_allclose(forwards, backwards, rtol=1e-9)
    assert len(set(forwards[np.isfinite(forwards)])) > 1  # they vary, or the test proves nothing


@each_metric
def test_order_of_the_pool_does_not_matter(name):
    order = np.random.default_rng(2).permutation(N)
    moved = np.argsort(order)[SUBSETS]  # the same samples under their new numbers
    np.testing.assert_allclose(
        apply(name, make_pool(order), moved), apply(name, POOL, SUBSETS), rtol=1e-9
    )


@each_metric
def test_a_row_depends_on_its_members_alone(name):
    """Not on the other rows, and not on the rest of the pool."""
    together = apply(name, POOL, SUBSETS)
    for row, members in enumerate(SUBSETS):
        alone = apply(name, make_pool(members), np.arange(5)[None, :])
        np.testing.assert_allclose(alone, together[row : row + 1], rtol=1e-9)


@each_metric
def test_a_subset_of_one_is_nan_for_pairs_only(name):
    answered = np.array([[0], [8], [10]])  # with at least four words each
    assert np.isnan(apply(name, POOL, answered)).all() == METRICS[name].pairwise


@each_metric
def test_copies_of_one_sample_have_the_value_that_the_row_says(name):
    """All samples are equally likely, so that the metrics differ in diversity alone."""
    metric, pool = METRICS[name], make_pool(logprobs=np.full(N, -0.5))
    copies = apply(name, make_pool([0] * 5, logprobs=np.full(N, -0.5)[:5]), np.arange(5)[None])[0]
    mixtures = apply(name, pool, SUBSETS)
    assert np.isnan(copies) == metric.nan_for_copies
    if metric.nan_for_copies:
        assert np.isfinite(mixtures).all()
    elif metric.larger_means == "more diverse":
        assert copies <= np.nanmin(mixtures)
        assert copies < np.nanmax(mixtures)
    elif metric.larger_means == "less diverse":
        assert copies == pytest.approx(metric.range[1])
        assert np.nanmax(mixtures) < copies
    else:
        assert copies == pytest.approx(apply(name, pool, np.array([[0]]))[0])


@each_metric
@pytest.mark.parametrize("subsets", [SUBSETS, SUBSETS[:, :1], EVERYTHING])
def test_no_value_is_outside_the_range_of_the_row(name, subsets):
    low, high = METRICS[name].range
    values = apply(name, POOL, subsets)
    values = values[np.isfinite(values)]
    assert (values >= low - 1e-6).all()  # rankme: its epsilon
    assert (values <= high + 1e-6).all()


@each_metric
def test_what_it_takes_is_all_in_its_row(name):
    """Its needs in their order, and nothing that is left at a default unseen."""
    metric = METRICS[name]
    fixed = getattr(metric.fn, "keywords", {})
    words = [word for word in inspect.signature(metric.fn).parameters if word not in fixed]
    assert words == list(metric.needs)


@pytest.mark.parametrize("name", INTERMEDIATES)
def test_an_intermediate_takes_what_is_in_its_row_and_is_used(name):
    line = INTERMEDIATES[name]
    words = list(inspect.signature(line.fn).parameters)
    assert words == [*line.needs, *line.settings]
    assert set(line.settings.values()) <= {field.name for field in dataclasses.fields(Measure)}
    assert any(name in metric.needs for metric in METRICS.values())


def test_an_intermediate_is_computed_once_and_all_metrics_are_as_if_alone(monkeypatch):
    calls = []
    for name, line in INTERMEDIATES.items():
        counted = dataclasses.replace(
            line,
            fn=lambda *args, line=line, name=name, **kw: calls.append(name) or line.fn(*args, **kw),
        )
        monkeypatch.setitem(INTERMEDIATES, name, counted)
    together = compute_all(list(METRICS), POOL, SUBSETS, Measure())
    assert sorted(calls) == sorted(INTERMEDIATES)
    assert list(together) == list(METRICS)
    for name, values in together.items():
        np.testing.assert_array_equal(values, apply(name, POOL, SUBSETS))


@pytest.mark.parametrize("wrong", [-1, N])
def test_an_index_outside_the_pool_is_refused(wrong):
    with pytest.raises(ValueError, match=f"no sample {wrong} in a pool of {N}"):
        compute_all(["distinct_1"], POOL, np.array([[0, wrong]]), Measure())


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_distinct_metrics_count_what_their_names_say(n):
    texts = ["a b a b a b", "b a b c"]
    value = apply(f"distinct_{n}", make_pool([0, 1], texts=texts), np.array([[0, 1]]))
    assert value == pytest.approx([{1: 3 / 10, 2: 3 / 8, 3: 3 / 6, 4: 3 / 4}[n]])


@each_metric
def test_each_setting_is_used(name):
    changed = {"dpp_jitter": 1e-2}
    fields = [f for need in METRICS[name].needs if need in INTERMEDIATES
              for f in INTERMEDIATES[need].settings.values()]  # fmt: skip
    assert set(fields) <= set(changed)
    for field in fields:
        other = apply(name, POOL, SUBSETS, Measure(**{field: changed[field]}))
        assert (other != apply(name, POOL, SUBSETS)).all()


@each_metric
def test_inputs_are_left_as_they_were(name):
    pool, subsets = make_pool(), SUBSETS.copy()
    fields = [field for field in METRICS[name].fields if field != LOG_QUALITY]
    before = {field: np.array(getattr(pool, field), copy=True) for field in fields}
    apply(name, pool, subsets)
    np.testing.assert_array_equal(subsets, SUBSETS)
    for field, value in before.items():
        np.testing.assert_array_equal(getattr(pool, field), value)


@each_metric
@pytest.mark.parametrize("texts", [("",) * N, ("\u6570",) * N, ("a b c d e",) * N])
def test_strange_pools_give_numbers_without_warnings(name, texts):
    pool = make_pool(
        texts=texts, clusters=np.full(N, -1), embeddings=np.ones((N, 3)), logprobs=np.zeros(N)
    )
    values = apply(name, pool, SUBSETS)
    assert not np.isinf(values).any()


@pytest.mark.parametrize(
    "module",
    ["workbench.metrics", "workbench.core.subsets"]
    + [f"workbench.metrics.{m.name}" for m in pkgutil.iter_modules(workbench.metrics.__path__)],
)
def test_importing_it_loads_nothing_heavy(module):
    importlib.import_module(module)
    code = f"import sys, {module}; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names = output.split()
    assert not {name.split(".")[0] for name in names} & HEAVY
    assert "workbench.analysis" not in names


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_says_which_part_of_a_sample_it_reads(name):
    row = METRICS[name]
    functions = [row.fn, *(INTERMEDIATES[n].fn for n in row.needs if n in INTERMEDIATES)]
    told = [inspect.getdoc(getattr(fn, "func", fn)) or "" for fn in functions]
    assert any("measure.text" in text for text in told)
