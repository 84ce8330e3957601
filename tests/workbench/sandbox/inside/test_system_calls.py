"""The filter decides as its tables say: run here by an interpreter of its few instructions."""

import errno
import struct

import pytest

from workbench.sandbox.inside import system_calls
from workbench.sandbox.inside.kernel import DEATH_SIGNAL
from workbench.sandbox.inside.system_calls import (
    ALLOW,
    AUDIT,
    CLONE3,
    FORBIDDEN,
    FORKS,
    KILL,
    NEW_ALLOWED,
    WITHOUT_NAMESPACES,
    program,
)

REFUSED, ABSENT, BUSY = (0x50000 | one for one in (errno.EPERM, errno.ENOSYS, errno.EAGAIN))
PLACES = list(enumerate(AUDIT))
OTHERS = {"read": (0, 63), "write": (1, 64), "mmap": (9, 222), "execve": (59, 221),
          "exit_group": (231, 94), "openat": (257, 56), "sendmsg": (46, 211)}  # fmt: skip


def decided(code, number, *arguments, kind):
    """What the kernel would do with a call."""
    about = struct.pack("=IIQ6Q", number, AUDIT[kind], 0, *arguments, *[0] * (6 - len(arguments)))
    rows = [struct.unpack_from("=HBBI", code, place) for place in range(0, len(code), 8)]
    place = held = 0
    while True:
        what, yes, no, value = rows[place]
        place += 1
        if what == 0x06:
            return value
        if what == 0x20:
            held = struct.unpack_from("=I", about, value)[0]
        elif what == 0x54:
            held &= value
        else:
            true = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[what]
            place += yes if true else no


@pytest.fixture(params=[True, False], ids=["namespaces", "landlock"])
def namespaces(request):
    return request.param


@pytest.fixture(params=PLACES, ids=list(AUDIT))
def decide(request, namespaces, monkeypatch):
    """A function: number on both processors, arguments -> what is done."""
    place, kind = request.param
    monkeypatch.setattr(system_calls, "MACHINE", kind)
    code = program(namespaces)
    return lambda numbers, *arguments: decided(code, numbers[place], *arguments, kind=kind)


def missing(numbers):
    return None in numbers


def test_calls_are_refused_or_allowed_by_the_tables(decide, namespaces):
    for name, numbers in FORBIDDEN.items():
        assert missing(numbers) or decide(numbers) == REFUSED, name
    for name, numbers in WITHOUT_NAMESPACES.items():
        assert missing(numbers) or decide(numbers) == (ALLOW if namespaces else REFUSED), name
    for name, numbers in FORKS.items():
        assert missing(numbers) or decide(numbers) == (ALLOW if namespaces else BUSY), name
    for name, numbers in OTHERS.items():
        assert decide(numbers) == ALLOW, name


def test_newer_calls_are_absent_but_for_a_few(decide):
    for number in NEW_ALLOWED.values():
        assert decide((number, number)) == ALLOW
    for number in (424, 425, CLONE3, 438, 440, 452, 467, 999, 0x3FFFFFFF):
        assert decide((number, number)) == ABSENT
    assert decide((0x40000000, 0x40000000)) == decide((0x40000039,) * 2) == REFUSED


def test_another_kind_of_processor_is_the_end(namespaces, monkeypatch):
    monkeypatch.setattr(system_calls, "MACHINE", "x86_64")
    assert decided(program(namespaces), 0, kind="aarch64") == KILL
    monkeypatch.setattr(system_calls, "MACHINE", "riscv64")
    with pytest.raises(OSError, match="no filter of system calls is known for riscv64"):
        program(namespaces)


def test_clone_makes_threads_and_no_namespaces(decide, namespaces):
    clone = (56, 220)
    assert decide(clone, 0x10000) == ALLOW
    assert decide(clone, 0x11) == (ALLOW if namespaces else BUSY)
    for flag in (0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert decide(clone, 0x10000 | flag) == REFUSED


def test_arguments_are_looked_at(decide):
    limits, control, device, pair, options = (302, 261), (72, 25), (16, 29), (53, 199), (157, 167)
    assert [decide(limits, number) for number in (0, 7)] == [ALLOW, REFUSED]
    assert [decide(control, 3, what) for what in (1, 8, 10, 15, 1024)] == [ALLOW] + [REFUSED] * 4
    for what in (0x5412, 0x541C, 0x8901, 0x8902, 0x40086602, 0x401C5820, (1 << 32) | 0x5412):
        assert decide(device, 0, what) == REFUSED
    assert decide(device, 0, 0x5413) == ALLOW
    assert [decide(pair, 1, kind) for kind in (1, 0x80001, 2, 5)] == [ALLOW] * 2 + [REFUSED] * 2
    assert [decide(options, what) for what in (4, DEATH_SIGNAL)] == [ALLOW, REFUSED]
