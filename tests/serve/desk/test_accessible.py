"""Every page and state of the desk for people who use no mouse, or hear the page: axe-core finds nothing."""

import pytest

from plume.paths import ROOT
from serve.guard.refusal import Reason, Refusal

REVIEW = "Ma carte grise n’arrive pas depuis trois semaines. Personne ne répond au téléphone."


@pytest.fixture
def expect():
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)
    return expect


def test_axe_finds_nothing_on_any_page(serve_desk, chromium_page, expect, assert_accessible, guard):
    """Every page and state once: on a phone, at 200 %, and on a desk; a title of one long word widens none."""
    desk, page = serve_desk(ROOT / "datasets" / "sample" / "export.json"), chromium_page
    seen = []

    def check(*more):
        for width in (390, *more):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_load_state()
            assert_accessible(page)
        assert page.evaluate("document.documentElement.lang") == "fr"
        assert page.locator("h1:visible").count() == 1
        seen.append(page.title().partition(" – ")[0])

    page.goto(desk.address)
    check()
    page.get_by_role("button", name="Coller un avis").click()
    expect(page.locator("#review")).to_be_editable()
    page.locator("#review").fill(REVIEW)
    page.locator("#title").fill("Anticonstitutionnellement" * 12)
    for folded in page.locator("summary").all():
        folded.click()
    check()
    guard.refuse = Refusal(Reason.BUSY)
    page.get_by_role("button", name="Demander").click()
    expect(page.locator("#refused")).to_be_visible()
    check()
    guard.refuse = None
    page.locator("#alternatives").select_option("3")
    page.get_by_role("button", name="Demander").click()
    expect(page.locator(".sides section")).to_have_count(3)
    expect(page.locator("#saved")).to_contain_text("au fur et à mesure")
    check()
    page.get_by_role("button", name="Prendre").first.click()
    expect(page.locator("#text")).to_be_editable()
    page.locator("#text").fill("Bonjour Zaza29,\n\nNous regrettons ce délai. Vous pouvez suivre votre demande.")
    page.get_by_role("button", name="Voir ce qui").click()
    expect(page.locator("#both")).to_be_visible()
    expect(page.locator("#saved")).to_have_text("Enregistré.")
    check(640, 1280)
    newer = page.context.new_page()
    newer.goto(page.url)
    expect(page.locator("#elsewhere")).to_be_visible()
    check()
    guard.drafts.clear()  # the guard knows this draft no more: the decision stays here
    expect(newer.locator("#text")).to_be_editable()
    newer.get_by_role("button", name="Enregistrer mon texte").click()
    expect(newer.locator("#done")).to_be_visible()
    page.close()
    page = newer
    check()
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{desk.address}/avis/nulle-part")
    check()
    page.goto(desk.address)
    expect(page.locator("#attente")).to_be_visible()
    check()
    reply = "Réponse à relire, brouillon 1"
    ask = "Demander un brouillon"
    home = "Répondre aux avis"
    choose = "Choisir parmi 3\u00a0brouillons"
    gone = ["Avis introuvable", home]
    assert seen == [home, ask, ask, choose, reply, reply, "Décision enregistrée", *gone]


def tab_to(page, label):
    """Press Tab until what has the focus is called so."""
    for _ in range(60):
        page.keyboard.press("Tab")
        called = page.evaluate(
            "(e => e.labels?.[0]?.innerText ?? (e.innerText || e.value || ''))(document.activeElement)"
        )
        if called.replace("\u00a0", " ").startswith(label):
            return
    raise AssertionError(f"Tab leads to no {label!r} on {page.title()}")


def test_a_whole_review_by_keys_alone(serve_desk, chromium_page, expect, guard):
    desk, page = serve_desk(), chromium_page
    page.goto(desk.address)
    page.keyboard.press("n")
    expect(page.locator("#review")).to_be_editable()
    page.keyboard.press("e")
    page.keyboard.type(REVIEW)
    tab_to(page, "Réseau")
    page.keyboard.type("CPAM")
    page.keyboard.press("Enter")  # in a field of one line it sends nothing
    tab_to(page, "Pseudonyme")
    page.keyboard.type("Zaza29")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#text")).to_be_editable()
    assert (guard.asked[0]["network"], guard.asked[0]["pseudonym"]) == ("CPAM", "Zaza29")
    page.keyboard.press("s")
    expect(page.locator("#sources-title")).to_be_focused()
    tab_to(page, "Au prochain brouillon")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")  # the third choice: drop
    tab_to(page, "Consigne")
    page.keyboard.type("plus court")
    page.keyboard.press("Control+Enter")  # of this part: ask again
    expect(page.locator("h1")).to_contain_text("brouillon 2")
    expect(page.locator("#text")).to_be_editable()
    assert guard.asked[1]["instruction"] == "plus court"
    assert guard.asked[1]["drop_sources"] == ["F1050#2"]
    page.keyboard.press("e")
    page.keyboard.press("Control+A")
    page.keyboard.type("Bonjour Zaza29, merci.")
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    expect(page.locator("#differences")).to_be_visible()
    page.keyboard.press("e")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#done")).to_be_visible()
    (decision,) = guard.decisions.values()
    assert decision["final"] == "Bonjour Zaza29, merci."


def test_keys_of_one_letter_can_be_switched_off_and_a_field_is_no_trap(serve_desk, chromium_page, expect):
    desk, page = serve_desk(), chromium_page
    page.goto(desk.address)
    page.locator("#keys").uncheck()
    page.keyboard.press("n")
    page.reload()
    expect(page.locator("#keys")).not_to_be_checked()
    expect(page.locator("h1")).to_have_text("Répondre aux avis")
    page.get_by_role("button", name="Coller").click()
    expect(page.locator("#review")).to_be_editable()
    page.locator("#review").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#review")).not_to_be_focused()


def test_without_a_script_the_page_says_why_it_cannot_serve(serve_desk, new_page, expect):
    desk, page = serve_desk(), new_page(java_script_enabled=False)
    page.goto(desk.address)
    page.get_by_role("button", name="Coller un avis").click()
    page.wait_for_load_state()
    assert page.locator("noscript").bounding_box()["height"] > 30
    expect(page.locator("#work")).to_be_hidden()
