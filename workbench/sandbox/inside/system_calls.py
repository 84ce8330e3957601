"""Refuses the system calls that reach beyond a program: a filter of the kernel's, called seccomp.

The calls below 424 are a closed list, looked through one by one: those of ``FORBIDDEN`` are
refused, and those of ``WITHOUT_NAMESPACES`` too where no namespaces stand between a program and
other processes. Of the newer ones, which go on being added, only those of ``NEW_ALLOWED`` are
there. Numbers are the kernel's own, on x86_64 and on aarch64; None is a call that one lacks.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Iterable, Mapping, Sequence

from workbench.sandbox.inside.kernel import (
    DEATH_SIGNAL,
    MACHINE,
    NO_NEW_PRIVILEGES,
    call,
    prctl,
)

Numbers = Mapping[str, tuple[int | None, int | None]]

FORBIDDEN: Numbers = {
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kcmp": (312, 272), "migrate_pages": (256, 238), "move_pages": (279, 239),
    "ioprio_set": (251, 30), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    # namespaces, mounts and disks
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "unshare": (272, 97), "setns": (308, 268), "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265), "quotactl": (179, 60), "acct": (163, 89), "sync": (162, 81),
    "swapon": (167, 224), "swapoff": (168, 225), "syncfs": (306, 267), "nfsservctl": (180, 42),
    "fanotify_init": (300, 262), "fanotify_mark": (301, 263), "inotify_init": (253, None),
    "inotify_init1": (294, 26), "inotify_add_watch": (254, 27), "lookup_dcookie": (212, 18),
    # sockets other than a pair of streams
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "accept": (43, 202), "accept4": (288, 242),
    # what is shared by all: keys, queues and memory without a file
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "memfd_create": (319, 279), "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195),
    "shmdt": (67, 197), "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188),
    "msgctl": (71, 187), "semget": (64, 190), "semop": (65, 193), "semctl": (66, 191),
    "semtimedop": (220, 192), "mq_open": (240, 180), "mq_unlink": (241, 181),
    "mq_timedsend": (242, 182), "mq_timedreceive": (243, 183), "mq_notify": (244, 184),
    "mq_getsetattr": (245, 185),
    # the machine
    "bpf": (321, 280), "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "reboot": (169, 142), "syslog": (103, 116), "vhangup": (153, 58), "iopl": (172, None),
    "ioperm": (173, None), "modify_ldt": (154, None), "personality": (135, 92),
    "sethostname": (170, 161), "setdomainname": (171, 162), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
}  # fmt: skip
WITHOUT_NAMESPACES: Numbers = {
    # signals and priorities of the user's other processes
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "setpriority": (141, 140), "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119), "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    # what Landlock does not rule of the user's other files
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "setxattr": (188, 5),
    "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "fremovexattr": (199, 16), "utime": (132, None),
    "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
}  # fmt: skip
FORKS: Numbers = {"fork": (57, None), "vfork": (58, None)}
"""Refused as if there were too many processes, where the kernel counts all of the user's."""
NEW = 424
"""The number from which on all processors share the numbers of calls."""
NEW_ALLOWED = {
    "close_range": 436, "openat2": 437, "faccessat2": 439, "epoll_pwait2": 441, "futex_waitv": 449,
    "futex_wake": 454, "futex_wait": 455, "futex_requeue": 456,
}  # fmt: skip
CLONE3 = 435
"""Has its flags where no filter sees them; told that it is not there, programs do without."""

SET_SECCOMP, SECCOMP_FILTER = 22, 2
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ANY_NAMESPACE = 0x7E020080
"""All flags of ``clone`` that make a namespace."""
THREAD = 0x00010000
"""The flag of ``clone`` that makes a thread."""
STREAM, KIND_OF_SOCKET = 1, 0xF
SET_OWNER, SET_SIGNAL, SET_OWNER_EX, SET_LEASE = 8, 10, 15, 1024
"""Of ``fcntl``: who is sent a signal when a file can be read, and which; making others wait for a
file."""
TYPE_INTO_TERMINAL, TERMINAL_CONSOLE, SET_OWNER_2, SET_GROUP = 0x5412, 0x541C, 0x8901, 0x8902
"""Of ``ioctl``, likewise."""
SET_FLAGS, SET_FLAGS_2 = 0x40086602, 0x401C5820
"""Of ``ioctl``: those of a file of the user's, which needs only to be open."""

