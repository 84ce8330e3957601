"""Arguments and options that several commands share: one spelling and one help for one thing.

Where the default differs from command to command, it is an argument, in words.
"""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option


def out_option(default: str = "", metavar: str = "FOLDER") -> Any:
    """Return the option ``--out``: what a command writes."""
    return Option(
        metavar=metavar, help="Where the result is written.", show_default=default or True
    )


def html_option(default: str = "") -> Any:
    """Return the option ``--html``: the page that a command writes."""
    return Option(
        metavar="FILE",
        help="The page to write, which opens in a browser.",
        show_default=default or True,
    )


def k_option(default: str) -> Any:
    """Return the option ``--k``: the sizes of subsets that are looked at."""
    return Option(
        "--k",
        "-k",
        metavar="K",
        help="The number of samples in a subset. It may be given several times.",
        show_default=default,
    )


Target = Annotated[
    Path,
    Argument(
        metavar="EXPERIMENT", help="An experiment file, or the folder of a run (results/NAME)."
    ),
]
RunFolder = Annotated[Path, Argument(help="The folder of a run, such as results/quickstart.")]
Override = Annotated[
    list[str] | None,
    Option(
        "--set",
        metavar="KEY=VALUE",
        help="Replace a setting, such as generation.n=32 or 'measure.k=[2, 4]'. It may be given "
        "several times.",
    ),
]
Settings = Annotated[
    list[str] | None,
    Argument(metavar="KEY=VALUE", help="Settings to replace, as with --set."),
]
Out = Annotated[Path | None, out_option("results/NAME")]
Workers = Annotated[
    int | None,
    Option(
        min=1,
        metavar="N",
        help="The number of processes that compare answers, measure and pick. The results do not "
        "depend on it. By default all cores compare answers, and one process does the rest.",
    ),
]
YesItIsLarge = Annotated[
    bool,
    Option(
        "--yes-it-is-large",
        help="Draw the samples of a grid or of conditions even if there are more than 10,000.",
    ),
]
Columns = Annotated[
    list[str] | None,
    Option(
        "--column",
        metavar="OURS=THEIRS",
        help="What one of our columns is called in the file, as a name or a path: "
        "text=response.body.text. It may be given several times.",
    ),
]
