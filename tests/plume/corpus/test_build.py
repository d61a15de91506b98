"""`plume data build`, end to end: what goes in comes out or is accounted for; same input, same bytes."""

import csv
import datetime as dt
import gzip
import hashlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import datasets
from plume.corpus.build import DataConfig, build
from plume.corpus.dataset import FEATURES, FILES, feature, read_manifest, read_split
from plume.corpus.split import SPLITS, experience_of
from plume.errors import InputError
from plume.export.reader import read_experiences, read_rows
from plume.files import read_jsonl, to_jsonl
from plume.paths import ROOT
from plume.pseudonymise import Pseudonymiser
from tests.plume.corpus.conftest import experience, words

RULES_ONLY = DataConfig(ner=False)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


@pytest.fixture(scope="module", params=["sample_export", "real_export"])
def export(request) -> Path:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def built(export, tmp_path_factory) -> Path:
    """A dataset folder of each export, with the rules alone."""
    out = tmp_path_factory.mktemp("built")
    build(export, out, RULES_ONLY)
    return out


def pairs_of(folder: Path) -> dict[str, list[dict]]:
    return {split: read_split(folder, split) for split in SPLITS}


def test_rows_in_are_pairs_out_and_quarantined(built, export):
    rows = list(read_experiences(export))
    counts = read_manifest(built)["counts"]
    pairs = [p for split in pairs_of(built).values() for p in split]
    quarantine = read_jsonl(built / "quarantine.jsonl", needs=("id", "reason", "detail"))
    assert counts["experiences"] == len(rows)
    assert counts["rows"] == len(pairs) + len(quarantine) == counts["pairs"] + counts["quarantined"]
    assert sum(counts["quarantine"].values()) == counts["quarantined"] == len(quarantine)
    ids = [p["id"] for p in pairs] + [q["id"] for q in quarantine]
    assert len(ids) == len(set(ids))
    assert {experience_of(i) for i in ids} == {r.id for r in rows}


def test_no_experience_stands_in_two_splits_and_test_is_the_most_recent(built):
    split = pairs_of(built)
    sides = {s: {experience_of(p["id"]) for p in pairs} for s, pairs in split.items()}
    assert sum(len(side) for side in sides.values()) == len(set().union(*sides.values()))
    assert min(p["written_on"] for p in split["test"]) >= max(
        p["written_on"] for p in split["train"] + split["validation"]
    )


def test_hugging_faces_datasets_load_the_folder_with_the_declared_features(built, tmp_path):
    loaded = datasets.load_dataset(str(built), cache_dir=str(tmp_path))
    assert list(loaded) == list(SPLITS)
    declared = {name: feature(kind) for name, kind in FEATURES.items()}
    for split, pairs in pairs_of(built).items():
        assert dict(loaded[split].features) == declared
        rows = [{k: v.isoformat() if isinstance(v, dt.date) else v for k, v in row.items()} for row in loaded[split]]
        assert rows == pairs


def test_the_same_input_and_config_give_the_same_bytes(built, export, tmp_path):
    build(export, tmp_path / "again", RULES_ONLY)
    assert contents(tmp_path / "again") == contents(built)
    assert set(contents(built)) == set(FILES) - {"audit.jsonl", "memory.json"}


