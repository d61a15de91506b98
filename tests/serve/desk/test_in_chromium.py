"""Agents work at the desk in real Chromium, with a clock that the test moves: draft, edit, decide; killed in the middle."""

import datetime as dt

import pytest

START = dt.datetime(2026, 11, 30, 9, 0, tzinfo=dt.UTC)
REVIEW = "Ma carte grise n’arrive pas depuis trois semaines. Personne ne répond au téléphone."


@pytest.fixture
def expect():
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)
    return expect


class Agent:
    """One agent in a browser of their own, whose clock stands still until `wait`."""

    def __init__(self, new_page, desk, expect, **options):
        self.desk, self.expect = desk, expect
        self.page = new_page(**options)
        self.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page.clock.install(time=START)
        self.page.clock.pause_at(START + dt.timedelta(seconds=1))

    def paste(self, review=REVIEW, **fields):
        self.page.goto(self.desk.address)
        self.page.get_by_role("button", name="Coller un avis").click()
        self.ready("#review")
        self.page.locator("#review").fill(review)
        for name, text in fields.items():
            self.page.locator(f"#{name}").fill(text)

    def ask(self, **fields):
        self.paste(**fields)
        self.page.get_by_role("button", name="Demander un brouillon").click()
        self.ready("#text")

    def ready(self, field):
        self.expect(self.page.locator(field)).to_be_editable()

    def wait(self, *seconds):
        """Let so much time pass, with a key pressed after each."""
        for each in seconds:
            self.page.clock.run_for(round(1000 * each))
            self.page.keyboard.press("End")

    def saved(self):
        """Let autosaves happen until the desk has all; give the seconds."""
        for times in range(1, 50):
            self.page.clock.run_for(2000)
            if self.page.evaluate("tab.isConfirmed()"):
                return 2 * times
            self.page.wait_for_timeout(50)
        raise AssertionError("never saved")


@pytest.fixture
def agent(new_page, expect):
    return lambda desk, **options: Agent(new_page, desk, expect, **options)


def test_a_review_from_the_paste_to_the_decision(serve_desk, agent, guard):
    at = agent(serve_desk())
    at.ask(title="Carte grise", structure="ANTS", pseudonym="Zaza29")
    (asked,) = guard.asked
    assert {name: asked[name] for name in ("review", "title", "structure", "pseudonym")} == {
        "review": REVIEW, "title": "Carte grise", "structure": "ANTS", "pseudonym": "Zaza29",
    }  # fmt: skip
    at.page.locator("#text").focus()
    at.wait(12, 60, 61, 7.25)  # the third is longer than the cap
    at.page.keyboard.type(" Bien à vous.")
    at.expect(at.page.locator("#decide")).to_have_text("Enregistrer mon texte")
    at.page.get_by_role("button", name="Enregistrer mon texte").click()
    at.expect(at.page.locator("#done")).to_be_visible()
    (decision,) = guard.decisions.values()
    assert decision["outcome"] == "edited"
    assert decision["seconds"] == 12 + 60 + 7.25
    assert "Bien à vous." in decision["final"]
    assert at.page.locator("#final-text").inner_text().strip() == decision["final"]
