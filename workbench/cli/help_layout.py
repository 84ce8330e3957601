"""How ``--help`` looks: commands under headings, and arguments without Python's types.

Typer has headings only with rich, which takes as long to import as everything else together.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from typer.core import TyperCommand, TyperGroup

REQUIRED = "  [required]"
"""What typer adds to the help of an argument; its name in the usage line says the same."""


class CommandsUnderHeadings(TyperGroup):
    """A command line whose help lists its commands under their ``rich_help_panel``."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, those of one heading together."""
        widest = max(map(len, self.commands))
        shown = [(name, found) for name, found in self.commands.items() if not found.hidden]
        for heading, rows in groupby(shown, key=lambda row: getattr(row[1], "rich_help_panel", "")):
            with formatter.section(str(heading)):
                formatter.write_dl(
                    [(f"{name:<{widest}}", found.get_short_help_str(100)) for name, found in rows]
                )


class PlainCommand(TyperCommand):
    """A command whose help calls its arguments EXPERIMENT or [TABLE], as its usage line does."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what follows the command's name in its usage line."""
        arguments = [self._argument(one) for one in self.params if one.param_type_name != "option"]
        return [str(self.options_metavar), *arguments]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what the arguments are, and then the options."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for one in self.get_params(ctx):
            name, text = one.get_help_record(ctx) or ("", "")
            if one.param_type_name == "option":
                sections["Options"].append((name, text))
            else:
                sections["Arguments"].append((self._argument(one), text.removesuffix(REQUIRED)))
        for title, rows in sections.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    @staticmethod
    def _argument(one: Any) -> str:
        name = one.metavar or one.name.upper()
        return (name if one.required else f"[{name}]") + ("..." if one.nargs != 1 else "")