def test_the_shape_of_the_export_changes_no_pair(built, export, tmp_path):
    rows = list(read_rows(export))
    with gzip.open(tmp_path / "export", "wt", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    build(tmp_path / "export", tmp_path / "out", RULES_ONLY)
    for name in (*(f"{split}.jsonl" for split in SPLITS), "quarantine.jsonl"):
        assert (tmp_path / "out" / name).read_bytes() == (built / name).read_bytes(), name


def test_the_manifest_says_from_what_and_how(built, export):
    manifest = read_manifest(built)
    assert manifest["source"]["sha256"] == hashlib.sha256(export.read_bytes()).hexdigest()
    assert manifest["source"]["name"] == export.name
    assert DataConfig.model_validate(manifest["config"]) == RULES_ONLY
    assert manifest["versions"]["ner"] is None
    assert str(ROOT) not in json.dumps(manifest)
    for split in SPLITS:
        data = (built / f"{split}.jsonl").read_bytes()
        assert manifest["splits"][split]["sha256"] == hashlib.sha256(data).hexdigest()
        assert manifest["splits"][split]["pairs"] == data.count(b"\n")


def test_the_card_tells_the_counts_and_claims_no_anonymity(built):
    card = (built / "README.md").read_text(encoding="utf-8")
    counts = read_manifest(built)["counts"]
    assert f"{counts['pairs']} pairs + {counts['quarantined']} quarantined" in card
    assert "Pseudonymised and minimised, not anonymous" in card


def test_direct_identifiers_and_pseudonyms_do_not_reach_the_folder(built, export):
    """What the export itself holds as pseudonym, planted phone or e-mail is not in the pairs."""
    folder = b"".join(contents(built).values()).decode()
    assert read_manifest(built)["counts"]["masked"]
    written = {p["id"].rsplit("-", 1)[0]: p for s in pairs_of(built).values() for p in s}
    for row in read_experiences(export):
        pair, pseudonym = written.get(row.id), row.pseudonym
        if pair and pseudonym:
            leaked = f"Bonjour {pseudonym}," in pair["reply"]
            assert not leaked, f"experience {row.id}"
    assert "[USAGER]" in folder


def test_the_command_with_the_recogniser_gives_the_same_bytes_under_any_hash_seed(cli, sample_export, tmp_path):
    part = tmp_path / "part.json"
    part.write_text(json.dumps(json.loads(sample_export.read_text(encoding="utf-8"))[:30]), encoding="utf-8")
    for seed in ("1", "2"):
        done = cli("data", "build", part, "--out", tmp_path / seed, cwd=tmp_path, env={"PYTHONHASHSEED": seed})
        assert done.returncode == 0, done.stderr
        told = done.stderr.splitlines()  # no bar, no warning in a pipe
        assert all(line.startswith("corpus: ") for line in told)
        counts = read_manifest(tmp_path / seed)["counts"]
        assert f"{counts['rows']} rows = {counts['pairs']} pairs + {counts['quarantined']} quarantined" in done.stdout
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
    assert "fr_core_news_md" in read_manifest(tmp_path / "1")["versions"]["ner"]


def test_a_split_without_pairs_does_not_hide_the_others(small, tmp_path):
    """`datasets` cannot load a split without rows, so the card leaves it out; its file is there, empty."""
    build(small, tmp_path / "out", DataConfig(ner=False, split={"validation": 0}))
    assert (tmp_path / "out" / "validation.jsonl").read_bytes() == b""
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == ["train", "test"]
    for split in loaded.values():  # columns that are null throughout keep their type
        assert dict(split.features) == {name: feature(kind) for name, kind in FEATURES.items()}
    assert read_split(tmp_path / "out", "validation") == []


def test_line_separators_inside_a_text_break_no_line(tmp_path):
    odd = "Bonjour,\u2029nous regrettons tout\x1c\x85puis vous invitons\x0bà joindre la mairie : "
    rows = [experience(n, n, reponse_structure_1=odd + words(n)) for n in (1, 2)]  # one to train on, one to test
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    build(path, tmp_path / "out", RULES_ONLY)
    assert sum(len(p) for p in pairs_of(tmp_path / "out").values()) == 2


def test_jsonl_round_trip_of_hostile_text(tmp_path):
    rows = [{"id": "1", "text": '\u2028\u2029\x85\x0b\x1c\r\n\t"\\é\U0001f600'}]
    (tmp_path / "x.jsonl").write_bytes(to_jsonl(rows))
    assert read_jsonl(tmp_path / "x.jsonl", needs=("id",)) == rows


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "no such export"),
        ("folder", "cannot be read"),
        (b"", "empty"),
        (b'[{"id_experience": 1, "description": "tex', "truncated"),
        (b"id;titre\n1;x\n", "not an export"),
        (b"id;titre;texte\n1;x;y\n", "no record has the field"),
        (gzip.compress(b'[{"id_experience": 1}]')[:-9], "truncated or damaged gzip"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"results": []}', "holds no experience"),
    ],
    ids=["missing", "folder", "empty", "truncated", "table", "fields", "gzip", "not-utf-8", "wrong-shape"],
)
def test_a_bad_export_is_one_line_and_nothing_is_written(refused, tmp_path, content, told):
    path = tmp_path / "bad.json"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    line = refused("data", "build", path, "--out", tmp_path / "out", cwd=tmp_path)
    assert told in line
    assert [p.name for p in tmp_path.iterdir()] in ([], ["bad.json"])


