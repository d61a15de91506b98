import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from eval.time.claims.check import COMPATIBLE, CONTRADICTED, UNCHECKABLE, check
from eval.time.claims.published import Claim, Values, Widest
from eval.time.claims.quantities import CLAIMABLE, Quantity
from eval.time.waits.from_export import Waits
from eval.time.waits.periods import follow_up, values

LAUNCH = dt.date(2023, 10, 5)


def claim(**changes):
    return Claim.model_validate(
        {
            "id": "c",
            "quantity": "mean_response_days",
            "statement": "x",
            "values": {"ratio": 2},
            "population": {"description": "x"},
            "window": {"description": "x", "first": LAUNCH, "last": LAUNCH + dt.timedelta(days=60)},
            "source": {"publisher": "x", "date": 2023, "title": None},
            "status": "announced",
            **changes,
        }
    )


def waits(days_before, days_after, *, spread=0.25, useful=(0, 0), missing=(), extracted_on=dt.date(2024, 6, 1)):
    """2,400 waits over the 335 days that begin a year before, then 480 over the 61 of the claim; 20 structures.

    Delays are spread around the given days; every second one votes.
    """
    random = np.random.default_rng(11)
    number = np.r_[np.arange(2400), np.arange(480)]
    side = np.repeat([0, 1], [2400, 480])
    start = LAUNCH.toordinal() + np.where(side == 0, number % 335 - 365, number % 61)
    days, n = np.where(side == 0, days_before, days_after), len(side)
    delay = np.rint(days * random.uniform(1 - spread, 1 + spread, n)).astype(int)
    yes = (number * 7) % 100 < np.array(useful)[side]
    vote = np.where(number % 2 == 0, yes.astype(int), -1)
    one = np.full(n, -1)
    return Waits(
        start=start,
        reply=start + delay,
        replied=np.ones(n, dtype=bool),
        structure=number % 20,
        vote=vote,
        offered=one,
        agent_vote=one,
        similarity=np.full(n, np.nan),
        review_words=one,
        reply_words=one,
        reply_facts=one,
        names=tuple(("CAF", f"S{i}") for i in range(20)),
        extracted_on=extracted_on,
        extraction_given=False,
        counts={},
        missing=missing,
        review_words_of={},
    )


def test_halved_delay_is_compatible():
    outcome = check(claim(), waits(12, 6))
    assert outcome.outcome == COMPATIBLE
    assert "annoncé 2,00" in outcome.why


def test_unchanged_delay_contradicts_a_factor_2():
    assert check(claim(), waits(12, 12)).outcome == CONTRADICTED


def test_right_ratio_of_wrong_levels_is_contradicted():
    assert check(claim(values={"before": 6, "after": 3}), waits(12, 6)).outcome == CONTRADICTED
    assert check(claim(values={"before": 12, "after": 6}), waits(12, 6)).outcome == COMPATIBLE


def long_waits(factor, *, median=10.0, **given):
    """Lognormal waits, of which a good part lasts more than 30 days; those after are `factor` times as long."""
    made = waits(1, 1, **given)
    random = np.random.default_rng(3)
    delay = random.lognormal(np.log(median), 1.2, len(made.start)) * np.repeat([1.0, factor], [2400, 480])
    return replace(made, reply=made.start + (random.random(len(delay)) + delay).astype(int))


def test_long_waits_all_halved_are_compatible_though_their_restricted_mean_is_not_halved():
    # Within 30 days the means are 13.2 and 8.6: a ratio of 1.5. Within 30 days before and 15 after, 13.2 and 6.6.
    outcome = check(claim(), long_waits(0.5))
    assert outcome.outcome == COMPATIBLE
    assert "limitée à 30 jours avant et 15 après" in outcome.why


def test_long_waits_that_did_not_change_contradict_a_factor_2():
    assert check(claim(), long_waits(1.0)).outcome == CONTRADICTED


def test_waits_of_which_30_days_show_nothing_cannot_be_checked():
    # Nobody is answered within 30 days, before or after: what then follows may be anything.
    assert check(claim(), waits(200, 100, extracted_on=dt.date(2024, 1, 1))).outcome == UNCHECKABLE


def test_claimed_mean_above_the_restricted_one_is_refuted_only_if_everyone_was_answered():
    # Lognormal, median 10, sigma 1.2: the mean is 20.5 days, within 30 days 13.2.
    outcome = check(claim(values={"before": 20.5}), long_waits(0.5))
    assert outcome.outcome == UNCHECKABLE
    assert "attendent encore" in outcome.why
    assert check(claim(values={"before": 20.5}), waits(12, 6)).outcome == CONTRADICTED
    assert check(claim(values={"after": 3}), long_waits(1.0)).outcome == CONTRADICTED


