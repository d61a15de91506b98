"""Where a command may write: never into what it reads, and over nothing that plume did not write."""

import errno
import json
import os
from pathlib import Path

import pytest

from plume import output
from plume.errors import InputError
from plume.output import DRAFTS, RUN, TIME, VERDICT, building, check_file, check_folder, claim

MARKERS = {
    output.DATASET: {"splits": {}, "counts": {}, "versions": {}},
    RUN: {"key": "k", "samples_sha256": "0"},
    VERDICT: {"outcome": "PASS", "inputs": {}},
    output.RANKING: {"systems": [], "differences": []},
    output.TREND: {"promotions": [], "champion": None},
    TIME: {"estimates": [], "claims": []},
    output.MEMORY: {"estimates": [], "canaries": []},
    output.SITE: {"parts": [], "outcome": "ok"},
    output.BENCH: {"rows": [], "promised": {}},
    output.SOURCES: {"sources": [], "passages_sha256": ""},
    output.RENDERED: {"made_by": "", "files": {}},
    output.EXPORT: {"to": "hub", "adapter_sha256": "", "parity": {}},
    output.STUDY: {"hypotheses": [], "items_sha256": ""},
    output.ANALYSIS: {"estimates": [], "preregistration": {}},
}


def put(folder: Path, **files: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refusal(*arguments, check=check_folder, **options) -> str:
    with pytest.raises(InputError) as error:
        check(*arguments, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("kind", output.KINDS, ids=lambda kind: kind.name)
def test_force_takes_what_plume_wrote_and_nothing_else(tmp_path, kind):
    ours = put(tmp_path / "ours", mine__txt="mine", **{kind.marker.replace(".", "__"): MARKERS[kind]})
    assert "is not empty; name another folder with --out, or overwrite it with --force" in refusal(
        ours, kind, force=False
    )
    check_folder(ours, kind, force=True)
    for other in set(output.KINDS) - {kind}:
        assert f"holds {kind.name}, not {other.name}" in refusal(ours, other, force=True)

    theirs = put(tmp_path / "theirs", **{kind.files[0].replace(".", "__"): "mine"})
    line = refusal(theirs, kind, force=True)
    assert f"--force would overwrite its {kind.files[0]}; name another folder" in line
    for number, left in enumerate(kind.always):  # what a kill left before the marker was written
        check_folder(
            put(tmp_path / f"half-{number}", **{name.replace(".", "__"): "" for name in left}), kind, force=True
        )
    beside = put(tmp_path / "beside", notes__txt="mine")
    assert "write beside it with --force" in refusal(beside, kind, force=False)
    check_folder(beside, kind, force=True)
    check_folder(tmp_path / "new" / "folder", kind, force=False)
    assert names(tmp_path) == ["beside", *(f"half-{n}" for n in range(len(kind.always))), "ours", "theirs"]


def test_nothing_is_written_into_what_is_read(tmp_path):
    data = put(tmp_path / "runs" / "data", manifest__json=MARKERS[output.DATASET])
    (tmp_path / "link").symlink_to(data)
    for out in (data, data / "below", data.parent, tmp_path / "link", tmp_path / "link" / "below"):
        assert "which is read; name another folder" in refusal(out, RUN, force=True, reads=[data], option="out=")
    check_folder(tmp_path / "runs" / "data-2", RUN, force=True, reads=[data, None])
    export = put(tmp_path / "time", time__json={**MARKERS[TIME]}, export__json="[]")
    check_folder(export, TIME, force=True, reads=[export / "export.json"])
    assert "would be overwritten" in refusal(export, TIME, force=True, reads=[export / "time.json"])


def test_a_link_to_nothing_a_file_in_the_way_and_a_read_only_disk_are_one_line(tmp_path, monkeypatch):
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").write_text("kept")
    for out in (tmp_path / "dangling", tmp_path / "dangling" / "below"):
        assert f"is a link to {tmp_path / 'nowhere'}, which is not there" in refusal(out, RUN, force=True)
        assert "which is not there" in refusal(out, DRAFTS, check=check_file)
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        assert "name a" in refusal(out, RUN, force=True)
    assert "is a file" in refusal(tmp_path / "file" / "below", DRAFTS, check=check_file)
    monkeypatch.setattr(os, "access", lambda *_: False)  # tests may run as root, whom only such a disk refuses
    for check, what in ((check_folder, RUN), (check_file, DRAFTS)):
        options = {"force": True} if check is check_folder else {}
        assert "its disk is read-only" in refusal(tmp_path / "new", what, check=check, **options)
    assert (tmp_path / "file").read_text() == "kept"


def test_a_file_is_written_over_only_if_plume_wrote_it(tmp_path):
    data = put(tmp_path / "data", manifest__json="{}")
    ours = put(tmp_path / "ours", a__jsonl='{"id": "1", "draft": "x"}\n', b__jsonl="", c__jsonl='{"id": "é')
    for name in names(ours):
        check_file(ours / name, DRAFTS, reads=[data])
    theirs = put(tmp_path / "theirs", a__jsonl='{"id": "1", "review": "x"}\n', b__txt="mine", c__json="{}\n")
    for name in names(theirs):
        assert "holds something else than this command writes" in refusal(theirs / name, DRAFTS, check=check_file)
    assert "lies in" in refusal(data / "new.jsonl", DRAFTS, check=check_file, reads=[data])
    os.link(ours / "a.jsonl", tmp_path / "same.jsonl")
    assert "is the input itself" in refusal(tmp_path / "same.jsonl", DRAFTS, check=check_file, reads=[ours / "a.jsonl"])
    assert "is a folder; name a file in it" in refusal(data, DRAFTS, check=check_file)
    assert "is a device or a pipe" in refusal(Path(os.devnull), DRAFTS, check=check_file)


@pytest.mark.parametrize(
    "content", ["", '\n{"id": "1", "draft": "x"}\n', '{"draft": "x", "id": "1"}', '{"id": "1", "dra']
)
def test_drafts_that_can_be_read_can_be_gone_on_with(tmp_path, content):
    (tmp_path / "drafts.jsonl").write_text(content)
    check_file(tmp_path / "drafts.jsonl", DRAFTS)


def test_results_replace_the_old_ones_whole_or_not_at_all(tmp_path, monkeypatch):
    out = put(tmp_path / "out", time__json="old", time__html="old", notes__txt="mine")
    rename, refused = Path.rename, "time.json"

    def failing(self, target):
        if self.parent.name == "made" and self.name == refused:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    for refused in ("time.json", ""):
        try:
            with building(out, TIME) as made:
                put(made, time__json="new", time__html="new")
        except OSError:
            assert refused
            assert (out / "time.html").read_text() == (out / "time.json").read_text() == "old"
        assert (out / "notes.txt").read_text() == "mine"
        assert names(out) == ["notes.txt", "time.html", "time.json"]
    assert (out / "time.html").read_text() == (out / "time.json").read_text() == "new"


def test_a_folder_that_is_claimed_loses_what_plume_wrote_alone(tmp_path):
    out = put(tmp_path / "out", run__json="{}", checkpoint__pt="", notes__txt="mine")
    (out / ".checkpoint.pt.partial").touch()
    claim(out, RUN)
    assert names(out) == ["notes.txt"]
    claim(tmp_path / "a" / "b", RUN)
    assert (tmp_path / "a" / "b").is_dir()
    with pytest.raises(InputError, match="name another folder with --out"):
        claim(out / "notes.txt" / "below", RUN)


def test_what_killed_commands_left_is_removed_by_the_next_one(tmp_path):
    """Half of a build goes at once; old results that were set aside only when new ones stand in their place."""
    folder = tmp_path / "out"
    kind = VERDICT
    half = tmp_path / ".plume-build-abcdefgh" / "made"
    half.mkdir(parents=True)
    with building(folder, kind) as made:
        assert not half.parent.exists()
        (made / kind.marker).write_text("{}")
    aside = folder / ".plume-build-abcdefgh" / "before"
    aside.mkdir(parents=True)
    (aside / kind.marker).write_text("old")
    other = folder / ".plume-build-zzzzzzzz" / "before"
    other.mkdir(parents=True)
    (other / "of another command").touch()
    with building(folder, kind) as made:
        (made / kind.marker).write_text("[]")
        assert (aside / kind.marker).read_text() == "old"
    assert not aside.parent.exists()
    assert other.is_dir()