LOAD, AND, EQUAL, AT_LEAST, BITS, ANSWER = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
"""Instructions of classic BPF."""
ALLOW, KILL = 0x7FFF0000, 0x80000000
NUMBER, PROCESSOR = 0, 4
"""Where the kernel puts the number of a call, and the kind of processor."""

Row = tuple[int, int, int, int]


def _error(number: int) -> int:
    return 0x00050000 | number


def _argument(place: int) -> int:
    return 16 + 8 * place


def program(namespaces: bool) -> bytes:
    """Return the filter as instructions of classic BPF.

    Args:
        namespaces: whether the program has process numbers, users and mounts of its own.

    Raises:
        OSError: this kind of processor is unknown here.
    """
    if MACHINE not in AUDIT:
        raise OSError(errno.ENOSYS, f"no filter of system calls is known for {MACHINE}")
    place = list(AUDIT).index(MACHINE)
    refuse = (ANSWER, 0, 0, _error(errno.EPERM))
    absent = (ANSWER, 0, 0, _error(errno.ENOSYS))
    busy = (ANSWER, 0, 0, _error(errno.EAGAIN))
    rows: list[Row] = [
        (LOAD, 0, 0, PROCESSOR), (EQUAL, 1, 0, AUDIT[MACHINE]), (ANSWER, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER), (AT_LEAST, 0, 1, 0x40000000), refuse,
    ]  # fmt: skip
    allowed = [(EQUAL, 0, 1, number) for number in NEW_ALLOWED.values()]
    newer = [part for row in allowed for part in (row, (ANSWER, 0, 0, ALLOW))] + [absent]
    rows += [(AT_LEAST, 0, len(newer), NEW), *newer]

    forking = [] if namespaces else [(BITS, 1, 0, THREAD), busy]
    owner = [SET_OWNER, SET_SIGNAL, SET_OWNER_EX, SET_LEASE]
    terminal = [TYPE_INTO_TERMINAL, TERMINAL_CONSOLE]
    device = [*terminal, SET_OWNER_2, SET_GROUP, SET_FLAGS, SET_FLAGS_2]
    # (number on either processor, argument that is looked at, what is done with it)
    looked_at: list[tuple[tuple[int, int], int, Sequence[Row]]] = [
        ((56, 220), 0, [(BITS, 0, 1, ANY_NAMESPACE), refuse, *forking]),  # clone
        ((302, 261), 0, [(EQUAL, 1, 0, 0), refuse]),  # prlimit64: of itself alone
        ((157, 167), 0, list(_each([DEATH_SIGNAL], refuse))),  # prctl: to outlive who watches it
        ((72, 25), 1, list(_each(owner, refuse))),  # fcntl
        ((16, 29), 1, list(_each(device, refuse))),  # ioctl
        ((53, 199), 1, [(AND, 0, 0, KIND_OF_SOCKET), (EQUAL, 1, 0, STREAM), refuse]),  # socketpair
    ]
    for numbers, argument, decided in looked_at:
        block = [(LOAD, 0, 0, _argument(argument)), *decided, (ANSWER, 0, 0, ALLOW)]
        rows += [(EQUAL, 0, len(block), numbers[place]), *block]
    rows += _each(_numbers(FORBIDDEN, place), refuse)
    if not namespaces:
        rows += _each(_numbers(WITHOUT_NAMESPACES, place), refuse)
        rows += _each(_numbers(FORKS, place), busy)
    rows.append((ANSWER, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *row) for row in rows)


def _each(values: Iterable[int], answer: Row) -> Iterable[Row]:
    for value in values:
        yield from ((EQUAL, 0, 1, value), answer)


def _numbers(table: Numbers, place: int) -> list[int]:
    return sorted(number for pair in table.values() if (number := pair[place]) is not None)


def forbid_calls(program: bytes) -> None:
    """Have a filter decide on every system call of this process and its own, from here on.

    Raises:
        OSError: the kernel has no such filters.
    """
    code = ctypes.create_string_buffer(program)
    head = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    prctl(NO_NEW_PRIVILEGES, 1)
    call("prctl", SET_SECCOMP, ctypes.c_ulong(SECCOMP_FILTER), ctypes.create_string_buffer(head))
