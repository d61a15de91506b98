"""Passages of sources in a dataset folder: found at build time by the review, told in manifest and card."""

import json
import shutil
from pathlib import Path

import pytest

import datasets
from plume.corpus.build import DataConfig, build
from plume.corpus.dataset import read_manifest, read_split
from plume.corpus.forget import find, forget
from plume.corpus.pair_sources import PairSources
from plume.corpus.split import SPLITS
from plume.errors import InputError
from plume.files import sha256, to_jsonl
from plume.passages import Passage
from plume.prompt import load_prompt
from plume.sources import folder
from tests.plume.corpus.conftest import experience, words

LOST = "J'ai perdu ma carte grise et je voudrais obtenir un duplicata du certificat d'immatriculation, que faire ? "
ANSWER = "Bonjour, vous avez perdu la carte grise : le duplicata du certificat d'immatriculation s'obtient en ligne. "


def passage(sheet: str, n: int, text: str, kind: str = "sheet", **more) -> Passage:
    made = dict.fromkeys(Passage.__annotations__) | {"id": f"{sheet}#{n}", "sheet": sheet, "kind": kind, "where": []}
    return made | {"title": "Carte grise", "text": text, "sha256": sha256(text.encode())} | more


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> Path:
    """A sheet on lost registration certificates, sheets on other things, and replies: of 3, 1's own, and 10's."""
    place = tmp_path_factory.mktemp("sources") / "fiches"
    sheets = [
        passage(
            "F1",
            1,
            "Un duplicata du certificat d'immatriculation (carte grise) perdu coûte 13,76 € et se demande en ligne.",
            title="Carte grise perdue : obtenir un duplicata",
            where=["Comment faire ?"],
            url="https://www.service-public.fr/particuliers/vosdroits/F1",
            updated_on="2025-03-04",
            licence="Licence Ouverte 2.0",
        ),
        *(
            passage(f"F{n}", 1, f"Alpha{n} bêta{n} gamma{n} delta{n} epsilon{n}.", title=f"Zêta{n} êta{n}")
            for n in range(2, 30)
        ),
        *(
            passage(f"{n}-1", 1, ANSWER + words(-n), "reply", title="Carte grise perdue : duplicata")
            for n in (1, 3, 10)
        ),
    ]
    folder.write(place, sheets, [], {"sources": []})
    return place


