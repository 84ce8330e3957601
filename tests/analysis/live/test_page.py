"""The page of a run that goes on loads itself again; that of one that has ended does not."""

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from workbench.analysis.live.looks import Watched
from workbench.analysis.live.page import write_page
from workbench.storage.lock import locked

ROOT = Path(__file__).parents[3]


def test_a_run_that_goes_on_has_a_page_that_loads_itself_again(begun, tmp_path):
    root = begun(100, killed=True)
    page = tmp_path / "page.html"
    with locked(root):
        look = Watched(root).look()
        write_page(look, page, 7)
    text = page.read_text()
    assert text.count('<meta http-equiv="refresh" content="7">') == 1
    assert f"{look.drawing.done:,} of 204 samples" in text
    assert text.count("<tr>") == 1 + len(look.conditions)
    assert not re.search(r'(src|href)="(?!data:)', text)  # nothing is fetched


def test_a_killed_run_has_one_that_does_not_and_tells_the_command(begun, tmp_path):
    root = begun(100, killed=True)
    before = {path.name for path in root.iterdir()}
    write_page(Watched(root).look(datetime.now(UTC) + timedelta(hours=1)), root / "r.html", 7)
    text = (root / "r.html").read_text()
    assert "refresh" not in text
    assert f"`workbench run {root}` goes on" in text
    assert {path.name for path in root.iterdir()} == before | {"r.html"}


def test_a_finished_run_has_its_report(tmp_path):
    root = tmp_path / "run"
    shutil.copytree(ROOT / "results" / "reference", root)
    write_page(Watched(root).look(), root / "report.html", 7)
    text = (root / "report.html").read_text()
    assert "Report of a run" in text
    assert 'http-equiv="refresh"' not in text


def test_what_a_run_is_called_stays_text(begun, tmp_path):
    root = begun(10)
    renamed = root.rename(tmp_path / "<b>run")
    write_page(Watched(renamed).look(), tmp_path / "page.html", 5)
    assert "<b>" not in (tmp_path / "page.html").read_text()
