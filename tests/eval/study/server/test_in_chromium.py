"""Agents work in real Chromium, with a clock that the test moves: times, tabs, a lost connection, keys alone."""

import datetime as dt
import re
import signal
import subprocess
import sys
from dataclasses import dataclass

import pytest

from eval.study import exports
from eval.study.store import Store

START = dt.datetime(2026, 11, 30, 9, 0, tzinfo=dt.UTC)


@pytest.fixture
def expect():
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)
    return expect


class Person:
    """One agent in a browser of their own, whose clock stands still until `wait`."""

    def __init__(self, new_page, study, name, expect, **options):
        self.study, self.name, self.expect = study, name, expect
        self.page = self._fresh(new_page(**options))

    def _fresh(self, page):
        page.clock.install(time=START)
        page.clock.pause_at(START + dt.timedelta(seconds=1))
        return page

    def begin(self):
        self.page.goto(self.study.url(self.name))
        self.page.get_by_role("button", name="J’accepte").click()

    def go_on(self):
        """Past an announcement, to the task; what kind it is."""
        if self.page.get_by_role("link", name="Commencer").count():
            self.page.get_by_role("link", name="Commencer").click()
        if self.page.locator("#text").count():
            return self.ready()
        return "comparison" if self.page.locator("#comparison").count() else "none"

    def ready(self):
        self.expect(self.page.locator("#text")).to_be_editable()
        return "draft" if self.page.locator("#drop").count() else "blank"

    def wait(self, *seconds):
        """Let so much time pass, with a key pressed after each."""
        for each in seconds:
            self.page.clock.run_for(round(1000 * each))
            self.page.keyboard.press("End")

    def saved(self):
        """Let autosaves happen until the server has all; give the seconds. One on its way puts off the next."""
        for times in range(1, 50):
            self.page.clock.run_for(2000)
            if self.page.evaluate("tab.isConfirmed()"):
                self.expect(self.page.locator("#saved")).to_have_text("Enregistré.")
                return 2 * times
            self.page.wait_for_timeout(50)
        raise AssertionError("never saved")

    def submits(self):
        title = self.page.title()
        self.page.get_by_role("button", name="Envoyer").click()
        self.expect(self.page).not_to_have_title(title)

    def judges(self, choice):
        """Compare two texts, if there are any to compare."""
        if self.go_on() != "comparison":
            return
        title = self.page.title()
        self.page.locator(f"#choice-{choice}").check()
        self.page.get_by_role("button", name="Valider").click()
        self.expect(self.page).not_to_have_title(title)


@pytest.fixture
def person(new_page, expect):
    return lambda study, name="A001", **options: Person(new_page, study, name, expect, **options)


def measured(folder, agent):
    """What the records say of each writing of an agent, in the order of work."""
    found = sorted((w for w in exports.read(folder).writings if w.agent == agent), key=lambda w: w.position)
    return [
        {
            "arm": w.arm,
            "active": w.active_seconds,
            "pauses": list(w.pauses),
            "keys": w.keystrokes,
            "pasted": w.pasted_characters,
        }
        for w in found
    ]


# --- the whole study


