"""Tables as JSON with ``columns`` and ``data``: W&B's ``NAME.table.json``, pandas' ``split``.

A row of ``data`` is a list of values, in the order of ``columns``. The columns are as their author
named them.
Source: ``wandb/sdk/data_types/table.py``, 0.31.0; ``DataFrame.to_json(orient="split")`` of pandas.
"""

from collections.abc import Iterator
from pathlib import Path

from workbench.interchange.readers.json_members import settings_of, stream_under
from workbench.interchange.readers.records import LocatedRecord


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the rows of a table; ValueError if it is damaged or has no columns."""
    columns = settings_of(path, "data").get(("columns",))
    if not isinstance(columns, list):
        raise ValueError(f"{path} has no list of columns")
    number = 0
    for keys, row in stream_under(path, "data"):
        if keys != ("data",):
            continue
        number += 1
        if not isinstance(row, list) or len(row) != len(columns):
            yield (
                f"row {number}",
                ValueError(f"expected a list of {len(columns)} values, as columns has"),
            )
        else:
            yield f"row {number}", dict(zip(map(str, columns), row, strict=True))
