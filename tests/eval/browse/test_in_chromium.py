"""The pages in a real browser: by keyboard alone, without script, on a phone, on paper; axe-core finds no violation."""

import pytest

from eval.browse.app import make

VIEWS = ("/?text=7", "/?text=nulle+part", "/items/0001-1", "/items/0005-1?text=x", "/?page=x")


@pytest.fixture
def address(items, served):
    return served(make(items))


def test_every_page_is_accessible_and_fits_a_phone(address, chromium_page, assert_accessible):
    page = chromium_page
    for view in VIEWS:
        page.goto(address + view)
        assert_accessible(page)
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, view
        page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{address}/items/0007-1")
    assert page.title().startswith("Avis 0007-1")  # not what the review's script would write


def test_the_keyboard_alone_suffices(address, chromium_page, items, assert_accessible):
    page = chromium_page
    page.goto(address)

    def press(*keys):
        for key in keys:
            page.keyboard.press(key)
        page.wait_for_load_state()

    press("/")
    page.keyboard.type("numero 11.")
    with page.expect_navigation():
        press("Enter")
    assert page.url.endswith("/?text=numero+11.")
    for key, leads_to in (("o", "/items/0011-1?"), ("n", "/items/0111-1?"), ("l", "/?text="), ("o", "/items/0011-1?")):
        with page.expect_navigation():
            press(key)
        assert f"{address}{leads_to}" in page.url
    press("p")  # there is none
    press("m")
    page.keyboard.type("Une note : n, p et / ne sont ici que des lettres.")
    with page.expect_navigation():
        press("Control+Enter")
    assert page.url.endswith("#note")
    assert items.notes.of("0011-1") == "Une note : n, p et / ne sont ici que des lettres."
    assert_accessible(page)
    press("Escape")
    with page.expect_navigation():
        press("/")  # to the list, whose filter has the focus
    assert page.evaluate("document.activeElement.id") == "text"


def test_one_key_shortcuts_are_switched_off(address, chromium_page):
    page = chromium_page
    page.goto(f"{address}/items/0001-1")
    page.get_by_label("Raccourcis à une touche").uncheck()
    page.goto(f"{address}/items/0001-1")
    page.keyboard.press("n")
    page.keyboard.press("m")
    assert page.evaluate("document.activeElement === document.body")
    assert "0001-1" in page.url


def test_without_script_tab_and_enter_do_everything(address, new_page, items):
    page = new_page(java_script_enabled=False)
    page.goto(f"{address}/?network=CAF")

    def tab_to(role, name):
        target = page.get_by_role(role, name=name, exact=True)
        for _ in range(60):
            page.keyboard.press("Tab")
            if target.and_(page.locator(":focus")).count():
                return
        raise AssertionError(f"Tab does not reach {name}")

    tab_to("link", "Avis 0001-1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/items/0001-1?*")
    tab_to("link", "Avis suivant")
    page.keyboard.press("Enter")
    page.wait_for_url("**/items/0003-1?*")
    tab_to("textbox", "Votre note sur cet avis")
    page.keyboard.type("sans script")
    tab_to("button", "Enregistrer la note")
    page.keyboard.press("Enter")
    page.wait_for_url("**#note")
    assert items.notes.of("0003-1") == "sans script"


def test_downloads(address, chromium_page):
    chromium_page.goto(f"{address}/?check=check:promises&change=lost&system=1")
    for name, file in (("CSV", "plume-avis.csv"), ("JSON", "plume-avis.jsonl")):
        with chromium_page.expect_download() as got:
            chromium_page.get_by_role("link", name=f"Télécharger en {name}").click()
        assert got.value.suggested_filename == file


def test_paper_holds_the_note_and_no_buttons(address, chromium_page, items):
    items.notes.keep("0001-1", "à imprimer", items.notes.digest("0001-1"))
    chromium_page.goto(f"{address}/items/0001-1")
    chromium_page.emulate_media(media="print")
    assert chromium_page.get_by_text("à imprimer").first.is_visible()
    assert not chromium_page.get_by_role("button").count()
    chromium_page.set_viewport_size({"width": 694, "height": 900})
    assert chromium_page.evaluate("document.documentElement.scrollWidth") <= 694