def test_three_agents_at_once_from_consent_to_the_last_rating(serve_study, person):
    study = serve_study(3, 4, comparisons=1, finals=4)
    people = [person(study, f"A00{n}") for n in (1, 2, 3)]
    wanted = {each.name: [] for each in people}
    for each in people:
        each.begin()
    for turn in range(4):  # each step by all three, before any takes the next
        for each in people:
            arm = each.go_on()
            each.page.locator("#text").focus()
            wanted[each.name].append(
                {"arm": arm, "active": 20 + turn + 7.25 + 60, "pauses": [20 + turn, 60, 61, 300.5], "pasted": 0}
            )
        for number, each in enumerate(people):
            each.wait(20 + turn, 7.25, 60, 61, 300.5)  # the last two are longer than the cap of 60 s
            each.page.keyboard.type("Merci" + "!" * number)
            wanted[each.name][-1]["keys"] = 5 + 5 + number  # five times End, then what is typed
        for each in people:
            each.submits()
    for each in people:
        assert measured(study.store.folder, each.name) == wanted[each.name]
        arms = [each["arm"] for each in wanted[each.name]]
        assert arms in (["draft"] * 2 + ["blank"] * 2, ["blank"] * 2 + ["draft"] * 2)
    assert len({tuple(w["arm"] for w in done) for done in wanted.values()}) == 2  # both orders
    for turn in range(4):  # as many as one of them may have to rate
        for each in people:
            each.judges(("left", "right", "equal", "neither")[turn])
    for each in people:
        each.judges("left")
    for each in people:
        each.page.goto(study.url(each.name))
        each.expect(each.page.locator(".key")).to_contain_text("Tout est fait")
    tasks = study.store.db.all("SELECT * FROM task")
    assert [row["kind"] for row in tasks].count("drafts") == 3
    finals = [row for row in tasks if row["kind"] == "finals"]
    assert sorted(row["item"] for row in finals) == sorted(study.store.items)  # by the one who wrote neither
    writer = {row["id"]: row["agent"] for row in tasks}
    assert all(row["agent"] not in (writer[row["one_text"]], writer[row["other_text"]]) for row in finals)


# --- time


def test_keys_and_pastes_are_counted_and_a_pause_is_not_time(serve_study, person):
    at = person(serve_study(2, 2), permissions=["clipboard-read", "clipboard-write"])
    at.begin()
    at.go_on()
    field = at.page.locator("#text")
    field.select_text()
    at.page.keyboard.type("Elan")
    at.page.evaluate("navigator.clipboard.writeText('collé 🙂')")
    at.page.keyboard.press("Control+V")
    at.wait(5)
    at.page.get_by_role("button", name="Pause").click()
    at.expect(at.page.locator("#work")).to_be_hidden()
    at.expect(at.page.get_by_role("button", name="Reprendre", exact=True)).to_be_focused()
    at.page.clock.run_for(45_000)
    at.page.get_by_role("button", name="Reprendre", exact=True).click()
    at.page.clock.run_for(3000)
    field.press("!")
    at.submits()
    (done,) = measured(at.study.store.folder, "A001")
    assert done == {"arm": done["arm"], "active": 8.0, "pauses": [], "keys": 4 + 1 + 1 + 1, "pasted": 7}
    assert at.study.store.db.one("SELECT text FROM answer")["text"] == "Elancollé 🙂!"


def test_the_time_of_a_slow_server_is_not_the_agents(serve_study, person):
    """Neither the way to the page nor the sending counts."""
    at = person(serve_study(2, 2))
    at.begin()
    at.go_on()
    at.wait(4)
    at.page.route("**/envoi*", lambda route: route.abort())
    at.page.get_by_role("button", name="Envoyer").click()
    at.expect(at.page.locator("#saved")).to_contain_text("ne répond pas")
    at.expect(at.page.locator("#text")).not_to_be_editable()
    at.page.unroute("**/envoi*")
    title = at.page.title()
    at.page.clock.run_for(30_000)
    at.page.mouse.move(50, 50)
    at.expect(at.page).not_to_have_title(title)
    at.page.clock.run_for(50_000)
    (done,) = measured(at.study.store.folder, "A001")
    assert (done["active"], done["pauses"]) == (4.0, [])


def test_nothing_but_counts_leaves_the_page(serve_study, person):
    at = person(serve_study(2, 2))
    at.begin()
    sent = []
    at.page.on("request", lambda asked: sent.append(asked.post_data_json) if "/texte" in asked.url else None)
    at.go_on()
    at.page.locator("#text").select_text()
    at.page.keyboard.type("secretX")
    for _ in range(7):
        at.page.keyboard.press("Backspace")
    at.page.keyboard.type("Bonjour")
    at.saved()
    found = sent[-1]
    assert set(found) == {
        *("tab", "sequence", "text", "dropped", "active_seconds", "pauses", "keystrokes", "pasted_characters")
    }
    assert (found["text"], found["keystrokes"]) == ("Bonjour", 3 * 7)


