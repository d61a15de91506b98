"""What the desk answers, asked as its pages ask, without a browser."""

import re
import sys

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from plume.paths import ROOT
from serve.guard.refusal import Reason, Refusal

REVIEW = "Ma carte grise n’arrive pas depuis trois semaines."


@pytest.fixture
def start(make_desk, ask_desk):
    """start(…) -> what asks a desk, and the desk; both as long as the test."""

    def begin(*args, **settings):
        desk = make_desk(*args, **settings)
        return ask_desk(desk.app), desk

    return begin


def test_another_site_and_another_host_get_nothing(start):
    asking, _ = start()
    assert asking.client.get("/", headers={"Host": "evil.example"}).status_code == 403
    assert asking.client.post("/avis", data={}).status_code == 403
    asking.begin()
    asking.token = "x"
    assert asking.press("texte").status_code == 403
    gone = asking.client.get("/avis/nulle-part")
    assert (gone.status_code, "Avis introuvable" in gone.text) == (404, True)


def test_a_draft_is_asked_for_once_with_what_was_typed_and_no_wish_that_is_as_usual(start, guard):
    asking, _ = start()
    asking.begin()
    typed = {"network": "France\nTitres", "title": "", "tone": "neutre", "alternatives": "1", "instruction": "  "}
    sent = asking.state(typed=typed)
    assert asking.post("brouillon", sent).json() == {"next": asking.here}
    assert asking.post("brouillon", sent).json() == {"next": asking.here}  # a second click, or an answer that was lost
    (asked,) = guard.asked
    assert asked.keys() == {"review", "network", "conversation"}
    assert (asked["review"], asked["network"]) == (REVIEW, "France Titres")
    page = asking.client.get(asking.here).text
    assert "Brouillon écrit par une intelligence artificielle" in page
    assert '<small class="rule">phone.ten</small>' in page
    assert "Le suivi se fait en ligne" in page
    assert "01/10/2026" in page


REFUSALS = [
    (Reason.REVIEW_NOT_MASKED, {"why": "secret"}, 503, "masquer les données personnelles"),
    (Reason.NOT_CHECKED, {"why": "secret"}, 503, "n’en montre aucun"),
    (Reason.TOO_LONG, {"tokens": 3, "room": 2}, 413, "aussi long"),
    (Reason.BUSY, {}, 503, "occupé"),
    (Reason.DRAINING, {}, 503, "redémarre"),
    (Reason.NO_KEY, {}, 502, "La clé du bureau"),
    (Reason.ENGINE_FAILED, {}, 502, "Redemandez"),
    (Reason.ANSWER_LATE, {"seconds": 3}, 504, "à temps"),
    (Reason.INVALID, {"why": "structure: is no name"}, 422, "ne comprend pas la structure"),
    (Reason.INSTRUCTION, {"asks": "a", "demande": "une promesse"}, 422, "La consigne demande une promesse"),
    (Reason.NO_WISHES, {"fields": "tone", "version": 1, "prompt": "v1"}, 422, "Videz la consigne"),
]


def test_what_the_guard_refuses_is_told_in_french_and_loses_nothing(start, guard):
    asking, desk = start()
    asking.begin()
    for reason, told, status, words in REFUSALS:
        guard.refuse = Refusal(reason, **told)
        answer = asking.press("brouillon", typed={"title": "Carte grise"})
        assert answer.status_code == status, reason
        assert words in answer.json()["error"]
        assert answer.json()["title"]
        assert "secret" not in answer.text
        (work,) = desk.store.works()
        assert work.typed == {"review": REVIEW, "title": "Carte grise"}
    guard.refuse = None
    assert asking.press("brouillon").status_code == 200  # the page goes on, in the same tab


def test_every_refusal_of_the_guard_has_words_here():
    from serve.desk.refused import Refused

    hidden = {"http", "model", "failed", "writing"}  # of what the desk does not ask
    kinds = {reason.value[1] for reason in Reason if reason is not Reason.CLIENT_GONE} - hidden
    assert {kind for kind in kinds if Refused(kind).kind != kind} == set()


def test_a_draft_that_the_guard_forgot_leaves_the_page_and_its_text(start, guard):
    asking, desk = start()
    asking.with_draft()
    guard.drafts.clear()  # its journal was damaged, or the desk has another client's key
    asking.text = "Mon texte."
    answer = asking.press("encore")
    assert answer.json()["title"] == "Brouillon inconnu du serveur"
    assert answer.status_code not in (404, 409)  # on these the page ends
    assert desk.store.works()[0].current.text == "Mon texte."
    assert asking.press("texte").status_code == 200


