"""The audit: its sample, its order, its bound, its file, and the terminal it is done at."""

import json
import os
import pty
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plume.corpus import audit, audit_terminal
from plume.corpus.audit import Audit, doubt
from plume.corpus.dataset import read_manifest
from plume.errors import InputError
from plume.paths import ROOT


@pytest.fixture
def folder(small_dataset, tmp_path) -> Path:
    return Path(shutil.copytree(small_dataset, tmp_path / "data"))


@pytest.fixture
def manifest(folder):
    return read_manifest(folder)


@pytest.fixture
def done(folder, manifest):
    """An audit of the folder, read to its end: `done(missed=["900-1"])`."""

    def make(n=10, missed=(), read=None):
        known, pairs = Audit.open(folder, manifest, n, None), audit.read_pairs(folder)
        for pair in known.sample(pairs)[:read]:
            known.answer(
                pair["id"], "missed" if pair["id"] in missed else "ok", ["TEL"] if pair["id"] in missed else []
            )
        return known

    return make


def test_a_sample_depends_on_ids_and_seed_alone_and_grows_without_changing(folder, manifest):
    pairs = audit.read_pairs(folder)
    drawn = {
        (seed, n): {p["id"] for p in Audit(folder, "", seed, n).sample(pairs)} for seed in (1, 2) for n in (5, 10, 300)
    }
    assert drawn[1, 5] < drawn[1, 10] < drawn[1, 300]
    assert len(drawn[1, 10]) == 10
    assert len(drawn[1, 300]) == 19
    assert drawn[1, 5] != drawn[2, 5]
    assert {p["id"] for p in Audit(folder, "", 1, 5).sample(pairs[::-1])} == drawn[1, 5]


def test_an_erased_pair_leaves_the_rest_of_the_sample_in_place(folder):
    pairs = audit.read_pairs(folder)
    before = [p["id"] for p in Audit(folder, "", 1, 6).sample(pairs)]
    after = [p["id"] for p in Audit(folder, "", 1, 6).sample([p for p in pairs if p["id"] != before[0]])]
    assert set(before[1:]) < set(after)
    assert len(after) == 6


@pytest.mark.parametrize(
    ("doubtful", "clear"),
    [
        ("J'ai vu Mme Ravelin au guichet.", "J'ai vu Mme [AGENT_1] au guichet."),
        ("Mon dossier est le 88412077.", "Mon dossier est le [DOSSIER]."),
        ("Hier Kermadec m'a tout expliqué, puis Kermadec est parti.", "Hier [AGENT_1] m'a tout expliqué."),
        ("Écrivez à jean@ exemple", "Écrivez à [EMAIL]"),
        ("je m'appelle zoran", "je m'appelle [USAGER]"),
        ("LE DOSSIER DE KERMADEC EST PERDU", "LE DOSSIER EST PERDU"),
    ],
)
def test_signs_of_a_leak_raise_the_doubt(doubtful, clear):
    assert doubt({"review": doubtful}) > doubt({"review": clear})
    assert doubt({"title": None, "review": "La CAF répond vite. Merci à la Préfecture.", "reply": None}) <= 1


def test_the_most_doubtful_are_read_first(folder):
    pairs = audit.read_pairs(folder)
    pairs[7] = pairs[7] | {"review": "Mme Ravelin a perdu le dossier 88412077."}
    first, *others = Audit(folder, "", 1, 19).sample(pairs)
    assert first["id"] == pairs[7]["id"]
    assert doubt(first) > max(map(doubt, others))


def test_an_unfinished_sample_counts_what_was_not_read_as_leaks(done, folder):
    pairs = audit.read_pairs(folder)
    bound = done(n=10, read=4).bound(pairs)
    assert (bound.read, bound.n, bound.leaks, bound.finished) == (4, 10, 0, False)
    assert bound.upper == pytest.approx(0.8500, abs=1e-4)  # 6 of 10
    assert bound.if_clean == pytest.approx(1 - 0.05 ** (1 / 10))  # 0 of 10
    assert "restent à lire" in audit_terminal.say_bound(bound)


def test_a_finished_sample_gives_the_clopper_pearson_bound(done, folder):
    pairs = audit.read_pairs(folder)
    bound = done(n=10, missed=[Audit(folder, "", 1, 10).sample(pairs)[3]["id"]]).bound(pairs)
    assert (bound.leaks, bound.types, bound.finished) == (1, {"TEL": 1}, True)
    assert bound.upper == bound.if_clean == pytest.approx(0.3942, abs=1e-4)  # 1 of 10
    assert "39,42\u202f%" in audit_terminal.say_bound(bound)


