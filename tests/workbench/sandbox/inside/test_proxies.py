"""What tests have in their hands behaves as the program's own, and cannot lie."""

from collections import deque

import pytest

from workbench.sandbox.inside.faults import Gone, Raised, Unsupported
from workbench.sandbox.inside.literals import MOST_BYTES, MOST_OF_ITERATOR
from workbench.sandbox.inside.proxies import Remote, RemoteIterator

THING = """
class Thing:
    def __init__(self, size=3): self.size = size
    def grow(self, by, times=1):
        self.size += by * times
        return self.size
    def count(self): return self.size
    def twin(self): return Thing(self.size)
    def __call__(self, x): return x + self.size
    def __len__(self): return self.size
    def __add__(self, other): return Thing(self.size + getattr(other, 'size', other))
    def __lt__(self, other): return self.size < other.size
    def __getitem__(self, key): return [10, 20, 30][key]
    def __iter__(self): return iter(range(self.size))
    def __eq__(self, other): return True
    def __bool__(self): return False
    def __repr__(self): return f'Thing({self.size})'
class Down(Thing):
    def __next__(self):
        if self.size == 0: raise StopIteration
        self.size -= 1
        return self.size
def thing(): return Thing()
def size(thing): return thing.size
"""


def test_arguments_and_results_are_copied(loaded):
    program = loaded("def f(x, *more, by=1): return [x, more, by]")
    assert program.function("f")({1: (2,)}, 3, by={4}) == [{1: (2,)}, (3,), {4}]


def test_changed_arguments_are_given_back(loaded):
    program = loaded(
        "def f(a, b, c, d, e, same=None):\n    a.append(a[:])\n    b.pop(1)\n    c.add(2)\n"
        "    d.rotate()\n    e[0] = 9\n    same.reverse()\n"
    )
    a, b, c, d, e, same = [1], {1: 2, 3: 4}, {1}, deque([1, 2]), bytearray(b"ab"), [1, 2]
    held = [a, b, c, d, e, same]
    program.function("f")(a, b, c, d, e, same=same)
    assert held == [[1, [1]], {3: 4}, {1, 2}, deque([2, 1]), bytearray(b"\tb"), [2, 1]]


def test_an_argument_of_another_type_cannot_be_put_in_place(answering):
    mine = [1]
    answering({"value": 0, "changed": {"0": {"d": []}, "7": {"l": []}}}).function("f")(mine)
    assert mine == [1]


def test_an_object_has_attributes_and_methods(loaded):
    thing = loaded(THING).function("thing")()
    assert isinstance(thing, Remote)
    assert (thing.size, thing.grow(2, times=2), thing.size) == (3, 7, 7)
    thing.size = 5
    assert (thing.size, thing(1)) == (5, 6)
    assert thing.twin().size == 5
    with pytest.raises(AttributeError):
        _ = thing.nothing


def test_an_object_may_be_handed_back(loaded):
    program = loaded(THING)
    assert program.function("size")(program.function("thing")()) == 3


def test_an_object_cannot_pass_for_a_value(loaded):
    thing = loaded(THING).function("thing")()
    assert thing != 3
    assert not thing == 3  # noqa: SIM201
    assert thing not in (3, [3])
    for attempt in (len, bool, abs, iter, lambda it: it + 1, lambda it: it < 4, lambda it: it[0]):
        with pytest.raises(TypeError):
            attempt(thing)
    with pytest.raises(AttributeError, match="is no literal, and is not asked for count"):
        thing.count()
    assert repr(thing) == str(thing) == "<object of type Thing>"


def test_an_object_of_a_class_under_test_has_operators(loaded):
    program = loaded(THING)
    thing = program.made_by("Thing")(2)
    assert (len(thing), bool(thing), repr(thing), thing[1]) == (2, False, "Thing(2)", 20)
    assert (list(iter(thing)), thing.count(), (thing + 1).size) == ([0, 1], 2, 3)
    assert thing < program.made_by("Thing")(5)


def test_an_iterator_of_a_class_under_test_has_its_methods(loaded):
    down = loaded(THING).made_by("Down")(2)
    assert [next(down), down.size, next(down)] == [1, 1, 0]
    with pytest.raises(StopIteration):
        next(down)


def test_objects_of_a_class_under_test_are_not_compared(loaded):
    thing = loaded(THING).made_by("Thing")()
    for attempt in (lambda: thing == 3, lambda: thing != 3, lambda: thing in [3]):
        with pytest.raises(Unsupported, match=r"between objects of the program \(Thing\)"):
            attempt()


