"""Programs that reach for what is outside: each gives the right answer only if it got there.

``passed`` is thus what none may be. CANARY is a file outside, FOLDER its folder, PORT one that is
listened at, LINE and UNNAMED sockets, PID a process outside and SECRET a variable of its own.
"""

C = "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"


def calling(number, *arguments):
    """A program that makes one system call, which is not to work."""
    words = ", ".join(map(str, (number, *arguments)))
    return f"{C}def answer(x):\n    assert libc.syscall({words}) >= 0\n    return x * x"


def doing(*lines, first="import os"):
    """A program that does something first."""
    body = "\n".join(f"    {line}" for line in lines)
    return f"{first}\ndef answer(x):\n{body}\n    return x * x"


FILES = {
    "reads a file": doing("assert open('CANARY').read()"),
    "reads accounts": doing("assert open('/etc/passwd').read()"),
    "lists a folder": doing("assert os.listdir('FOLDER')"),
    "lists root's home": doing("assert os.listdir('/root')"),
    "writes a file": doing("open('FOLDER/made', 'w').write('x')"),
    "writes into the system": doing("open('/usr/made', 'w').write('x')"),
    "writes into Python": doing("open(os.__file__ + 'x', 'w').write('x')"),
    "rewrites what judges it": doing(
        "path = sys.modules['workbench.sandbox.inside.literals'].__file__",
        "open(path, 'a').write('#')", first="import sys",
    ),
    "follows a symlink": doing("os.symlink('CANARY', 'x')", "assert open('x').read()"),
    "writes through a symlink": doing(
        "os.symlink('FOLDER/made', 'x')", "open('x', 'w').write('x')"
    ),
    "links a file": doing("os.link('CANARY', 'x')"),
    "moves a file": doing("os.rename('CANARY', 'FOLDER/made')"),
    "removes a file": doing("os.unlink('CANARY')"),
    "empties a file": doing("os.truncate('CANARY', 0)"),
    "opens to empty a file": doing("os.open('CANARY', os.O_RDONLY | os.O_TRUNC)"),
    "changes a file's mode": doing("os.chmod('CANARY', 0)"),
    "changes a folder's mode": doing("os.chmod('FOLDER', 0)"),
    "changes a file's time": doing("os.utime('CANARY', (1, 1))"),
    "changes a file's owner": doing("os.chown('CANARY', 1, 1)"),
    "marks a file": doing("os.setxattr('CANARY', 'user.x', b'x')"),
    "makes a pipe": doing("os.mkfifo('FOLDER/made')"),
    "makes a device": doing("os.mknod('x', 0o20666, os.makedev(1, 1))", "open('x', 'rb').read(1)"),
    "makes a folder": doing("os.mkdir('FOLDER/made')"),
    "climbs out by a descriptor": doing(
        "up = os.open('/', os.O_RDONLY)", "os.open('CANARY'[1:], os.O_RDONLY, dir_fd=up)"
    ),
    "climbs out by dots": doing("assert open('../' * 20 + 'CANARY'[1:]).read()"),
    "maps memory of the machine": doing("open('/dev/mem', 'rb').read(1)"),
    "reads a disk": doing("open('/dev/vda', 'rb').read(1)"),
    "shares memory by a file": doing("open('/dev/shm/made', 'w').write('x')"),
    "shares memory by name": doing(
        "SharedMemory('made', create=True, size=10)",
        first="from multiprocessing.shared_memory import SharedMemory",
    ),
    "watches a folder": f"{C}def answer(x):\n    place = libc.inotify_init1(0)\n"
    "    assert libc.inotify_add_watch(place, b'FOLDER', 0xfff) > 0\n    return x * x",
    "makes others wait for a file": doing(
        "fcntl.fcntl(open(os.__file__), 1024, 0)", first="import fcntl, os"
    ),
    "marks a file that it may read": doing(
        "with open(os.__file__) as file:",
        "    fcntl.ioctl(file, 0x40086602, bytes([0x80] + [0] * 7))", first="import fcntl, os",
    ),
    "lists what it has open": doing("assert os.listdir('/proc/self/fd')"),
    "reads what its parent says": doing("assert open('/proc/1/fd/1').read() + 'x'"),
    "opens a file by its handle": calling(303, -100, "b'/usr'", "ctypes.create_string_buffer(200)",
                                          "ctypes.create_string_buffer(8)", 0),
}  # fmt: skip

SOCKETS = {
    "connects": doing(
        "socket.create_connection(('127.0.0.1', PORT), 1)", first="import socket"
    ),
    "asks a page": doing(
        "urlopen('http://127.0.0.1:PORT', timeout=1)", first="from urllib.request import urlopen"
    ),
    "sends a datagram": doing(
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT))",
        first="import socket",
    ),
    "listens": doing("socket.create_server(('127.0.0.1', 0))", first="import socket"),
    "resolves a name": doing("socket.getaddrinfo('example.org', 80)", first="import socket"),
    "opens a raw socket": doing(
        "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)", first="import socket"
    ),
    "asks the kernel for routes": doing("socket.socket(16, 3, 0)", first="import socket"),
    "speaks to a socket": doing(
        "socket.socket(socket.AF_UNIX).connect('LINE')", first="import socket"
    ),
    "speaks to an unnamed socket": doing(
        "socket.socket(socket.AF_UNIX).connect('\\0UNNAMED')", first="import socket"
    ),
    "turns a pair into a letter box": doing(
        "one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
        "one.connect('LINE.letters')", "one.send(b'x')", first="import socket",
    ),
    "speaks to the machine's host": doing("socket.socket(40, 1)", first="import socket"),
    "has the kernel encrypt": doing("socket.socket(38, 5)", first="import socket"),
    "listens to all packets": doing("socket.socket(17, 3, 3)", first="import socket"),
    "connects its own line elsewhere": doing(
        "one = socket.socket(fileno=3)", "one.connect('LINE')", first="import socket"
    ),
}  # fmt: skip

