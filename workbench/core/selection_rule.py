"""What a rule that picks one sample of each subset is, as far as its name in a setting goes."""

from typing import Protocol


class SelectionRule(Protocol):
    """A rule by which an answer is picked; ``analysis.aggregate`` has the rules themselves."""

    @property
    def uses_reward(self) -> bool:
        """Whether ``NAME:REWARD`` chooses the reward that it goes by."""
