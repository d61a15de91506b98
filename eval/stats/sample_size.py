"""How many items a question needs: paired proportions, absence of events.

Normal approximations for a one-sided test at level 1 - `confidence`; the tests check their power by simulation.
"""

import math

from scipy.stats import norm

from eval.stats.proportions import tango_variance

# Where no pair has been seen yet, one in ten is expected to differ; the expectation weighs as much as ten pairs, so
# that a handful of pairs that all agree is not read as "none will ever differ".
DISCORDANCE, WEIGHT = 0.1, 10
CHOSEN = 0.7  # of people's choices that are expected to be for one of the two drafts, one person a review


def paired_proportions(
    discordance: float, gap: float, difference: float = 0.0, *, confidence: float = 0.95, power: float = 0.8
) -> int:
    """Count the pairs that tell a paired difference of proportions from a limit `gap` away, by Tango's interval.

    The variance at the limit is that of the score test (the discordance most likely there), the one at the truth is
    discordance - difference²: with 10 % discordant pairs 717 for 3 points, where one variance for both gives 687 and
    a power of 79 %; with 2 %, 225 instead of 138, whose power is 56 %. Where no pair differs: z²(1 - gap)/gap, 88.

    Args:
        discordance: share of pairs in which one arm succeeds and the other fails.
        gap: expected difference minus the limit, not 0: negative for a limit above.
        difference: the expected difference.
        confidence: one-sided.
        power: probability to conclude if discordance and difference are as expected.
    """
    gap, at_limit, at_truth = _spreads(discordance, gap, difference)
    return max(1, math.ceil(((norm.ppf(confidence) * at_limit + norm.ppf(power) * at_truth) / gap) ** 2))


def power_of(n: float, discordance: float, gap: float, difference: float = 0.0, *, confidence: float = 0.95) -> float:
    """Give the probability to conclude with `n` pairs: `paired_proportions` the other way round."""
    gap, at_limit, at_truth = _spreads(discordance, gap, difference)
    margin = gap * math.sqrt(n) - norm.ppf(confidence) * at_limit
    return float(norm.cdf(margin / at_truth)) if at_truth > 0 else float(margin >= 0)


def _spreads(discordance: float, gap: float, difference: float) -> tuple[float, float, float]:
    """Give the gap as positive, and one pair's standard deviation at the limit and at the truth."""
    if gap < 0:  # the same question with the arms swapped
        gap, difference = -gap, -difference
    limit, discordance = difference - gap, max(discordance, abs(difference))
    gained, lost = (discordance + difference) / 2, (discordance - difference) / 2
    return gap, math.sqrt(tango_variance(gained, lost, 1.0, limit)), math.sqrt(discordance - difference**2)


def without_event(limit: float, *, confidence: float = 0.95) -> int:
    """Count the items that must all be free of an event for its exact one-sided upper bound to be at most `limit`.

    0 events in n: the bound is 1 - (1 - confidence)^(1/n). 299 items for 1 %, 598 for 0.5 %.
    """
    return math.ceil(math.log(1 - confidence) / math.log(1 - limit) - 1e-9)


def expected_discordance(discordant: float, n: float, prior: float = DISCORDANCE) -> float:
    """Expect a share of discordant pairs, after `discordant` of `n`: never 0, and `prior` before any pair."""
    return (discordant + WEIGHT * prior) / (n + WEIGHT)


def more(needed: float, have: int) -> int:
    """Count further items, at least 1, when `have` were not enough.

    Where the plan says that `have` should have been enough, the truth lies near the limit: as many again.
    """
    return max(1, math.ceil(needed) - have if needed > have else have)
