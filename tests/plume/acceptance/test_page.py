"""site.html, in a browser, and what neither it nor site.json may tell."""

import socket
from pathlib import Path

import pytest

from plume.acceptance import report
from plume.acceptance.point import Part, Point
from plume.acceptance.run import PARTS
from plume.acceptance.site import Site
from plume.errors import InputError


@pytest.fixture
def site(recipe, tmp_path):
    return Site(recipe(), tmp_path / "work")


def parts(why=""):
    points = [
        Point("fine", "1", "1", "ok"),
        Point("wrong", "1", "2", "not ok", why),
        Point("open", "", "", "not checked"),
    ]
    return [Part(name, points, 61.4) for name in PARTS]


def test_page_is_read_on_a_phone_a_desk_and_paper(browser, site, tmp_path):
    report.save(tmp_path, site, parts("the loss is 10.38, not from 0.2 to 5.7"))
    sheets, headings = browser.look_over(tmp_path / report.PAGE, french=False)
    assert headings["Not accepted"] == 1
    assert set(report.TITLES.values()) < set(headings)
    assert sheets <= 3


def test_no_place_name_or_secret_is_told(site, tmp_path, told):
    base = site.config.base.model
    error = (
        f"{base}/config.json: on {socket.gethostname()}: sqlite:////srv/store/mlflow.db and "
        f"https://me:hush-hush@example.org/x: [Errno 13] /home/somebody/a.txt, "
        f"/models: full; <|im_end|> 12 tokens/s, {Path.cwd()}"
    )
    report.save(tmp_path, site, parts(error))
    whole, points = told(tmp_path)
    assert points["train", "wrong"]["why"] == (
        "…/config.json: on …: sqlite:… and https:…: [Errno 13] …, …: full; <|im_end|> 12 tokens/s, …"
    )
    assert whole["config"]["base.model"] == "a folder"
    assert not {"data", "out", "server", "tracking_uri"} & set(whole["config"])
    for name in (report.JSON, report.PAGE):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert not [
            secret for secret in (base, "hush", "example.org", "/srv", "somebody", str(tmp_path)) if secret in text
        ]


def test_a_full_disk_is_one_line(site, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report, "write", full)
    with pytest.raises(InputError, match=r"No space left.*; make room, then go on with --resume"):
        report.save(tmp_path, site, parts())


def test_only_what_went_well_with_the_same_config_is_taken_over(site, recipe, tmp_path):
    good, bad = Part("machine", [Point("fine", "1", "1", "ok")], 1.0), parts()[1]
    report.save(tmp_path, site, [good, bad])
    assert report.earlier(tmp_path, site.config) == {"machine": good}
    assert report.earlier(tmp_path, recipe(out=tmp_path / "elsewhere")) == {"machine": good}
    assert report.earlier(tmp_path, recipe(batch_size=5)) == {}


def test_numbers_that_are_none_are_words(site, tmp_path, told):
    site.work.mkdir()
    (site.work / "base.json").write_text('{"losses": [NaN, 2.5, Infinity]}')
    report.save(tmp_path, site, parts())
    assert told(tmp_path)[0]["numbers"] == {"base": {"losses": ["NaN", 2.5, "Infinity"]}}
