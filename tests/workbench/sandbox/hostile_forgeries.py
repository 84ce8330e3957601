"""Wrong programs that try to pass: by lies, by what they find, or as their own judge."""

import json

from tests.workbench.sandbox.hostile_effects import doing

EQUAL = """
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
"""
ORDERED = """
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __contains__ = __lt__
    def __sub__(self, other): return self
    __add__ = __mul__ = __mod__ = __rsub__ = __radd__ = __sub__
    def __abs__(self): return self
    __neg__ = __pos__ = __round__ = __iter__ = __abs__
    def __len__(self): return 2
    def __bool__(self): return True
    def __getattr__(self, name): return lambda *a, **k: True
"""


def lying(base, made, body=EQUAL):
    """A program that returns a subclass of a type, which lies."""
    return f"class Lie({base}):{body}\ndef answer(x):\n    return {made}"


def sending(*messages, at_load=False):
    """A program that writes messages of its own to whatever is open."""
    text = f"""
import json, os
def send():
    for message in {messages!r}:
        text = message if isinstance(message, bytes) else json.dumps(message).encode()
        for place in range(3, 20):
            try:
                os.write(place, len(text).to_bytes(4, "big") + text)
            except OSError:
                pass
"""
    return text + ("send()\ndef answer(x):\n    return 0" if at_load else
                   "def answer(x):\n    send()\n    return 0")  # fmt: skip


def writing(what, then=""):
    """A program that writes bytes to whatever is open while it is loaded."""
    return f"""
import os, time
for place in range(3, 20):
    try:
        os.write(place, {what!r})
    except OSError:
        pass
{then}
def answer(x):
    return 0
"""


def answering(message):
    """A program that has its process answer everything with a message of its own."""
    return f"""
import sys
from workbench.sandbox.inside.literals import Line
def lie(self, message, send=Line.send):
    send(self, {message!r} if "names" not in message else message)
Line.send = lie
def answer(x):
    return 0
"""


NESTED = json.loads("[" * 400 + "]" * 400)
DEEP = b'{"names": ' + b"[" * 500 + b"]" * 500 + b"}"
AS_LONG = {"value": {"l": "VALUES"}, "changed": {}}

LIES = {
    "equals everything": lying("object", "Lie()"),
    "does and is everything": lying("object", "Lie()", EQUAL + ORDERED),
    "a whole number that lies": lying("int", "Lie(0)", EQUAL + ORDERED),
    "a number that lies": lying("float", "Lie(0)", EQUAL + ORDERED),
    "a text that lies": lying("str", "Lie('0')", EQUAL + ORDERED),
    "a list that lies": lying("list", "Lie([0])", EQUAL + ORDERED),
    "a tuple that lies": lying("tuple", "Lie([0])", EQUAL + ORDERED),
    "a dictionary that lies": lying("dict", "Lie()", EQUAL + ORDERED),
    "a set that lies": lying("set", "Lie()", EQUAL + ORDERED),
    "a complex number that lies": lying("complex", "Lie(0)", EQUAL + ORDERED),
    "bytes that lie": lying("bytes", "Lie(b'0')", EQUAL + ORDERED),
    "a class that lies": "class Meta(type):" + EQUAL + ORDERED
    + "class Lie(metaclass=Meta):\n    pass\ndef answer(x):\n    return Lie",
    "is a class itself": "class answer:" + EQUAL + ORDERED + "    def __init__(self, x): pass\n"
    "    def __float__(self): return 16.0\n",
    "is an object itself": "class Lie:" + EQUAL + ORDERED
    + "    def __call__(self, x): return self\nanswer = Lie()",
    "has the name of a number": "Lie = type('4', (), {})\ndef answer(x):\n    return Lie()",
    "has the name of a type": "class int:" + EQUAL + ORDERED + "def answer(x):\n    return int()",
    "is no number in any comparison": "def answer(x):\n    return float('nan')",
    "has a signal in place of a number": "from decimal import Decimal\n"
    "def answer(x):\n    return Decimal('sNaN')",
    "raises half a character": "def answer(x):\n    raise ValueError('\\ud800')",
    "raises that its name is missing": "def answer(x):\n    raise NameError('x', name='answer')",
    "raises that a module is missing": "def answer(x):\n    import nothing_of_this_name",
    "asserts by itself": "def answer(x):\n    assert False",
    "claims another class": lying("object", "Lie()", EQUAL + "    __class__ = int\n"
                                  "    def __index__(self): return 4\n"),
    "an iterator that lies": lying("object", "Lie()", EQUAL + ORDERED
                                   + "    def __next__(self): return self\n"),
    "is asked to be another": "from unittest.mock import ANY\ndef answer(x):\n    return ANY",
    "is not implemented": "def answer(x):\n    return NotImplemented",
    "calls itself when it is unpickled": lying(
        "object", "Lie()", "\n    def __reduce__(self): return (eval, ('1',))\n" + EQUAL
    ),
    "raises what is not there": lying("Exception", "(_ for _ in ()).throw(Lie())",
                                      EQUAL + "    def __str__(self): raise SystemExit(0)\n"),
    "ends the loop": "def answer(x):\n    raise StopIteration",
    "ends the generator": "def answer(x):\n    raise GeneratorExit",
    "interrupts": "def answer(x):\n    raise KeyboardInterrupt",
    "is a passed test": "class Passed(BaseException): pass\ndef answer(x):\n    raise Passed",
}  # fmt: skip

