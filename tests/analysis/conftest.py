"""A run in which three factors vary."""

import pytest

FACTORS = "[{temperature: [0.5, 1.5], min_p: [0, 0.1], prompt: [default, brief]}]"


@pytest.fixture(scope="session")
def crossed(cli, finished, made_once):
    """Folder of a finished run of 2 temperatures x 2 values of min_p x 2 prompts; and greedy."""

    def fill(home):
        settings = [
            "generation.temperatures=[]", f"generation.grid={FACTORS}", "generation.n=4",
            "task.prompts={brief: {system: Be brief.}}", "measure.k=[2, 4]",
            "measure.metrics=[num_tokens, distinct_1]", "tracking.mode=disabled",
        ]  # fmt: skip
        changes = [word for setting in settings for word in ("--set", setting)]
        cli.must("run", finished[0], "--out", home / "run", *changes, tables=True)

    return made_once("crossed by three factors", fill) / "run"