def test_change_of_the_mix_of_services_alone_cannot_be_checked():
    # Half of the structures answer in 18 days, the others in 4; the quick ones receive 1 review in 6, then 5 in 6.
    made = waits(1, 1)
    number, late = np.r_[np.arange(2400), np.arange(480)], np.repeat([False, True], [2400, 480])
    quick = (number % 6 > 0) == late
    delay = np.where(quick, 4, 18) + number % 3 - 1
    mixed = replace(made, structure=number * 7 % 10 + np.where(quick, 10, 0), reply=made.start + delay)
    outcome = check(claim(values={"ratio": 2.4}), mixed)
    assert outcome.outcome == UNCHECKABLE
    assert "à services égaux" in outcome.why.lower()


def test_value_that_goes_with_no_change_as_well_cannot_be_checked():
    outcome = check(claim(values={"ratio": 1.02}), waits(12, 12, spread=0.9))
    assert outcome.outcome == UNCHECKABLE
    assert "absence de changement" in outcome.why


@pytest.mark.parametrize(
    ("changes", "given", "reason"),
    [
        ({"status": "target"}, {}, "objectif"),
        ({"uncheckable": "les réseaux ne sont pas nommés"}, {}, "réseaux ne sont pas nommés"),
        ({"window": {"description": "x"}}, {}, "période de la mesure n'est pas publiée"),
        ({}, {"missing": ("date_de_premiere_reponse",)}, "date_de_premiere_reponse"),
        ({}, {"extracted_on": dt.date(2023, 11, 1)}, "s'arrête au 01/11/2023"),
        ({"window": {"description": "x", "first": "2022-11-01", "last": "2022-12-31"}}, {}, "un an plus tôt"),
        ({"window": {"description": "x", "first": "2023-10-05", "last": "2023-12-31"}}, {}, "un an plus tôt"),
        ({"window": {"description": "x", "first": "2022-10-05", "last": "2024-01-05"}}, {}, "plus d'un an"),
        ({"population": {"description": "x", "networks": ["MSA"]}}, {}, "0 avant et 0 après"),
    ],
)
def test_what_cannot_be_checked_says_why(changes, given, reason):
    outcome = check(claim(**changes), waits(12, 6, **given))
    assert outcome.outcome == UNCHECKABLE
    assert reason in outcome.why


SHARE = {"quantity": "useful_share", "values": {"after": 0.74, "difference": 0.40}}


def test_a_population_that_came_late_a_year_earlier_is_of_another_season():
    """The file covers both periods; the claim's network does not."""
    late = waits(12, 6)
    of_msa = np.arange(len(late)) % 20 >= 8
    came = (LAUNCH - dt.timedelta(days=365 - 40)).toordinal()
    seen = late.where(~of_msa | (late.start >= came))
    names = tuple(("MSA" if i >= 8 else "CAF", name) for i, (_, name) in enumerate(seen.names))
    outcome = check(claim(population={"description": "x", "networks": ["MSA"]}), replace(seen, names=names))
    assert outcome.outcome == UNCHECKABLE
    assert "un an plus tôt" in outcome.why


def test_satisfaction_is_compatible_from_votes_even_without_reply_dates():
    given = waits(12, 6, useful=(34, 74), missing=("date_de_premiere_reponse",))
    assert check(claim(**SHARE), given).outcome == COMPATIBLE


def test_a_level_in_an_interval_that_is_too_wide_says_so():
    given = waits(12, 6, useful=(34, 74))
    level = claim(quantity="useful_share", values={"after": 0.74})
    outcome = check(level, given, widest=Widest(share=0.001))
    assert outcome.outcome == UNCHECKABLE
    assert "plus large que ce qui est admis" in outcome.why


def test_a_claim_of_another_quantity_needs_its_row_alone(monkeypatch):
    answered = Quantity(
        frozenset({"after"}),
        "réponses en 7 jours au plus",
        "délais observables",
        usable=lambda waits: waits.timed,
        read=lambda waits: values(waits, "answered_7d"),
        share=True,
        of_waits=True,
        tau=follow_up("answered_7d"),
    )
    monkeypatch.setitem(CLAIMABLE, "answered_7d", answered)
    told = claim().model_copy(update={"quantity": "answered_7d", "values": Values(after=0.01)})
    outcome = check(told, waits(12, 6))
    assert outcome.outcome == CONTRADICTED
    assert outcome.said.startswith("Non : réponses en 7 jours au plus, après : ")


def test_satisfaction_that_did_not_move_is_contradicted():
    assert check(claim(**SHARE), waits(12, 6, useful=(74, 74))).outcome == CONTRADICTED