def test_the_name_that_the_guard_read_in_a_signature_is_sent_back(start, guard, monkeypatch):
    draft = guard._draft
    monkeypatch.setattr(guard, "_draft", lambda *given: draft(*given) | {"pseudonym": "Josiane"})
    asking, _ = start()
    asking.with_draft()
    asking.press("encore")
    assert guard.asked[-1]["pseudonym"] == "Josiane"
    asking.claim()
    asking.text = "Bonjour Josiane, merci."
    asking.press("decision")
    assert next(iter(guard.decisions.values()))["pseudonym"] == "Josiane"


def test_a_yes_of_something_in_between_is_no_decision_taken(start, guard, monkeypatch):
    asking, desk = start()
    asking.with_draft()
    asking.text = "Ma réponse."

    async def say_yes(*_):
        return {"status": "ok"}

    monkeypatch.setattr("serve.desk.guard_client.GuardClient._ask", say_yes)
    asking.press("decision")
    assert desk.store.waiting()[0].body["final"] == "Ma réponse."


def test_a_source_of_a_long_name_is_chosen_like_another(start, guard, monkeypatch):
    long = f"{'dossier/' * 30}note.md#3"
    monkeypatch.setitem(sys.modules[type(guard).__module__].PASSAGES[0], "id", long)
    asking, _ = start()
    asking.with_draft()
    assert asking.press("encore", typed={f"source {long}": "keep"}).status_code == 200
    assert guard.asked[-1]["keep_sources"] == [long]


def test_a_guard_that_is_away_is_told(start):
    asking, _ = start(address="http://127.0.0.1:9")
    asking.begin()
    answer = asking.press("brouillon")
    assert (answer.status_code, "ne répond pas" in answer.json()["title"]) == (503, True)


@pytest.mark.parametrize(("answered", "told"), [(200, 502), (429, 429), (502, 503), (401, 502)])
def test_an_answer_by_something_between_desk_and_guard_is_no_draft(start, served, answered, told):
    """A proxy that asks for a password, say: it answers 200 with a page of its own."""
    other = FastAPI()
    other.post("/v1/drafts")(lambda: HTMLResponse("<h1>Proxy</h1>", answered))
    asking, desk = start(address=served(other))
    asking.begin()
    assert asking.press("brouillon").status_code == told
    assert desk.store.works()[0].drafts == ()


def test_a_key_that_is_changed_needs_no_restart(start, guard, tmp_path):
    asking, _ = start()
    asking.begin()
    right = (tmp_path / "key").read_text()
    (tmp_path / "key").write_text("wrong")
    assert asking.press("brouillon").status_code == 502
    (tmp_path / "key").unlink()
    assert asking.press("brouillon").status_code == 502
    (tmp_path / "key").write_text(right)
    assert asking.press("brouillon").status_code == 200


def test_an_empty_review_and_a_long_one_are_refused_before_the_guard_is_asked(start, guard):
    asking, _ = start()
    asking.begin()
    asking.text = " \n "
    assert asking.press("brouillon").status_code == 422
    asking.text = "é" * 20_001
    assert asking.press("brouillon").status_code == 413
    assert guard.asked == []


@pytest.mark.parametrize(
    ("edit", "value", "decision"),
    [
        (lambda text: text, "", {"outcome": "accepted"}),
        (lambda text: text + "\r\nMerci.", "", {"outcome": "edited", "final": "…\nMerci.", "pseudonym": "Zaza29"}),
        (lambda text: text, "rejected", {"outcome": "rejected"}),
    ],
)
def test_a_decision_reaches_the_guard_with_the_active_time(start, guard, monkeypatch, edit, value, decision):
    monkeypatch.setattr("serve.desk.asked._HOLE", re.compile("nowhere"))
    asking, desk = start()
    asking.with_draft(typed={"pseudonym": "Zaza29"})
    before, asking.text = asking.text, edit(asking.text)
    sent = asking.state(value=value, active_seconds=61.25)
    answer = asking.post("decision", sent)
    assert answer.status_code == 200
    assert asking.post("decision", sent).json()["decided"] == answer.json()["decided"]  # sent again: the same
    if "final" in decision:
        decision = decision | {"final": decision["final"].replace("…", before)}
    (got,) = guard.decisions.values()
    assert got == decision | {"seconds": 61.25}
    assert (desk.store.works(), desk.store.waiting()) == ([], [])
    page = asking.client.get(asking.here)
    assert (page.status_code, "Déjà décidé" in page.text) == (409, True)


def test_a_hole_that_the_guard_left_or_an_empty_text_is_not_kept_as_the_reply(start, guard):
    asking, _ = start()
    asking.with_draft()
    answer = asking.press("decision")
    assert answer.status_code == 422
    assert "contient encore [TEL]" in answer.json()["error"]
    asking.text = "  "
    assert asking.press("decision").status_code == 422
    assert guard.decisions == {}
    assert asking.press("decision", value="rejected").status_code == 200


