"""The wheel works outside of the clone: built without a network, unpacked, run from elsewhere."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from tests.command_line import ONLY, SUMMED_UP

ROOT = Path(__file__).parents[1]
NOT_CODE = {path.suffix for path in ROOT.glob("analysis/**/*.*")} - {".py", ".pyc"}


def files_under(*folders):
    """The files of the repository that belong into the package, as the package has them."""
    for folder, place in folders:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield f"{place}/{path.relative_to(ROOT / folder)}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    (built,) = WheelBuilder(str(ROOT)).build(
        directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"]
    )
    return Path(built)


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_it_holds_every_file_once_and_no_name_but_its_own(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert len(names) == len(set(names))
    folders = {name.partition("/")[0] for name in names}
    assert folders == {"workbench", "workbench-0.1.0.dist-info"}
    wanted = set(
        files_under(
            ("analysis", "workbench/analysis"), ("experiments", "workbench/experiments"),
            ("workbench", "workbench"),
        )
    )  # fmt: skip
    assert {".j2", ".js", ".css"} <= NOT_CODE
    assert {name for name in names if name.startswith("workbench/")} == wanted


def test_the_source_archive_makes_the_same_wheel(wheel, tmp_path):
    (built,) = SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with tarfile.open(built) as archive:
        archive.extractall(tmp_path, filter="data")
    source = next(path for path in tmp_path.iterdir() if path.is_dir())
    (again,) = WheelBuilder(str(source)).build(
        directory=str(tmp_path / "again"), versions=["standard"]
    )
    both = [zipfile.ZipFile(path) for path in (wheel, again)]
    ours, theirs = ({i.filename: i.CRC for i in file.infolist()} for file in both)
    assert ours == theirs


def test_it_makes_and_runs_an_experiment_elsewhere(unpacked, tmp_path):
    """With this folder before the clone on the path, and another as the working directory."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WANDB_")}
    environment |= {"PYTHONPATH": str(unpacked), "HF_HUB_OFFLINE": "1", "COLUMNS": "120"}
    start = "import workbench.analysis; print(workbench.analysis.__file__)\n{}\n"
    start += "from workbench.cli.start import main; main()"

    def workbench(*args, cwd=tmp_path, before=""):
        run = subprocess.run(
            [sys.executable, "-c", start.format(before), *args],
            cwd=cwd, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        where, _, told = run.stdout.partition("\n")
        assert Path(where) == unpacked / "workbench" / "analysis" / "__init__.py"
        return told + run.stderr

    workbench("init", "mine")
    home = tmp_path / "mine"
    settings = (
        "generation.backend=replay", "tracking.mode=disabled", "generation.n=2", "measure.k=[2]",
        "analysis.resamples=100",
    )  # fmt: skip
    replay = [part for setting in settings for part in ("--set", setting)]
    assert "is valid" in workbench("validate", "experiment.yaml", *replay, cwd=home)
    fewer = ONLY.format(kind="figures", KIND="FIGURES", names={"accuracy_by_k"})
    fewer += ONLY.format(kind="tables", KIND="TABLES", names=SUMMED_UP)
    told = workbench("run", "experiment.yaml", *replay, cwd=home, before=fewer)
    assert "report.html" in told
    assert (home / "results" / "mine" / "report.html").stat().st_size > 100_000
    assert (home / "results" / "mine" / "figures" / "accuracy_by_k.png").exists()
    assert "metrics" in workbench("list", "metrics")
    signature = (home / "results" / "mine" / "manifest.json").read_text()
    assert "v0.1.0+g" not in signature  # the commit of no repository around it
