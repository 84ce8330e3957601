import dataclasses

import pytest

from analysis.aggregate import AGGREGATORS
from workbench.core.selection_rule import SelectionRule
from workbench.pools import Pool


@pytest.mark.parametrize("name", AGGREGATORS)
def test_a_row_says_what_the_workbench_has_to_know(name):
    rule: SelectionRule = AGGREGATORS[name]
    attributes = {field.name for field in dataclasses.fields(Pool)} | set(vars(Pool))
    assert set(rule.needs) <= attributes
    assert isinstance(rule.uses_reward, bool)
