"""How a run is asked for."""

from dataclasses import dataclass
from pathlib import Path

# The p99 is the second slowest of a hundred, the fourth of three hundred.
_SAMPLES, _SAMPLES_QUICK = 300, 100
_LOAD_SECONDS = 30


@dataclass(frozen=True)
class Options:
    binary: Path
    # `usher-bench`: requests at a rate, and the bare rate of hashing.
    driver: Path
    # Of the environment in which the peers run.
    peers_python: Path
    users: int
    # Five pairs and short loads; else nine and long ones.
    quick: bool
    # Files that tell of further peers.
    peers: tuple[Path, ...] = ()
    # A container image, if its size is asked for.
    image: str | None = None

    @property
    def pairs(self) -> int:
        return 5 if self.quick else 9

    @property
    def each(self) -> int:
        """Requests in each half of a pair."""
        return 5 if self.quick else 25

    def samples(self, rate: float) -> int:
        """Requests of which a p99 is taken, at so many a second."""
        return _SAMPLES_QUICK if self.quick else max(_SAMPLES, round(rate * _LOAD_SECONDS))

    @property
    def burst_seconds(self) -> int:
        """A half of a pair that is a load of its own."""
        return 2 if self.quick else 10

    @property
    def overload_seconds(self) -> int:
        return 10 if self.quick else 60