def test_a_decision_that_the_guard_cannot_take_waits_and_is_sent_later(start, guard):
    asking, desk = start()
    asking.with_draft()
    asking.text = "Ma réponse."
    guard.refuse = Refusal(Reason.NOT_KEPT, why="full")
    answer = asking.press("decision").json()
    assert "sera envoyée d’elle-même" in answer["decided"].replace("\u00a0", " ")
    assert answer["text"] == "Ma réponse."
    assert "Décisions que le serveur n’a pas encore (1)" in asking.client.get("/").text
    guard.refuse = None
    wait_until(lambda: not desk.store.waiting())
    (got,) = guard.decisions.values()
    assert got == {"outcome": "edited", "final": "Ma réponse.", "seconds": 4.5}


def wait_until(true):
    import time

    for _ in range(200):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("never")


def test_a_decision_that_is_refused_for_good_stays_to_be_copied_until_it_is_given_up(start, guard):
    asking, desk = start()
    asking.with_draft()
    asking.text = "Ma réponse à garder."
    guard.drafts.clear()
    assert "ne partira pas d’elle-même" in asking.press("decision").json()["decided"]
    home = asking.client.get("/").text
    assert "Ma réponse à garder." in home
    assert "Brouillon inconnu du serveur" in home
    form = {"token": asking.token}
    asking.client.post(f"/decisions/{asking.draft}/envoi", data=form)
    assert len(desk.store.waiting()) == 1
    asking.client.post(f"/decisions/{asking.draft}/oubli", data=form)
    assert desk.store.waiting() == []
    assert "Ma réponse à garder." not in asking.client.get("/").text


def test_asked_again_with_an_instruction_a_tone_and_sources(start, guard):
    asking, desk = start()
    asking.with_draft(typed={"pseudonym": "Zaza29"})
    typed = {"instruction": "plus court", "tone": "sobre", "source F1050#2": "keep", "source F1707#1": "drop"}
    asking.text = "Mon texte."
    assert asking.press("encore", typed=typed | {"alternatives": "2"}).status_code == 200
    assert guard.asked[-1] == {
        "instruction": "plus court",
        "tone": "sobre",
        "alternatives": 2,
        "keep_sources": ["F1050#2"],
        "drop_sources": ["F1707#1"],
        "pseudonym": "Zaza29",
    }
    page = asking.client.get(asking.here).text
    assert "Choisir parmi 3" in page
    assert "consigne « plus court », ton sobre" in page.replace("\u00a0", " ")
    (work,) = desk.store.works()
    asking.claim()
    assert asking.press("choix", value=work.drafts[1].id).status_code == 200
    asking.claim()
    assert asking.client.get(asking.here).text.count("Certificat provisoire") >= 1  # dropped, and can be taken back
    asking.press("encore")  # what is not touched stays as it was
    assert guard.asked[-1]["drop_sources"] == ["F1707#1"]
    assert guard.asked[-1]["keep_sources"] == ["F1050#2"]
    asking.claim()
    asking.press("choix", value=work.drafts[0].id)
    assert asking.claim().text == "Mon texte."  # with the draft that it was typed on


def test_reviews_of_a_file_are_found_and_picked(start):
    asking, _ = start(ROOT / "datasets" / "sample" / "export.json")
    found = asking.client.get("/?cherche=visa femme").text
    assert re.search(r"1\savis pour «\svisa femme\s»", found)
    (reference,) = re.findall('name="reference" value="(.*?)"', found)
    asking.begin(reference=reference)
    assert "visa" in asking.text
    again = asking.client.post("/avis", data={"token": asking.token, "reference": reference})
    assert again.headers["location"] == asking.here
    assert "Continuer" in asking.client.get("/?cherche=visa femme").text
    assert asking.client.post("/avis", data={"token": asking.token, "reference": "x"}).status_code == 404
    assert "CPAM du Var" in asking.client.get("/structures?q=var&network=CPAM").json()


def test_nothing_that_was_typed_reaches_a_log(start, guard, capfd):
    asking, _ = start()
    asking.begin()
    guard.refuse = Refusal(Reason.INTERNAL)
    asking.text = "zorglub " * 5
    asking.press("brouillon")
    asking.post("texte", {"text": "zorglub"})
    asking.client.get("/?cherche=zorglub")
    assert "zorglub" not in "".join(capfd.readouterr())


def test_words_that_differ_are_marked_and_escaped(start):
    asking, _ = start()
    asking.with_draft()
    asking.text = asking.text.replace("délai", "<b>retard</b>")
    told = asking.press("differences").json()
    assert "<del>délai. </del>" in told["before"]
    assert "<ins>&lt;b&gt;retard&lt;/b&gt;. </ins>" in told["after"]
