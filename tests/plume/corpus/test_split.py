"""What a split is made of; which experience goes where is the store's work (test_spool)."""

import pytest
from pydantic import ValidationError

from plume.corpus.split import Splitting, experience_of, fraction


def test_experience_of_a_pair():
    assert [experience_of(i) for i in ("123-1", "line-7-2", "123")] == ["123", "line-7", "123"]


def test_the_fraction_depends_on_the_id_alone_and_is_spread_evenly():
    assert fraction("1000") == fraction("1000")
    drawn = sorted(fraction(str(n)) for n in range(1000))
    assert 0 <= drawn[0] < drawn[-1] < 1
    # Kolmogorov-Smirnov: the largest distance from the even spread, below its 0.1 % limit of 1.95 / sqrt(n).
    assert max(abs(x - n / 1000) for n, x in enumerate(drawn)) < 1.95 / 1000**0.5


@pytest.mark.parametrize("shares", [{"test": 0}, {"test": 1}, {"validation": 1}, {"validation": -0.1}, {"train": 0.7}])
def test_shares_that_make_no_sense_are_refused(shares):
    with pytest.raises(ValidationError):
        Splitting(**shares)
