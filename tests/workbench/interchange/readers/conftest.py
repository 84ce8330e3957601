"""What the tests of the formats share."""

import json

import pytest

from workbench.interchange.row_reader import RowReader
from workbench.interchange.sample_files import SampleFiles


@pytest.fixture
def rows_of():
    """A function of a file and filters that returns its rows, and checks them as an import does."""

    def read(path, *where, fmt=None):
        source = SampleFiles.from_options([path], (), where)
        if fmt is not None:
            assert source.format == fmt
        reader = RowReader(source)
        rows = [row for _, row in reader.rows()]
        reader.check(len(rows))
        return rows

    return read


@pytest.fixture
def write_lines(tmp_path):
    """A function that writes objects a line each, and returns the path."""

    def write(name, rows):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write