def test_a_draft_that_is_dropped_is_rejected_and_can_be_taken_back(serve_study, person):
    at = person(serve_study(2, 2))
    at.begin()
    while at.go_on() != "draft":
        at.page.locator("#text").fill("Bonjour.")
        at.submits()
    draft = at.page.locator("#text").input_value()
    at.page.get_by_role("button", name="Écarter").click()
    at.expect(at.page.locator("#text")).to_have_value("")
    at.page.keyboard.type("Ma réponse.")
    at.page.get_by_role("button", name="Reprendre le brouillon").click()
    at.expect(at.page.locator("#text")).to_have_value(draft)
    at.page.get_by_role("button", name="Écarter").click()
    at.expect(at.page.locator("#text")).to_have_value("Ma réponse.")
    at.submits()
    row = at.study.store.db.one("SELECT text, outcome FROM answer WHERE outcome IS NOT NULL")
    assert tuple(row) == ("Ma réponse.", "rejected")


def test_an_untouched_draft_is_accepted_letter_by_letter(serve_study, person):
    draft = "Bonjour : merci !\n\n  « Voici » 12 % ; oui\u00a0?"
    study = serve_study(2, 2)
    for item in study.store.items.values():
        item.drafts.update(dict.fromkeys(item.drafts, draft))
    at = person(study)
    at.begin()
    while at.go_on() != "draft":
        at.page.locator("#text").fill("Bonjour.")
        at.submits()
    at.submits()
    assert study.store.db.one("SELECT text FROM answer WHERE outcome = 'accepted'")["text"] == draft


def test_a_draft_that_was_dropped_stays_dropped_after_a_reload(serve_study, person):
    at = person(serve_study(2, 2))
    at.begin()
    while at.go_on() != "draft":
        at.page.locator("#text").fill("Bonjour.")
        at.submits()
    at.page.get_by_role("button", name="Écarter").click()
    at.saved()
    at.page.reload()
    at.ready()
    at.expect(at.page.get_by_role("button", name="Reprendre le brouillon")).to_be_visible()
    at.page.locator("#text").fill("Ma réponse.")
    at.submits()
    row = at.study.store.db.one("SELECT text, outcome FROM answer WHERE outcome IS NOT NULL")
    assert tuple(row) == ("Ma réponse.", "rejected")


def test_a_gap_near_the_cap_is_work_or_a_pause_for_page_and_analysis_alike(serve_study, person):
    at = person(serve_study(2, 2))
    at.begin()
    at.go_on()
    for gap in (59_999.6, 60_000, 60_000.4, 60_000.6, 60_001):
        counted = at.page.evaluate(
            """gap => { const now = performance.now; performance.now = () => 0; const timer = new Timer(60);
            timer.start(); performance.now = () => gap; timer.sign(); performance.now = now;
            return timer.counters(); }""",
            gap,
        )
        (pause,) = counted["pauses"]
        assert counted["active_seconds"] == (pause if pause <= 60 else 0)


# --- nothing is lost


def test_two_tabs_do_not_count_twice_and_the_newest_holds_the_task(serve_study, person):
    at = person(serve_study(2, 2))
    at.begin()
    at.go_on()
    at.page.locator("#text").fill("du premier")
    at.wait(10)
    at.saved()
    first = at.page
    at.page = first.context.new_page()
    at.page.goto(first.url)
    at.ready()
    at.expect(first.locator("#elsewhere")).to_contain_text("dans un autre onglet")
    at.expect(first.locator("#work")).to_be_hidden()
    first.clock.run_for(40_000)  # time is of the whole browser: it passes in the new tab, too
    at.expect(at.page.locator("#text")).to_have_value("du premier")
    at.page.locator("#text").fill("du second")
    at.wait(5)
    at.submits()
    (done,) = measured(at.study.store.folder, "A001")
    assert (done["active"], done["pauses"]) == (10 + 40 + 5, [40])
    assert at.study.store.db.one("SELECT text FROM answer")["text"] == "du second"