SEARCHES = {
    "walks up the frames": doing(
        "frame = sys._getframe(1)", "while frame:",
        "    for value in [*frame.f_locals.values(), *frame.f_code.co_consts]:",
        "        if type(value) is int and value == x * x: return value",
        "        if type(value) is str and 'assert' in value: return x * x",
        "    frame = frame.f_back", "return 0", first="import sys",
    ),
    "reads the source of its caller": doing(
        "for info in inspect.stack()[1:]:",
        "    try: text = inspect.getsource(info.frame)",
        "    except Exception: continue",
        "    if 'assert candidate(' in text or 'candidate(2)' in text: return x * x",
        "return 0", first="import inspect",
    ),
    "reads the lines that are kept": doing(
        "for lines in linecache.cache.values():",
        "    if 'candidate(2)' in str(lines): return x * x",
        "return 0", first="import linecache",
    ),
    "searches all objects": doing(
        "for one in gc.get_objects():",
        "    if isinstance(one, dict) and any(type(v) is str and 'candidate' + '(2)' in v",
        "                                     for v in list(one.values())): return x * x",
        "    if isinstance(one, types.FunctionType) and one.__name__ == 'check': return x * x",
        "return 0", first="import gc, types",
    ),
    "searches all modules": doing(
        "for one in list(sys.modules.values()):",
        "    if hasattr(one, 'check') or hasattr(one, 'METADATA'): return x * x",
        "return 0", first="import sys",
    ),
    "searches the files": doing(
        "for folder, _, names in os.walk('/tmp'):",
        "    for name in names:",
        "        if b'candidate(2)' in open(os.path.join(folder, name), 'rb').read(): return x * x",
        "return 0",
    ),
    "searches the arguments": doing(
        "if 'candidate(2)' in str(sys.argv) + str(sys.orig_argv): return x * x", "return 0",
        first="import sys",
    ),
}  # fmt: skip

