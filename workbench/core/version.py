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