def test_a_text_that_another_tab_never_saw_can_still_be_copied(serve_study, person):
    at = person(serve_study(2, 2))
    at.begin()
    at.go_on()
    at.page.route("**/texte", lambda route: route.abort())
    at.page.locator("#text").fill("tapé sans connexion")
    at.page.clock.run_for(2000)
    at.expect(at.page.locator("#saved")).to_contain_text("ne répond pas")
    other = at.page.context.browser.new_context()
    try:
        page = other.new_page()
        page.goto(at.page.url)
        at.expect(page.locator("#text")).to_be_editable()
    finally:
        other.close()
    at.page.unroute("**/texte")
    at.page.clock.run_for(2000)
    at.expect(at.page.locator("#elsewhere")).to_be_visible()
    at.expect(at.page.locator("#unsaved-text")).to_have_text("tapé sans connexion")


def test_an_answer_by_something_between_page_and_server_confirms_nothing(serve_study, person):
    """A proxy that asks for a password, say: it answers 200 with a page of its own."""
    at = person(serve_study(2, 2))
    at.begin()
    at.go_on()
    for where in ("**/texte", "**/envoi*"):
        at.page.route(where, lambda route: route.fulfill(status=200, content_type="text/html", body="<h1>Proxy</h1>"))
    at.page.locator("#text").fill("tapé derrière le proxy")
    at.page.clock.run_for(2000)
    at.expect(at.page.locator("#saved")).to_contain_text("ne répond pas")
    at.page.get_by_role("button", name="Envoyer").click()
    at.expect(at.page.locator("#text")).not_to_be_editable()
    at.page.unroute_all()
    title = at.page.title()
    at.page.clock.run_for(3000)
    at.expect(at.page).not_to_have_title(title)
    assert at.study.store.db.one("SELECT text FROM answer")["text"] == "tapé derrière le proxy"


def test_a_server_that_says_nothing_is_told_and_asked_again(serve_study, person):
    at = person(serve_study(2, 2))
    at.page.add_init_script("AbortSignal.timeout = () => AbortSignal.abort()")
    at.begin()
    at.page.get_by_role("link", name="Commencer").click()
    at.expect(at.page.locator("#saved")).to_contain_text("ne répond pas")


def test_a_text_that_is_too_long_is_told_and_survives_a_reload(serve_study, person):
    at = person(serve_study(2, 2))
    at.begin()
    at.go_on()
    at.page.locator("#text").fill("é" * 20_001)
    at.page.clock.run_for(2000)
    at.expect(at.page.locator("#saved")).to_contain_text("dépasse 20 000 caractères")
    at.page.get_by_role("button", name="Envoyer").click()
    at.expect(at.page.locator("#saved")).to_contain_text("dépasse 20 000 caractères")
    at.expect(at.page.locator("#text")).to_be_editable()
    at.page.on("dialog", lambda dialog: dialog.accept())
    at.page.reload()
    at.ready()
    at.expect(at.page.locator("#unsaved-text")).to_have_text("é" * 20_001)
    at.page.locator("#text").fill("")
    at.page.get_by_role("button", name="Envoyer").click()
    at.expect(at.page.locator("#saved")).to_have_text("Écrivez votre réponse avant de l’envoyer.")
    at.expect(at.page.locator("#text")).to_be_focused()


