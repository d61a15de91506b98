"""People's choices in the verdict: what counts, what the rule makes of them, and what the page says."""

import json

import numpy as np
import pytest

from eval.compare import compare
from eval.gate import decide
from eval.measures import PREFERRED
from eval.people import agreement, choices_of, scores_of, without_one
from eval.ratings import read
from eval.rule import GateRule
from eval.score import score
from eval.stats.proportions import paired_difference
from eval.stats.win_rate import difference_of_choices
from eval.verdict import Choices, Item
from plume.errors import InputError
from plume.files import sha256
from plume.paths import ROOT

GATES = ROOT / "configs" / "eval"


def rated(numbers, rater, choose, **more):
    """Rows of ratings.jsonl: `choose(number)` is a system, equal or neither; sides alternate by review and rater."""
    rows = []
    for number in numbers:
        left, right = ("base", "tuned") if (number + len(rater)) % 2 else ("tuned", "base")
        chosen = choose(number)
        choice = {left: "left", right: "right"}.get(chosen, chosen)
        rows.append({"id": f"{number:04d}-1", "left": left, "right": right, "choice": choice, "rater": rater, **more})
    return rows


@pytest.fixture
def write_ratings(tmp_path):
    def write(rows, name="ratings.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture
def arms(make_data, make_drafts):
    from eval.drafts import read_drafts

    data = make_data(60)
    return {
        "champion": read_drafts(make_drafts(data, "base", lambda i: f"a{i}", None)),
        "challenger": read_drafts(make_drafts(data, "tuned", lambda i: f"b{i}", None)),
    }


REVIEWS = [f"{i:04d}-1" for i in range(60)]


def test_raters_of_one_review_are_averaged_and_what_is_of_others_is_counted(arms, write_ratings):
    a, b = rated(range(2), "a", lambda _: "tuned"), rated(range(3), "bb", lambda n: "equal" if n else "base")
    other = [row | {"left": "vendor"} for row in rated([5], "a", lambda _: "base")]
    finals = [row | {"left": "draft", "right": "blank", "kind": "finals"} for row in rated([6], "a", lambda _: "equal")]
    elsewhere = rated([900], "a", lambda _: "tuned")
    again = rated([2], "bb", lambda _: "tuned")
    found = read([write_ratings([*a, *b, *other, *finals, *elsewhere, *again])], arms, set(REVIEWS))
    assert found.balance() == {"0000-1": 0.0, "0001-1": 0.5, "0002-1": 1.0}
    assert found.left_out == {"other_systems": 2, "other_reviews": 1, "earlier": 1}
    assert (len(found.people), found.tied) == (2, False)
    scores = scores_of(found, REVIEWS)
    assert (scores["challenger"]["0001-1"], scores["champion"]["0001-1"]) == (0.5, 0.0)
    assert np.isnan(scores["champion"]["0050-1"])


def test_choices_between_drafts_that_were_written_anew_do_not_count(arms, write_ratings):
    rows = rated(range(2), "a", lambda _: "tuned")
    files = {drafts.name: drafts.sha256 for drafts in arms.values()}
    for row in rows:
        row |= {f"{side}_drafts_sha256": files[row[side]] for side in ("left", "right")}
    assert read([write_ratings(rows)], arms, set(REVIEWS)).tied
    rows[0]["left_drafts_sha256"] = sha256(b"another file")
    found = read([write_ratings(rows)], arms, set(REVIEWS))
    assert (list(found.raters), found.left_out) == (["0001-1"], {"other_drafts": 1})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"left": "x", "right": "y"}, "no choice between 'base' and 'tuned', it names x, y"),
        ({"id": "9999-1"}, "of reviews that --data's split does not hold"),
        ({"left_drafts_sha256": "0" * 64}, "of other drafts than these two files hold"),
        ({"choice": "both"}, "line 1: choice 'both' is none of"),
    ],
)
def test_a_file_in_which_nothing_counts_is_refused_in_one_line(arms, write_ratings, change, told):
    rows = [row | change for row in rated([1], "a", lambda _: "tuned")]
    with pytest.raises(InputError) as refused:
        read([write_ratings(rows)], arms, set(REVIEWS))
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_who_names_nobody_is_one_person_and_a_file_counts_once(arms, write_ratings):
    unnamed = [{k: v for k, v in row.items() if k != "rater"} for row in rated(range(30), "a", lambda _: "tuned")]
    one, copy = write_ratings(unnamed), write_ratings(unnamed, "copy.jsonl")
    found = read([one, copy, one], arms, set(REVIEWS))
    assert (len(found.rows), found.people, choices_of(found).people) == (30, [None], 1)
    assert without_one(found) is None
    assert found.sha256 == read([copy], arms, set(REVIEWS)).sha256


