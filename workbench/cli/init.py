"""``workbench init``: a new folder with an experiment to start from."""

import re
import shutil
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

SHIPPED = Path(__file__).parents[1] / "experiments"
"""The experiments that come with the workbench, in a clone and in an installed package."""
STARTER = "starter"
"""The folder there that has a problem file and a plug-in as well."""


def init(
    name: Annotated[Path, Argument(help="The folder to make. Its name is the experiment's name.")],
    source: Annotated[
        str | None,
        Option(
            "--from",
            metavar="EXPERIMENT",
            help="Start from an experiment that ships, such as quickstart, and the files it needs.",
        ),
    ] = None,
) -> None:
    """Make a folder to start in: experiment, problems, plug-in.

    All of it runs as it is, with a small model, in a minute or two. A folder that is there already
    is left alone.
    """
    for line in new_folder(name, source or STARTER):
        print(line)


def new_folder(root: Path, source: str) -> list[str]:
    """Make a folder from an experiment that ships.

    Returns:
        What is in it and what to do next, in lines.

    Raises:
        ValueError: the folder is there already, its name cannot be an experiment's, or no
            experiment of that name ships.
    """
    from workbench.core.lookup import lookup

    shipped = {path.stem: [path] for path in sorted(SHIPPED.glob("*.yaml"))}
    starter = sorted((SHIPPED / STARTER).glob("[!_]*.*"))
    files = lookup({STARTER: starter} | shipped, source, "experiment that ships")
    if not re.fullmatch(r"[\w.-]*\w[\w.-]*", root.name):
        raise ValueError(f"{str(root)!r}: the name must be letters, digits, '.', '_' or '-'")
    if root.exists():
        raise ValueError(f"{root} is there already and is left as it is; give another name")
    if source != STARTER:
        needed = re.findall(r"experiments/(problems/[\w.]+)", files[0].read_text(encoding="utf-8"))
        files = files + [SHIPPED / path for path in dict.fromkeys(needed)]
    root.mkdir(parents=True)
    made = []
    for path in files:
        target = root / ("experiment.yaml" if path.suffix == ".yaml" else path.name)
        if path.suffix == ".yaml":
            target.write_text(_renamed(path.read_text(encoding="utf-8"), root.name), "utf-8")
        else:
            shutil.copyfile(path, target)
        made.append(f"  {target}")
    return [
        f"made {root}:", *sorted(made), "next:", f"  cd {root}",
        "  workbench check experiment.yaml   # three questions as asked, and how they are graded",
        "  workbench run experiment.yaml     # everything, and a page to look at",
    ]  # fmt: skip


def _renamed(text: str, name: str) -> str:
    """Return an experiment under another name, whose files lie beside it."""
    text = re.sub(r"experiments/problems/", "", text)
    text = re.sub(r"experiments/\w+\.yaml", "experiment.yaml", text)
    return re.sub(r"^name: .*$", f"name: {name}", text, flags=re.MULTILINE)
