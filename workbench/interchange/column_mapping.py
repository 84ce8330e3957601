"""Which column of plain files is taken for what: one meaning each, by name, values or the user.

The names and values of the first rows decide. What the user says with ``--column`` goes first, then
our own names, then others that can mean one thing only (``column_names.py``). A column that the
user gives a meaning loses the one that its name would have.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.core.lookup import unknown
from workbench.interchange.answer_column import is_known_answer
from workbench.interchange.column_names import (
    LIKELY_NAMES,
    LIST_NAMES,
    OF_A_SAMPLE,
    OTHER_NAMES,
)
from workbench.interchange.column_values import MISSING, fits, text_leaves, value_at
from workbench.interchange.readers.records import Record
from workbench.interchange.sample_row import SAMPLE_COLUMNS

BOTH = {("answer", "text"), ("problem_id", "problem")}
"""(given by the user, taken by its name): one column may be both, as a bare label is text and
answer."""
MOST_CONDITIONS = 10
"""Values of a column that may be the conditions under which samples were drawn."""
ELEMENTS = 64
"""Elements of a list that are looked at."""


@dataclass(frozen=True)
class ColumnMapping:
    """Which column of a file is taken for which of ours."""

    theirs: Mapping[str, str]
    """Our name -> the file's column, or a path inside of one. Others of ours are not read."""
    has_lists: bool = False
    """Whether a row holds a list of samples."""
    guessed: frozenset[str] = frozenset()
    """Those of ours that another name was taken for, without being told."""
    with_values: frozenset[str] = frozenset()
    """The file's columns that have a value in the first rows."""
    likely: Mapping[str, str] = field(default_factory=dict)
    """A column that was not taken -> the flag that takes it, or why it was not."""


IDENTITY = ColumnMapping({name: name for name in SAMPLE_COLUMNS})
"""Of formats whose reader names the columns as we do."""


@dataclass
class _Seen:
    """What the first rows have under a column."""

    values: list[Any] = field(default_factory=list)
    """Those that are known; of a list its elements."""
    lengths: list[int | None] = field(default_factory=list)
    """Of each row's list; None where it has none."""
    is_there: bool = False
    """Whether any row has the column."""

    @property
    def is_list(self) -> bool:
        return any(length is not None for length in self.lengths)

    def fits(self, column: str) -> bool:
        return bool(self.values) and all(fits(column, value) for value in self.values)


def map_columns(rows: Iterable[Record], given: Mapping[str, str]) -> ColumnMapping:
    """Return which columns of a file's first rows are taken for what.

    ``given`` is what the user says: our name -> a column or path.

    Raises:
        ValueError: two columns can be the text, or the answer; or a given path leads nowhere.

    Example:
        >>> rows = [{"task_id": "a", "output": "It is B.", "answer": "B", "note": ""}]
        >>> mapping = map_columns(rows, {"gold": "answer"})
        >>> {ours: name for ours, name in mapping.theirs.items() if name in rows[0]}
        {'problem_id': 'task_id', 'text': 'output', 'gold': 'answer'}
    """
    return _Mapper(list(rows), given).mapping()