def test_two_files_of_one_system_cannot_be_told_apart(arms, write_ratings):
    with pytest.raises(InputError, match="cannot tell"):
        read([write_ratings([])], {"champion": arms["champion"], "challenger": arms["champion"]}, set(REVIEWS))


def test_a_challenger_that_always_stood_on_the_left_is_not_judged(arms, write_ratings):
    rows = [
        {"id": i, "left": "tuned", "right": "base", "choice": "left", "rater": rater} for i in REVIEWS for rater in "ab"
    ]
    choices = choices_of(read([write_ratings(rows)], arms, set(REVIEWS)))
    assert "à gauche dans 100" in choices.faults[0]


def test_alpha_is_of_reviews_that_several_rated(arms, write_ratings):
    rows = [*rated(range(20), "a", lambda n: "tuned" if n % 2 else "base"), *rated(range(10), "bb", lambda _: "tuned")]
    found = agreement(read([write_ratings(rows)], arms, set(REVIEWS)))
    assert (found.n, found.n_error) == (10, 10)
    assert found.estimate < 0.1


def test_what_hangs_on_one_person_is_seen(arms, write_ratings):
    rows = [*rated(range(20), "a", lambda _: "tuned"), *rated(range(20), "bb", lambda _: "equal")]
    assert without_one(read([write_ratings(rows)], arms, set(REVIEWS))) == (0.0, 1.0)
    assert without_one(read([write_ratings(rows[:20])], arms, set(REVIEWS))) is None


# --- the interval


def test_with_one_rater_it_is_the_interval_of_paired_shares():
    rng = np.random.default_rng(0)
    before, after = rng.integers(2, size=(2, 80))
    one, other = difference_of_choices(after - before, np.ones(80)), paired_difference(before, after)
    assert (one.estimate, one.lower, one.upper, one.n) == (other.estimate, other.lower, other.upper, other.n)


def test_more_raters_tell_more_and_never_more_than_they_are():
    rng = np.random.default_rng(1)
    votes = rng.choice([-1, 0, 1], size=(100, 4))
    one, four = difference_of_choices(votes[:, 0], np.ones(100)), difference_of_choices(votes.mean(axis=1), [4] * 100)
    assert 1.7 < (one.upper - one.lower) / (four.upper - four.lower) < 2.3
    alike = difference_of_choices([0.5] * 40, [2] * 40)
    assert alike.upper - alike.lower > 0.2
    assert difference_of_choices([], []).estimate is None


