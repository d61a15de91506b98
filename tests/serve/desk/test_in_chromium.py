"""Agents work at the desk in real Chromium, with a clock that the test moves; desk and browser are killed."""

import datetime as dt
import re
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from serve.guard.refusal import Reason, Refusal

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
        """Paste a review and wait for its draft; a place that the guard left open is filled."""
        self.paste(**fields)
        self.page.get_by_role("button", name="Demander un brouillon").click()
        self.ready("#text")

    def text(self):
        return self.page.locator("#text").input_value()

    def decided(self):
        """Wait for the decision; one that meets a save under way waits by the page's clock, which stands still."""
        done = self.page.locator("#done")
        for _ in range(10):
            with suppress(AssertionError):
                return self.expect(done).to_be_visible(timeout=2000)
            self.page.clock.run_for(100)
        return self.expect(done).to_be_visible()

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
    at.expect(at.page.locator("#decide")).to_have_text("Accepter sans changement")
    at.page.locator("#text").fill("Bonjour Zaza29,")
    at.page.locator("#text").focus()
    at.wait(12, 60, 61, 7.25)  # the third is longer than the cap
    at.page.keyboard.type(" nous vous répondrons.")
    at.page.get_by_role("button", name="Voir ce qui diffère").click()
    at.expect(at.page.locator("#differences")).to_be_visible()
    at.page.get_by_role("button", name="Enregistrer mon texte").click()
    at.decided()
    (decision,) = guard.decisions.values()
    assert decision["outcome"] == "edited"
    assert decision["seconds"] == 12 + 60 + 7.25
    assert decision["final"] == "Bonjour Zaza29, nous vous répondrons."
    at.expect(at.page.locator("#final-text")).to_have_text(decision["final"])
    at.expect(at.page.get_by_role("heading", level=1)).to_be_focused()
    at.page.keyboard.press("c")
    at.expect(at.page.locator("#done-words")).to_contain_text("Texte copié.")
    assert at.page.evaluate("navigator.clipboard.readText()") == decision["final"]


def test_time_counts_on_every_page_with_a_draft_and_nowhere_else(serve_desk, agent, guard):
    at = agent(serve_desk())
    at.paste()
    at.wait(30)  # nobody reads a draft yet
    at.page.get_by_text("Consigne, ton").click()
    at.page.locator("#alternatives").select_option("3")
    at.page.get_by_role("button", name="Demander un brouillon").click()
    at.expect(at.page.locator(".sides section")).to_have_count(3)
    at.expect(at.page.locator("#saved")).to_contain_text("au fur et à mesure")
    at.wait(5)
    at.page.keyboard.press("2")
    at.ready("#text")
    assert "ants.gouv.fr" in at.text()
    at.wait(8)
    at.page.locator("#instruction").fill("plus court")
    at.page.get_by_role("button", name="Redemander").click()
    at.expect(at.page.locator("h1")).to_contain_text("brouillon 4")
    at.ready("#text")
    at.wait(4)
    at.page.get_by_role("button", name="Rejeter").click()
    at.decided()
    assert guard.asked[-1]["instruction"] == "plus court"
    ((identity, decision),) = guard.decisions.items()
    assert identity.endswith("3")  # the fourth draft
    assert decision == {"outcome": "rejected", "seconds": 5 + 8 + 4}


# --- nothing is lost


def test_a_refusal_is_told_in_the_page_which_goes_on(serve_desk, agent, guard):
    at = agent(serve_desk())
    at.paste(title="Carte grise")
    guard.refuse = Refusal(Reason.REVIEW_NOT_MASKED, why="down")
    at.page.get_by_role("button", name="Demander un brouillon").click()
    at.expect(at.page.locator("#refused-title")).to_be_focused()
    at.expect(at.page.locator("#refused-title")).to_have_text(re.compile("non pseudonymisé"))
    at.expect(at.page.locator("#review")).to_have_value(REVIEW)
    at.page.locator("#review").fill(REVIEW + " Merci.")
    guard.refuse = None
    at.page.get_by_role("button", name="Demander un brouillon").click()
    at.ready("#text")
    assert guard.asked[0]["review"] == REVIEW + " Merci."
    assert guard.asked[0]["title"] == "Carte grise"


