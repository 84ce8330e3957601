"""Help is in whole sentences, each example parses, and an option means one thing everywhere."""

import re
import shlex
from collections import defaultdict

import pytest
import typer

from workbench.cli.app import app

APP = typer.main.get_command(app)
COMMANDS = APP.commands


def help_of(*words):
    """What a command, or no command, prints for ``--help``, on a terminal of 80 columns."""
    command = COMMANDS[words[0]] if words else APP
    context = command.make_context(" ".join(("workbench", *words)), ["x"], resilient_parsing=True)
    return command.get_help(context)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_an_example_that_parses(name):
    command = COMMANDS[name]
    shown = f"{command.help}\n{command.epilog or ''}"
    found = re.findall(rf"^(?:Example:| *) *workbench {name}(?: (.*))?$", shown, re.MULTILINE)
    assert found, f"`workbench {name} --help` shows no example"
    for line in found:
        command.make_context(name, shlex.split(line))


@pytest.mark.parametrize("name", COMMANDS)
def test_all_of_a_help_is_whole_sentences(name):
    command = COMMANDS[name]
    assert command.help.split("\n\n")[0].endswith(".")
    for option in command.params:
        if option.name == "help":
            continue
        assert option.help, option.name
        text = option.help
        assert text[0].isupper(), text
        assert text.endswith("."), text
        assert not re.match(r"(Of|By|Like|Whose|Which|As|To|In|From|With)\b", text), text
        assert len(text.split()) > 2, text


def test_an_option_is_the_same_thing_in_every_command():
    """By its spellings, what stands for its value, and all of its help."""
    meanings, commands = defaultdict(set), defaultdict(list)
    for name, command in COMMANDS.items():
        for option in command.params:
            if option.param_type_name == "option" and option.name != "help":
                metavar = "" if option.opts[0] == "--out" else option.metavar  # a file or a folder
                for spelling in option.opts:
                    meanings[spelling].add((*sorted(option.opts), metavar, option.help))
                    commands[spelling].append(name)
    for spelling, found in meanings.items():
        assert len(found) == 1, (spelling, commands[spelling], found)
    assert {"--out", "--html", "--k", "-k", "--set", "--column", "--workers"} <= meanings.keys()
    assert commands["-k"] == commands["--k"] == ["compare", "vote"]
    assert commands["--html"] == ["report", "compare"]


def test_what_a_command_writes_is_out_or_a_page():
    for command in COMMANDS.values():
        for option in command.params:
            if option.metavar in ("FILE", "FOLDER", "PATH"):
                assert option.opts in (["--out"], ["--html"])


def test_commands_stand_under_headings_and_no_line_is_cut():
    shown = help_of()
    headings = re.findall(r"^([A-Z].*):$", shown, re.MULTILINE)
    assert headings == [
        "Options", "Prepare", "Run an experiment", "Look at runs",
        "Exchange samples with other tools", "Train a model",
    ]  # fmt: skip
    below = shown.partition("Run an experiment:")[2].partition("Look at runs:")[0]
    names = [line.split()[0] for line in below.splitlines() if line]
    assert names == ["run", "generate", "score", "measure", "analyze"]
    for name, command in COMMANDS.items():
        first = " ".join(command.help.split("\n\n")[0].split())
        assert re.search(rf"^  {name} +{re.escape(first)}$", shown, re.MULTILINE), name
    assert len(shown.splitlines()) <= 50


@pytest.mark.parametrize("name", COMMANDS)
def test_help_names_no_type_of_python(name):
    shown = help_of(name)
    assert not re.search(r"<\w+(\[\w+\])?>|[{}]", shown), shown
    arguments = [one for one in COMMANDS[name].params if one.param_type_name == "argument"]
    assert shown.startswith(f"Usage: workbench {name} [OPTIONS]")
    for one in arguments:
        spelt = one.metavar or one.name.upper()
        assert spelt in shown.splitlines()[0]
        assert f"[{spelt}]" in shown or one.required
