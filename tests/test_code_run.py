"""Runs whose answers are programs, from the prompt to the tables, on texts made up here."""

import json
import shutil
import signal

import pytest
import yaml

from workbench import load_run
from workbench.sandbox.self_test import strongest_kind
from workbench.sandbox.zygotes import SandboxError
from workbench.storage.journal import read_entries

NAMES = [f"plus_{n}" for n in range(12)]
TEXTS = [
    "    return n + {add}\n",  # right
    "    return n + {add}\n\n\ndef other(",  # right, and begins anew
    "    return n\n",  # wrong but for plus_0
    "    return n.missing\n",
    "    return n +\n",
    "I do not know.",
]
OUTCOMES = ["passed", "passed", "failed", "exception", "syntax", "no_answer"]


@pytest.fixture(scope="module", autouse=True)
def _sandbox_here():
    try:
        strongest_kind()
    except SandboxError as fault:
        pytest.skip(str(fault))


def problem(name):
    add = int(name.rpartition("_")[2])
    return {
        "task_id": name,
        "prompt": f'def {name}(n):\n    """Add {add} to n."""\n',
        "entry_point": name,
        "tests": [f"assert {name}({n}) == {n + add}" for n in (1, 5, -3)],
        "canonical_solution": f"    return n + {add}\n",
    }


def write(home, texts=TEXTS, problems=None, **scoring):
    """An experiment of 12 problems, in whose pools each text is there once."""
    rows = problems or [problem(name) for name in NAMES]
    (home / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    drawn = [
        {
            "problem_id": name, "temperature": 0.7, "stop_reason": "stop",
            "completion": text.format(add=int(name.rpartition("_")[2])),
        }
        for name in NAMES for text in texts
    ]  # fmt: skip
    (home / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in drawn))
    tree = {
        "name": "coded",
        "task": {
            "name": "code", "source": str(home / "problems.jsonl"), "prompt": "completion",
            "options": {"visible_tests": 1},
        },
        "generation": {
            "model": "replay", "backend": "replay", "temperatures": [0.7], "n": len(texts),
            "engine": {"samples": str(home / "texts.jsonl")},
        },
        "scoring": {"rewards": ["likelihood", "partial"], **scoring},
        "measure": {"k": [2], "replicates": 4, "metrics": ["distinct_texts"]},
        "selection": {"aggregators": ["maj", "best"]},
        "analysis": {"resamples": 100},
        "tracking": {"mode": "disabled"},
    }  # fmt: skip
    path = home / "coded.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path


@pytest.fixture(scope="module")
def run(cli, tmp_path_factory):
    home = tmp_path_factory.mktemp("coded")
    path = write(home)
    cli.must("validate", path)
    cli.must("run", path, "--out", home / "run", tables=("statuses", "answer_audit"), printed=True)
    return load_run(home / "run")


def test_each_sample_has_the_outcome_of_its_program(run):
    for name in NAMES:
        rows = run.scores[run.scores["problem_id"] == name].sort_values("sample_index")
        expected = [*OUTCOMES]
        if name == "plus_0":
            expected[2] = "passed"
        found = dict(zip(expected, rows["status"], strict=True))
        assert sorted(rows["status"]) == sorted(expected), found
        assert (rows["correct"] == (rows["status"] == "passed")).all()


def test_the_share_of_tests_is_a_reward(run):
    rows = run.scores[run.scores["problem_id"] == "plus_3"].set_index("status")
    assert rows.loc["failed", "reward_partial"] == 0.0
    assert rows.loc["passed", "reward_partial"].tolist() == [1.0, 1.0]
    failed = json.loads(rows.loc["failed", "failures"])
    assert failed[0] == {
        "test": "plus_3(1) == 4", "call": "plus_3(1)", "got": "1", "expected": "4",
    }  # fmt: skip
    assert rows.loc["failed", ["tests_passed", "tests_run"]].tolist() == [0, 3]


