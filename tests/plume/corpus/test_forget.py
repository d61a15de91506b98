"""Erasure: an experience leaves every folder, all or nothing, and the versions trained on it are named."""

import errno
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plume import files
from plume.corpus import audit, dataset, documents, forget_search
from plume.corpus import forget as forgetting
from plume.corpus.dataset import read_manifest
from plume.corpus.documents import card
from plume.errors import InputError
from plume.files import to_jsonl

GONE = "903"  # in train; 914 is in validation, 917 in test


@pytest.fixture
def folder(small_dataset, tmp_path) -> Path:
    """A dataset folder with two quarantined rows, one of an experience that has a pair too."""
    folder = Path(shutil.copytree(small_dataset, tmp_path / "data"))
    rows = [
        {"id": f"{GONE}-2", "reason": "no_reply", "detail": "status: none"},
        {"id": "950", "reason": "no_structure", "detail": f"as {GONE}-1 was"},
    ]
    (folder / "quarantine.jsonl").write_bytes(to_jsonl(rows))
    manifest = read_manifest(folder)
    manifest["counts"] |= {"rows": 21, "quarantined": 2, "quarantine": {"no_reply": 1, "no_structure": 1}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "README.md").write_text(card(manifest), encoding="utf-8")
    return folder


@pytest.fixture
def env(tmp_path) -> dict[str, str]:
    return {"PLUME_HOME": str(tmp_path / "home"), "MLFLOW_TRACKING_URI": ""}


