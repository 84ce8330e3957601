"""A row that holds a list of samples becomes a row for each of them."""

from collections.abc import Iterator, Mapping

from workbench.interchange.column_names import OF_A_SAMPLE
from workbench.interchange.column_values import MISSING, value_at
from workbench.interchange.readers.records import Record


def split_lists(row: Record, theirs: Mapping[str, str], label: str) -> Iterator[tuple[str, Record]]:
    """Yield which sample of a row it is, and the row with that sample's values in its columns.

    ``theirs`` is our name -> the row's column or path; a row without a name of its problem gets
    ``label``. What is one for each sample must be a list as long as that of the texts.

    Raises:
        ValueError: the texts are no list, or another list has another length.

    Example:
        >>> row = {"idx": 3, "code": ["4", "5"], "score": [True, False]}
        >>> theirs = {"problem_id": "idx", "text": "code", "correct": "score"}
        >>> [sample["score"] for _, sample in split_lists(row, theirs, "line 1")]
        [True, False]
    """
    texts = value_at(row, theirs["text"])
    if not isinstance(texts, list):
        what = "nothing" if texts in (None, MISSING) else f"one {type(texts).__name__}"
        raise ValueError(
            f"{theirs['text']}: a list of texts is in other rows, and here is {what}; give the two "
            "kinds of rows in two files"
        )
    lists = {}
    for ours, name in theirs.items():
        value = value_at(row, name)
        is_list = isinstance(value, list)
        if is_list and len(value) == len(texts):
            lists[name] = value
        elif value is not MISSING and value is not None and (is_list or ours in OF_A_SAMPLE):
            count = f"{len(value)} values" if is_list else "one value"
            raise ValueError(f"{name}: has {count} for {len(texts)} texts of {theirs['text']}")
    own = {} if "problem_id" in theirs and theirs["problem_id"] in row else {"problem_id": label}
    for number in range(len(texts)):
        of_sample = {name: values[number] for name, values in lists.items()}
        yield f"sample {number + 1}", own | row | of_sample
