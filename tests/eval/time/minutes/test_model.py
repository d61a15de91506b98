import numpy as np
import pytest

from eval.time.minutes.constants import DEFAULT, NAMES, Constants, load
from eval.time.minutes.model import COUNTED, Prior, break_even, count, from_similarity, minutes, model
from plume.errors import InputError
from plume.paths import in_clone

# 40 words a minute typed (0.28 s a key, 6 keys a word), read aloud in French (195 words a minute), composing = typing.
TYPIST = {
    "reading_wpm": 195.0,
    "keystroke_seconds": 0.28,
    "mental_seconds": 1.35,
    "pointing_seconds": 1.10,
    "composition_wpm": 60 / (6 * 0.28),
    "composed_share": 0.0,
    "proof_share": 0.0,
    "verify_seconds": 0.0,
    "words_per_edit": 7.5,
    "review_words": 0.0,
    "characters_per_word": 6.0,
}


@pytest.mark.parametrize(("rate", "saved"), [(0.0, 206), (0.3, 116), (0.6, 25), (0.9, -65)])
def test_the_worked_example_of_150_words(rate, saved):
    # Typing 150 words takes 252 s and reading the draft 46 s; at 30 %, 45 words are typed (75.6 s) in 6 edits (14.7 s).
    words = 150 * rate
    features = np.array([0, 150, 150, 0, words * 6, words / 7.5, 0, 0], dtype=float)
    with_draft, without = minutes(features, {k: np.array(v) for k, v in TYPIST.items()})
    assert (without - with_draft) * 60 == pytest.approx(saved, abs=1)
    edge = break_even(np.array([0, 150, 150, 0, 0, 0, 0, 0], dtype=float), {k: np.array(v) for k, v in TYPIST.items()})
    assert edge == pytest.approx(0.684, abs=0.005)  # two thirds rewritten


def test_counts_of_a_draft_and_its_published_text():
    draft = "Bonjour, votre dossier est clos depuis 3 jours. Écrivez à contact@caf.fr ou au 01 42 00 00 00."
    final = "Bonjour, votre dossier est ouvert. Écrivez à contact@caf.fr ou au 01 42 00 00 00. Merci."
    found = dict(zip(COUNTED, count(draft, final, review_words=40), strict=True))
    # One run replaced ("clos depuis 3 jours." -> "ouvert."), one word added ("Merci."); each with its blank.
    assert found["typed_characters"] == len("ouvert.") + 1 + len("Merci.") + 1
    assert found["edits"] == 2
    assert found["facts"] == 2  # the address and the phone; "3" alone is none
    assert (found["review_words"], found["composed_words"]) == (40, 0)


def test_same_text_costs_no_edit_and_a_rejected_one_is_composed():
    text = "Bonjour, merci de votre avis."
    assert count(text, text)[3:].tolist() == [0, 0, 0, 0, 0]
    assert dict(zip(COUNTED, count(text, "Autre texte.", rejected=True), strict=True))["composed_words"] == 2


def test_reading_a_draft_in_vain_always_costs_time():
    prior = Prior.of()
    one = model(np.array([count("mot " * 100, "autre " * 100, rejected=True)]), np.array([0]), prior)
    assert one.saved[-1] < 0
    assert one.gaining == 0


def test_break_even_is_where_a_draft_with_that_edit_rate_saves_nothing():
    prior = Prior.of()
    values = prior.constants.values(prior.draw(200))
    centre = np.array([80, 100, 100, 0, 0, 0, 2, 0], dtype=float)
    rate = break_even(centre, values)
    changed = rate * 100
    features = np.stack(
        [
            *(np.full(200, x) for x in (80, 100, 100, 0)),
            changed * values["characters_per_word"],
            changed / values["words_per_edit"],
            np.full(200, 2),
            np.zeros(200),
        ],
        axis=-1,
    )
    with_draft, without = minutes(features, values)
    assert (without - with_draft)[rate > 0] == pytest.approx(0, abs=1e-9)


def test_similarity_alone_counts_facts_and_leaves_every_unknown_uncertain():
    # 30 % of 150 words changed, 7.5 words an edit, 6 keys a word: 116 s saved as above, less 70 % of 3 facts at 10 s.
    rows = from_similarity(*(np.array([x]) for x in (70.0, 150, 0, 3)))
    values = TYPIST | {"verify_seconds": 10.0}
    with_draft, without = minutes(rows, {k: np.array(v) for k, v in values.items()})
    assert (without - with_draft) * 60 == pytest.approx(116 - 0.7 * 3 * 10, abs=1)
    shown = {name for name, _, _ in model(rows, np.array([0])).tornado}
    assert {"words_per_edit", "characters_per_word", "verify_seconds"} <= shown


def test_widest_bar_of_the_tornado_comes_first_and_unused_constants_have_none():
    rows = np.array([count("un deux trois quatre " * 20, "un deux trois cinq " * 20, review_words=60)] * 5)
    one = model(rows, np.arange(5))
    widths = [abs(high - low) for _, low, high in one.tornado]
    assert widths == sorted(widths, reverse=True)
    assert {name for name, _, _ in one.tornado}.isdisjoint({"review_words", "words_per_edit", "verify_seconds"})


def test_every_constant_has_a_source_and_its_stated_range():
    constants = load()
    for name in NAMES:
        constant = getattr(constants, name)
        assert constant.source
        low, middle, high = (float(constant.at(z)) for z in (-1.6449, 0.0, 1.6449))
        if constant.distribution == "lognormal":
            assert (low, high) == pytest.approx((constant.p05, constant.p95), rel=1e-3)
        assert low < middle < high


def test_first_line_is_the_command():
    first = in_clone(DEFAULT).read_text(encoding="utf-8").splitlines()[0]
    assert first == "# plume eval time EXPORT --out DIR --constants configs/eval/time.toml"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("p95 = 250", "p95 = 25", "wrong way round"),
        ("[reading_wpm]", "[reading_speed]", "reading_speed"),
        ('distribution = "uniform"', 'distribution = "lognormal"', "p05 and p95 alone"),
        ("[verify_seconds]", "[verify_seconds", "not valid TOML"),
    ],
)
def test_bad_constants_are_refused(tmp_path, old, new, message):
    path = tmp_path / "time.toml"
    path.write_text(in_clone(DEFAULT).read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        load(path)


def test_constants_is_closed():
    assert set(NAMES) == set(Constants.model_fields) == set(TYPIST)
