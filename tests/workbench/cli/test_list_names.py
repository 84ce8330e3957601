import pytest

from workbench.analysis.aggregate import AGGREGATORS
from workbench.analysis.aggregate.pruning import PRUNERS
from workbench.analysis.figures import FIGURES
from workbench.analysis.tables import TABLES
from workbench.cli.list_names import TABLES_OF_KINDS, list_, summaries
from workbench.generate import BACKENDS
from workbench.interchange.readers import FORMATS
from workbench.interchange.writers import EXPORTS
from workbench.metrics import METRICS
from workbench.rewards import REWARDS
from workbench.tasks import TASKS
from workbench.tasks.checkers import CHECKERS

NAMED = {
    "tasks": [TASKS], "backends": [BACKENDS], "comparisons": [CHECKERS], "rewards": [REWARDS],
    "metrics": [METRICS], "aggregators": [AGGREGATORS], "pruners": [PRUNERS], "tables": [TABLES],
    "figures": [FIGURES], "formats": [FORMATS, EXPORTS],
}  # fmt: skip


def lines_of(capsys):
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_everything_that_has_a_name_is_listed_with_a_line_on_it(capsys):
    list_()
    shown = lines_of(capsys)
    assert NAMED.keys() == TABLES_OF_KINDS.keys()
    for kind, tables in NAMED.items():
        found = [summaries(place) for place in TABLES_OF_KINDS[kind].values()]
        assert [list(table) for table in found] == [list(table) for table in tables]
        for name, summary in (item for table in found for item in table.items()):
            assert len(summary.split()) >= 2, name
            assert f"{name} {' '.join(summary.split())}" in shown
    assert "numeric the same number within task.options.tolerance" in shown
    curve = "coverage_curve The exact pass@k, maj@k and best@k against k, a line per condition."
    assert curve in shown


@pytest.mark.parametrize("kind", NAMED)
def test_one_kind_is_listed_alone(kind, capsys):
    list_(kind)
    shown = lines_of(capsys)
    titles = list(TABLES_OF_KINDS[kind])
    assert shown[0] == titles[0]
    assert len(shown) == len(titles) + sum(map(len, NAMED[kind]))


def test_a_kind_that_is_none_is_answered_with_the_nearest():
    with pytest.raises(
        ValueError, match=r"unknown kind 'metric'; did you mean 'metrics'\? \(known"
    ):
        list_("metric")
