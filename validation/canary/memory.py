"""How much more memory a process of the canary takes than a fresh one of stable, and how much faster it grows.

Memory is no sample of independent draws, so this is no test: medians over some blocks are compared with limits that are far
above what equal processes differ by. How seldom they raise a false alarm, replays say (docs/canary.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from validation.canary.blocks import Block, warm

BLOCKS = 3
"""Blocks whose median stands for the beginning, and for the end."""
FEWEST_BLOCKS = 6
SLACK_BYTES = 32 * 2**20
"""What an allocator keeps or gives back as it likes: a smaller difference says nothing."""


@dataclass(frozen=True)
class MemoryShift:
    """Resident bytes of one process, the mean of each slot's, at the end of what was seen, and how much it has grown."""

    blocks: int
    canary: float = 0.0
    stable: float = 0.0
    canary_before: float = 0.0
    stable_before: float = 0.0

    @property
    def ratio(self) -> float:
        return self.canary / self.stable if self.stable else 1.0

    @property
    def growth(self) -> float:
        """How much further the canary has grown than stable meanwhile, as a share of where it began."""
        return self._grown / self.canary_before if self.canary_before else 0.0

    @property
    def _grown(self) -> float:
        return (self.canary - self.canary_before) - (self.stable - self.stable_before)

    def larger(self, limit: float) -> bool:
        """Say whether the ratio is above the limit, by more than an allocator's whim."""
        return self.ratio > limit and self.canary - self.stable > SLACK_BYTES

    def growing(self, limit: float) -> bool:
        return self.growth > limit and self._grown > SLACK_BYTES


def memory_shift(blocks: Sequence[Block], warmup_requests: float) -> MemoryShift:
    """Compare the memory of both slots after the canary's first `warmup_requests` answers."""
    known = [block for block in warm(blocks, warmup_requests) if block.canary.memory and block.paced.memory]
    if len(known) < FEWEST_BLOCKS:
        return MemoryShift(len(known))
    first, last = known[:BLOCKS], known[-BLOCKS:]
    canary, canary_before = (median(block.canary.memory for block in some) for some in (last, first))
    stable, stable_before = (median(block.paced.memory for block in some) for some in (last, first))
    return MemoryShift(len(known), canary, stable, canary_before, stable_before)
