import dataclasses
import errno
import json
import math
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.types import Sample
from workbench.storage.journal import Journal, JournalReader, read_journal

SAMPLE = Sample("p", 0.7, 0, "a\nb \u2028 ☃", "stop", (1, 2), (-0.1, -1e-300), 2**62, "h", "")


def numbered(count):
    return [dataclasses.replace(SAMPLE, sample_index=i) for i in range(count)]


def write(path, samples):
    with Journal(path) as journal:
        for sample in samples:
            journal.add(sample)


@given(
    text=st.text(),
    logprobs=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=5),
    temperature=st.floats(0, 5),
)
@settings(max_examples=60)
def test_what_is_written_is_read_back_to_the_last_bit(
    tmp_path_factory, text, logprobs, temperature
):
    path = tmp_path_factory.mktemp("journal") / "j"
    sample = dataclasses.replace(
        SAMPLE,
        completion=text,
        temperature=temperature,
        token_logprobs=tuple(logprobs),
        output_token_ids=tuple(range(len(logprobs))),
    )
    write(path, [sample, sample])
    assert list(read_journal(path)) == [sample, sample]


def test_no_journal_is_an_empty_one(tmp_path):
    assert list(read_journal(tmp_path / "none")) == []


def test_a_sample_is_with_the_operating_system_as_soon_as_it_is_added(tmp_path):
    with Journal(tmp_path / "j") as journal:
        for count, sample in enumerate(numbered(3), start=1):
            journal.add(sample)
            assert len(list(read_journal(tmp_path / "j"))) == count


@pytest.mark.parametrize("missing", [1, 5, 40])
def test_a_cut_last_line_is_dropped_and_written_over(tmp_path, missing):
    path = tmp_path / "j"
    samples = numbered(3)
    write(path, samples)
    path.write_bytes(path.read_bytes()[:-missing])
    assert list(read_journal(path)) == samples[:2]
    write(path, samples[2:])
    assert list(read_journal(path)) == samples


def test_every_cut_leaves_whole_samples_only(tmp_path):
    path = tmp_path / "j"
    samples = numbered(3)
    write(path, samples)
    data = path.read_bytes()
    line = len(data) // 3
    for size in range(len(data)):
        path.write_bytes(data[:size])
        assert list(read_journal(path)) == samples[: size // line]


@pytest.mark.parametrize("at", [0, 3, 9, 30, -1])
def test_a_damaged_line_in_the_middle_is_named(tmp_path, at):
    path = tmp_path / "j"
    write(path, numbered(3))
    lines = path.read_bytes().splitlines(keepends=True)
    line = bytearray(lines[1])
    line[at if at >= 0 else -2] ^= 1
    path.write_bytes(b"".join([lines[0], bytes(line), lines[2]]))
    with pytest.raises(ValueError, match=r"j, line 2: damaged.*delete that line"):
        list(read_journal(path))


def test_the_checksum_is_zlibs(tmp_path):
    write(tmp_path / "j", [SAMPLE])
    check, _, body = (tmp_path / "j").read_bytes().partition(b" ")
    assert int(check, 16) == zlib.crc32(body)
    assert json.loads(body)["completion"] == SAMPLE.completion


def test_a_disk_that_is_really_full_raises_and_loses_no_earlier_sample(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    journal = Journal(Path("/dev/full"))
    with pytest.raises(OSError, match="No space left") as caught:
        journal.add(SAMPLE)
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(OSError, match="No space left"):
        journal.close()


def test_nan_is_kept_for_the_stage_to_refuse(tmp_path):
    write(tmp_path / "j", [dataclasses.replace(SAMPLE, token_logprobs=(math.nan, -1.0))])
    (sample,) = read_journal(tmp_path / "j")
    assert math.isnan(sample.token_logprobs[0])


def test_a_damaged_line_is_refused_on_the_command_line(cli, copied, rows_of):
    path, folder = copied
    journal = folder / "samples" / "block-00000.journal"
    write(journal, [dataclasses.replace(SAMPLE, problem_id="problem-0", temperature=0.3)] * 3)
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(lines[0] + lines[1].replace(b"stop", b"halt") + lines[2])
    for stage in ("run", "score"):
        cli(stage, path, "--out", folder).refuses(f"{journal}, line 2: damaged", "delete")
    journal.write_bytes(lines[0] + lines[2])
    cli.must("run", path, "--out", folder)


def test_a_cut_last_line_is_drawn_again_on_the_command_line(cli, experiment, rows_of, tmp_path):
    path, folder = experiment(), tmp_path / "run"
    stop = """
import workbench.storage.journal as journal
real = journal.Journal.add
count = iter(range(100))
def add(self, sample):
    if next(count) == 60:
        raise OSError(28, "No space left on device")
    real(self, sample)
journal.Journal.add = add
"""
    cli("run", path, "--out", folder, before=stop).refuses("disk is full")
    journal = folder / "samples" / "block-00000.journal"
    whole = rows_of(folder)
    journal.write_bytes(journal.read_bytes()[:-20])
    assert len(rows_of(folder)) == 59
    cli.must("generate", path, "--out", folder)
    now = rows_of(folder)
    assert {key: now[key] for key in whole} == whole  # with its own seed, so the same again
    assert len(now) == 204


def test_a_reader_goes_on_where_it_stopped_and_waits_for_the_end_of_a_line(tmp_path):
    path = tmp_path / "j"
    write(path, numbered(3))
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    reader = JournalReader(path)

    def indices():
        return [entry["sample_index"] for entry in reader]

    path.write_bytes(lines[0] + lines[1][:20])
    assert indices() == [0]
    assert indices() == []
    path.write_bytes(whole[:-1])
    assert indices() == [1]
    path.write_bytes(whole)
    assert (indices(), reader.position, reader.lines) == ([2], len(whole), 3)


def test_a_reader_begins_anew_with_another_journal(tmp_path):
    path = tmp_path / "j"
    write(path, numbered(3))
    reader = JournalReader(path)
    assert len([*reader]) == 3
    path.unlink()
    write(path, [dataclasses.replace(SAMPLE, completion="longer " * 9, sample_index=7)] * 9)
    assert [entry["sample_index"] for entry in reader] == [7] * 9
    path.unlink()
    with pytest.raises(FileNotFoundError):
        next(iter(reader))


def test_a_reader_names_the_damaged_line(tmp_path):
    path = tmp_path / "j"
    write(path, numbered(2))
    reader = JournalReader(path)
    assert len([*reader]) == 2
    path.write_bytes(path.read_bytes() + b"00000000 {}\n")
    with pytest.raises(ValueError, match="line 3: damaged"):
        list(reader)
