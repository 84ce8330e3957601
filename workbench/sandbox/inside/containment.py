"""What a forked process gives up before it runs a program: namespaces, rights, system calls.

Each step raises OSError where the kernel refuses it, and none is left out silently. The numbers
are the kernel's own: ``linux/sched.h``, ``linux/mount.h``, ``linux/seccomp.h``,
``linux/landlock.h`` and the tables of system calls.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

libc = ctypes.CDLL(None, use_errno=True)

NEW_USER, NEW_PID, NEW_MOUNT, NEW_IPC = 0x10000000, 0x20000000, 0x00020000, 0x08000000
ANY_NAMESPACE = 0x7E020080
"""All flags of ``clone`` that make a namespace."""
NO_SUID, NO_DEVICES, NO_EXEC = 2, 4, 8
SET_DUMPABLE, SET_SECCOMP, NO_NEW_PRIVILEGES, SUBREAPER, DEATH_SIGNAL = 4, 22, 38, 36, 1
SECCOMP_FILTER = 2
CAPSET = {"x86_64": 126, "aarch64": 91}
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435
FORBIDDEN = {
    # name: (number on x86_64, number on aarch64)
    "socket": (41, 198), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "unshare": (272, 97), "setns": (308, 268), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "kexec_load": (246, 104),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89),
    "quotactl": (179, 60), "chroot": (161, 51), "personality": (135, 92), "move_mount": (429, 429),
    "open_tree": (428, 428), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fspick": (433, 433), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424), "mount_setattr": (442, 442), "memfd_create": (319, 279),
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
}  # fmt: skip
"""System calls that a program has no use for, and that reach beyond its process."""
SIGNALLING = {"kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131)}
"""Forbidden too where a program has no process numbers of its own."""
NOT_PERMITTED, NOT_KNOWN = 1, 38
MACHINE = platform.machine()


def call(name: str, *arguments: Any) -> int:
    """Call a function of the C library; OSError where it fails."""
    found: int = getattr(libc, name)(*arguments)
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return found


def own_namespaces() -> None:
    """Give the process, and those it forks, users, mounts, IPC and (forked) process numbers.

    It keeps its user, which is then the only one that there is.
    """
    user, group = os.geteuid(), os.getegid()
    call("unshare", NEW_USER | NEW_PID | NEW_MOUNT | NEW_IPC)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def private_files(megabytes: int) -> None:
    """Put an empty folder of so many MiB over /tmp, and one of nothing over /proc."""
    flags = NO_SUID | NO_DEVICES
    size = f"size={megabytes}m,nr_inodes=4096,mode=1777".encode()
    call("mount", b"tmpfs", b"/tmp", b"tmpfs", ctypes.c_ulong(flags), size)
    call("mount", b"tmpfs", b"/proc", b"tmpfs", ctypes.c_ulong(flags | NO_EXEC | 1), b"size=0")


def give_up_rights() -> None:
    """Give up all capabilities, for good."""
    prctl(NO_NEW_PRIVILEGES, 1)
    header = struct.pack("=Ii", 0x20080522, 0)
    call("syscall", CAPSET[MACHINE], header, struct.pack("=6I", *[0] * 6))


def prctl(option: int, value: int) -> None:
    """Set something of this process."""
    call("prctl", option, *(ctypes.c_ulong(word) for word in (value, 0, 0, 0)))


def set_limits(limits: Mapping[str, int]) -> None:
    """Set the limits of a process: memory, CPU, processes, files and the size of a file."""
    cpu = limits["cpu_seconds"]
    for what, soft, hard in (
        (resource.RLIMIT_AS, limits["memory_mib"] << 20, None),
        (resource.RLIMIT_CPU, cpu, cpu + 1),
        (resource.RLIMIT_NPROC, limits["processes"], None),
        (resource.RLIMIT_NOFILE, limits["files"], None),
        (resource.RLIMIT_FSIZE, limits["output_kib"] << 10, None),
        (resource.RLIMIT_CORE, 0, None),
        (resource.RLIMIT_MSGQUEUE, 0, None),
        (resource.RLIMIT_STACK, 64 << 20, None),
    ):
        top = soft if hard is None else hard
        resource.setrlimit(what, (soft, top))


def forbid_calls(signals: bool) -> None:
    """Refuse the system calls of ``FORBIDDEN`` from here on; ``signals``: those to others too.

    Raises:
        OSError: the kernel has no such filter, or the kind of processor is unknown here.
    """
    if MACHINE not in AUDIT:
        raise OSError(NOT_KNOWN, f"no filter of system calls is known for {MACHINE}")
    place = list(AUDIT).index(MACHINE)
    names = FORBIDDEN | (SIGNALLING if signals else {})
    numbers = sorted({pair[place] for pair in names.values()})
    program = _filter(AUDIT[MACHINE], CLONE[MACHINE], numbers)
    code = ctypes.create_string_buffer(program)
    head = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    prctl(NO_NEW_PRIVILEGES, 1)
    pointer = ctypes.create_string_buffer(head)
    call("prctl", SET_SECCOMP, ctypes.c_ulong(SECCOMP_FILTER), pointer, 0, 0)


def _filter(machine: int, clone: int, numbers: list[int]) -> bytes:
    """Return the filter as instructions of classic BPF: what is not refused is allowed."""
    load, equal, above, bits, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, kill = 0x7FFF0000, 0x80000000
    refuse, unknown = 0x00050000 | NOT_PERMITTED, 0x00050000 | NOT_KNOWN
    rows = [
        (load, 0, 0, 4), (equal, 1, 0, machine), (answer, 0, 0, kill),
        (load, 0, 0, 0), (above, 0, 1, 0x40000000), (answer, 0, 0, refuse),
        (equal, 0, 1, CLONE3), (answer, 0, 0, unknown),
        (equal, 0, 3, clone), (load, 0, 0, 16), (bits, 0, 1, ANY_NAMESPACE),
        (answer, 0, 0, refuse), (load, 0, 0, 0),
    ]  # fmt: skip
    for number in numbers:
        rows += [(equal, 0, 1, number), (answer, 0, 0, refuse)]
    rows.append((answer, 0, 0, allow))
    return b"".join(struct.pack("=HBBI", *row) for row in rows)


READ_FILES = (1 << 0) | (1 << 2) | (1 << 3)
"""Of Landlock: to run a file, to read one, and to list a folder."""
ALL_FILES = (1 << 15) - 1
ALL_NETWORK = 3
ALL_SCOPES = 3
CREATE_RULES, ADD_RULE, RESTRICT = 444, 445, 446


def landlock_version() -> int:
    """Return the version of Landlock that the kernel has; 0 for none."""
    return max(0, int(libc.syscall(CREATE_RULES, None, 0, 1)))


def only_files(readable: list[str], writable: str) -> None:
    """Let this process read below some folders and write below one, and reach nothing else.

    Raises:
        OSError: the kernel has no Landlock that knows of devices, TCP and signals (6 of its own
            versions, Linux 6.12).
    """
    if landlock_version() < 6:
        raise OSError(NOT_KNOWN, "Landlock of version 6 (Linux 6.12) is needed")
    files = ALL_FILES | (1 << 15)
    rules = call(
        "syscall", CREATE_RULES, struct.pack("=QQQ", files, ALL_NETWORK, ALL_SCOPES), 24, 0
    )
    for folder, rights in [*((one, READ_FILES) for one in readable), (writable, files)]:
        place = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        allowed = rights if os.path.isdir(folder) else rights & ~(1 << 3)
        call("syscall", ADD_RULE, rules, 1, struct.pack("=Qi", allowed, place), 0)
        os.close(place)
    prctl(NO_NEW_PRIVILEGES, 1)
    call("syscall", RESTRICT, rules, 0)
    os.close(rules)
