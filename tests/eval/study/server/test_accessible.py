"""Every page of the study for people who use no mouse, or hear the page: keys alone suffice, axe-core finds nothing."""

import pytest


@pytest.fixture
def expect():
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)
    return expect


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


def press(page, expect, *keys):
    """Press keys that lead to another page."""
    title = page.title()
    for key in keys:
        page.keyboard.press(key)
    expect(page).not_to_have_title(title)
    page.wait_for_load_state()


def test_a_whole_sitting_by_keys_alone(serve_study, chromium_page, expect):
    study, page = serve_study(2, 2, comparisons=2, finals=1), chromium_page
    page.goto(study.url("A001"))
    tab_to(page, "Je préfère ne pas le dire")
    page.keyboard.press("ArrowUp")
    tab_to(page, "J’accepte")
    press(page, expect, "Enter")
    for text in ("Première réponse.", "Seconde réponse."):
        tab_to(page, "Commencer")
        press(page, expect, "Enter")
        expect(page.locator("#text")).to_be_editable()
        tab_to(page, "Pause")
        page.keyboard.press("Space")
        page.keyboard.press("Enter")  # the button that goes on has the focus
        expect(page.locator("#work")).to_be_visible()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Shift+Tab")  # from the pause, past the button that sends, back to the field
        page.keyboard.press("Control+A")
        page.keyboard.type(text)
        press(page, expect, "Control+Enter")
    tab_to(page, "Commencer")
    press(page, expect, "Enter")
    press(page, expect, "2", "Enter")
    page.keyboard.press("3")
    tab_to(page, "Ton plus juste")
    page.keyboard.press("Space")
    tab_to(page, "Valider")
    press(page, expect, "Enter")
    expect(page.locator(".key")).to_contain_text("revenez par le même lien")
    answers = study.store.db.all("SELECT text, choice, reasons FROM answer ORDER BY at, task")
    assert [answer["text"] for answer in answers[:2]] == ["Première réponse.", "Seconde réponse."]
    assert [answer["choice"] for answer in answers[2:]] == ["right", "equal"]
    assert answers[3]["reasons"] == '["tone"]'
    assert study.store.db.one("SELECT experience FROM agent WHERE id = 'A001'")["experience"] == "expert"


def test_keys_of_one_letter_can_be_switched_off(serve_study, chromium_page, expect):
    study, page = serve_study(2, 2), chromium_page
    to_comparison(study)
    page.goto(f"{study.url('A001')}/suite?partie=drafts")
    page.keyboard.press("Shift+Digit4")  # how a French keyboard gives a digit
    expect(page.locator("#choice-neither")).to_be_checked()
    page.keyboard.press("Control+1")
    expect(page.locator("#choice-neither")).to_be_checked()
    page.locator("#keys").uncheck()
    page.keyboard.press("1")
    expect(page.locator("#choice-neither")).to_be_checked()
    page.reload()
    expect(page.locator("#keys")).not_to_be_checked()


def to_comparison(study):
    """Write what A001 is to write, without a browser."""
    store = study.store
    store.people.begin("A001", None)
    while (task := store.next_task("A001")).kind == "writing":
        tab = store.open_task("A001", task.id).tab
        store.submit("A001", task.id, tab, "Bonjour.", {})


def test_without_a_script_a_comparison_works_and_a_timed_reply_says_why_not(serve_study, new_page, expect):
    study, page = serve_study(2, 2), new_page(java_script_enabled=False)
    page.goto(study.url("A001"))
    page.get_by_role("button", name="J’accepte").click()
    page.get_by_role("link", name="Commencer").click()
    assert page.locator("noscript").bounding_box()["height"] > 30
    expect(page.locator("#text")).to_be_hidden()
    to_comparison(study)
    page.goto(f"{study.url('A001')}/suite?partie=drafts")
    expect(page.locator("#keys")).to_be_hidden()
    page.get_by_label("Le premier").check()
    page.get_by_role("button", name="Valider").click()
    expect(page.locator("h1")).to_have_text("Comparaison 2 sur 2")


def test_axe_finds_nothing_on_any_page(serve_study, chromium_page, expect, assert_accessible):
    """Every page and state once, on a phone and on a desk; a title of one long word widens none."""
    study, page = serve_study(2, 2, comparisons=1), chromium_page
    for item in study.store.items.values():
        object.__setattr__(item, "title", "Anticonstitutionnellement" * 12)
    seen = []

    def check():
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_load_state()  # a page without its style yet is wider
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert_accessible(page)
        seen.append(page.title().partition(" – ")[0].partition(" ")[0])

    page.goto(study.url("A001"))
    check()
    page.get_by_role("button", name="J’accepte").click()
    check()
    page.get_by_role("link", name="Commencer").click()
    expect(page.locator("#text")).to_be_editable()
    page.get_by_text("Signaler un problème").click()
    check()
    page.get_by_role("button", name="Pause").click()
    check()
    newer = page.context.new_page()
    newer.goto(page.url)
    expect(page.locator("#elsewhere")).to_be_visible()
    check()
    newer.close()
    to_comparison(study)
    page.goto(f"{study.url('A001')}/suite?partie=drafts")
    check()
    page.get_by_label("Le premier").check()
    page.get_by_role("button", name="Valider").click()
    page.get_by_text("Quitter l’étude").first.click()
    check()
    page.goto(study.url("organiser"))
    page.get_by_role("button", name="Faire un nouveau lien").click()  # of nobody: no link ends by one click
    expect(page.locator(".warning")).to_have_count(0)
    page.get_by_label("Agent qui a besoin d’un lien").select_option("A001")
    page.get_by_role("button", name="Faire un nouveau lien").click()
    check()
    expect(page.locator(".warning")).to_be_visible()
    for where in (f"{study.address}/", study.url("A002") + "x"):
        page.goto(where)
        check()
    assert seen == ["Bienvenue", "Répondre", "Avis", "Avis", "Avis", "Comparaison", "Où", "Suivi", "Étude", "Lien"]
