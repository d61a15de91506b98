"""The split: whole experiences, the most recent to test, and no experience changes side when others arrive."""

import pytest
from pydantic import ValidationError

from plume.corpus.split import SPLITS, Splitting, assign, experience_of


def days(count: int, start: int = 0) -> dict[str, str]:
    """`count` experiences, one a day."""
    return {str(1000 + i): f"2023-{1 + i // 28:02d}-{1 + i % 28:02d}" for i in range(start, start + count)}


def test_test_holds_the_most_recent():
    written = days(100)
    split = assign(written, Splitting(test=0.2, validation=0.1))
    test = [e for e in written if split[e] == "test"]
    assert test == list(written)[80:]
    assert set(split.values()) <= set(SPLITS)


def test_the_order_of_the_export_changes_nothing():
    written = days(60)
    backwards = dict(reversed(written.items()))
    assert assign(written, Splitting()) == assign(backwards, Splitting())


def test_no_experience_moves_between_train_and_validation_when_others_arrive():
    before = assign(days(100), Splitting())
    after = assign(days(300), Splitting())
    assert all(after[e] == s for e, s in before.items() if s != "test")
    assert all(after[e] != "test" for e in before)


def test_validation_is_about_its_share_of_the_rest():
    split = assign(days(300), Splitting(test=0.1, validation=0.2))
    rest = [s for s in split.values() if s != "test"]
    assert 0.12 < rest.count("validation") / len(rest) < 0.28
    assert "validation" not in assign(days(300), Splitting(validation=0)).values()


def test_the_share_of_test_is_rounded_up():
    assert list(assign(days(1), Splitting()).values()) == ["test"]
    assert list(assign(days(6), Splitting(test=0.2)).values()).count("test") == 2


def test_one_day_is_cut_by_the_hash_not_by_the_order():
    same_day = {str(i): "2024-05-05" for i in range(50)}
    test = {e for e, s in assign(same_day, Splitting()).items() if s == "test"}
    assert len(test) == 10
    assert test != {str(i) for i in range(40, 50)}


def test_experience_of_a_pair():
    assert [experience_of(i) for i in ("123-1", "line-7-2", "123")] == ["123", "line-7", "123"]


@pytest.mark.parametrize("shares", [{"test": 0}, {"test": 1}, {"validation": 1}, {"validation": -0.1}, {"train": 0.7}])
def test_shares_that_make_no_sense_are_refused(shares):
    with pytest.raises(ValidationError):
        Splitting(**shares)
