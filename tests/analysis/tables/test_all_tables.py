"""What holds of every table, so that a new one cannot be half added."""

import inspect
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import pytest

import workbench.analysis.tables
from workbench.analysis.frames import Data, Table
from workbench.analysis.tables import TABLES, UNRANKED, printed_tables

FOLDER = Path(workbench.analysis.tables.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
WITHOUT_A_TABLE = {"shared"}


def tables_of(module):
    """The public functions of a module that make a table of a run's data."""
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if function.__module__ == module.__name__ and not name.startswith("_"):
            hints = get_type_hints(function)
            if hints == {"data": Data, "return": Table}:
                yield function


@pytest.mark.parametrize("name", MODULES)
def test_no_table_is_forgotten(name):
    module = import_module(f"workbench.analysis.tables.{name}")
    made = {spec.make for spec in TABLES.values()}
    found = list(tables_of(module))
    for function in found:
        assert function in made, (
            f"analysis/tables/{name}.py makes the table {function.__name__}, which has no row in "
            "TABLES of analysis/tables/__init__.py"
        )
    assert found or name in WITHOUT_A_TABLE, f"analysis/tables/{name}.py makes no table"


def test_every_table_is_printed_once_unless_its_row_says_otherwise():
    shown = [name for name, spec in TABLES.items() if spec.printed != "by name"]
    assert sorted(printed_tables()) == sorted(shown)
    places = [spec.place for spec in TABLES.values() if spec.place != UNRANKED]
    assert len(places) == len(set(places)), "two tables have the same place"
    assert printed_tables()[-1] == next(name for name, spec in TABLES.items() if spec.place == 1)


@pytest.mark.parametrize("name", TABLES)
def test_the_name_of_a_table_is_that_of_its_function(name):
    assert TABLES[name].make.__name__ in (name, f"{name}s")  # buckets makes the table bucket
    assert TABLES[name].summary
