import subprocess
import sys

import pytest

from workbench.models.scoring_library import scoring_library

NAMES = ("open_completion_scorer", "open_next_token_scorer")


def test_a_backend_s_module_is_imported_when_it_is_asked_for():
    code = "import sys, workbench.models.scoring_library; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "transformers", "vllm"} & set(run.stdout.split())


@pytest.mark.parametrize("backend", ["vllm", "transformers"])
def test_every_backend_can_score(backend):
    pytest.importorskip("torch", reason="torch is not installed", exc_type=ImportError)
    module = scoring_library(backend)
    assert all(callable(getattr(module, name)) for name in NAMES)