def test_what_makes_no_object_gives_what_it_returns(loaded):
    assert loaded("def Thing(): return 4").made_by("Thing")() == 4


def test_an_iterator_is_asked_as_its_values_are_taken(loaded):
    program = loaded(
        "taken = []\ndef f():\n    for n in range(1000):\n        taken.append(n)\n"
        "        yield n\ndef count(): return len(taken)"
    )
    numbers = program.function("f")()
    assert isinstance(numbers, RemoteIterator)
    assert [next(numbers) for _ in range(3)] == [0, 1, 2]
    assert program.function("count")() < 10
    assert sum(numbers) == sum(range(3, 1000))
    with pytest.raises(StopIteration):
        next(numbers)


def test_an_iterator_raises_behind_its_last_value(loaded):
    numbers = loaded("def f():\n    yield 1\n    yield 2\n    yield 3\n    [][0]").function("f")()
    assert [next(numbers), next(numbers), next(numbers)] == [1, 2, 3]
    with pytest.raises(IndexError, match="list index out of range"):
        next(numbers)


def test_an_iterator_without_end_has_one(loaded):
    program = loaded("import itertools\ndef f(): return itertools.count()")
    with pytest.raises(Raised, match=f"more than {MOST_OF_ITERATOR} values"):
        list(program.function("f")())


def test_exceptions_are_caught_as_the_built_in_ones_that_they_are(loaded):
    program = loaded(
        "class Own(KeyError): pass\n"
        "def f(n): raise [ValueError('v'), Own('o'), StopIteration, SystemExit(0), "
        "UnicodeDecodeError('a', b'', 0, 1, 'x'), OSError(28, 'full')][n]"
    )
    f = program.function("f")
    with pytest.raises(ValueError, match="v"):
        f(0)
    with pytest.raises(KeyError, match="Own: 'o'"):
        f(1)
    for number in (2, 3, 4):
        with pytest.raises(Raised):
            f(number)
    with pytest.raises(OSError, match="full") as fault:
        f(5)
    assert fault.value.told["number"] == 28


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        (len, "f: an argument of type builtin_function_or_method cannot be handed over"),
        ([object()], "f: an argument of type object cannot be handed over"),
        ([0] * 300_000, "f is called with a value with more than"),
        ("x" * MOST_BYTES, "is called with a message of more than"),
    ],
)
def test_an_argument_that_cannot_be_handed_over_is_unsupported(loaded, argument, message):
    with pytest.raises(Unsupported, match=message):
        loaded("def f(x): pass").function("f")(argument)


def test_an_iterator_is_handed_back_as_what_it_yields(loaded):
    program = loaded("def f(): return iter([1, 2, 3, 4])\ndef g(values): return sum(values)")
    numbers = program.function("f")()
    assert (next(numbers), next(numbers)) == (1, 2)
    assert program.function("g")(numbers) == 7


def test_an_object_of_another_program_cannot_be_handed_over(loaded):
    other = loaded(THING).function("thing")()
    with pytest.raises(Unsupported, match="an argument of type Remote"):
        loaded(THING).function("size")(other)


@pytest.mark.parametrize(
    "answer",
    [
        [], {}, None, 5, {"value": {"zz": 1}, "changed": {}}, {"value": 1},
        {"value": 1, "changed": 5},
        {"value": {"F": [1, 0]}, "changed": {}}, {"exception": 5}, {"exception": []},
        {"method": True}, b"\xff\xff\xff\xff", b"\0\0\0\x01{",
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_answer_is_an_exception(answering, answer):
    with pytest.raises(Raised, match="no answer that can be read"):
        answering(answer).function("f")()


def test_a_line_in_the_middle_of_a_message_is_not_read_again(answering):
    program = answering(b"\xff\xff\xff\xff", {"value": 4, "changed": {}})
    for _ in range(2):
        with pytest.raises(Raised, match="no answer that can be read"):
            program.function("f")()


@pytest.mark.parametrize("answer", [{"names": 5}, {"name": []}, b"\xff\xff\xff\xff", []], ids=str)
def test_a_program_that_loads_into_no_answer_raises(answering, answer):
    with pytest.raises(Raised, match="no answer that can be read"):
        answering(answer).load("")
    assert answering({"names": ["f", 5, ["g"]]}).load("") == ["f"]


def test_a_program_that_is_gone_stays_gone(answering):
    program = answering()
    program.line.connection.close()
    for _ in range(2):
        with pytest.raises(Gone):
            program.function("f")(1)
    assert program.lost
