"""Limits are positive, and an experiment's are passed on."""

from dataclasses import asdict

import pytest

from workbench.config.scoring_schema import ProgramLimits
from workbench.sandbox.limits import Limits


@pytest.mark.parametrize("name", asdict(Limits()))
def test_a_limit_that_is_not_positive_is_refused(name):
    with pytest.raises(ValueError, match=f"the limit {name} must be at least 1, got 0"):
        Limits(**{name: 0})


def test_an_experiment_may_set_limits_of_these_names():
    assert asdict(ProgramLimits()).items() <= asdict(Limits(**asdict(ProgramLimits()))).items()


def test_the_clock_leaves_time_for_the_work():
    assert Limits().wall_seconds > Limits().cpu_seconds
