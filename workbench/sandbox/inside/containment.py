"""What a forked process gives up before it runs a program: namespaces, rights, files, limits.

Each step raises OSError where the kernel refuses it, and none is left out silently. The numbers
are the kernel's own: ``linux/sched.h``, ``linux/mount.h`` and ``linux/landlock.h``.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import struct
from collections.abc import Callable, Mapping

from workbench.sandbox.inside.kernel import MACHINE, NO_NEW_PRIVILEGES, call, libc, prctl

NEW_USER, NEW_PID, NEW_MOUNT = 0x10000000, 0x20000000, 0x00020000
NO_SUID, NO_DEVICES, NO_EXEC, READ_ONLY = 2, 4, 8, 1
CAPSET = {"x86_64": 126, "aarch64": 91}


def own_namespaces() -> None:
    """Give the process users and mounts of its own, and those that it forks process numbers too.

    It keeps its user, which is then the only one that there is, and has all rights over what is
    its own.
    """
    user, group = os.geteuid(), os.getegid()
    call("unshare", NEW_USER | NEW_PID | NEW_MOUNT)
    for name, text in (
        ("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")
    ):  # fmt: skip
        write(os.open(f"/proc/self/{name}", os.O_WRONLY), text)


def hide_processes() -> None:
    """Put a folder of nothing over /proc."""
    flags = NO_SUID | NO_DEVICES | NO_EXEC | READ_ONLY
    call("mount", b"tmpfs", b"/proc", b"tmpfs", ctypes.c_ulong(flags), b"size=4k,nr_inodes=1")


def own_numbers(fork: Callable[[], int], mine: int) -> int:
    """Fork a process that is the first of those that it sees; return its number.

    Args:
        fork: as ``os.fork``.
        mine: the namespace of process numbers of this process, open, to which it returns.
    """
    call("unshare", NEW_PID)
    child = -1
    try:
        child = fork()
    finally:
        if child != 0:  # a process cannot go back to where it does not come from
            call("setns", mine, NEW_PID)
    return child


def own_files(megabytes: int) -> None:
    """Give the process mounts of its own, with an empty /tmp of so many MiB."""
    call("unshare", NEW_MOUNT)
    size = f"size={megabytes}m,nr_inodes=4096,mode=1777".encode()
    call("mount", b"tmpfs", b"/tmp", b"tmpfs", ctypes.c_ulong(NO_SUID | NO_DEVICES), size)


def write(place: int, text: str) -> None:
    """Write to an open file, and close it."""
    try:
        os.write(place, text.encode())
    finally:
        os.close(place)


def give_up_rights() -> None:
    """Give up all capabilities, for good."""
    prctl(NO_NEW_PRIVILEGES, 1)
    header = struct.pack("=Ii", 0x20080522, 0)
    call("syscall", CAPSET[MACHINE], header, struct.pack("=6I", *[0] * 6))


def set_limits(limits: Mapping[str, int], counted: bool) -> None:
    """Set the limits of a process: memory, CPU, files, the size of a file, and processes.

    Args:
        limits: as the fields of ``Limits``.
        counted: whether the kernel counts the processes of this program alone; otherwise it counts
            all of the user's, and the filter of system calls lets none be forked.
    """
    most = {
        resource.RLIMIT_AS: limits["memory_mib"] << 20,
        resource.RLIMIT_CPU: limits["cpu_seconds"],
        resource.RLIMIT_NOFILE: limits["files"],
        resource.RLIMIT_FSIZE: limits["output_kib"] << 10,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_STACK: 64 << 20,
    }
    if counted:
        most[resource.RLIMIT_NPROC] = limits["processes"]
    for what, value in most.items():
        hard = resource.getrlimit(what)[1]
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (least, least))


READ_FILES = (1 << 0) | (1 << 2) | (1 << 3)
"""Of Landlock: to run a file, to read one, and to list a folder."""
LIST_FOLDER, MAKE_FOLDER = 1 << 3, 1 << 7
ALL_FILES = {3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All that a version of Landlock rules of files: from the fifth on, devices too."""
ALL_NETWORK, ALL_SCOPES = 3, 3
"""TCP, from version 4 on; signals and unnamed sockets, from 6 on."""
CREATE_RULES, ADD_RULE, RESTRICT = 444, 445, 446
LEAST_VERSION = 3
"""Of Landlock, in Linux 6.2: an older one lets files outside be emptied."""


def landlock_version() -> int:
    """Return the version of Landlock that the kernel has; 0 for none."""
    return max(0, int(libc.syscall(CREATE_RULES, None, 0, 1)))


def only_files(readable: list[str], writable: str, version: int | None = None) -> None:
    """Let this process read below some folders and write in one, and reach nothing else.

    It may make no folders there: one that it made unreadable would hide files from those who count
    and remove them. What an older version does not rule (TCP, signals), the filter of system calls
    refuses.

    Args:
        readable: folders and files.
        writable: a folder.
        version: of Landlock; None for that of the kernel.

    Raises:
        OSError: the kernel has no Landlock, or one that is too old.
    """
    version = landlock_version() if version is None else version
    if version < LEAST_VERSION:
        raise OSError(
            errno.ENOSYS,
            f"Landlock of version {LEAST_VERSION} (Linux 6.2) is needed, the kernel has "
            f"{f'version {version}' if version else 'none'}",
        )
    files = ALL_FILES[5 if version >= 5 else 3]
    ruled = [files]
    if version >= 4:
        ruled.append(ALL_NETWORK)
    if version >= 6:
        ruled.append(ALL_SCOPES)
    about = struct.pack(f"={len(ruled)}Q", *ruled)
    rules = call("syscall", CREATE_RULES, about, len(about), 0)
    places = [*((one, READ_FILES) for one in readable), (writable, files & ~MAKE_FOLDER)]
    for folder, rights in places:
        place = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        allowed = rights if os.path.isdir(folder) else rights & ~LIST_FOLDER
        call("syscall", ADD_RULE, rules, 1, struct.pack("=Qi", allowed, place), 0)
        os.close(place)
    prctl(NO_NEW_PRIVILEGES, 1)
    call("syscall", RESTRICT, rules, 0)
    os.close(rules)