@pytest.fixture
def store(empty_store, tmp_path, env):
    """A registry of the test's own: `register(digest, source=…, alias=…)` adds a version as plume train does."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(empty_store, home / "mlflow.db")

    def register(digest: str, *, source: str | None = "9" * 64, alias: str | None = None) -> int:
        import mlflow

        uri = f"sqlite:///{home / 'mlflow.db'}"
        client = mlflow.MlflowClient(uri, registry_uri=uri)
        if not client.search_registered_models():
            client.create_registered_model("plume-reply")
        adapter = tmp_path / f"adapter-{digest[:4]}-{alias}"
        adapter.mkdir()
        if source:
            (adapter / "training.json").write_text(json.dumps({"dataset": {"source": {"sha256": source}}}))
        tags = {"train_split_sha256": digest}
        version = client.create_model_version("plume-reply", adapter.as_uri(), tags=tags)
        if alias:
            client.set_registered_model_alias("plume-reply", alias, version.version)
        return int(version.version)

    return register


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


def test_versions_are_found_by_digest_history_and_source(folder, store, cli, env):
    first = read_manifest(folder)["splits"]["train"]["sha256"]
    store(first, alias="champion")
    erase(folder, "900")
    second = read_manifest(folder)["splits"]["train"]["sha256"]
    store(second)
    store("5" * 64, source="0" * 64)  # another train split of the same export
    store("6" * 64)  # of another export
    store("7" * 64, source=None, alias="challenger")
    done = cli("data", "forget", GONE, "--in", folder, env=env)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("plume-reply")]
    assert [line.partition(",")[0] for line in lines] == [
        "plume-reply version 5 (challenger): may have been trained on them",
        "plume-reply version 3: may have been trained on them",
        "plume-reply version 2: was trained on them",
        "plume-reply version 1 (champion): was trained on them",
    ]


@pytest.fixture
def run_on(store, tmp_path):
    """run_on(digest, status, out) -> a training run as plume train opens it, that registers nothing."""

    def begin(digest: str, status: str, out: Path) -> None:
        import mlflow

        uri = f"sqlite:///{tmp_path / 'home' / 'mlflow.db'}"
        client = mlflow.MlflowClient(uri)
        known = client.get_experiment_by_name("plume")
        artifacts = (tmp_path / "home" / "mlartifacts").as_uri()
        experiment = known.experiment_id if known else client.create_experiment("plume", artifacts)
        run = client.create_run(experiment, run_name=out.name, tags={"dataset.train.sha256": digest})
        client.log_param(run.info.run_id, "out", out.name)  # as it was written, perhaps relative
        client.set_tag(run.info.run_id, "plume.out", str(out))
        client.log_text(run.info.run_id, json.dumps({"id": f"{GONE}-1", "draft": "…"}), "drafts.jsonl")
        if status != "RUNNING":
            client.set_terminated(run.info.run_id, status)

    return begin


@pytest.fixture
def ask(monkeypatch, env):
    """ask(ids…, folder) -> (exit code, what is told), in this process."""
    from plume.cli import app

    def call(*words):
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        done = CliRunner().invoke(app, ["data", "forget", *map(str, words)])
        return getattr(done.exception, "exit_code", done.exit_code), f"{done.output}{done.exception or ''}"

    return call


def test_runs_that_left_no_version_are_named_with_their_checkpoints(folder, run_on, ask, tmp_path):
    """An erasure during a training: it runs, was killed or failed, and what it learnt lies in its checkpoints."""
    digest = read_manifest(folder)["splits"]["train"]["sha256"]
    for status in ("RUNNING", "KILLED", "FAILED"):
        out = tmp_path / status.lower()
        out.mkdir()
        (out / "checkpoint.pt").write_bytes(b"weights")
        run_on(digest, status, out)
    run_on("7" * 64, "RUNNING", tmp_path / "another")
    code, told = ask(GONE, "--in", folder)
    assert code == 0, told
    for status in ("RUNNING", "KILLED", "FAILED"):
        assert f"run {status.lower()} ({status})" in told
        assert f"remove {tmp_path / status.lower()}, which holds its checkpoints" in told
    assert "run another" not in told
    assert told.count("drafts.jsonl: names a forgotten experience") == 4  # artifacts, whoever's run they are


def test_asked_twice_it_answers_twice(folder, store, run_on, ask, tmp_path):
    digest = read_manifest(folder)["splits"]["train"]["sha256"]
    store(digest, alias="champion")
    run_on(digest, "RUNNING", tmp_path / "run")
    answers = [ask(GONE, "--in", folder) for _ in range(3)]
    for code, told in answers:
        assert code == 0
        assert "run run (RUNNING)" in told
        assert "version 1 (champion): was trained on them" in told
    assert "1 of the 1 experiences were forgotten there before" in answers[1][1]
    assert read_manifest(folder)["counts"]["forgotten"] == 2
    assert GONE not in json.dumps(read_manifest(folder)["erased"])


def test_what_was_erased_elsewhere_than_in_train_is_answered_too(folder, store, ask):
    store(read_manifest(folder)["splits"]["train"]["sha256"])
    answers = [ask("917", "--in", folder) for _ in range(2)]
    assert all(code == 0 and "in no train split" in told for code, told in answers)


def test_without_a_store_it_forgets_and_exits_3(folder, ask, tmp_path):
    code, told = ask(GONE, "--in", folder)
    assert code == 3
    assert "there is no MLflow store" in told
    assert not (tmp_path / "home" / "mlflow.db").exists()
    assert read_manifest(folder)["counts"]["forgotten"] == 2


def test_a_store_that_fails_while_it_is_asked_stops_no_erasure(folder, store, ask, monkeypatch):
    import mlflow

    store(read_manifest(folder)["splits"]["train"]["sha256"])

    def fails(*_, **__):
        raise mlflow.MlflowException("database is locked")

    monkeypatch.setattr(mlflow.MlflowClient, "search_model_versions", fails)
    code, told = ask(GONE, "--in", folder)
    assert code == 3
    assert "forgotten, but" in told
    assert read_manifest(folder)["counts"]["forgotten"] == 2


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


def test_copies_that_load_dataset_made_are_named(folder, store, ask, tmp_path, monkeypatch):
    cache = tmp_path / "datasets" / "data" / "default"
    cache.mkdir(parents=True)
    (cache / "train.arrow").write_bytes(b"902-1903-1904-1")
    (cache / "other.arrow").write_bytes(b"500-1501-1")
    (cache / "empty.arrow").write_bytes(b"")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "datasets"))
    _, told = ask(GONE, "--in", folder)
    assert f"{cache / 'train.arrow'}: may hold a forgotten experience" in told
    assert told.count("may hold") == 1


def test_what_was_only_in_test_was_learnt_by_none(folder, store, cli, env):
    store(read_manifest(folder)["splits"]["train"]["sha256"])
    done = cli("data", "forget", "917", "--in", folder, env=env)
    assert "in no train split" in done.stdout
    assert "history" not in read_manifest(folder)


def test_without_a_reachable_store_it_forgets_and_exits_3(folder, cli, env):
    digest = read_manifest(folder)["splits"]["train"]["sha256"]
    done = cli("data", "forget", GONE, "--in", folder, env=env | {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"})
    assert done.returncode == 3
    assert "does not answer" in done.stderr
    assert digest in done.stderr
    assert "Traceback" not in done.stderr
    assert read_manifest(folder)["counts"]["forgotten"] == 2


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
    done = cli("data", "forget", GONE, "--in", folder, "--in", tmp_path / "home", env=env)
    assert done.returncode == 2, done.stderr  # all that could be done was, but somebody must look at one folder
    assert f"1 folders could not be searched: {broken}" in done.stderr
    assert not cached.exists()
    named = [line.partition(": names")[0] for line in done.stdout.splitlines() if "names a forgotten" in line]
    assert [Path(name).name for name in named if "broken" not in name] == ["drafts.jsonl"]
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