@pytest.mark.parametrize(
    ("number", "fields", "told"),
    [
        (3, {"reponse_structure_1": None}, "no usable pair in 3 rows (no_reply: 3)"),
        (1, {}, "no pair is left to train on in 1 rows, validation 0, test 1 (none left out)"),
    ],
    ids=["no-pair", "no-train"],
)
def test_what_cannot_be_trained_on_is_refused_and_the_quarantine_says_why(
    refused, small, tmp_path, number, fields, told
):
    path, out = tmp_path / "export.json", tmp_path / "out"
    path.write_text(json.dumps([experience(n, **fields) for n in range(1, number + 1)]), encoding="utf-8")
    line = refused("data", "build", path, "--out", out, "ner=false")
    assert told in line
    assert "quarantine.jsonl tells why" in line
    assert [p.name for p in out.iterdir()] == ["quarantine.jsonl"]
    assert len(read_jsonl(out / "quarantine.jsonl")) == (number if fields else 0)
    build(small, out, RULES_ONLY)  # into the same folder, without --force
    before = contents(out)
    assert "tells why" not in refused("data", "build", path, "--out", out, "ner=false", "--force")
    assert contents(out) == before


def test_all_errors_of_the_config_come_at_once(cli, small, tmp_path):
    done = cli("data", "build", small, "--out", tmp_path / "out", "select.min_words=3", "split.test=2", cwd=tmp_path)
    assert done.returncode == 2
    assert "2 errors" in done.stderr
    assert "select.min_words: unknown key; did you mean select.min_re" in done.stderr
    assert "split.test: " in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_shipped_config_is_the_defaults():
    assert DataConfig.load(ROOT / "configs" / "data" / "default.yaml") == DataConfig()


@pytest.fixture
def large(tmp_path) -> Path:
    """Lines, so that it can be read while it grows no larger in memory."""
    path = tmp_path / "large.jsonl"
    rows = (experience(n, 1 + n % 28) | {"reponse_structure_2": f"Bonjour, {words(n)}"} for n in range(1, 400))
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def test_processes_change_no_byte(large, tmp_path, monkeypatch):
    monkeypatch.setattr("plume.corpus.build._CHUNK", 16)
    monkeypatch.setattr("plume.corpus.processes._SMALL", 3)
    before = set(multiprocessing.active_children())
    for workers in (1, 2):
        manifest = build(large, tmp_path / str(workers), RULES_ONLY, workers=workers)
    assert manifest["counts"]["rows"] == 798
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
    assert set(multiprocessing.active_children()) == before


