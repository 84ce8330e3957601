"""What the workbench has to know of a rule that picks one sample of a subset."""

from typing import Protocol


class SelectionRule(Protocol):
    """A row of ``analysis.aggregate.AGGREGATORS``, which the front door hands down.

    The rules belong to the analysis. An experiment's names are checked, and embeddings made,
    before it begins.
    """

    @property
    def needs(self) -> tuple[str, ...]:
        """The fields of ``Pool`` that it reads."""

    @property
    def uses_reward(self) -> bool:
        """Whether ``NAME:REWARD`` chooses another reward for it."""
