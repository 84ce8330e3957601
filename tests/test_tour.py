"""The help and the last screens that the tour shows are those that are printed today."""

import pytest

from tests.tour import COMMANDS, REFERENCE, TOUR, made


@pytest.mark.parametrize("name", [REFERENCE, *COMMANDS])
def test_the_tour_shows_what_is_printed(name, cli, tmp_path):
    def run_command(args, home):
        before = "import os; os.environ.update(COLUMNS='100', WANDB_MODE='disabled')\n"
        return cli.must(*args, cwd=home, before=before, tables=True, printed=True).out

    text = made(name, run_command, tmp_path)
    assert text == (TOUR / name).read_text(), "see what has changed, then `python -m tests.tour`"
    assert max(map(len, text.splitlines())) <= 100
    screen = text.rpartition("$ ")[2] if name != "help.txt" else ""
    assert screen.count("\n") <= 40 + 5  # and the lines of the command itself