def test_ctrl_c_ends_the_processes_too(large, tmp_path):
    """SIGINT to the whole group, as a terminal sends it: exit 130, no process and no file is left."""
    script = tmp_path / "halting.py"
    script.write_text(
        "import sys\n"
        "from plume.corpus import build, processes, spool\n"
        "build._CHUNK, processes._SMALL = 8, 1\n"
        "add = spool.Spool.add\n"
        "def slowly(self, seq, row):\n"
        "    add(self, seq, row)\n"
        "    if seq > 100:\n        print('working', flush=True)\n        import time; time.sleep(120)\n"
        "spool.Spool.add = slowly\n"
        "if __name__ == '__main__':\n"
        "    from plume.cli import main\n"
        f"    sys.argv = {['plume', 'data', 'build', str(large), '--out', str(tmp_path / 'out'), 'ner=false']!r}\n"
        "    sys.argv += ['--workers', '2']\n"
        "    main()\n",
        encoding="utf-8",
    )
    process = subprocess.Popen(
        [sys.executable, script],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "working\n"
    workers = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert len(workers) >= 2
    assert not alive
    assert sorted(p.name for p in tmp_path.iterdir()) == ["halting.py", "large.jsonl"]


def test_a_text_that_the_pseudonymiser_cannot_take_costs_itself_alone(small, tmp_path, monkeypatch):
    pairs = Pseudonymiser.pairs

    def failing(self, raw):
        raw = list(raw)
        if any(words(5) in text["review"] for text in raw):
            raise ZeroDivisionError(words(5))
        return pairs(self, raw)

    monkeypatch.setattr(Pseudonymiser, "pairs", failing)
    manifest = build(small, tmp_path / "out", RULES_ONLY)
    assert (manifest["counts"]["pairs"], manifest["counts"]["quarantine"]) == (9, {"not_masked": 1})
    [row] = read_jsonl(tmp_path / "out" / "quarantine.jsonl")
    assert row["id"] == "5-1"
    assert row["detail"] == "the pseudonymiser failed on it (ZeroDivisionError)"  # and not the text


def test_what_is_doubtful_after_masking_is_masked_or_left_out_as_the_config_says(tmp_path):
    rows = [experience(n, n) for n in range(1, 9)]
    rows.append(experience(9, 9, description="Mon n° client 44 12 reste inconnu : " + words(30)))
    path = tmp_path / "export.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    assert build(path, tmp_path / "masked", RULES_ONLY)["counts"]["layers"]["suspicion"] == 1
    select = RULES_ONLY.select.model_copy(update={"residual_suspicion": "quarantine"})
    build(path, tmp_path / "out", RULES_ONLY.model_copy(update={"select": select}))
    [left_out] = [row for row in read_jsonl(tmp_path / "out" / "quarantine.jsonl") if row["id"] == "9-1"]
    assert left_out["reason"] == "residual_suspicion"
    page = (tmp_path / "out" / "privacy.html").read_text(encoding="utf-8")
    assert "Reste peut-être un identifiant après masquage" in page


def test_the_manifest_counts_what_was_met(tmp_path):
    rows = [experience(n, n, **{"Numéro interne": n}) for n in range(1, 9)]
    boilerplate = experience(1)["reponse_structure_1"]
    rows += [experience(n, 1, reponse_structure_1=boilerplate) for n in range(20, 25)]
    rows += [experience(30, 2, description="Je suis Zoé Tournesol, 0612345678 : " + words(30)), experience(3), "x"]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    counts = build(path, tmp_path / "out", RULES_ONLY)["counts"]
    assert (counts["experiences"], counts["rows"]) == (16, 16)
    assert counts["quarantine"]["duplicate_experience"] == counts["quarantine"]["unreadable_record"] == 1
    assert counts["near_duplicate_replies"] == {"clusters": 1, "pairs": 6, "largest": 6}
    assert counts["quarantine"]["near_duplicate_reply"] == 3
    assert counts["unknown_columns"] == {"numero_interne": 8}
    assert counts["masked"]["TEL"] == 1
    assert sum(counts["layers"].values()) >= 2
    assert "Tournesol" not in b"".join(contents(tmp_path / "out").values()).decode()


def test_a_changed_or_damaged_folder_is_refused(small, tmp_path):
    out = tmp_path / "out"
    build(small, out, RULES_ONLY)
    split = out / "train.jsonl"
    split.write_bytes(split.read_bytes() + b"\n")
    with pytest.raises(InputError, match=r"is not what manifest\.json describes"):
        read_manifest(out)
    for damage in ("{", "[]", "{}"):
        (out / "manifest.json").write_text(damage)
        with pytest.raises(InputError, match="damaged"):
            read_manifest(out)
    with pytest.raises(InputError, match="not a dataset folder"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "line 2: not JSON"),
        ("[1]", "line 2: an object with the keys id, text"),
        ('{"id": 1}', "line 2: an object"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, told):
    path = tmp_path / "x.jsonl"
    path.write_text('{"id": "1", "text": "bon"}\n' + line + "\n")
    with pytest.raises(InputError, match=told):
        read_jsonl(path, needs=("id", "text"))


def test_a_folder_that_was_built_again_is_loaded_as_it_is_now(plume_home, sample_export):
    """`datasets` caches by path: its cache must not serve the folder's former content."""
    folder = plume_home / "data"
    sizes = []
    for share in (0.3, 0.1):
        manifest = build(sample_export, folder, DataConfig(ner=False, split={"test": share}), force=True)
        loaded = datasets.load_dataset(str(folder))
        assert {name: len(rows) for name, rows in loaded.items()} == {
            name: split["pairs"] for name, split in manifest["splits"].items()
        }
        sizes.append(len(loaded["test"]))
    assert sizes[0] > sizes[1]
