"""Experiences go to splits: the most recent to test, of the others some to validation by a hash, the rest to train.

No random draw: adding older experiences to an export moves none between train and validation.
"""

import hashlib
import math
import sqlite3

from pydantic import Field

from plume.config import Config

SPLITS = ("train", "validation", "test")


class Splitting(Config):
    """Shares of the experiences (not of the pairs: one experience never stands in two splits)."""

    test: float = Field(0.2, gt=0, lt=1, description="share of the experiences, the most recent")
    validation: float = Field(0.1, ge=0, lt=1, description="share of the others, by hash of their id")


def experience_of(pair_id: str) -> str:
    """Give the experience that a pair comes from: `123-1` -> `123`."""
    return pair_id.rsplit("-", 1)[0]


def fraction(experience: str) -> float:
    """Give a number in [0, 1) that depends on the id alone."""
    return int.from_bytes(hashlib.sha256(experience.encode()).digest()[:8], "big") / 2**64


def assign(pairs: sqlite3.Connection, shares: Splitting) -> None:
    """Write the split of each pair into the spool; those that were left out already do not count."""
    [(experiences,)] = pairs.execute("SELECT COUNT(DISTINCT experience) FROM pair WHERE reason IS NULL")
    pairs.execute(
        "UPDATE pair SET split = CASE WHEN fraction < ? THEN 'validation' ELSE 'train' END", (shares.validation,)
    )
    pairs.execute(
        """UPDATE pair SET split = 'test' WHERE experience IN (
           SELECT experience FROM pair WHERE reason IS NULL GROUP BY experience
           ORDER BY MIN(written_on) DESC, MIN(fraction) DESC, experience DESC LIMIT ?)""",
        (math.ceil(shares.test * experiences),),
    )