def test_tables_count_outcomes_and_rules_and_say_where_programs_ran(run):
    row = run.table("statuses").iloc[0]
    assert row[["passed", "failed", "exception", "syntax", "no_answer"]].tolist() == [
        25, 11, 12, 12, 12,
    ]  # fmt: skip
    assert row[["rule:continued", "rule:trimmed", "rule:none"]].tolist() == [48, 12, 12]
    assert row["accuracy"] == pytest.approx(25 / 72)
    text = (run.root / "tables" / "statuses.md").read_text()
    kind = strongest_kind().kind
    assert f"programs ran in a sandbox: {kind}" in text
    assert run.manifest["stages"]["score"]["programs"]["judged"] == 12 * 4  # two are one program


def test_the_hidden_tests_are_in_no_prompt(run):
    prompt = (run.root / "first_prompt.txt").read_text()
    assert "Add 0 to n." in prompt
    assert "assert" not in prompt


def test_a_check_shows_which_test_failed(cli, run):
    said = cli.must("check", run.root).out
    assert "WRONG: failed, 0 of 3 tests passed" in said or "RIGHT: passed" in said
    assert "programs judged by tests" in said


def test_a_kill_runs_no_program_twice_and_changes_nothing(cli, run, tmp_path):
    slow = [f"    import time\n    time.sleep(0.02)\n{text}" for text in TEXTS[:4]]
    path, out = write(tmp_path, slow), tmp_path / "run"
    cli.must("generate", path, "--out", out)
    shutil.copytree(out, tmp_path / "undisturbed")
    journal = out / "programs" / "block-00000.journal"
    child = cli.start("score", out)
    child.until(lambda: journal.exists() and journal.read_bytes().count(b"\n") >= 6)
    assert child.stop(signal.SIGKILL).code == -signal.SIGKILL
    kept = [entry["key"] for entry in read_entries(journal)]
    assert 6 <= len(kept) < 3 * 12
    cli.must("score", out)
    keys = [entry["key"] for entry in read_entries(journal)]
    assert keys[: len(kept)] == kept
    assert len({*keys}) == len(keys) == 3 * 12
    cli.must("score", tmp_path / "undisturbed")
    columns = ["problem_id", "sample_index", "status", "answer", "answer_cluster", "failures"]
    ours, theirs = (
        load_run(folder).scores[columns].reset_index(drop=True)
        for folder in (out, tmp_path / "undisturbed")
    )
    assert ours.equals(theirs)


def test_bad_problems_are_refused_before_anything_is_drawn(cli, tmp_path):
    def refused(**changes):
        rows = [problem(name) for name in NAMES]
        rows[4] |= changes
        rows[4] = {key: value for key, value in rows[4].items() if value is not None}
        path = write(tmp_path, problems=rows)
        for command in (("validate", path), ("run", path, "--out", tmp_path / "run")):
            child = cli(*command)
            assert child.code == 1
            assert "Traceback" not in child.err
            assert len(child.err.strip().splitlines()) <= 3
        assert not list((tmp_path / "run").glob("samples/*"))
        return child.err

    assert "line 5: no entry point: needs the key 'entry_point'" in refused(entry_point=None)
    assert "line 5: no tests: needs the key 'tests'" in refused(tests=None)
    assert "'tests[0]' is no Python, line 1" in refused(tests=["assert plus_4(1) == "])
    wrong = refused(canonical_solution="    return n - 4\n")
    assert "1 solution of 12 fail" in wrong
    assert "first: 'plus_4': failed, plus_4(1) == 5: got -3, expected 5" in wrong


def test_the_share_of_tests_is_no_reward_of_other_tasks(cli, experiment):
    path = experiment(scoring__rewards=["partial"])
    assert "only humaneval, mbpp, code have tests" in cli("validate", path).err


def test_an_unsafe_run_says_so_under_its_tables(cli, tmp_path):
    path = write(tmp_path, TEXTS[:2], sandbox="unsafe")
    cli.must("run", path, "--out", tmp_path / "run")
    text = (tmp_path / "run" / "tables" / "statuses.md").read_text()
    assert "programs ran without a sandbox (scoring.sandbox: unsafe)" in text
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["stages"]["score"]["programs"]["sandbox"] == ["unsafe"]