def test_two_tabs_the_newest_holds_the_review(serve_desk, agent):
    at = agent(serve_desk())
    at.ask()
    at.page.locator("#text").fill("du premier")
    at.wait(10)
    at.saved()
    first = at.page
    at.page = first.context.new_page()
    at.page.goto(first.url)
    at.ready("#text")
    at.expect(first.locator("#elsewhere-words")).to_contain_text("dans un autre onglet")
    at.expect(first.locator("#work")).to_be_hidden()
    at.expect(at.page.locator("#text")).to_have_value("du premier")


def test_a_browser_that_is_killed_finds_review_text_and_time_again(serve_desk, agent, guard):
    desk = serve_desk()
    at = agent(desk)
    at.paste(title="Carte grise")
    at.saved()
    at.page.context.new_cdp_session(at.page).send("Page.navigate", {"url": "chrome://crash"})
    at = agent(desk)
    at.page.goto(desk.address)
    at.page.get_by_role("link", name="Carte grise").click()
    at.ready("#review")
    at.expect(at.page.locator("#review")).to_have_value(REVIEW)
    at.page.keyboard.press("Tab")
    at.page.locator("#review").press("Control+Enter")
    at.ready("#text")
    at.page.locator("#text").fill("écrit avant la panne")
    at.wait(9)
    passed = at.saved()
    at.page.context.new_cdp_session(at.page).send("Page.navigate", {"url": "chrome://crash"})
    at = agent(desk)
    at.page.goto(desk.address)
    at.page.keyboard.press("o")
    at.ready("#text")
    at.expect(at.page.locator("#text")).to_have_value("écrit avant la panne")
    at.wait(2)
    at.page.locator("#text").press("Control+Enter")
    at.decided()
    (decision,) = guard.decisions.values()
    assert decision == {"outcome": "edited", "final": "écrit avant la panne", "seconds": 9 + 2}
    assert passed >= 2


DESK = """
import sys
from pathlib import Path
from serve.desk.config import DeskConfig
from serve.desk.run import run
guard, key, state, port = sys.argv[1:]
run(DeskConfig(guard=guard, key_file=Path(key), state=Path(state), port=int(port)), None)
"""


class Elsewhere:
    """A desk in another process."""

    def __init__(self, guard, folder):
        self.command = [sys.executable, "-c", DESK, guard, str(folder / "key"), str(folder / "desk")]
        self.port = 0
        self.start()

    def start(self):
        self.process = subprocess.Popen([*self.command, str(self.port)], stdout=subprocess.PIPE, text=True)
        self.port = int(re.search(r":(\d+)/ asks", self.process.stdout.readline())[1])
        self.address = f"http://127.0.0.1:{self.port}"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def test_desk_and_guard_are_killed_in_the_middle_and_nothing_is_lost(served, tmp_path, agent, guard):
    (tmp_path / "key").write_text("cle-du-bureau")
    desk = Elsewhere(served(guard.app()), tmp_path)
    try:
        at = agent(desk)
        at.ask(title="Carte grise")
        at.page.locator("#text").fill("tapé avant")
        at.saved()
        desk.kill()
        at.page.locator("#text").fill("tapé pendant la panne")
        at.page.clock.run_for(2000)
        at.expect(at.page.locator("#saved")).to_contain_text("ne répond pas")
        guard.refuse = Refusal(Reason.DRAINING)  # the guard goes, too
        at.page.get_by_role("button", name="Enregistrer mon texte").click()
        desk.start()
        at.page.clock.run_for(3000)
        at.decided()
        at.expect(at.page.locator("#done-words")).to_contain_text("le serveur ne l’a pas encore")
        desk.kill()
        guard.refuse = None
        desk.start()  # what waited is sent at once
        for _ in range(100):
            if guard.decisions:
                break
            at.page.wait_for_timeout(50)
        (decision,) = guard.decisions.values()
        assert (decision["outcome"], decision["final"]) == ("edited", "tapé pendant la panne")
        at.page.on("dialog", lambda dialog: dialog.accept())  # the text was not copied: the browser asks
        at.page.goto(desk.address)
        at.expect(at.page.locator("#attente")).to_have_count(0)
    finally:
        desk.process.kill()
        desk.process.wait()
