import sys

import pytest

from workbench.storage.lock import is_locked, locked


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists its locks")
def test_whether_a_folder_is_held_is_told_without_holding_it(tmp_path):
    root = tmp_path / "run"
    assert is_locked(root) is False
    with locked(root):
        assert is_locked(root) is True
        with pytest.raises(ValueError, match="another process is working on"), locked(root):
            pass
    assert is_locked(root) is False
    assert [path.name for path in root.iterdir()] == [".lock"]


def test_where_no_locks_are_listed_nobody_knows(tmp_path, monkeypatch):
    class Elsewhere(type(tmp_path)):
        def read_text(self, *args, **options):
            raise FileNotFoundError(2, "no such file", str(self))

    monkeypatch.setattr("workbench.storage.lock.Path", Elsewhere)
    assert is_locked(tmp_path) is None