def wrong(trials, n, seed, clusters=1):
    """How often the 95 % interval of no preference lies above 0, and below: reviews lean, one to three raters each."""
    rng, above, below = np.random.default_rng(seed), 0, 0
    for _ in range(trials):
        leaning = np.repeat(rng.normal(0, 1.5, n // clusters), clusters)
        raters = rng.integers(1, 4, n)
        chance = 1 / (1 + np.exp(-leaning))[:, None]
        votes = np.where(rng.random((n, 3)) < 0.3, 0, np.where(rng.random((n, 3)) < chance, 1, -1))
        there = np.arange(3) < raters[:, None]
        balance = (votes * there).sum(axis=1) / raters
        found = difference_of_choices(balance, raters, clusters=np.arange(n) // clusters)
        above, below = above + (found.lower > 0), below + (found.upper < 0)
    return above / trials, below / trials


def test_no_preference_is_seldom_taken_for_one():
    assert max(wrong(300, 60, 2)) <= 0.05


@pytest.mark.long
@pytest.mark.parametrize(("n", "clusters"), [(30, 1), (60, 1), (60, 2), (200, 1)])
def test_no_preference_is_seldom_taken_for_one_in_many_trials(n, clusters):
    above, below = wrong(4000, n, 3, clusters)
    assert above + below <= 0.065
    assert max(above, below) <= 0.036


# --- the rule


def items(n):
    return [Item(f"{i:05d}", f"{i}", {"network": f"R{i % 2}"}) for i in range(n)]


def judge(rule, n, balance, raters=3, people=5, faults=(), better=0.9):
    """Judge n reviews of which people rated the first ones, as `balance` says."""
    ids = [f"{i:05d}" for i in range(n)]
    arms = []
    for sign, share in ((-1, 0.5), (1, better)):
        scores = {measure: dict.fromkeys(ids, 1.0) for measure in rule.measures}
        if rule.primary.measure != PREFERRED:
            scores["pass_all"] = {i: float(k % 10 < 10 * share) for k, i in enumerate(ids)}
        scores[PREFERRED] = {i: max(0.0, sign * value) for i, value in zip(ids, balance, strict=False)}
        arms.append(scores)
    choices = Choices(dict.fromkeys(ids[: len(balance)], raters), people, faults)
    return decide(rule, items(n), *arms, choices=choices)


@pytest.fixture(scope="module")
def primary():
    return GateRule.load(GATES / "gate-people.yaml")


@pytest.fixture(scope="module")
def guarded():
    rule = GateRule.load(GATES / "gate.yaml")
    more = {"measure": PREFERRED, "margin": 0.1}
    return GateRule.model_validate(rule.model_dump() | {"guardrails": [*rule.model_dump()["guardrails"], more]})


def spread(n, mean):
    """Choices of -1 and 1 whose mean is `mean`, evenly spread."""
    share = (1 + mean) / 2
    return [1.0 if int((k + 1) * share) > int(k * share) else -1.0 for k in range(n)]


def line(verdict):
    return next(x for x in verdict.estimates if x.measure == PREFERRED and x.arm == "difference" and not x.slice)


def test_people_decide_where_the_rule_says_so(primary):
    verdict = judge(primary, 400, spread(200, 0.4))
    assert verdict.outcome == "PASS"
    assert (line(verdict).value.n, line(verdict).value.n_error) == (200, 0)  # only what they rated is judged
    assert all(x.value.n <= 200 for x in verdict.estimates if x.measure == PREFERRED)
    assert judge(primary, 400, spread(200, -0.4)).outcome == "FAIL"
    few = judge(primary, 400, spread(60, 0.1), raters=1)
    assert (few.outcome, few.needs_items) == ("INCONCLUSIVE", few.needs_items)
    assert "de plus à faire comparer, dont" in " ".join(few.reasons)
    assert few.needs_items > 0


def test_a_guardrail_of_people_stops_what_the_checks_prefer(guarded):
    assert judge(guarded, 400, spread(300, 0.2)).outcome == "PASS"
    verdict = judge(guarded, 400, spread(300, -0.4))
    assert verdict.outcome == "FAIL"
    assert "candidat préféré dans 30,0" in verdict.reasons[0]
    assert line(verdict).rule == "non-inferiority: difference > -0.1"
    unsure = judge(guarded, 400, spread(60, 0.0), raters=1)
    assert unsure.outcome == "INCONCLUSIVE"
    assert "n’est pas exclue" in unsure.reasons[0]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"balance": []}, "aucun choix n’a été donné"),
        ({"balance": spread(29, 1.0)}, "la règle en veut au moins 30"),
        ({"balance": spread(200, 1.0), "people": 1}, "par 3\u00a0personnes"),
        ({"balance": spread(200, 1.0), "faults": ["le côté peut avoir décidé."]}, "le côté peut avoir décidé"),
    ],
)
def test_what_people_cannot_say_leaves_the_verdict_open(primary, given, told):
    verdict = judge(primary, 400, **given)
    assert verdict.outcome == "INCONCLUSIVE"
    assert told in verdict.reasons[0]
    assert line(verdict).holds is None


def test_safety_refuses_people_and_other_measures_stay_refused():
    rule = GateRule.load(GATES / "gate.yaml").model_dump()
    for safety in ("preferred", "chrf_fr"):
        with pytest.raises(ValueError, match="not a measure that may decide"):
            GateRule.model_validate(rule | {"safety": [{"measure": safety, "limit": 0.01}]})
    assert "people" not in GateRule.load(GATES / "gate.yaml").to_yaml()


