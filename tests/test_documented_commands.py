"""Every command line of the READMEs and experiment files runs as it is written.

But for the engine: samples are drawn by ``replay``, and fewer of them.
"""

import json
import re
import shutil
from pathlib import Path

from tests.test_readme_commands import LINES

ROOT = Path(__file__).parents[1]
SMALL = [
    "generation.backend=replay", "generation.n=8", "generation.dtype=auto", "measure.k=[2, 8]",
    "measure.replicates=2", "tracking.mode=disabled", "analysis.resamples=100",
]  # fmt: skip
ELSEWHERE = {
    "generation.model=models/mine": "models/test_locate.py: a model in a folder of one's own",
    "generation.backend=openai": "generate/test_openai.py: a server",
    "experiments/openai.yaml": "generate/test_openai.py: a server",
    "experiments/gsm8k.yaml": "tasks/test_gsm8k.py: problems on the hub, or in a file like it",
    "experiments/mbpp.yaml": "tasks/test_all_tasks.py: problems on the hub, or in a file like it",
    "run experiments/math500_study.yaml": "test_readme_commands.py: the study needs a GPU",
    "run experiments/self_correction_math500.yaml": "the same: it needs a GPU",
    "experiments/rewards.yaml": "rewards/test_second_model.py: its models",
    "train-correction": "correction_training/test_train.py: a model that can be trained in seconds",
    "results/rewards": "reward_training/test_train.py, test_neighbour_search.py: a run with models",
    "task.source=path/to": "a file of the reader's",
    "math_cot_100.jsonl": "interchange/readers/test_code_and_math.py: a published file",
    "results/math100": "test_import.py: the run of that file",
    "results/reference --set generation.n=32": "test_topup.py: more samples of the same engine",
    "dashboard": "tracking/test_dashboard.py: a server of W&B",
    "doctor": "cli/test_doctor_vllm.py: an engine",
    "word_problems": "test_tour.py",
    "results/capitals": "test_tour.py",
}
"""What is left out: a piece of the command line, and the test that runs its like."""
NOT_WHOLE = {"EXPERIMENT", "RUN", "NAME", "FILE"}
"""Words by which a README speaks of a command that is to be filled in."""


ALONE = {"list", "runs"}
"""Commands that do something without an argument; another name alone speaks of the command."""


def lines_to_run():
    """Return each command line once: those that make runs first, then in the order of the pages."""
    found = {tuple(words): None for _, words in LINES if len(words) > 1 or words[0] in ALONE}
    left = [
        list(words) for words in found
        if not NOT_WHOLE & {*words} and not any(piece in " ".join(words) for piece in ELSEWHERE)
    ]  # fmt: skip
    makes = [words[0] == "run" and words[1].startswith("experiments/") for words in left]
    late = [words[0] == "measure" for words in left]  # a page speaks of it before there is a run
    order = sorted(range(len(left)), key=lambda at: (not makes[at], late[at]))
    return [left[at] for at in order]


def as_run_here(words):
    """The words with ``replay`` and small sizes, where something is drawn."""
    draws = words[0] in ("run", "check") and words[1].endswith(".yaml")
    fewer = words[0] == "run" and words[1].startswith("experiments/")
    small = [*SMALL, *(["task.num_problems=12"] if fewer else [])]
    return [*words, *(part for one in small for part in ("--set", one))] if draws else words


def test_every_documented_command_runs(cli, tmp_path):
    for name in ("experiments", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "results" / "reference", tmp_path / "results" / "reference")
    own = [{"problem": f"What is {n} + {n}?", "gold": str(2 * n)} for n in range(1, 13)]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in own))
    (tmp_path / "own.yaml").write_text(
        "name: own\ntask: {name: jsonl, source: own.jsonl}\n"
        "generation: {model: SmolLM2-135M-Instruct, n: 8, max_tokens: 64}\n"
    )
    samples = [
        {"problem_id": n, "temperature": 0.7, "text": f"The answer is {n + s}.", "gold": str(n)}
        for n in range(12) for s in range(4)
    ]  # fmt: skip
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in samples))
    ran = 0
    lines = lines_to_run()
    shown = {words[2] for words in lines if words[0] == "show" and len(words) > 2}
    for words in lines:
        if words[0] == "init":
            shutil.rmtree(tmp_path / words[1], ignore_errors=True)  # of the line before
        child = cli(*as_run_here(words), cwd=tmp_path, tables=shown)
        assert child.code == 0, f"workbench {' '.join(words)}\n{child.out[-2000:]}\n{child.err}"
        ran += 1
    assert ran >= 25


def test_what_is_left_out_is_documented_still():
    told = [" ".join(words) for _, words in LINES]
    for piece, where in ELSEWHERE.items():
        assert any(piece in line for line in told), f"no README says {piece!r} any more"
        for file in re.findall(r"[\w/]*test_\w+\.py", where):
            places = ROOT / "tests" / file, ROOT / "tests" / "workbench" / file
            assert any(place.exists() for place in places), f"there is no {file} any more"
