import dataclasses
import os
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path

import pytest
from filelock import FileLock

from workbench.cli.check_models import check_models
from workbench.cli.exit_codes import Stopped, stoppable
from workbench.cli.run_stages import run_stages
from workbench.config.schema import Experiment, Generation, Measure, Selection, TaskSettings
from workbench.core.types import STAGES
from workbench.storage.lock import locked
from workbench.storage.manifest import Manifest, version_string
from workbench.storage.signature import run_signature

ROOT = Path(__file__).parents[3]


def experiment(**generation):
    return Experiment(
        name="x",
        task=TaskSettings(name="arithmetic", num_problems=2, prompt="completion"),
        generation=Generation(**({"model": "replay", "backend": "replay", "n": 4} | generation)),
        measure=Measure(k=(2,), metrics=("avg_log_prob",)),
        selection=Selection(aggregators=("maj",)),
    )


def test_stages_are_run_in_order_and_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    analysed = []
    monkeypatch.setattr(
        "workbench.analysis.report.analyze", lambda folder, *_: analysed.append(folder.root)
    )
    for place, name in enumerate(STAGES[:3]):
        run_stages((name,), tmp_path, experiment())
        done = Manifest(tmp_path / "manifest.json").data["stages"]
        assert list(done) == list(STAGES[: place + 1])
        assert analysed == []
    run_stages(STAGES, tmp_path, experiment())
    assert analysed == [tmp_path]


@pytest.mark.parametrize("stage", STAGES[1:])
def test_a_stage_without_samples_says_what_to_run(tmp_path, stage):
    with pytest.raises(ValueError, match="holds no samples; run `workbench generate`"):
        run_stages((stage,), tmp_path, experiment())


def test_a_folder_has_one_process_at_a_time(tmp_path):
    folder = tmp_path / "deep" / "run"
    with locked(folder):
        holder = FileLock(folder / ".lock", thread_local=False)
        assert not holder.is_locked
        code = f"""
from pathlib import Path
from workbench.storage.lock import locked
with locked(Path({str(folder)!r})):
    print("held")
"""
        command = [sys.executable, "-c", code]
        other = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        assert "ValueError: another process is working on" in other.stderr
    other = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert other.stdout == "held\n"


def test_the_lock_is_let_go_when_a_stage_fails(tmp_path):
    with pytest.raises(OSError, match="full"), locked(tmp_path):
        raise OSError("the disk is full")
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_becomes_a_way_out_that_no_handler_of_errors_takes(number):
    before = signal.getsignal(number)
    closed = []

    def work():
        try:
            os.kill(os.getpid(), number)
        except Exception:
            closed.append("taken for an error")
        finally:
            closed.append("closed")

    with pytest.raises(Stopped) as caught, stoppable():
        work()
    assert caught.value.signum == number
    assert closed == ["closed"]
    assert signal.getsignal(number) is before


def test_a_signal_that_python_ignores_comes_again():
    seen = []

    def callback(reference):
        seen.append("callback")
        signal.raise_signal(signal.SIGINT)

    class Gone:
        pass

    held, hook = [Gone()], sys.unraisablehook
    reference = weakref.ref(held[0], callback)

    def work():
        held.clear()
        seen.append("went on")  # so it was ignored
        time.sleep(5)
        seen.append("never stopped")

    with pytest.raises(Stopped) as caught, stoppable():
        work()
    assert caught.value.signum == signal.SIGINT
    assert seen == ["callback", "went on"]
    assert reference() is None
    assert sys.unraisablehook is hook


def test_a_signature_is_for_reading():
    signature = run_signature(experiment(temperatures=(0.3, 1.0), n=64, seed=5))
    assert signature == f"arithmetic|replay|T:0.3,1|N:64|seed:5|{version_string()}"
    named = run_signature(experiment(model="org/Model-1B/", backend="transformers"))
    assert named.split("|")[1] == "Model-1B"


def test_models_are_looked_for_before_anything_is_drawn(tmp_path):
    check_models(experiment(model="./no-such-folder"))  # replay loads none
    local = {"backend": "transformers"}
    with pytest.raises(ValueError, match=r"generation\.model: .*no-such-folder does not exist"):
        check_models(experiment(model=str(tmp_path / "no-such-folder"), **local))
    with pytest.raises(ValueError, match=r"generation\.model: .*did you mean 'SmolLM2-135M-Inst"):
        check_models(experiment(model="SmolLM2-135M", **local))
    # samples may be scored where the model that drew them is not
    check_models(experiment(model=str(tmp_path / "gone"), **local), ("score",))
    with_cosine = dataclasses.replace(
        experiment(),
        measure=Measure(k=(2,), metrics=("cos_sim",)),
        embedding=dataclasses.replace(experiment().embedding, model="all-MiniLM"),
    )
    with pytest.raises(ValueError, match=r"embedding\.model: .*did you mean 'all-MiniLM-L6-v2'"):
        check_models(with_cosine)
