"""Versions are found, fetched and verified, on a real sqlite store."""

import os

import pytest

from plume.errors import InputError
from plume.files import GROUP, folder_sha256
from plume.registry import ADAPTER_HASH, MODEL_NAME, Version, fetch_adapter, find_version, set_alias
from tests.plume.test_tracking import registered


def test_a_version_is_found_by_number_alias_and_uri(store, tmp_path):
    first, second = registered(tmp_path / "one"), registered(tmp_path / "two", "other weights")
    assert (first, second) == (1, 2)
    set_alias("champion", 2, {"promotion": "initial", "reason": "no champion yet"})
    for reference in (
        "2",
        "champion",
        f"{MODEL_NAME}@champion",
        f"models:/{MODEL_NAME}/2",
        f"models:/{MODEL_NAME}@champion",
    ):
        found = find_version(reference)
        assert (found.number, found.aliases, found.tags["reason"]) == (2, ["champion"], "no champion yet")
    assert find_version("1").aliases == []
    set_alias("champion", 1, {})
    assert find_version("champion").number == 1
    assert find_version("2").aliases == []


@pytest.mark.parametrize("reference", ["7", "challenger", "", "models:/another/1", f"{MODEL_NAME}@", "no such alias"])
def test_an_unknown_version_names_the_known_ones(store, tmp_path, reference):
    with pytest.raises(InputError, match=r"known: none, train one first"):
        find_version(reference)
    registered(tmp_path / "one")
    set_alias("champion", 1, {})
    with pytest.raises(InputError, match=r"known: champion, 1$"):
        find_version(reference)


def test_the_adapter_is_fetched_whole_once_and_readable_by_the_servers_group(store, tmp_path, monkeypatch):
    monkeypatch.setenv(GROUP, str(os.getgid()))
    number = registered(tmp_path / "one")
    version = find_version(str(number))
    folder = fetch_adapter(version)
    assert folder == tmp_path / "a home" / "adapters" / f"1-{version.tags[ADAPTER_HASH][:12]}"
    assert folder_sha256(folder) == version.tags[ADAPTER_HASH]
    assert [path.stat().st_mode & 0o777 for path in (folder, folder / "adapter_model.safetensors")] == [0o750, 0o640]
    inode = (folder / "adapter_model.safetensors").stat().st_ino
    assert fetch_adapter(version) == folder
    assert (folder / "adapter_model.safetensors").stat().st_ino == inode
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]  # nothing half-made is left


def test_a_damaged_local_copy_is_fetched_again(store, tmp_path):
    version = find_version(str(registered(tmp_path / "one")))
    folder = fetch_adapter(version)
    (folder / "adapter_model.safetensors").write_text("scratched")
    assert folder_sha256(fetch_adapter(version)) == version.tags[ADAPTER_HASH]


def test_an_artifact_changed_after_training_is_refused(store, tmp_path):
    version = find_version(str(registered(tmp_path / "one")))
    [stored] = (tmp_path / "a home" / "mlartifacts").rglob("adapter_model.safetensors")
    stored.write_text("tampered with")
    with pytest.raises(InputError, match="changed after training"):
        fetch_adapter(version)
    assert list((tmp_path / "a home" / "adapters").iterdir()) == []


def test_an_artifact_that_is_gone_is_told(store, tmp_path):
    version = find_version(str(registered(tmp_path / "one")))
    [stored] = (tmp_path / "a home" / "mlartifacts").rglob("adapter")
    stored.rename(stored.with_name("moved"))
    with pytest.raises(InputError, match="cannot be fetched") as caught:
        fetch_adapter(version)
    assert "\n" not in str(caught.value)


def test_a_version_that_plume_did_not_register_is_refused(store):
    with pytest.raises(InputError, match=f"no tag {ADAPTER_HASH}"):
        fetch_adapter(Version(3, "run", "file:///nowhere"))
