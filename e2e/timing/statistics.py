"""Are two sets of times different, and by how much? Pure functions; times are in seconds."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, variance

# Of the slowest and the fastest: other programs' work, not ours.
TRIMMED = 0.1
# A smaller gap than this drowns in the noise of any network.
GAP_SECONDS = 0.000_5
# How sure the interval of the gap is.
CERTAINTY = 0.999
SAMPLES = 2000


@dataclass(frozen=True)
class Verdict:
    """What was found about one endpoint. The gap is known minus unknown."""

    pairs: int
    t: float
    p_rank: float
    gap: float
    # Where the gap is, with the certainty above.
    low: float
    high: float

    @property
    def differs(self) -> bool:
        """There is a gap beyond chance."""
        return self.low > 0 or self.high < 0

    @property
    def leaks(self) -> bool:
        """There is one that cannot be neglected."""
        return self.low > GAP_SECONDS or self.high < -GAP_SECONDS

    def __str__(self) -> str:
        word = "LEAKS" if self.leaks else "differs" if self.differs else "no leak"
        return (
            f"{word:<8} gap {self.gap * 1e6:+8.1f} µs ({CERTAINTY:.1%}: {self.low * 1e6:+.1f} to {self.high * 1e6:+.1f}), "
            f"Welch's t {self.t:+.2f}, Mann-Whitney p {self.p_rank:.2g}, {self.pairs} pairs"
        )


def judge(known: Sequence[float], unknown: Sequence[float]) -> Verdict:
    """Compares times that were measured in turns: the same position in both is the same pair.

    The gap is that of pairs, whose halves were measured at the same load; Welch's t and the ranks are of all times together.
    """
    pairs = list(zip(known, unknown, strict=True))
    low, high = interval([one - other for one, other in pairs])
    return Verdict(
        pairs=len(pairs),
        t=welch(trimmed(known), trimmed(unknown)),
        p_rank=mann_whitney(known, unknown),
        gap=fmean(trimmed([one - other for one, other in pairs])),
        low=low,
        high=high,
    )


def trimmed(values: Sequence[float]) -> list[float]:
    """Without the lowest and the highest tenth."""
    cut = int(len(values) * TRIMMED)
    return sorted(values)[cut : len(values) - cut]


def welch(one: Sequence[float], other: Sequence[float]) -> float:
    """Welch's t: the difference of the means in units of its standard error."""
    error = variance(one) / len(one) + variance(other) / len(other)
    return (fmean(one) - fmean(other)) / math.sqrt(error) if error else 0.0


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> float:
    """How likely ranks as different as these are by chance (two-sided, normal approximation)."""
    together = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks, tied, at = 0.0, 0, 0
    while at < len(together):
        end = at
        while end < len(together) and together[end][0] == together[at][0]:
            end += 1
        # Equal values share their ranks.
        ranks += (at + end + 1) / 2 * sum(1 for _, of in together[at:end] if of == 0)
        tied += (end - at) ** 3 - (end - at)
        at = end
    n, m = len(one), len(other)
    u = ranks - n * (n + 1) / 2
    spread = n * m / 12 * (n + m + 1 - tied / ((n + m) * (n + m - 1)))
    return 2 * NormalDist().cdf(-abs(u - n * m / 2) / math.sqrt(spread)) if spread else 1.0


def interval(differences: Sequence[float]) -> tuple[float, float]:
    """Where the trimmed mean lies: the middle of those of samples drawn from these differences (bootstrap)."""
    chance = random.Random(0)
    means = sorted(fmean(trimmed(chance.choices(differences, k=len(differences)))) for _ in range(SAMPLES))
    cut = max(1, round(SAMPLES * (1 - CERTAINTY) / 2))
    return means[cut - 1], means[-cut]
