"""The desk asks the real guard: drafts, refusals, decisions, as agents' pages send them."""

import json


def decisions(guarded):
    rows = guarded.lifecycle.drafts.journal.database.run("SELECT row FROM decision ORDER BY seq")
    return [json.loads(row) for (row,) in rows]


def test_a_draft_is_written_edited_and_noted_pseudonymised(desk, guarded):
    guarded.engine.draft = "Bonjour [USAGER],\n\nAppelez le 06 39 98 44 55, merci."
    page = desk("Rien ne marche, Mme Josette Morvan ne répond pas.")
    page.with_draft(typed={"pseudonym": "Zaza29"})
    assert page.text == "Bonjour Zaza29,\n\nAppelez le [TEL], merci."
    assert "phone." in page.client.get(page.here).text
    assert page.press("decision").status_code == 422  # the hole
    page.text = "Bonjour Zaza29,\n\nMme Josette Morvan vous répondra."
    assert page.press("decision", active_seconds=30).status_code == 200
    noted = decisions(guarded)[-1]
    assert (noted["outcome"], noted["seconds"]) == ("edited", 30)
    assert noted["final"].startswith("Bonjour [USAGER],")
    assert "Morvan" not in noted["final"]


def test_alternatives_and_again_without_wishes(desk, guarded):
    page = desk("Le guichet est fermé.")
    page.with_draft(typed={"alternatives": "2"})
    (one, other) = page.client.get(page.here).text.split("Prendre celui-ci")[:2]
    assert "Brouillon 1" in one
    assert "Brouillon 2" in other


def test_what_the_guard_refuses_is_told_in_french(desk, guarded):
    page = desk("dossier bloqué " * 1300)
    page.begin()
    answer = page.press("brouillon")
    assert (answer.status_code, answer.json()["title"]) == (413, "Avis trop long")
    page.text = "Le guichet est fermé."
    answer = page.press("brouillon", typed={"tone": "sobre"})  # its version's prompt knows no tone
    assert (answer.status_code, "Videz la consigne" in answer.json()["error"]) == (422, True)
    guarded.engine.status = 503
    assert page.press("brouillon", typed={"tone": "neutre"}).status_code == 503
    guarded.engine.status = 200
    assert page.press("brouillon", typed={"tone": "neutre"}).status_code == 200