def outcomes(rule, trials, lean, seed):
    """How often the whole rule passes a challenger that two raters a review prefer with the odds exp(lean)."""
    rng, passed = np.random.default_rng(seed), 0
    for _ in range(trials):
        chance = 1 / (1 + np.exp(-rng.normal(lean, 1, 300)))[:, None]
        votes = np.where(rng.random((300, 2)) < 0.3, 0, np.where(rng.random((300, 2)) < chance, 1, -1))
        passed += judge(rule, 300, votes.mean(axis=1), raters=2).outcome == "PASS"
    return passed / trials


def test_whom_people_do_not_prefer_does_not_pass_and_whom_they_do_does(primary):
    assert outcomes(primary, 15, 0.0, 4) <= 0.2
    assert outcomes(primary, 5, 1.0, 5) == 1


@pytest.mark.long
def test_the_whole_rule_lets_few_through_that_people_do_not_prefer(primary):
    assert outcomes(primary, 3000, 0.0, 6) <= 0.034  # one side of 5 %
    assert outcomes(primary, 200, 0.5, 7) >= 0.8


# --- from the files to the page


def test_ratings_are_evidence_of_the_verdict_and_shown(
    make_data, make_drafts, texts, few_probes, write_ratings, tmp_path
):
    data = make_data(40)
    champion = make_drafts(data, "base", lambda i: (texts["worse"] if i % 3 == 0 else texts["good"]).format(i))
    challenger = make_drafts(data, "tuned", lambda i: texts["good"].format(i))
    for drafts in (champion, challenger):  # scored once, for four comparisons
        score(drafts, data, drafts.with_suffix(".scores.jsonl"))
    rows = [
        *rated(range(35), "someone@example.org", lambda n: "tuned" if n % 4 else "base", reasons=["tone"]),
        *rated(range(30), "bb", lambda n: "tuned" if n % 5 else "equal", note="Trop <long>."),
        *rated(range(3), "ccc", lambda _: "neither"),
    ]
    path = write_ratings(rows)
    plain, out = tmp_path / "plain", tmp_path / "out"
    gate = tmp_path / "gate.yaml"
    text = (GATES / "gate.yaml").read_text(encoding="utf-8").replace("datasets/probes/probes.jsonl", str(few_probes))
    gate.write_text(text, encoding="utf-8")
    people = tmp_path / "gate-people.yaml"
    people.write_text((GATES / "gate-people.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    compare(champion, challenger, data, gate, plain)
    compare(champion, challenger, data, people, out, ratings=[path])

    without, document = (json.loads((folder / "verdict.json").read_text(encoding="utf-8")) for folder in (plain, out))
    assert "ratings_sha256" not in without["inputs"]
    assert "people" not in without
    assert not any(row["measure"].startswith(PREFERRED) for row in without["estimates"])
    assert document["inputs"]["ratings_sha256"] == sha256(path.read_bytes())
    assert document["people"]["ratings"] == 68
    assert document["people"]["alpha"]["n"] == 30
    low, high = document["people"]["without_one_rater"]
    assert low < high
    judged = [row for row in document["estimates"] if row["measure"] == PREFERRED and row["rule"]]
    assert any(row["holds"] for row in judged)

    page = (out / "report.html").read_text(encoding="utf-8")
    assert 'id="choix"' in page
    assert "Accord entre personnes" in page
    assert "Ton plus juste" in page
    assert "Sans l’une ou l’autre personne" in page
    assert "Là où les contrôles" in page
    assert "Trop &lt;long&gt;." in page
    assert "example.org" not in page  # who rated is nobody's business here
    assert 'id="choix"' not in (plain / "report.html").read_text(encoding="utf-8")

    # For information, where the rule does not ask people.
    compare(champion, challenger, data, gate, tmp_path / "told", ratings=[path])
    told = json.loads((tmp_path / "told" / "verdict.json").read_text(encoding="utf-8"))
    assert told["outcome"] == without["outcome"]
    assert any("la règle n’en juge pas" in reason for reason in told["reasons"])
    # And where it does, and nobody was asked.
    compare(champion, challenger, data, people, tmp_path / "nobody")
    nobody = json.loads((tmp_path / "nobody" / "verdict.json").read_text(encoding="utf-8"))
    assert nobody["outcome"] == "INCONCLUSIVE"
    assert any("--ratings ratings.jsonl" in reason for reason in nobody["reasons"])
