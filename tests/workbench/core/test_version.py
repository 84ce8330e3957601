"""How more of the package is installed: by make in a clone, by pip elsewhere."""

import workbench.core.version as module
from workbench.core.version import command_for_extra, install_command


def test_a_clone_is_set_up_by_make():
    assert install_command() == "`make setup`"
    assert install_command("cuda") == "`make setup BACKEND=cuda`"
    assert command_for_extra("x", "a==1") == "`.venv/bin/python -m pip install a==1`"


def test_an_installed_package_has_no_makefile(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "CLONE", tmp_path)
    assert install_command() == "`pip install 'workbench[transformers]'`"
    assert install_command("cpu") == "`pip install 'workbench[cpu]'`"
    assert command_for_extra("x", "a==1") == "`pip install 'workbench[x]'`"
