"""Problems may be called anything: every export can be imported again, and no name is a path."""

import zipfile
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from workbench.interchange.row_reader import RowReader
from workbench.interchange.sample_files import SampleFiles
from workbench.interchange.writers import EXPORTS
from workbench.interchange.writers.exported_run import ExportedRun, exported_pools
from workbench.saved_run import Run

REFERENCE = Path(__file__).parents[4] / "results" / "reference"
IDS = {
    "a/b": "a folder",
    "/etc/x": "an absolute path",
    "../../etc/x": "a path that climbs out of the zip",
    "a/../../../x": "climbs from within",
    "..\\..\\x": "climbs where Windows unpacks it",
    "C:\\x": "a drive",
    "..": "no path, as something follows it",
    "..%2F..%2Fetc%2Fx": "what an id above is called in a zip",
    "100%": "not percent-encoded",
    "a_epoch_2": "looks like another sample's name",
    "nul\x00l": "a zip cuts names here",
    "line\nbreak\ttab\x1b[31m": "control characters",
    "\"quote' `tick`": "quotes",
    "</script><b>": "HTML",
    "[/b] [red]": "rich's markup",
    "😀 é e\u0301": "composed and decomposed",
    "x" * 300: "longer than a file's name may be",
    "U+2028 \u2028 and U+0085 \x85.": "line separators",
    "null": "not null",
    "NaN": "not NaN",
}


@pytest.fixture(scope="module")
def run():
    """What the reference run's pools at two temperatures share, and these pools under our ids."""
    run = Run(REFERENCE)
    about = ExportedRun.of(run)
    names = dict(zip((problem.id for problem in about.problems), IDS, strict=False))
    pools = [
        replace(pool, problem=replace(pool.problem, id=names[pool.problem.id]))
        for pool in exported_pools(run, about)
        if pool.problem.id in names and pool.temperature in (0.0, 0.3)
    ]
    problems = tuple(replace(one, id=names[one.id]) for one in about.problems if one.id in names)
    assert [problem.id for problem in problems] == [*IDS]
    return replace(about, problems=problems), pools


@pytest.fixture(params=EXPORTS)
def exported(run, request, tmp_path):
    EXPORTS[request.param].write(tmp_path, run[0], iter(run[1]))
    return tmp_path


def test_ids_survive_every_export_and_import(run, exported):
    reader = RowReader(SampleFiles.from_options([exported]))
    found = [row for _, row in reader.rows()]
    reader.check(len(found))
    expected = {
        (pool.problem.id, pool.temperature): [sample["text"] for sample in pool.samples]
        for pool in run[1]
    }
    read = {}
    for row in found:
        read.setdefault((row.problem_id, row.temperature), []).append(row.text)
    assert read == expected
    assert [*dict.fromkeys(row.problem_id for row in found)] == [*IDS]  # and keep their order


def test_no_file_is_written_elsewhere_and_no_zip_unpacks_elsewhere(exported):
    for path in exported.rglob("*"):
        assert not any(name in path.name for name in ("etc", "script", "😀"))
        if path.suffix != ".eval":
            continue
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        assert len(names) == len({*names})
        for name in names:
            for kind in (PurePosixPath, PureWindowsPath):
                assert ".." not in kind(name).parts
                assert not kind(name).is_absolute()
            assert not any(letter < " " for letter in name)


def test_inspect_finds_what_needs_no_other_name():
    from workbench.interchange.readers.inspect_log import member_stem

    for plain in ("problem-3", "algebra/12.json", "a b", "..", "..a/b", "é"):
        assert member_stem(plain) == plain
    assert len({member_stem(name) for name in IDS}) == len(IDS)
