import pytest

from eval.time.proportions import newcombe, wilson


@pytest.mark.parametrize(("useful", "n", "expected"), [(148, 200, (0.675, 0.796)), (370, 500, (0.700, 0.777))])
def test_wilson_matches_published_intervals_of_74_percent(useful, n, expected):
    assert wilson(useful, n) == pytest.approx(expected, abs=6e-4)


def test_wilson_stays_within_0_and_1():
    assert wilson(0, 5)[0] == 0
    assert wilson(5, 5)[1] == 1


def test_wilson_refuses_no_votes():
    with pytest.raises(ValueError, match="no votes"):
        wilson(0, 0)


def test_newcombe_matches_the_worked_example_of_its_paper():
    # Newcombe 1998, table II (a): 56/70 against 48/80, difference 0.2000, method 10: 0.0524 to 0.3339.
    assert newcombe((48, 80), (56, 70)) == pytest.approx((0.0524, 0.3339), abs=1e-4)