@pytest.fixture(scope="module")
def export(tmp_path_factory) -> Path:
    """Ten experiences; 1, 3, 9 and 10 lost their registration certificate."""
    path = tmp_path_factory.mktemp("export") / "export.json"
    lost = (1, 3, 9, 10)
    rows = [
        experience(
            n, n, **({"description": LOST + words(n), "reponse_structure_1": ANSWER + words(-n)} if n in lost else {})
        )
        for n in range(1, 11)
    ]
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def built(export, sources, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("built") / "data"
    build(export, out, DataConfig(ner=False, sources=sources))
    return out


def shown(built: Path) -> dict[str, list[str]]:
    return {p["id"]: [s["id"] for s in p["sources"]] for split in SPLITS for p in read_split(built, split)}


def test_a_pair_has_what_is_found_by_its_review_never_its_own_reply_nor_one_held_out(built):
    found = shown(built)
    assert [p["id"] for p in read_split(built, "test")] == ["9-1", "10-1"]
    assert all("F1#1" in found[i] for i in ("1-1", "3-1", "9-1", "10-1"))
    assert "1-1#1" not in found["1-1"]
    assert "1-1#1" in found["3-1"]
    assert "3-1#1" not in found["3-1"]
    assert "3-1#1" in found["9-1"]  # what was published to others, in training
    assert not any("10-1#1" in passages for passages in found.values())


def test_datasets_load_the_passages_with_fixed_fields(built, tmp_path):
    loaded = datasets.load_dataset(str(built), cache_dir=str(tmp_path))
    by_id = {row["id"]: row for split in loaded.values() for row in split}
    assert set(by_id) == set(shown(built))
    one = next(each for each in by_id["1-1"]["sources"] if each["id"] == "F1#1")
    assert list(one) == list(Passage.__annotations__)
    assert (str(one["updated_on"]), one["where"], one["network"]) == ("2025-03-04", ["Comment faire ?"], None)
    written = next(p for p in read_split(built, "train") if p["id"] == "1-1")
    for version in ("v1", "v3"):  # a date is written alike, as text or as a date
        assert load_prompt(version).text(by_id["1-1"]) == load_prompt(version).text(written)


def test_the_manifest_and_the_card_say_which_sources_and_how_many_pairs_show_some(built, sources, export, tmp_path):
    manifest = read_manifest(built)
    told = manifest["sources"]
    assert (told["name"], told["sha256"], told["passages"]) == ("fiches", folder.digest(sources), 32)
    assert (told["updated_on"], told["most"]) == ("2025-03-04", 3)
    assert told["finder"]
    assert {name: split["with_sources"] for name, split in manifest["splits"].items()} == {
        split: sum(bool(p["sources"]) for p in read_split(built, split)) for split in SPLITS
    }
    card = (built / "README.md").read_text(encoding="utf-8")
    assert "Passages of sources (key `sources`, at most 3 a pair): folder `fiches`" in card
    assert "test 2 of 2" in card.replace("\n", " ")
    build(export, tmp_path / "without", DataConfig(ner=False))
    without = read_manifest(tmp_path / "without")
    assert "sources" not in without
    assert "Passages of sources" not in (tmp_path / "without" / "README.md").read_text(encoding="utf-8")
    assert all(pair["sources"] is None for split in SPLITS for pair in read_split(tmp_path / "without", split))
    for split in SPLITS:
        assert manifest["splits"][split]["unsourced_sha256"] == without["splits"][split]["sha256"]


def test_processes_change_no_byte_of_what_is_found(built, export, sources, tmp_path, monkeypatch):
    monkeypatch.setattr("plume.corpus.pair_sources._CHUNK", 2)
    monkeypatch.setattr("plume.corpus.processes._SMALL", 1)
    build(export, tmp_path / "two", DataConfig(ner=False, sources=sources), workers=2)
    for name in (*(f"{split}.jsonl" for split in SPLITS), "manifest.json", "README.md"):
        assert (tmp_path / "two" / name).read_bytes() == (built / name).read_bytes()


def test_an_import_during_the_build_is_refused_and_one_before_it_is_read(sources, tmp_path):
    place = Path(shutil.copytree(sources, tmp_path / "sources"))

    def text(pairs: PairSources) -> str:
        line = json.dumps({"id": "1-1", "review": LOST, "title": None, "network": None, "structure": None})
        [found] = pairs.add(iter([line]), {}, ())
        return json.loads(found)["sources"][0]["text"]

    early, before = PairSources(place, 1), text(PairSources(sources, 1))
    folder.write(place, [p | {"text": f"{p['text']} Dès 2027."} for p in folder.read(place)], [], {"sources": []})
    assert text(PairSources(place, 1)) == f"{before} Dès 2027."
    with pytest.raises(InputError, match="an import has changed it meanwhile"):
        text(early)


def test_a_folder_that_is_none_is_refused_before_any_work(export, tmp_path):
    with pytest.raises(InputError, match="not a sources folder"):
        build(export, tmp_path / "out", DataConfig(ner=False, sources=tmp_path / "none"))
    assert not (tmp_path / "out").exists()


def test_an_erased_experience_leaves_what_other_pairs_show_too(built, tmp_path):
    data = Path(shutil.copytree(built, tmp_path / "data"))
    assert "1-1#1" in shown(data)["3-1"]
    [found], _ = find(["1"], [data])
    showing = {split: sum("1-1#1" in str(pair["sources"]) for pair in read_split(data, split)) for split in SPLITS}
    assert found.rows["1"] == {"train": 1} | {f"shown in {split}": n for split, n in showing.items() if n}
    assert forget(found) == 1
    assert not any("1-1#1" in passages for passages in shown(data).values())
    for split, told in read_manifest(data)["splits"].items():
        pairs = read_split(data, split)
        assert told["unsourced_sha256"] == sha256(to_jsonl([pair | {"sources": None} for pair in pairs]))
        assert told["with_sources"] == sum(bool(pair["sources"]) for pair in pairs)
