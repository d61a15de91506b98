"""What the recogniser learns names from: INSEE's lists, invented sentences; what its network reads; its weights."""

import importlib.util
import json
import random
from collections import Counter, defaultdict

import numpy as np
import pytest

from plume.errors import EnvironmentMissing
from plume.french import insee
from plume.french.text import fold
from plume.paths import ROOT
from plume.pseudonymise import Pseudonymiser
from plume.pseudonymise.recogniser import network, sentences, training
from plume.pseudonymise.recogniser.by_ear import heard, is_run_together, slips
from plume.pseudonymise.recogniser.ner import load_ner, pipeline


def test_the_lists_hold_what_insee_publishes():
    assert {"MARIE", "MOHAMED", "LOU-ANNE"} <= set(insee.first_names(20))
    assert "MARTIN" in insee.surnames(1000)
    assert len(insee.surnames(1000)) < len(insee.surnames(30))
    assert {"bagnols sur ceze", "st etienne", "saint etienne"} <= insee.communes()


def test_without_the_lists_one_line_says_what_to_run(monkeypatch):
    monkeypatch.setattr(insee, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentMissing, match="make install"):
        insee.digest()


def test_sentences_are_the_same_for_a_seed_and_their_spans_hold_the_names():
    made = list(sentences.sentences(600, seed=3))
    assert made == list(sentences.sentences(600, seed=3))
    assert made != list(sentences.sentences(600, seed=4))
    with_spans = [(text, spans) for text, spans in made if spans]
    assert 0.55 < len(with_spans) / len(made) < 0.75
    for text, spans in with_spans:
        for start, end, label in spans:
            assert text[start:end].strip() == text[start:end] != ""
            assert label in ("PER", "LOC")
            assert not (start and text[start - 1].isalnum()), "a span starts where a word does"


def test_no_name_is_both_learnt_and_tested_with():
    for learnt, tested in zip(sentences.names(0), sentences.names(1), strict=True):
        assert learnt
        assert tested
        assert not {fold(n) for n in learnt} & {fold(n) for n in tested}
    for origin, learnt in sentences.names_by_origin(0).items():
        for few, others in zip(learnt, sentences.names_by_origin(1)[origin], strict=True):
            assert len(few) > 8, origin
            assert not set(few) & set(others)


def test_carriers_are_of_many_styles_and_authors():
    among = sentences.carriers()
    assert sum(carrier.has_names for carrier in among) >= 600
    assert sum(not carrier.has_names for carrier in among) >= 600
    assert len({carrier.style for carrier in among}) >= 12
    assert all(carrier.author for carrier in among)
    per_style = Counter(style for style, _ in {(carrier.style, carrier.author) for carrier in among})
    assert sum(count > 1 for count in per_style.values()) >= 12


def test_a_carrier_holds_one_of_its_alternatives_and_no_mark_is_left():
    draw = random.Random(1)
    people, words = sentences.learnt_people(1), sentences.words_that_are_names(0)
    fill = sentences.Filling(draw, people, words).marks
    for carrier in sentences.carriers():
        text, spans = sentences.fill_in(sentences.chosen(carrier.text, draw), fill)
        assert not set(text) & set("{}|[]") - set("|" * (" | " in carrier.text)), carrier
        assert bool([label for _, _, label in spans if label == "PER"]) == carrier.has_names


def test_made_up_names_stand_on_no_list():
    made = sentences.made_up(["Kowalska", "Nowakowski", "Wisniewska"], 10, 1)
    assert made == sentences.made_up(["Kowalska", "Nowakowski", "Wisniewska"], 10, 1)
    assert len(set(made)) == 10
    assert not {"Kowalska", "Nowakowski"} & set(made)


def test_nicknames_are_made_of_first_names_and_are_no_words():
    made = sentences.nicknames(["Nathalie", "Frédéric", "Papa", "Merci"])
    assert {"Nath", "Titi", "Loulou"} <= set(made)
    assert any(name[-1].isdigit() for name in made)
    assert not {"Papa", "Doudou", "Merci"} & set(made)


