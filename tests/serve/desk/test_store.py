"""What the desk keeps, and what it erases once an agent decided."""

import stat
from contextlib import closing

import pytest

from plume.errors import InputError
from serve.desk.refused import Refused
from serve.desk.store import Store

REVIEW = "Ma carte grise zorglub n’arrive pas."
ANSWER = {"id": "draft-1", "draft": "Bonjour, nous regrettons ce délai.", "findings": [], "passages": []}


@pytest.fixture
def store(tmp_path):
    with closing(Store(tmp_path / "desk")) as opened:
        yield opened


@pytest.fixture
def refused():
    return lambda kind: pytest.raises(Refused, match=f"^{kind}$")


def with_draft(store, **answer):
    identity = store.begin({"review": REVIEW})
    store.add_drafts(identity, [ANSWER | answer], {})
    return identity, store.claim(identity)[0]


def test_what_is_typed_is_there_after_a_restart(store, tmp_path):
    identity = store.begin({})
    tab, _ = store.claim(identity)
    store.save(identity, tab, "", {"review": REVIEW, "title": "Carte"}, 0, 1)
    secret = store.secret
    store.close()
    with closing(Store(tmp_path / "desk")) as again:
        assert again.work(identity).typed == {"review": REVIEW, "title": "Carte"}
        assert again.secret == secret
        again.save(identity, tab, "", {"review": "plus long"}, 0, 2)  # the page that was open goes on


def test_only_its_owner_can_read_the_file_and_one_desk_holds_it(store, tmp_path):
    assert stat.S_IMODE((tmp_path / "desk" / "desk.sqlite").stat().st_mode) == 0o600
    with pytest.raises(InputError, match="another desk has this folder open"):
        Store(tmp_path / "desk")


def test_the_newest_tab_holds_a_review(store, refused):
    identity, first = with_draft(store)
    second, _ = store.claim(identity)
    with refused("stale_tab"):
        store.save(identity, first, "draft-1", {"text": "du premier"}, 1, 1)
    with refused("stale_tab"):
        store.save(identity, first, "draft-1", {"text": "du premier"}, 1, 1, pressed=True)
    store.save(identity, second, "draft-1", {"text": "du second"}, 1, 1)
    assert store.work(identity).current.text == "du second"


def test_a_save_that_was_overtaken_changes_no_text_and_time_only_grows(store):
    identity, tab = with_draft(store)
    store.save(identity, tab, "draft-1", {"text": "nouveau"}, 20, 2)
    store.save(identity, tab, "draft-1", {"text": "ancien"}, 12, 1)
    work = store.work(identity)
    assert (work.current.text, work.seconds) == ("nouveau", 20)
    later, _ = store.claim(identity)
    store.save(identity, later, "draft-1", {"text": "nouveau"}, 5, 1)
    assert store.work(identity).seconds == 25


def test_each_draft_keeps_its_own_text(store, refused):
    identity, tab = with_draft(store)
    store.save(identity, tab, "draft-1", {"text": "mon texte"}, 0, 1)
    store.add_drafts(identity, [ANSWER | {"id": "draft-2"}, ANSWER | {"id": "draft-3"}], {"tone": "sobre"})
    assert store.work(identity).current is None
    with refused("stale_tab"):  # the page of before is left
        store.save(identity, tab, "draft-1", {"text": "trop tard"}, 0, 2)
    store.take(identity, "draft-3")
    assert store.work(identity).current.text == ANSWER["draft"]
    store.take(identity, "draft-1")
    assert store.work(identity).current.text == "mon texte"
    with refused("no_draft"):
        store.take(identity, "draft-9")


def test_after_a_decision_no_word_of_the_review_is_on_the_disk(store, tmp_path, refused):
    identity, tab = with_draft(store, draft="Bonjour, bidulotruc.")
    store.save(identity, tab, "draft-1", {"text": "Réponse machinchose."}, 9, 1)
    body = {"outcome": "edited", "final": "Réponse machinchose.", "seconds": 9.0}
    store.decide(identity, "draft-1", body)
    files = [file.read_bytes() for file in (tmp_path / "desk").iterdir()]
    assert not any(b"zorglub" in file or b"bidulotruc" in file for file in files)
    assert any(b"machinchose" in file for file in files)  # until the server has it
    with refused("decided"):
        store.work(identity)
    (waiting,) = store.waiting()
    assert waiting.body == body
    store.not_sent("draft-1", "away")
    assert store.waiting()[0].trouble == "away"
    store.sent("draft-1")
    assert store.waiting() == []
    files = [file.read_bytes() for file in (tmp_path / "desk").iterdir()]
    assert not any(b"machinchose" in file for file in files)
    assert store.decision_of(identity) == "draft-1"


def test_what_is_erased_is_gone_and_nothing_is_noted(store, tmp_path, refused):
    identity, _ = with_draft(store)
    store.forget(identity)
    with refused("no_work"):
        store.work(identity)
    assert not any(b"zorglub" in file.read_bytes() for file in (tmp_path / "desk").iterdir())


def test_a_review_of_the_file_is_opened_once_and_known_as_decided(store):
    one = store.begin({"review": REVIEW}, "8249505-1")
    assert store.begin({"review": REVIEW}, "8249505-1") == one
    store.add_drafts(one, [ANSWER], {})
    store.decide(one, "draft-1", {"outcome": "rejected", "seconds": 1.0})
    assert store.decided() == {"8249505-1"}


def test_texts_are_cleaned_and_a_longer_one_than_the_guard_takes_is_refused_whole(store, refused):
    identity, tab = with_draft(store)
    store.save(identity, tab, "draft-1", {"text": "a\r\nb\u2028c\x00\x85d\ud800 "}, 0, 1)
    assert store.work(identity).current.text == "a\nb\nc\nd\ufffd"
    with refused("long_text"):
        store.save(identity, tab, "draft-1", {"text": "é" * 20_001}, 0, 2)
    assert store.work(identity).current.text == "a\nb\nc\nd\ufffd"


def test_a_file_that_is_none_or_of_another_version_is_told_in_one_line(tmp_path):
    folder = tmp_path / "desk"
    with closing(Store(folder)) as store, store._db.changing() as db:
        db.run("UPDATE meta SET value = '9' WHERE key = 'version'")
    with pytest.raises(InputError, match="another version of plume"):
        Store(folder)
    (folder / "desk.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(InputError, match="is damaged"):
        Store(folder)
