"""The help of every command is in whole sentences, and its example is one that parses."""

import re
import shlex

import pytest
import typer

from workbench.cli.app import app

COMMANDS = typer.main.get_command(app).commands


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
        text = option.help
        assert text[0].isupper(), text
        assert text.endswith("."), text
        assert not re.match(r"(Of|By|Like|Whose|Which|As|To|In|From|With)\b", text), text
        assert len(text.split()) > 2, text
