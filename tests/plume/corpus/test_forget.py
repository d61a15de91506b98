"""Erasure: an experience leaves every folder, all or nothing, and the versions trained on it are named."""

import errno
import json
import shutil
from pathlib import Path

import pytest

from plume import files
from plume.corpus import audit, dataset, documents, forget_search
from plume.corpus import forget as forgetting
from plume.corpus.dataset import read_manifest
from plume.errors import InputError
from plume.output import TOKENS
from tests.plume.corpus.conftest import GONE


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def erase(folder: Path, *ids: str) -> int:
    found, _ = forgetting.find(ids, [folder])
    return sum(forgetting.forget(here) for here in found)


def test_an_experience_leaves_pairs_and_quarantine_and_rows_still_add_up(folder):
    before = read_manifest(folder)
    assert erase(folder, GONE) == 2
    manifest = read_manifest(folder)  # its digests are those of the files
    counts = manifest["counts"]
    assert counts["rows"] == counts["pairs"] + counts["quarantined"] + counts["forgotten"] == 21
    assert (counts["pairs"], counts["quarantined"], counts["forgotten"]) == (18, 1, 2)
    assert counts["quarantine"] == {"no_structure": 1}
    assert manifest["splits"]["train"]["pairs"] == manifest["splits"]["train"]["experiences"] == 12
    assert manifest["history"] == [before["splits"]["train"]["sha256"]]
    assert manifest["splits"]["test"] | {"experiences": 3} == before["splits"]["test"] | {
        key: manifest["splits"]["test"][key] for key in ("experiences", "from", "to")
    }
    for name, data in everything(folder).items():
        assert f"{GONE}-".encode() not in data, name
    assert "2 lignes effacées" in (folder / "privacy.html").read_text(encoding="utf-8")
    assert not list(folder.glob(".forget*"))


def test_two_erasures_in_turn_are_the_same_as_both_at_once_but_for_their_history(folder, tmp_path):
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    erase(folder, GONE)
    erase(folder, "914")
    erase(other, "914", GONE)
    names = [f"{split}.jsonl" for split in ("train", "validation", "test", "quarantine")]
    assert [(folder / n).read_bytes() for n in names] == [(other / n).read_bytes() for n in names]
    assert read_manifest(folder)["counts"] == read_manifest(other)["counts"]


def test_what_training_keeps_as_token_ids_goes_too(folder, monkeypatch):
    """Token ids are the texts in other words. An erasure that is cut off before removing them is finished later."""
    (folder / TOKENS / "key" / "splits").mkdir(parents=True)
    remove = shutil.rmtree

    def killed(path, **options):
        if Path(path).name == TOKENS:
            raise KeyboardInterrupt
        remove(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            erase(folder, GONE)
    assert read_manifest(folder)["counts"]["forgotten"] == 2
    assert (folder / TOKENS).exists()
    forgetting.find([GONE], [folder])
    assert not (folder / TOKENS).exists()


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["no-such"], "in no dataset folder, nothing was changed"),
        ([GONE, "404"], "experience 404: in no dataset folder"),
        ([f"{GONE}-2"], f"looks like a pair: give its experience, {GONE}"),
    ],
)
def test_an_unknown_id_changes_nothing(folder, env, refused, ids, message):
    before = everything(folder)
    assert message in refused("data", "forget", *ids, "--in", folder, env=env)
    assert everything(folder) == before