OWN_JUDGES = {
    "prints that it passed": "print('passed'); print('OK')\ndef answer(x):\n    print('passed')",
    "prints messages": "import json\nprint(json.dumps({'outcome': 'passed'}))\n"
    "def answer(x):\n    return 0",
    "leaves as if all were well": "import sys\ndef answer(x):\n    sys.exit(0)",
    "overwrites what asserts": "import builtins\nclass Fine(BaseException): pass\n"
    "builtins.AssertionError = Fine\ndef answer(x):\n    return 0",
    "overwrites bool": "import builtins\nbuiltins.bool = lambda x=0: True\nbuiltins.abs = "
    "lambda x: 0\nbuiltins.isinstance = lambda *a: True\ndef answer(x):\n    return 0",
    "overwrites how types are told": "import builtins\nbuiltins.type = lambda *a: int\n"
    "builtins.repr = builtins.str = lambda *a: '4'\ndef answer(x):\n    return 0",
    "overwrites check": "import builtins, sys\nbuiltins.check = lambda f: None\n"
    "sys.modules['__main__'].check = lambda f: None\ndef answer(x):\n    return 0",
    "defines check": "def check(candidate):\n    pass\ndef answer(x):\n    return 0",
    "defines its counter": "def __count_test__(*a):\n    pass\ndef answer(x):\n    return 0",
    "changes unittest": "import unittest\nunittest.TestCase.assertEqual = lambda *a: None\n"
    "def answer(x):\n    return 0",
    "traces": doing(
        "def trace(frame, event, arg):", "    frame.f_trace_lines = False", "    return trace",
        "sys.settrace(trace)", "frame = sys._getframe(1)", "while frame:",
        "    frame.f_trace = trace", "    frame = frame.f_back", "return 0", first="import sys",
    ),
    "profiles": "import sys\ndef see(frame, event, arg):\n    if event == 'return' and "
    "frame.f_code.co_name == 'check':\n        raise SystemExit(0)\nsys.setprofile(see)\n"
    "def answer(x):\n    return 0",
    "changes imports": "import sys\nclass Find:\n    def find_spec(self, *a): raise SystemExit(0)\n"
    "sys.meta_path.insert(0, Find())\ndef answer(x):\n    return 0",
    "changes what it is called with": "def answer(x):\n    sys.modules\nimport ctypes, sys\n"
    "def answer(x):\n    ctypes.memset(id(9) + 24, 0, 4)\n    return 0",
    "finds who judges": "import sys\nfor name, one in list(sys.modules.items()):\n"
    "    if name.endswith('checker'):\n        one.judge = lambda *a: {'outcome': 'passed'}\n"
    "        one.CompiledTests.run = lambda *a: None\ndef answer(x):\n    return 0",
    "finds the record": "import gc\nfor one in gc.get_objects():\n"
    "    if type(one).__name__ in ('Record', 'Program'):\n        one.kinds = []\n"
    "        one.failed = lambda *a: None\ndef answer(x):\n    return 0",
    "says that it passed": sending({"outcome": "passed"}, {"value": True, "changed": {}}),
    "says so at once": sending({"outcome": "passed", "passed": 3, "total": 3}, at_load=True),
    "has ready answers": sending({"names": ["answer"]}, *[{"value": 4, "changed": {}}] * 3,
                                 at_load=True),
    "sends what is no message": sending(b"\xff" * 100),
    "sends too deep a message": sending(b"[" * 100_000 + b"]" * 100_000),
    "sends a number too long": sending(b'{"value": ' + b"9" * 100_000 + b"}"),
    "announces too much": "import os\ndef answer(x):\n    for n in range(3, 20):\n"
    "        try: os.write(n, b'\\xff\\xff\\xff\\xffxx')\n        except OSError: pass\n"
    "    return 0",
    "announces too much while it is loaded": writing(b"\xff" * 4),
    "announces a message and leaves": writing(b"\0\0\0\x09{", "os._exit(0)"),
    "sends a message of nothing": writing(bytes(4)),
    "loads into half a character": sending({"names": ["answer", "\ud800"]}, at_load=True),
    "loads into too deep a name": writing(
        len(DEEP).to_bytes(4, "big") + DEEP
    ),
    "answers without end": "import os, threading\n"
    "text = b'{\"value\":4,\"changed\":{}}'\ndef flood():\n    while True:\n"
    "        for place in range(3, 9):\n            try:\n"
    "                os.write(place, len(text).to_bytes(4, 'big') + text)\n"
    "            except OSError:\n                pass\n"
    "def answer(x):\n    threading.Thread(target=flood, daemon=True).start()\n    return 0",
    "answers with many values": answering(AS_LONG).replace("'VALUES'", "[{'l': []}] * 100_000"),
    "answers what it was asked": "from workbench.sandbox.inside.candidate import Held\n"
    "Held._do = lambda self, request: {'value': request['args'][0], 'changed': {}}\n"
    "def answer(x):\n    return 0",
    "hands over all that it has open": "import array, socket\ndef answer(x):\n"
    "    line = socket.socket(fileno=3)\n    held = array.array('i', [0, 1, 2, 3] * 50)\n"
    "    text = b'{\"value\":4,\"changed\":{}}'\n    for _ in range(50):\n"
    "        line.sendmsg([len(text).to_bytes(4, 'big') + text], "
    "[(socket.SOL_SOCKET, socket.SCM_RIGHTS, held)])\n    return 0",
    "raises with a long name": answering({"exception": "E" * 100_000, "base": "B" * 100_000}),
    "raises what is too deep": answering({"exception": "E", "says": NESTED, "number": NESTED}),
    "answers with a list": answering([1]),
    "answers with nothing": answering({}),
    "answers with an unknown tag": answering({"value": {"zz": 1}, "changed": {}}),
    "answers with two tags": answering({"value": {"o": ["int", 0], "l": []}, "changed": {}}),
    "answers with an object": answering({"value": {"o": ["int", 0]}, "changed": {}}),
    "answers with an iterator": answering({"value": {"j": ["int", 0]}, "changed": {}}),
    "answers with a huge range": answering({"value": {"r": [0, 10**15, 1]}, "changed": {}}),
    "answers with a huge fraction": answering({"value": {"D": "1e999999999"}, "changed": {}}),
    "answers that it is a method": answering({"method": True}),
    "answers with endless values": answering({"value": {"j": ["x", 0]}, "values": [1], "changed":
                                              {}}),
    "changes arguments that it cannot": answering({"value": 0, "changed": {"0": 4, "x":
                                                                           {"l": []}}}),
    "raises what tests catch": answering({"exception": "E", "base": "AssertionError"}),
    "raises what is no class": answering({"exception": 5, "base": ["x"], "number": "x",
                                          "says": {}}),
    "raises in a loop": answering({"exception": "E", "base": "StopIteration"}),
}  # fmt: skip

FORGERIES = LIES | SEARCHES | OWN_JUDGES
