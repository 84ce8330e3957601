import subprocess
import sys

import pytest

from workbench.core.import_alone import import_alone


def in_new_process(code):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def write_package(folder):
    (folder / "outer" / "inner").mkdir(parents=True)
    (folder / "outer" / "__init__.py").write_text("from outer.inner.part import VALUE\nWHOLE = 1\n")
    (folder / "outer" / "inner" / "__init__.py").write_text("raise RuntimeError('was run')\n")
    (folder / "outer" / "other.py").write_text("OTHER = 2\n")
    (folder / "outer" / "inner" / "part.py").write_text(
        "from ..other import OTHER\nfrom outer import other\nVALUE = OTHER + 1\n"
    )


def test_no_init_is_run_and_the_package_can_still_be_imported(tmp_path):
    write_package(tmp_path)
    printed = in_new_process(f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from workbench.core.import_alone import import_alone
part = import_alone("outer.inner.part")
assert import_alone("outer.inner.part") is part
assert "outer" not in sys.modules and "outer.inner" not in sys.modules
open({str(tmp_path / "outer" / "inner" / "__init__.py")!r}, "w").write("# changed")
import outer
assert sys.modules["outer.inner.part"] is part
print(part.VALUE, outer.WHOLE)
""")
    assert printed == "3 1\n"


def test_a_module_that_is_not_there_is_refused():
    with pytest.raises(ModuleNotFoundError):
        import_alone("no_such_package.part")
    with pytest.raises(ModuleNotFoundError):
        import_alone("json.no_such_part")


def test_the_whole_of_reasoning_gym_draws_the_same():
    alone, whole = (
        in_new_process(f"""
{line}
items = chain_sum.ChainSumDataset(chain_sum.ChainSumConfig(seed=7, max_terms=3))
print([items[i]["question"] for i in range(20)])
""")
        for line in (
            "from workbench.core.import_alone import import_alone\n"
            "chain_sum = import_alone('reasoning_gym.arithmetic.chain_sum')",
            "from reasoning_gym.arithmetic import chain_sum",
        )
    )
    assert alone == whole