class _Mapper:
    """The columns of the first rows, and those that are taken already."""

    def __init__(self, rows: list[Record], given: Mapping[str, str]) -> None:
        self.given = given
        self.taken = dict(given)
        self.likely: dict[str, str] = {}
        self.rows = rows
        self.guessed: set[str] = set()
        self.excluded: set[str] = set()
        names = dict.fromkeys(name for row in rows for name in _names(row))
        self.columns = dict.fromkeys(name.partition(".")[0] for name in names)
        self.seen = {name: _look(rows, name) for name in [*names, *given.values()]}
        for ours, name in given.items():
            self._check_given(rows, ours, name)
        self.lengths: list[int | None] | None = None

    def mapping(self) -> ColumnMapping:
        self._take_text()
        for ours in ("problem_id", "problem", "gold", *SAMPLE_COLUMNS):
            if ours not in self.taken and ours != "text":
                self._take(ours)
        if self.lengths and "gold" not in self.taken and not self._is_of_samples("answer"):
            self._take_as("gold", ["answer"])
            if self.taken.get("gold") == "answer":
                self.likely.pop("answer", None)
        self._refuse_answer_and_prediction()
        if "problem_id" not in self.taken and "problem" in self.taken:
            self.taken["problem_id"] = self.taken["problem"]
        self._take_answer_as_gold()
        self._name_likely()
        self._name_conditions()
        own = {name: name for name in SAMPLE_COLUMNS if name not in self.excluded}
        theirs = {name: {**own, **self.taken}[name] for name in SAMPLE_COLUMNS
                  if name in own or name in self.taken}  # fmt: skip
        known = frozenset(name for name, seen in self.seen.items() if seen.values)
        guessed = frozenset(self.guessed)
        return ColumnMapping(theirs, bool(self.lengths), guessed, known, self.likely)

    def _take_text(self) -> None:
        if "text" not in self.taken:
            own = "text" in self.seen and ("text" not in self.given.values() or self._may_be_both())
            names = ["text"] if own else ["text", *OTHER_NAMES["text"], *LIST_NAMES["text"]]
            found = [n for n in self._ending_in(names, "text") if self.seen[n].fits("text")]
            flat = [name for name in found if not self.seen[name].is_list]
            different = self._different(flat or found)
            if len(different) > 1:
                raise ValueError(
                    f"{' and '.join(map(repr, different[:3]))} can be the text: say which one is "
                    f"with --column text={different[0]}"
                )
            if different:
                self._note("text", different[0])
        seen = self.seen.get(self.taken.get("text", ""))
        if seen and seen.is_list:
            self.lengths = seen.lengths

    def _may_be_both(self) -> bool:
        return self.given.get("answer") == "text"

    def _take(self, ours: str) -> None:
        """Take a column for one of ours: that of its own name, or the one other it can be."""
        user = next((o for o, name in self.given.items() if name == ours), None)
        if user is not None and (user, ours) not in BOTH:
            self.excluded.add(ours)
        elif ours in self.seen:
            if not self.lengths or self._has_right_shape(ours, ours):
                self.taken[ours] = ours
                return
            self.excluded.add(ours)
            self.likely[ours] = self._wrong_shape(ours, ours)
        lists = LIST_NAMES.get(ours, ()) if self.lengths else ()
        self._take_as(ours, [ours, *OTHER_NAMES.get(ours, ()), *lists])

    def _take_as(self, ours: str, names: list[str]) -> None:
        found = [
            name
            for name in self._ending_in(names, ours)
            if self.seen[name].fits(ours) and self._has_right_shape(ours, name)
        ]
        if ours in ("correct", "problem_id"):  # a score of 0 and 1, an idx only where nothing else
            found = [
                n for n in found if n.split(".")[-1] not in ("score", "scores", "idx")
            ] or found
        different = self._different(found)
        if len(different) == 1:
            self._note(ours, different[0])
        else:
            self.likely |= {name: f"--column {ours}={name}" for name in different}

    def _note(self, ours: str, name: str) -> None:
        self.taken[ours] = name
        if ours != name:
            self.guessed.add(ours)

    def _ending_in(self, names: Iterable[str], ours: str) -> list[str]:
        """Return the columns of these names that are free, those inside of lists too."""
        used = {name for other, name in self.taken.items() if (other, ours) not in BOTH}
        wanted = dict.fromkeys(names)
        return [n for want in wanted for n in self.seen
                if n not in used and (n == want or n.endswith(f".{want}"))]  # fmt: skip

    def _is_of_samples(self, name: str) -> bool:
        return name in self.seen and self.seen[name].lengths == self.lengths

    def _has_right_shape(self, ours: str, name: str) -> bool:
        """Say whether a column has a list for each list of texts, where it is of samples."""
        seen = self.seen[name]
        if not self.lengths:
            return not seen.is_list or ours == "token_logprobs"
        pairs = zip(seen.lengths, self.lengths, strict=True)
        agree = all(own is None or own == texts for own, texts in pairs)
        return agree and (seen.is_list or ours not in OF_A_SAMPLE)

    def _wrong_shape(self, ours: str, name: str) -> str:
        """Say why a column with a list, or beside lists of texts, is not taken."""
        if self.seen[name].is_list and not (self.lengths and ours in OF_A_SAMPLE):
            return f"--column {ours}={name}.0 for the first of its list"
        why = "one for the whole row, not for each sample"
        if self.seen[name].is_list:
            why = f"its lists are not as long as those of {self.taken['text']}"
        return f"{why}: {ours} is not known"

    def _different(self, names: list[str]) -> list[str]:
        """Return names without those that hold the same as an earlier one."""
        kept: list[str] = []
        for name in names:
            if all(self.seen[name].values != self.seen[other].values for other in kept):
                kept.append(name)
        return kept

    def _refuse_answer_and_prediction(self) -> None:
        if self.taken.get("answer") != "answer" or "answer" in self.given or "gold" in self.taken:
            return
        for name in self._ending_in(OTHER_NAMES["answer"], "answer"):
            if self.seen[name].fits("answer") and self._has_right_shape("answer", name):
                raise ValueError(
                    f"'answer' can be the known answer or the sample's, beside {name!r}: say which "
                    f"with --column answer={name} --column gold=answer, or --column answer=answer"
                )

    def _take_answer_as_gold(self) -> None:
        """Take ``answer`` for the known one where it is the same for texts that say others."""
        own = self.taken.get("answer") == "answer" and "answer" not in self.given
        if not own or "gold" in self.taken or self.lengths:
            return
        if is_known_answer(self.rows, {"problem_id": "problem_id", "text": "text"} | self.taken):
            del self.taken["answer"]
            self.excluded.add("answer")
            self._note("gold", "answer")
            self.likely["answer"] = (
                "taken for the known answer, which differs from what texts of its problem say; if "
                "it is the samples': --column answer=answer"
            )

    def _name_likely(self) -> None:
        used = {*self.taken.values(), *self.likely}
        for ours, names in LIKELY_NAMES.items():
            for name in (*OTHER_NAMES.get(ours, ()), *names):
                is_free = name in self.seen and name not in used and name not in SAMPLE_COLUMNS
                if is_free and ours not in self.taken and self.seen[name].fits(ours):
                    right = self._has_right_shape(ours, name)
                    why = f"--column {ours}={name}" if right else self._wrong_shape(ours, name)
                    self.likely.setdefault(name, why)

    def _name_conditions(self) -> None:
        """Name columns of a few words that differ within problems: perhaps samples of two kinds."""
        problem = self.taken.get("problem_id", "problem_id")
        used = {*self.taken.values(), *self.likely, *SAMPLE_COLUMNS}
        for name in self.columns.keys() - used:
            groups: dict[str, set[str]] = {}  # value -> the problems that have it
            for row in self.rows:
                if isinstance(value := row.get(name), str):
                    groups.setdefault(value, set()).add(str(value_at(row, problem)))
            shared = len(groups) > 1 and set.intersection(*groups.values())
            if shared and len(groups) <= MOST_CONDITIONS and min(map(len, groups.values())) > 1:
                differ = ", ".join(sorted(groups)[:3])
                self.likely[name] = f"differs within problems ({differ}): --where {name}=VALUE"

    def _check_given(self, rows: list[Record], ours: str, name: str) -> None:
        if "." not in name or not rows or self.seen[name].is_there:
            return
        leaves = dict.fromkeys(leaf for row in rows[:3] for leaf in text_leaves(row))
        raise ValueError(f"--column {ours}={name} leads nowhere: {unknown(name, leaves, 'path')}")


def _names(row: Record) -> list[str]:
    """Return a row's columns, and those inside of its lists of objects: ``samples.text``."""
    names = []
    for name, value in row.items():
        names.append(name)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            names += [f"{name}.{key}" for key in value[0]]
    return names


def _look(rows: list[Record], name: str) -> _Seen:
    seen = _Seen()
    for row in rows:
        value = value_at(row, name)
        is_list = isinstance(value, list)
        seen.is_there |= value is not MISSING
        seen.lengths.append(len(value) if is_list else None)
        parts = value[:ELEMENTS] if is_list else [value]
        seen.values += [part for part in parts if part is not None and part is not MISSING]
    return seen