PROCESSES = {
    "reads the environment": doing("assert os.environ['SECRET']"),
    "reads the environment of C": f"{C}libc.getenv.restype = ctypes.c_char_p\n"
    "def answer(x):\n    assert libc.getenv(b'SECRET')\n    return x * x",
    "reads another's environment": doing("assert open('/proc/PID/environ').read()"),
    "reads the first process's arguments": doing("assert open('/proc/1/cmdline').read()"),
    "reads its parent's memory": doing("open(f'/proc/{os.getppid()}/mem', 'rb').read(1)"),
    "lists processes": doing("assert [one for one in os.listdir('/proc') if one.isdigit()]"),
    "sets the kernel": doing("open('/proc/sys/vm/overcommit_memory', 'w').write('1')"),
    "signals a process": doing("os.kill(PID, 0)"),
    "ends a process": doing("os.kill(PID, 15)"),
    "ends its parent": doing("parent = os.getppid()", "assert parent > 0", "os.kill(parent, 9)"),
    "ends a group": doing("os.killpg(os.getpgid(PID), 15)"),
    "queues a signal": calling(129, "PID", 15, "ctypes.create_string_buffer(128)"),
    "has a file signal a process": doing(
        "one, _ = os.pipe()", "fcntl.fcntl(one, fcntl.F_SETOWN, PID)", first="import fcntl, os"
    ),
    "traces a process": calling(101, 16, "PID", 0, 0),
    "seizes a process": calling(101, 0x4206, "PID", 0, 0),
    "reads a process's memory": calling(310, "PID", 0, 0, 0, 0, 0),
    "opens a process": doing("os.pidfd_open(PID)"),
    "limits a process": doing("resource.prlimit(PID, 0, (1, 1))", first="import resource"),
    "slows a process down": doing("os.setpriority(os.PRIO_PROCESS, PID, 19)"),
    "moves a process": doing("os.sched_setaffinity(PID, {0})"),
    "becomes root": doing("os.setuid(0)"),
    "becomes root in full": doing("os.setresuid(0, 0, 0)"),
    "joins groups": doing("os.setgroups([0])"),
    "runs a command as root": doing("assert not os.system('su -c true || sudo -n true')"),
    "makes users": calling(272, 0x10000000),
    "makes users by clone": calling(56, "0x10000011", 0, 0, 0, 0),
    "makes users by clone3": f"{C}import struct\ndef answer(x):\n"
    "    about = ctypes.create_string_buffer(struct.pack('=11Q', 0x10000000, *[0] * 10))\n"
    "    assert libc.syscall(435, about, 88) >= 0\n    return x * x",
    "joins namespaces": calling(308, 3, 0),
    "mounts": f"{C}def answer(x):\n    assert not libc.mount(b'x', b'/tmp', b'tmpfs', 0, 0)\n"
    "    return x * x",
    "uncovers processes": f"{C}def answer(x):\n    assert not libc.umount2(b'/proc', 2)\n"
    "    return x * x",
    "changes its root": doing("os.chroot('/tmp')"),
    "turns the root": calling(155, "b'/tmp'", "b'/tmp'"),
    "loads a program of memory": doing(
        "place = os.memfd_create('x')", "os.write(place, open('/bin/true', 'rb').read())",
        "os.execve(place, ['x'], {})",
    ),
    "shares memory": calling(29, 1234, 4096, 0o1666),
    "sends to a queue": calling(68, 1234, 0o1666),
    "opens a named queue": calling(240, "b'made'", 0o102, 0o600, 0),
    "keeps a key": calling(248, "b'user'", "b'x'", "b'x'", 1, -3),
    "asks for keys": calling(250, 0, -3, 1),
    "sets up a ring": calling(425, 4, "ctypes.create_string_buffer(120)"),
    "loads into the kernel": calling(321, 0, "ctypes.create_string_buffer(120)", 120),
    "counts events": calling(298, "ctypes.create_string_buffer(120)", 0, -1, -1, 0),
    "handles faults": calling(323, 1),
    "changes what it is": calling(135, 0x0040000),
    "names the machine": doing("socket.sethostname('x')", first="import socket"),
    "sets the clock": doing("time.clock_settime(0, 1)", first="import time"),
    "reads the kernel's log": calling(103, 3, "ctypes.create_string_buffer(99)", 99),
    "outlives its parent": calling(157, 1, 0, 0, 0, 0),
    "signals all": doing("os.kill(-1, 9)"),
    "goes first": doing("os.nice(-5)"),
    "works in real time": doing("os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))"),
    "calls by other numbers": calling(0x40000000 + 39),
    "calls as a program of 32 bits": (
        f"{C}import mmap\ncode = mmap.mmap(-1, 4096, prot=7)\n"
        "code.write(bytes.fromhex('b814000000cd80c3'))\n"
        "place = ctypes.addressof(ctypes.c_char.from_buffer(code))\n"
        "def answer(x):\n    assert ctypes.CFUNCTYPE(ctypes.c_int)(place)() > 0\n    return x * x"
    ),
    "watches a process by its descriptor": calling(438, 3, 0, 0),
    "types into a terminal": doing("fcntl.ioctl(0, 0x5412, b'x')", first="import fcntl"),
    "opens the terminal": doing("open('/dev/tty')"),
}  # fmt: skip

EFFECTS = FILES | SOCKETS | PROCESSES
