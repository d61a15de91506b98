"""Which experience goes to which split: the most recent to test, the others to validation by a hash, the rest to train.

No random draw: adding experiences to an export moves none between train and validation.
"""

import hashlib
import math

from pydantic import Field

from plume.config import Config

SPLITS = ("train", "validation", "test")


class Splitting(Config):
    """Shares of the experiences (not of the pairs: one experience never stands in two splits)."""

    test: float = Field(0.2, gt=0, lt=1, description="share of the experiences, the most recent")
    validation: float = Field(0.1, ge=0, lt=1, description="share of the others, by hash of their id")


def experience_of(pair_id: str) -> str:
    """The experience that a pair comes from: `123-1` -> `123`."""
    return pair_id.rsplit("-", 1)[0]


def assign(written_on: dict[str, str], shares: Splitting) -> dict[str, str]:
    """Split of each experience.

    Args:
        written_on: experience id -> ISO date.
        shares: of test (rounded up) and of validation.
    """
    by_date = sorted(written_on, key=lambda e: (written_on[e], _fraction(e)))
    test = set(by_date[len(by_date) - math.ceil(shares.test * len(by_date)) :])
    return {
        e: "test" if e in test else "validation" if _fraction(e) < shares.validation else "train" for e in written_on
    }


def _fraction(experience: str) -> float:
    """A number in [0, 1) that depends on the id alone."""
    return int.from_bytes(hashlib.sha256(experience.encode()).digest()[:8], "big") / 2**64
