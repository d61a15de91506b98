"""Where things are."""

from plume.paths import ROOT, home, in_clone


def test_home_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("PLUME_HOME", str(tmp_path))
    assert home() == tmp_path
    monkeypatch.setenv("PLUME_HOME", "")
    assert home() == ROOT / "var"


def test_a_path_of_a_config_is_sought_here_then_in_the_clone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert in_clone("configs/data") == ROOT / "configs/data"
    (tmp_path / "configs" / "data").mkdir(parents=True)
    assert in_clone("configs/data") == tmp_path / "configs" / "data"
