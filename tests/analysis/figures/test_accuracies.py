import pandas as pd
import pytest

from workbench.analysis.figures.accuracies import accuracies, label_of, outcome_columns

EXACT = pd.DataFrame(
    {
        "temperature": [0.0, 0.3, 0.3, 0.3], "k": [1, 1, 2, 4],
        "pass@k": [0.5, 0.4, 0.6, 0.8], "pass@k_low": [0.4, 0.3, 0.5, 0.7],
        "pass@k_high": [0.6, 0.5, 0.7, 0.9], "maj@k": [0.5, 0.4, 0.45, 0.5],
    }
)  # fmt: skip
DRAWN = pd.DataFrame(
    {
        "k": [2, 2], "temperature": [0.3, None], "pool": ["one T", "mixed"],
        "maj_correct": [0.46, 0.41], "drawn_weighted_correct": [0.55, 0.52],
        "drawn_weighted_correct_low": [0.5, None], "coverage": [0.61, 0.66],
        "single_sample": [0.4, 0.35],
    }
)  # fmt: skip


def told(frame, condition, selection):
    part = frame[(frame["condition"] == condition) & (frame["selection"] == selection)]
    return dict(zip(part["k"], part["accuracy"], strict=True))


def test_an_exact_expectation_is_taken_before_a_mean_over_drawn_subsets(with_tables):
    run = with_tables({"coverage_curve": (EXACT, ""), "accuracy_by_k_temperature": (DRAWN, "")})
    found = accuracies(run)
    assert told(found, "T0.3", "maj") == {1: 0.4, 2: 0.45, 4: 0.5}
    assert told(found, "T0.3", "coverage") == {1: 0.4, 2: 0.6, 4: 0.8}
    assert told(found, "T0.3", "single sample") == {1: 0.4, 2: 0.4, 4: 0.4}
    assert told(found, "T0.3", "weighted (drawn)") == {2: 0.55}
    assert told(found, "mixed", "maj") == {2: 0.41}
    assert list(found["condition"].cat.categories) == ["T0.3", "mixed"]  # greedy is no pool
    assert list(dict.fromkeys(found["selection"])) == [
        "coverage", "maj", "weighted (drawn)", "single sample",
    ]  # fmt: skip
    bounds = found[(found["selection"] == "coverage") & (found["k"] == 4)]
    assert bounds[["accuracy_low", "accuracy_high"]].to_numpy().tolist() == [[0.7, 0.9]]


def test_either_table_alone_is_enough_and_none_gives_no_row(with_tables):
    run = with_tables({"accuracy_by_k_temperature": (DRAWN, ""), "coverage_curve": (EXACT[:0], "")})
    assert told(accuracies(run), "T0.3", "maj") == {2: 0.46}
    for path in (run.root / "tables").iterdir():
        path.unlink()
    (run.root / "tables/statuses.csv").write_text("samples\n1\n")
    assert accuracies(run).empty


def test_an_exact_column_stands_before_a_drawn_one_of_the_same_selection(with_tables):
    both = DRAWN.assign(drawn_maj_correct=[0.9, 0.9], maj_correct=[0.46, None])
    found = accuracies(with_tables({"accuracy_by_k_temperature": (both, "")}))
    assert told(found, "T0.3", "maj") == {2: 0.46}
    assert told(found, "mixed", "maj (drawn)") == {2: 0.9}


@pytest.mark.parametrize(
    ("column", "label"),
    [("best:orm_correct", "best:orm"), ("drawn_coverage", "coverage (drawn)"), ("maj@k", "maj@k")],
)
def test_labels_are_the_names_of_selections(column, label):
    assert label_of(column) == label


def test_bounds_and_tests_are_no_outcomes():
    names = ["k", "maj_correct", "maj_correct_low", "coverage", "coverage_p", "drawn_x_correct"]
    assert outcome_columns(pd.DataFrame(columns=names)) == [
        "maj_correct", "coverage", "drawn_x_correct",
    ]  # fmt: skip