def test_an_id_is_not_the_beginning_of_another(folder):
    pairs = [json.loads(line) for line in (folder / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    with pytest.raises(InputError, match="90: in no"):
        erase(folder, "90")
    assert len(pairs) == 13


@pytest.mark.parametrize("moved", [0, 1, 4])
def test_an_erasure_that_is_cut_off_is_finished_by_the_next(folder, monkeypatch, moved):
    """Killed after `moved` files were in their places."""
    real, left = Path.replace, [moved + 1]  # the first is the decision itself

    def replace(self, target):
        if self.parent.name in (forgetting.STAGED, folder.name) and left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= self.parent.name in (forgetting.STAGED, folder.name)
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            erase(folder, GONE)
    assert forget_search.dataset_folders([folder.parent]) == [folder.resolve()]
    assert erase(folder, "914") == 1
    assert read_manifest(folder)["counts"]["forgotten"] == 3
    assert f'"{GONE}-' not in (folder / "train.jsonl").read_text(encoding="utf-8")


def test_interrupted_before_it_is_decided_nothing_has_changed(folder, monkeypatch):
    before = everything(folder)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(forgetting.documents, "write_report", interrupted)
    with pytest.raises(KeyboardInterrupt):
        erase(folder, GONE)
    after = {name: data for name, data in everything(folder).items() if not name.startswith(".forget.part")}
    assert after == before
    monkeypatch.undo()
    assert erase(folder, GONE) == 2


def test_a_folder_built_again_since_is_not_overwritten_by_an_old_erasure(folder):
    (folder / ".forget").mkdir()
    (folder / ".forget" / ".of").write_text("0" * 64)
    (folder / ".forget" / "train.jsonl").write_text("old")
    assert erase(folder, GONE) == 2
    assert not (folder / ".forget").exists()


def test_the_audit_goes_on_without_the_erased_pair(folder):
    manifest = read_manifest(folder)
    known = audit.Audit.open(folder, manifest, 19, None)
    for pair in audit.read_pairs(folder):
        known.answer(pair["id"], "missed" if pair["id"] == f"{GONE}-1" else "ok")
    erase(folder, GONE)
    bound = audit.Audit.load(folder, read_manifest(folder)).bound(audit.read_pairs(folder))
    assert (bound.n, bound.read, bound.leaks) == (18, 18, 0)


def test_a_folder_built_again_and_erased_since_is_seen_by_a_training(folder):
    read = read_manifest(folder)
    rebuilt = read | {"splits": read["splits"] | {"train": {"sha256": "d" * 64}}}
    (folder / "manifest.json").write_text(json.dumps(rebuilt), encoding="utf-8")
    assert not dataset.forgotten_since(folder, read)  # built again, and no more
    (folder / "manifest.json").write_text(json.dumps(rebuilt | {"erased": [{"key": "k"}]}), encoding="utf-8")
    assert dataset.forgotten_since(folder, read)


def test_a_training_that_read_the_folder_before_sees_the_erasure(folder):
    read = read_manifest(folder)
    assert not dataset.forgotten_since(folder, read)
    erase(folder, "917")  # of test: nothing that a training learns from
    assert not dataset.forgotten_since(folder, read)
    erase(folder, GONE)
    assert dataset.forgotten_since(folder, read)
    assert not dataset.forgotten_since(folder, read_manifest(folder))
    assert not dataset.forgotten_since(folder.parent / "gone", read)


def test_copies_and_mentions(folder, cli, env, tmp_path):
    cached = tmp_path / "home" / "splits" / "cached.arrow"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"...")
    drafts = tmp_path / "home" / "eval" / "drafts.jsonl"
    drafts.parent.mkdir()
    drafts.write_text(json.dumps({"id": f"{GONE}-1", "draft": "…"}) + "\n", encoding="utf-8")
    (drafts.parent / "others.jsonl").write_text(f'{{"id": "1{GONE}-1"}}\n{{"seconds": {GONE}}}\n', encoding="utf-8")
    broken = Path(shutil.copytree(folder, tmp_path / "home" / "broken"))
    (broken / "train.jsonl").write_text("changed")
    shutil.copytree(folder, tmp_path / "home" / "copy")
    study = tmp_path / "home" / "study"
    study.mkdir()
    (study / "items.jsonl").write_text(json.dumps({"id": f"{GONE}-1", "review": "…"}) + "\n", encoding="utf-8")
    (study / "preregistration.json").write_text('{"hypotheses": [], "items_sha256": ""}')
    done = cli("data", "forget", GONE, "--in", folder, "--in", tmp_path / "home", env=env)
    assert done.returncode == 2, done.stderr  # all that could be done was, but somebody must look at one folder
    assert f"1 folders could not be searched: {broken}" in done.stderr
    assert not cached.exists()
    named = [line.partition(": names")[0] for line in done.stdout.splitlines() if "names a forgotten" in line]
    assert [Path(name).name for name in named if "broken" not in name] == ["drafts.jsonl", "items.jsonl"]
    assert f"plume eval study forget {study} {GONE}" in done.stdout
    assert done.stdout.count("2 rows forgotten") == 2
    assert f"{broken}: not searched" in done.stdout
    assert "there is no MLflow store" in done.stderr


def test_a_linked_dataset_folder_is_found_and_a_loop_ends(folder, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "linked").symlink_to(folder, target_is_directory=True)
    (root / "loop").symlink_to(root, target_is_directory=True)
    assert forget_search.dataset_folders([root]) == [folder.resolve()]


def test_a_folder_that_cannot_be_entered_is_named(folder, monkeypatch):
    locked = folder.parent / "locked"
    locked.mkdir()
    listed = Path.iterdir

    def iterdir(self):
        if self.name == "locked":
            raise PermissionError(13, "Permission denied")
        return listed(self)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    unread = {}
    assert forget_search.dataset_folders([folder.parent], unread) == [folder.resolve()]
    assert unread == {locked.resolve(): "Permission denied"}
    assert forgetting.find([GONE], [folder], unread)[1] == unread


def test_the_card_counts_what_was_forgotten(folder):
    erase(folder, GONE)
    assert "18 pairs + 1 quarantined + 2 forgotten since" in (folder / "README.md").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written_is_named_and_the_others_are_erased(folder, cli, env, tmp_path, monkeypatch):
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    before = everything(folder)

    def full(path, content):
        if path.parent.parent == folder and path.name == "README.md":
            raise OSError(errno.ENOSPC, "No space left on device")
        files.write(path, content)

    monkeypatch.setattr(documents, "write", full)
    found, _ = forgetting.find([GONE], [folder, other])
    with pytest.raises(InputError, match=r"cannot be written \(No space left"):
        forgetting.forget(found[0])
    assert everything(folder) == before
    monkeypatch.undo()
    (folder / ".forget.part").write_text("a file where a folder is to be made")
    done = cli("data", "forget", GONE, "--in", folder, "--in", other, env=env)
    assert done.returncode == 2
    assert f"not forgotten everywhere: {folder}: cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert read_manifest(other)["counts"]["forgotten"] == 2
    assert f"{folder / 'train.jsonl'}: names a forgotten experience" in done.stdout
