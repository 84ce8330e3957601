import pytest

from workbench.core.counted import counted


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (71869, "71,869 rows")]
)
def test_one_alone_is_no_plural(number, words):
    assert counted(number, "row") == words
