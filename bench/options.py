"""How a run is asked for."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    binary: Path
    users: int
    # Five pairs and short loads; else nine and long ones.
    quick: bool

    @property
    def pairs(self) -> int:
        return 5 if self.quick else 9

    @property
    def each(self) -> int:
        """Requests in each half of a pair."""
        return 5 if self.quick else 25

    @property
    def load_seconds(self) -> float:
        return 4 if self.quick else 30