def test_what_is_heard_as_a_common_word_is_nobodys_name():
    assert heard("retar") == heard("retard")
    assert heard("seuleman") == heard("seulement")
    assert is_run_together("larticle", {"article"}.__contains__)
    assert not is_run_together("lise", {"article"}.__contains__)
    assert "bonjour" in set(slips("bonojur"))


def test_the_weights_are_of_these_sentences():
    """If this fails, the recogniser was taught other sentences: `make recogniser`."""
    assert json.loads(training.CARD.read_text(encoding="utf-8")) == training.made_of() | {"weights": network.digest()}
    assert network.WEIGHTS.stat().st_size < 10_000_000


@pytest.fixture(scope="module")
def untaught():
    """spaCy's pipeline with the widened network, none of our weights, and what is known of words."""
    return pipeline()


def test_training_changes_the_weights_which_are_kept_in_half_precision(untaught, tmp_path):
    nlp, frequencies, _ = untaught
    model = nlp.get_pipe("ner").model
    network.save(model, tmp_path / "before.npz")
    training.train(nlp, frequencies, sentences.sentences(60, seed=1), training.SETTINGS | {"epochs": 1})
    network.save(model, tmp_path / "after.npz")
    with np.load(tmp_path / "before.npz") as before, np.load(tmp_path / "after.npz") as after:
        assert set(before) == set(after)
        assert all(after[key].dtype == np.float16 for key in after)
        assert any((before[key] != after[key]).any() for key in after)
    network.load(model, tmp_path / "before.npz")
    network.save(model, tmp_path / "again.npz")
    with np.load(tmp_path / "before.npz") as before, np.load(tmp_path / "again.npz") as again:
        assert all((before[key] == again[key]).all() for key in again)


def test_what_is_known_of_a_word_follows_its_form_and_its_place(untaught):
    nlp, _, lexicon = untaught

    def rows(copy, written):
        return lexicon.of(network.as_written(nlp.make_doc(copy), written))

    calm, same = rows("merci Nadia", "merci Nadia"), rows("merci Nadia", "merci nadia")
    assert (calm[0] != same[0]).any(), "the whole sentence is in lower case"
    assert (calm[1][:-7] == same[1][:-7]).all(), "the same word"
    assert (calm[1][-7:] != same[1][-7:]).any(), "written otherwise"
    assert lexicon.keys(nlp.make_doc("Nadia et Nadia"))[0] != lexicon.keys(nlp.make_doc("Nadia et Nadia"))[2]
    assert rows("", "").shape == (0, lexicon.width)


def test_what_is_found_does_not_depend_on_what_is_read_beside_it():
    recognise = load_ner()
    texts = [text for text, _ in sentences.sentences(120, seed=9)]
    assert recognise(texts) == [found for text in reversed(texts) for found in recognise([text])][::-1]


@pytest.fixture(scope="module")
def recalls() -> dict[tuple[str, str], Counter]:
    """(origin, case) -> names found and missed, on the set of benchmarks/stress_names.py, 100 sentences a cell."""
    spec = importlib.util.spec_from_file_location("stress_names", ROOT / "benchmarks" / "stress_names.py")
    stress = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stress)
    pseudonymiser = Pseudonymiser(load_ner())
    hits = defaultdict(Counter)
    for cell, rows in stress.cells(100).items():
        for (text, wanted), spans in zip(rows, pseudonymiser.find_many([t for t, _ in rows]), strict=True):
            masked = {i for s in spans for i in range(s.start, s.end)}
            for start, end, _ in wanted:
                hits[cell][all(i in masked for i in range(start, end) if text[i].isalnum())] += 1
    return hits


def test_names_are_found_in_every_case(recalls):
    for case in {case for _, case in recalls}:
        total = sum((found for cell, found in recalls.items() if cell[1] == case), Counter())
        assert total[True] / total.total() >= 0.97, case


def test_names_of_every_origin_are_found(recalls):
    shares = {}
    for origin in {origin for origin, _ in recalls}:
        total = sum((found for cell, found in recalls.items() if cell[0] == origin), Counter())
        shares[origin] = total[True] / total.total()
    mean = sum(shares.values()) / len(shares)
    assert min(shares.values()) >= mean - 0.03, shares
