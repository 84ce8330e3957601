import pandas as pd
import pytest

from workbench import load_run
from workbench.analysis.figures.measures import _against


@pytest.fixture(scope="module")
def run(embedded):
    return load_run(embedded[1])


def test_diversity_is_the_mean_over_subsets(run, lines):
    rows = lines(run.plot.diversity_by_temperature())["distinct 2-grams [ratio]"]
    line = rows[rows["series"] == "k = 4"]
    means = run.subsets.query("k == 4").groupby("temperature")["distinct_2"].mean()
    assert line["x"].tolist() == [0.3, 1.0]
    assert line["y"].tolist() == pytest.approx(means.tolist())
    table = run.table("diversity").query("metric == 'distinct_2' and k == 4")
    assert line["low"].tolist() == table["diversity_low"].tolist()
    assert line["size"].tolist() == table["subsets"].tolist()


@pytest.mark.parametrize(
    ("temperatures", "title", "series"),
    [
        ([0.3, 1.0], "temperature", ["k = 2", "k = 4"]),
        ([0.3, 1.0, None], "temperature", ["k = 2", "k = 4"]),  # the unknown one left aside
        ([0.3, None], "k, samples in the subset", ["T = 0.3", "T = unknown"]),
        ([0.3], "k, samples in the subset", ["T = 0.3"]),
        ([None], "k, samples in the subset", ["T = unknown"]),
    ],
)
def test_fewer_than_two_known_temperatures_are_lines_against_k(temperatures, title, series):
    means = pd.DataFrame(
        [
            {"k": k, "temperature": t, "diversity": k + (t or 0.0), "subsets": 3}
            for k in (2, 4)
            for t in temperatures
        ]
    ).astype({"temperature": float})
    known = sorted(t for t in temperatures if t is not None)
    rows, axis = _against(means, known)
    assert axis.title == title
    assert list(dict.fromkeys(rows["series"])) == series
    against_k = title.startswith("k")
    assert list(axis.ticks) == ([2, 4] if against_k else known)
    t = rows["series"].str.extract(r"T = ([\d.]+)")[0].astype(float).fillna(0.0)
    k = rows["series"].str.extract(r"k = (\d)")[0].astype(float)
    both = rows["x"] + (t if against_k else k)
    assert rows["y"].tolist() == pytest.approx(both.tolist())


def test_buckets_are_drawn_at_the_largest_k_with_their_counts(run, lines):
    table = run.table("bucket").query("k == 4 and rows == 'all' and metric == 'dpp'")
    rows = lines(run.plot.outcome_by_bucket())["dpp, k = 4"]
    line = rows[rows["series"] == "coverage"]
    assert line["y"].tolist() == table["coverage"].tolist()
    assert line["x"].tolist() == table["mean"].tolist()
    assert line["size"].tolist() == table["count"].tolist()
    assert line["low"].fillna(-1).tolist() == table["coverage_low"].fillna(-1).tolist()
    assert set(rows["series"]) == {"coverage", "maj", "best"}
    assert "in the table bucket" in " ".join(
        run.plot.outcome_by_bucket().to_dict()["title"]["text"]
    )
