"""Numbers, shares, intervals and dates as French writes them."""

import datetime as dt

import pytest

from plume.page.numbers import count, day, interval, number, percent, points


def plain(text):
    return text.replace("\u202f", " ").replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (number(-1234.5), "−1 234,5"),
        (number(12345, 0), "12 345"),
        (number(0.05, signed=True), "+0,1"),
        (number(-0.04, signed=True), "0,0"),
        (number(None), "–"),
        (percent(0.125), "12,5 %"),
        (percent(0.00994, 2), "0,99 %"),
        (percent(-0.19, 0, signed=True), "−19 %"),
        (percent(None), "–"),
        (points(-0.03), "−3,0 points"),
        (points(0.012), "+1,2 point"),
        (points(0.05, signed=False), "5,0 points"),
        (points(None), "–"),
        (interval(0.12, 0.15, percent), "de 12,0 % à 15,0 %"),
        (interval(None, 0.15, percent), "intervalle non estimable"),
        (count(1, "échec"), "1 échec"),
        (count(2000, "avis"), "2 000 avis"),
        (count(2, "brouillon"), "2 brouillons"),
        (day(dt.date(2023, 7, 8)), "08/07/2023"),
        (day("2023-10"), "10/2023"),
        (day(""), "–"),
        (day(None), "–"),
    ],
)
def test_as_french_writes_it(said, expected):
    assert plain(said) == expected


def test_no_line_may_break_inside_a_number():
    assert " " not in number(1234567) + percent(0.5) + points(0.5) + count(3, "avis")
