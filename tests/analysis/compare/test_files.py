from types import SimpleNamespace

import pytest

from workbench.analysis.compare.files import LONGEST_NAME, comparison_folder


def runs(*roots, home):
    return [SimpleNamespace(root=home / root) for root in roots]


def test_the_folder_of_a_comparison_is_that_of_its_runs(tmp_path):
    assert comparison_folder(runs("a", home=tmp_path)) == tmp_path / "a" / "compare"
    found = comparison_folder(runs("a", "b", "c", home=tmp_path))
    assert found == tmp_path / "a" / "compare" / "b+c"


def test_runs_of_one_name_and_of_long_names_have_folders_of_their_own(tmp_path):
    names = [
        comparison_folder(runs("a", *others, home=tmp_path)).name
        for others in (("x/b", "y/b"), ("y/b", "x/b"), ("x/a",), ("n" * 90, "m" * 90))
    ]
    assert len({*names}) == 4
    assert max(map(len, names)) <= LONGEST_NAME + 9


def test_a_run_that_is_given_twice_has_none(tmp_path):
    with pytest.raises(ValueError, match="given twice"):
        comparison_folder(runs("a", "b", "b", home=tmp_path))