def test_the_file_holds_no_text_and_the_last_answer_counts(done, folder, manifest):
    known = done(n=3)
    first = next(iter(known.answers))
    known.answer(first, "missed", ["PERSONNE"])
    lines = [json.loads(line) for line in (folder / audit.FILE).read_text().splitlines()]
    assert len(lines) == 1 + 3 + 1
    assert {key for line in lines[1:] for key in line} <= {"id", "answer", "types"}
    again = Audit.load(folder, manifest)
    assert again.answers[first]["answer"] == "missed"
    assert read_manifest(folder) == manifest  # audit.jsonl and privacy.html are no part of what it describes


def test_an_answer_that_a_crash_cut_off_is_asked_again(done, folder, manifest):
    done(n=3)
    path = folder / audit.FILE
    path.write_bytes(path.read_bytes()[:-5])
    assert len(Audit.load(folder, manifest).answers) == 2


def test_other_splits_another_seed_and_a_smaller_sample_are_refused(done, folder, manifest):
    done(n=5)
    other = json.loads(json.dumps(manifest))
    other["splits"]["train"]["sha256"] = "1" * 64
    for call, message in (
        (lambda: Audit.load(folder, other), "another version of the splits"),
        (lambda: Audit.open(folder, manifest, None, 2), "--seed 1"),
        (lambda: Audit.open(folder, manifest, 4, None), "not made smaller"),
    ):
        with pytest.raises(InputError, match=message):
            call()
    larger = Audit.open(folder, manifest, 8, 1)
    assert (larger.n, len(larger.answers)) == (8, 5)
    assert Audit.load(folder, manifest).n == 8


@pytest.mark.parametrize("content", ["[]\n", '{"audit": 1}\n', "pas du JSON\n", ""])
def test_a_damaged_audit_is_named(folder, manifest, content):
    (folder / audit.FILE).write_text(content)
    with pytest.raises(InputError, match=r"damaged|expected|not JSON"):
        Audit.load(folder, manifest)


def test_keys_on_the_standard_input(folder, cli):
    def audit_with(keys, *options):
        command = [sys.executable, "-m", "plume.cli", "data", "audit", str(folder), *options]
        return subprocess.run(command, cwd=ROOT, input=keys, capture_output=True, text=True, timeout=120)

    # ok, back, over-masked instead, a wrong key, missed (a phone: letter e), quit
    first = audit_with("o\nb\ns\nz\nm\ne\nq\n", "--n", "4")
    assert first.returncode == 0, first.stderr
    assert "2 / 4 relus, 1 avec fuite, 1 trop masqué" in first.stdout
    lines = [json.loads(line) for line in (folder / audit.FILE).read_text().splitlines()]
    assert [line.get("answer") for line in lines] == [None, "ok", "over", "missed"]
    assert lines[3]["types"] == ["TEL"]
    assert "Audit non terminé" in (folder / "privacy.html").read_text(encoding="utf-8")

    second = audit_with("o\no\n")
    assert "4 / 4 relus, 1 avec fuite" in second.stdout
    assert "75,14\u202f%" in second.stdout  # 1 of 4
    assert "75,14\u202f%" in (folder / "privacy.html").read_text(encoding="utf-8")
    assert "4 / 4" in audit_with("").stdout  # nothing is left to read


def test_the_end_of_the_input_amid_a_question_records_nothing(folder, manifest, monkeypatch):
    known = Audit.open(folder, manifest, 3, None)
    audit_terminal.Sitting(known, audit.read_pairs(folder), keys=iter(["m"])).run()
    assert known.answers == {}


def test_one_key_at_a_terminal(folder):
    main, other = pty.openpty()
    command = [sys.executable, "-m", "plume.cli", "data", "audit", str(folder), "--n", "2"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=other, stdout=other, stderr=other, close_fds=True)
    os.close(other)
    shown, sent = b"", 0
    while process.poll() is None and sent < 100:
        if select.select([main], [], [], 1)[0]:
            try:
                shown += os.read(main, 65536)
            except OSError:  # the other side closed it
                break
        elif b" / q ?" in shown:  # it waits for a key; one typed before it listens is dropped
            os.write(main, b"o")  # no return key
            sent += 1
    os.close(main)
    assert process.wait(timeout=60) == 0, shown
    answers = (folder / audit.FILE).read_text(encoding="utf-8").splitlines()[1:]
    assert [json.loads(line)["answer"] for line in answers] == ["ok", "ok"]
    assert "2 / 2 relus, 0 avec fuite" in " ".join(shown.decode(errors="replace").split())


def test_what_a_citizen_typed_cannot_drive_the_terminal():
    assert audit_terminal.printable("a\x1b[31mb\u202ec\nd") == "a [31mb c\nd"


def test_a_folder_that_is_none_is_refused(refused, tmp_path):
    assert "not a dataset folder" in refused("data", "audit", tmp_path)
