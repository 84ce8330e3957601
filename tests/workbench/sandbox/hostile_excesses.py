"""Programs that use too much or do not end, with what becomes of them; none gives a right answer
unless it was given all that it asked for."""

from tests.workbench.sandbox.hostile_effects import C, doing
from tests.workbench.sandbox.hostile_forgeries import answering, writing

# Where time is short, what takes memory or makes files may be ended for that.
LIMIT = {"limit", "exception", "memory"}
ENDED = {"timeout"}
EXCESSES = {
    "forks and forks": (
        doing("for _ in range(60):", "    if os.fork() == 0:", "        time.sleep(30)",
              "        os._exit(0)", first="import os, time"), {"limit"},
    ),
    "forks without end": (
        doing("while True:", "    try:", "        os.fork()", "    except OSError:",
              "        pass"), ENDED,
    ),
    "forks and leaves, and so on": (
        doing("while True:", "    if os.fork():", "        os._exit(0)"), ENDED | LIMIT,
    ),
    "starts threads": (
        doing("for _ in range(400):", "    Thread(target=time.sleep, args=[9]).start()",
              first="import time\nfrom threading import Thread"), {"limit"},
    ),
    "takes memory": (doing("bytearray(3 << 30)"), {"memory"}),
    "takes memory bit by bit": (
        doing("held = []", "while True:", "    held.append(bytearray(1 << 20))"),
        {"memory", "timeout"},
    ),
    "takes memory in many processes": (
        doing("for _ in range(4):", "    if os.fork() == 0:",
              "        held = bytearray(b'x') * (250 << 20)", "        time.sleep(30)",
              "time.sleep(1)", first="import os, time"), {"memory", "limit"},
    ),
    "takes memory by mapping": (
        doing("m = mmap.mmap(-1, 3 << 30)", "m[0] = 1", first="import mmap"), LIMIT,
    ),
    "fills the disk": (
        doing("for n in range(100):", "    open(f'{n}', 'wb').write(b'x' * 1000000)",
              "time.sleep(1)", first="import time"), {"limit"},
    ),
    "writes a large file": (doing("open('x', 'wb').write(b'x' * (3 << 20))"), {"limit"}),
    "writes a hole": (doing("open('x', 'wb').truncate(1 << 40)"), {"limit"}),
    "makes files without end": (
        doing("for n in range(100_000):", "    open(f'{n}', 'w').close()", "time.sleep(1)",
              first="import time"), {"limit", "timeout"},
    ),
    "makes folders in folders": (
        doing("for _ in range(5000):", "    os.mkdir('x')", "    os.chdir('x')"), LIMIT,
    ),
    "hides files in a folder that none may list": (
        doing("os.mkdir('x', 0o300)", "for n in range(60):",
              "    open(f'x/{n}', 'wb').write(b'x' * 1_000_000)", "time.sleep(1)",
              first="import os, time"), LIMIT,
    ),
    "opens many files": (doing("held = [open('/dev/null') for _ in range(500)]"), {"limit"}),
    "floods its output": (doing("for _ in range(100):", "    print('x' * 100000)"), {"limit"}),
    "floods its output for ever": (
        doing("while True:", "    try:", "        os.write(2, b'x' * 10000)",
              "    except OSError:", "        pass"), ENDED,
    ),
    "raises its limits": (
        doing("resource.setrlimit(resource.RLIMIT_AS, (-1, -1))", first="import resource"),
        {"exception"},
    ),
    "works for ever": (doing("while True:", "    pass"), ENDED),
    "works for ever in C": (doing("sum(range(10**12))"), ENDED),
    "works for ever while it is loaded": ("while True:\n    pass", ENDED),
    "sleeps for ever": (doing("time.sleep(10**6)", first="import time"), ENDED),
    "waits for ever": (doing("Lock().acquire(); Lock().acquire()", "held = Lock()",
                             "held.acquire()", "held.acquire()",
                             first="from threading import Lock"), ENDED),
    "backtracks for ever": (
        doing("re.match('(a|aa)+$', 'a' * 60 + 'b')", first="import re"), ENDED
    ),
    "waits for input": (doing("input()"), {"exception"}),
    "ignores signals": (
        doing("for n in set(signal.valid_signals()) - {9, 19}:",
              "    signal.signal(n, signal.SIG_IGN)", "while True:", "    pass",
              first="import signal"), ENDED,
    ),
    "catches that its time is up": (
        doing("signal.signal(signal.SIGXCPU, lambda *_: None)", "while True:", "    pass",
              first="import signal"), ENDED,
    ),
    "stops itself": (doing("os.kill(os.getpid(), 19)", "time.sleep(60)",
                           first="import os, time"), ENDED | {"exception"}),
    "is caught in no exception": (
        doing("while True:", "    try:", "        while True:", "            pass",
              "    except BaseException:", "        pass"), ENDED,
    ),
    "goes too deep": (doing("def f(n):", "    return f(n + 1) + 1", "f(0)"), {"exception"}),
    "goes too deep for C": (
        doing("sys.setrecursionlimit(10**9)", "def f(n):", "    return f(n + 1) + 1", "f(0)",
              first="import sys"), {"exception", "memory", "timeout"},
    ),
    "is too deep to be read": ("x = " + "[" * 5000 + "]" * 5000, {"syntax"}),
    "is too long a sum to be read": ("x = " + "-" * 200_000 + "1", {"syntax", "memory",
                                                                   "exception"}),
    "is too large to be sent": ("x = '" + "x" * 5_000_000 + "'", {"limit"}),
    "returns too much": (doing("return 'x' * 50_000_000"), {"limit"}),
    "returns too many": (doing("return [0] * 1_000_000"), {"limit"}),
    "returns too large a number": (doing("return 1 << 10_000_000"), {"limit"}),
    "returns itself": (doing("y = []", "y.append(y)", "return y"), {"limit"}),
    "returns too deep a list": (
        doing("y = []", "for _ in range(10**5):", "    y = [y]", "return y"), {"limit"}
    ),
    "returns values without end": (
        "import itertools\ndef answer(x):\n    return itertools.count()", {"failed"}
    ),
    "leaves": (doing("os._exit(0)"), {"exception"}),
    "leaves while it is loaded": ("import os; os._exit(0)", {"exception"}),
    "leaves politely": (doing("raise SystemExit(0)"), {"exception"}),
    "leaves at the exit": (
        "import atexit, os; atexit.register(os._exit, 0)\ndef answer(x):\n    exit()",
        {"exception"},
    ),
    "kills itself": (doing("os.kill(os.getpid(), 9)", "return 0"), {"failed", "exception"}),
    "crashes": (C + "def answer(x):\n    ctypes.string_at(1)", {"exception"}),
    "signals its group": (doing("os.kill(0, 9)", "return 0"), {"failed", "exception"}),
    "aborts": (doing("os.abort()"), {"exception"}),
    "becomes another program": (
        doing("os.execv('/bin/true', ['true'])"), {"exception"}
    ),
    "leaves a process behind": (
        doing("if os.fork() == 0:", "    os.setsid()", "    while True:", "        time.sleep(9)",
              "return 0", first="import os, time"), {"failed", "limit"},
    ),
    "leaves a process's process behind": (
        doing("if os.fork() == 0:", "    if os.fork() == 0:", "        os.setsid()",
              "        time.sleep(99)", "    os._exit(0)", "return 0",
              first="import os, time"), {"failed", "limit"},
    ),
    "announces a message and waits": (
        writing((4_000_000).to_bytes(4, "big"), "time.sleep(99)"), ENDED
    ),
    "answers with equal hashes": (  # so that the tests work for too long
        answering({"value": {"s": "VALUES"}, "changed": {}}).replace(
            "'VALUES'", "[{'n': hex(n * (2**61 - 1))} for n in range(100_000)]"
        ), ENDED,
    ),
    "closes its line and works on": (
        "import os\nos.closerange(0, 64)\nwhile True:\n    pass", ENDED
    ),
    "closes its line": (
        "import os\nos.closerange(0, 64)\ndef answer(x):\n    return x * x", {"exception"}
    ),
}  # fmt: skip
"""Source, and the outcomes that are right."""
