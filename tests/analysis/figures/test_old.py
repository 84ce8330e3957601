import pytest

from analysis.figures import FIGURES, save
from workbench import load_run


@pytest.fixture(scope="module")
def run(embedded):
    return load_run(embedded[1])


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_signed_and_named(run, name):
    figure = getattr(run.plot, name)()
    texts = [text.get_text() for text in figure.texts]
    assert run.signature in [*texts, figure.get_supxlabel()]
    assert any(axis.has_data() for axis in figure.axes)
    for axis in figure.axes:
        assert not axis.has_data() or axis.get_title()


def test_accuracy_is_drawn_as_it_stands_in_the_table(run):
    figure = run.plot.accuracy_by_k()
    table = run.table("accuracy_by_k_temperature")
    assert len(figure.axes) == 3  # one for each temperature, and one for the mixed pools
    parts = [table[table["temperature"] == t] for t in (0.3, 1.0)] + [
        table[table["pool"] == "mixed"]
    ]
    for axis, part in zip(figure.axes, parts, strict=True):
        part = part.sort_values("k")
        lines = {line.get_label(): line for line in axis.get_lines()}
        assert set(lines) >= {"maj", "best", "coverage", "single_sample"}
        assert lines["maj"].get_ydata().tolist() == part["maj_correct"].tolist()
        ratio = lines["maj"].get_xdata() / part["k"].to_numpy()
        assert ratio.min() == pytest.approx(ratio.max())  # moved aside, and no more
        assert 0.7 < ratio.min() < 1.4


def test_curves_are_the_exact_ones_without_the_greedy_sample(run):
    figure = run.plot.coverage_curve()
    table = run.table("coverage_curve").query("temperature == 1.0")
    axes = {axis.get_title(): axis for axis in figure.axes}
    assert set(axes) >= {"pass@k", "maj@k", "best@k"}
    lines = {line.get_label(): line for line in axes["pass@k"].get_lines()}
    assert {label for label in lines if label.startswith("T")} == {"T = 0.3", "T = 1"}
    assert lines["T = 1"].get_ydata().tolist() == table["pass@k"].tolist()


def test_diversity_is_the_mean_over_subsets(run):
    figure = run.plot.diversity_by_temperature()
    place = list(run.experiment.measure.metrics).index("distinct_2")
    lines = {line.get_label(): line for line in figure.axes[place].get_lines()}
    means = run.subsets.query("k == 4").groupby("temperature")["distinct_2"].mean()
    assert lines["k = 4"].get_xdata().tolist() == [0.3, 1.0]
    assert lines["k = 4"].get_ydata().tolist() == pytest.approx(means.tolist())


def test_buckets_are_drawn_at_the_largest_k(run):
    figure = run.plot.outcome_by_bucket()
    table = run.table("bucket").query("k == 4 and rows == 'all' and metric == 'dpp'")
    (axis,) = [a for a in figure.axes if a.get_title() == "dpp, k = 4"]
    line = next(line for line in axis.get_lines() if line.get_label() == "coverage")
    assert line.get_ydata().tolist() == table["coverage"].tolist()
    assert line.get_xdata().tolist() == table["mean"].tolist()


def test_a_figure_is_saved_as_png_and_svg(run, tmp_path):
    path = save(run.plot.accuracy_by_k(), tmp_path / "figures", "x")
    assert path == tmp_path / "figures" / "x.png"
    assert path.read_bytes().startswith(b"\x89PNG")
    assert "<svg" in path.with_suffix(".svg").read_text()


def test_an_unknown_figure_names_the_known_ones(run):
    with pytest.raises(AttributeError, match=r"no figure 'accuracy'.*accuracy_by_k"):
        _ = run.plot.accuracy