def test_a_reload_and_a_lost_connection_keep_text_and_time(serve_study, person):
    at = person(serve_study(2, 2))
    at.begin()
    at.go_on()
    at.page.route("**/texte", lambda route: route.abort())
    at.page.locator("#text").fill("jamais enregistré")
    at.wait(12)
    at.page.clock.run_for(2000)
    at.expect(at.page.locator("#saved")).to_contain_text("ne répond pas")
    at.expect(at.page.get_by_role("status")).to_contain_text("ne répond pas")
    at.page.on("dialog", lambda dialog: dialog.accept())  # the browser asks before it leaves unsaved work
    at.page.unroute("**/texte")
    at.page.reload()
    at.ready()
    at.expect(at.page.locator("#text")).to_have_value("jamais enregistré")
    at.wait(3)
    at.submits()
    (done,) = measured(at.study.store.folder, "A001")
    assert (done["active"], done["pauses"]) == (15.0, [12])


def test_a_page_that_is_closed_saves_first(serve_study, person):
    at = person(serve_study(2, 2))
    at.begin()
    at.go_on()
    at.page.locator("#text").fill("juste avant de fermer")
    at.wait(1)
    closed = at.page
    at.page = closed.context.new_page()
    closed.close(run_before_unload=True)
    for _ in range(100):
        if at.study.store.db.one("SELECT text FROM tab WHERE text = 'juste avant de fermer'"):
            break
        at.page.wait_for_timeout(50)
    at.page.goto(f"{at.study.url('A001')}/suite")
    at.go_on()
    at.expect(at.page.locator("#text")).to_have_value("juste avant de fermer")


def test_a_browser_that_is_killed_resumes_with_the_text(serve_study, person):
    study = serve_study(2, 2)
    at = person(study)
    at.begin()
    at.go_on()
    at.page.locator("#text").fill("écrit avant la panne, par Durand")
    at.wait(9)
    at.saved()
    at.page.context.new_cdp_session(at.page).send("Page.navigate", {"url": "chrome://crash"})
    back = person(study)
    back.page.goto(study.url("A001"))
    back.page.get_by_role("link", name="Continuer").click()
    back.go_on()
    back.expect(back.page.locator("#text")).to_have_value("écrit avant la panne, par [MASQUÉ]")
    back.wait(2)
    back.submits()
    (done,) = measured(study.store.folder, "A001")
    assert done["active"] == 11.0


SERVER = """
import sys
from pathlib import Path
from eval.study.server.app import make_app
from eval.study import exports
from eval.study.store import Store
from plume.page.local_app import run
run(make_app(Store(Path(sys.argv[1]), mask=str)), "127.0.0.1", int(sys.argv[2]))
"""


@dataclass
class Address:
    """Where one agent's pages are, of a server in another process."""

    agent: str

    def url(self, _):
        return self.agent


def start(folder, port=0):
    command = [sys.executable, "-c", SERVER, str(folder), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    return process, int(re.search(r":(\d+)/", process.stdout.readline())[1])


def test_a_killed_server_loses_no_answer_and_the_page_goes_on(open_store, person):
    store = open_store(2, 4)
    link, folder = store.people.new_link("A001"), store.folder
    store.close()
    process, port = start(folder)
    try:
        study = Address(f"http://127.0.0.1:{port}/a/{link}")
        at = person(study)
        at.begin()
        at.go_on()
        at.page.locator("#text").fill("envoyé avant")
        at.submits()
        at.go_on()
        at.page.locator("#text").fill("tapé avant")
        passed = at.saved()
        process.send_signal(signal.SIGKILL)
        process.wait()
        at.page.locator("#text").fill("tapé pendant la panne")
        at.wait(6)
        at.expect(at.page.locator("#saved")).to_contain_text("ne répond pas")
        at.page.get_by_role("button", name="Envoyer").click()
        at.expect(at.page.locator("#text")).not_to_be_editable()
        process, _ = start(folder, port)
        title = at.page.title()
        at.page.clock.run_for(3000)
        at.expect(at.page).not_to_have_title(title)
        at.page.goto("about:blank")
    finally:
        process.kill()
        process.wait()
    with Store(folder, mask=str) as store:
        kept = [row["text"] for row in store.db.all("SELECT text FROM answer ORDER BY at")]
        assert kept == ["envoyé avant", "tapé pendant la panne"]
        assert [done["active"] for done in measured(folder, "A001")] == [0, passed + 6]
