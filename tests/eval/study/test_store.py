"""The study's store: links, turns, tabs, autosaves, answers; a killed server, a second one, a changed plan."""

import json
import signal
import sqlite3
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest

from eval.study import exports
from eval.study.people import ORGANISER
from eval.study.preregistration import DATABASE, PREREGISTRATION
from eval.study.refusal import Refusal
from eval.study.store import MOST_CHARACTERS, Store
from plume.errors import InputError
from plume.paths import ROOT

NOTHING = {"active_seconds": 0, "pauses": [], "keystrokes": 0, "pasted_characters": 0}


def refused(reason):
    return pytest.raises(Refusal, match=f"^{reason}$")


def opened(store, agent="A001"):
    return store.open_task(agent, store.next_task(agent).id)


def counters_of(store):
    return [json.loads(row["counters"]) for row in store.db.all("SELECT counters FROM tab ORDER BY number")]


# --- people


def test_a_link_is_kept_as_a_hash_and_the_newest_alone_counts(open_store):
    store = open_store()
    first = store.people.new_link("A001")
    organiser = store.people.new_link(ORGANISER)
    assert len(first) >= 32  # base64 of 192 bits
    assert store.people.holder(first) == "A001"
    assert store.people.holder(organiser) == ORGANISER
    second = store.people.new_link("A001")
    with refused("unknown_link"):
        store.people.holder(first)
    assert store.people.holder(second) == "A001"
    assert store.people.has_link("A001")
    store.people.revoke("A001")
    for token in (second, "", "é\ud800", organiser[:-1]):
        with refused("unknown_link"):
            store.people.holder(token)
    content = b"".join(path.read_bytes() for path in store.folder.glob(f"{DATABASE}*"))
    assert organiser.encode() not in content
    assert b"A001" in content


def test_the_link_of_who_left_says_so_and_the_next_newcomer_takes_the_seat_what_is_missing_first(open_store, clock):
    store = open_store(4, 6)
    before = {r["item"]: (r["arm"], r["period"]) for r in store.db.all("SELECT * FROM task WHERE agent = 'A002'")}
    for _ in range(2):
        task = opened(store, "A002")
        store.submit("A002", task.task.id, task.tab, "Bonjour.", NOTHING)
    done = {r["item"] for r in store.db.all("SELECT item FROM task WHERE agent = 'A002' AND done NOT NULL")}
    token = store.people.new_link("A002")
    store.people.leave("A002", "malade")
    for call in (
        lambda: store.people.holder(token),
        lambda: store.next_task("A002"),
        lambda: store.people.new_link("A002"),
        lambda: store.next_task("X"),
    ):
        with refused("agent_left"):
            call()
    assert store.people.add() == "A005"  # the number of nobody before
    rows = store.db.all("SELECT * FROM task WHERE agent = 'A005' ORDER BY rank")
    assert {r["item"]: (r["arm"], r["period"]) for r in rows} == before
    assert [r["item"] in done for r in rows if r["period"] == 1] == [False, True, True]
    assert store.people.add() == "A006"
    assert store.db.one("SELECT seat FROM agent WHERE id = 'A006'")["seat"] == 4


def test_a_seat_whose_agents_wrote_all_is_not_taken_again(open_store, clock, finish):
    """Whoever leaves at the end leaves no place; two who wrote a seat's reviews together neither."""
    store = open_store(2, 4, comparisons=0, finals=0)
    finish(store, clock, ["A001"])
    store.people.leave("A001")
    for agent, n in (("A002", 1), ("A003", 3), ("A004", 4)):
        if agent != "A002":
            assert store.people.add() == agent
        for _ in range(n):
            it = opened(store, agent)
            store.submit(agent, it.task.id, it.tab, "Bonjour.", NOTHING)
        store.people.leave(agent)
    store.people.add()
    # of seat 1, A002 wrote one; A003 the other of that block, that one, and one of the next block; A004 all
    assert [row["seat"] for row in store.db.all("SELECT seat FROM agent ORDER BY id")] == [0, 1, 1, 1, 2]


def test_who_left_by_mistake_comes_back_as_long_as_the_seat_is_free(open_store, clock):
    store = open_store()
    it = opened(store, "A002")
    store.submit("A002", it.task.id, it.tab, "Bonjour.", NOTHING)
    before = store.people.new_link("A002")
    store.people.leave("A002", "asked")
    assert store.people.gone() == ["A002"]
    store.people.come_back("A002")
    with refused("unknown_link"):
        store.people.holder(before)
    token = store.people.new_link("A002")
    assert (store.people.holder(token), store.next_task("A002").number, store.people.gone()) == ("A002", 2, [])
    store.people.leave("A002")
    store.people.add()
    for agent in ("A002", "A001", "X"):
        with refused("agent_left"):
            store.people.come_back(agent)


def test_experience_is_asked_once(open_store):
    store = open_store()
    assert not store.people.has_begun("A001")
    with refused("bad_answer"):
        store.people.begin("A001", "guru")
    store.people.begin("A001", "novice")
    store.people.begin("A001", "expert")
    assert store.db.one("SELECT experience FROM agent WHERE id = 'A001'")["experience"] == "novice"
    assert store.people.has_begun("A001")
    assert not store.people.has_begun("A002")


# --- turns


def test_writings_come_first_then_drafts_then_the_finals_of_others(open_store, clock, finish):
    store = open_store(4, 4, comparisons=2, finals=3)
    finish(store, clock, ["A001"])
    kinds = [
        r["kind"] for r in store.db.all("SELECT kind FROM task WHERE agent = 'A001' AND done NOT NULL ORDER BY rank")
    ]
    assert kinds == ["writing"] * 4 + ["drafts"] * 2
    assert store.next_task("A001") == "wait"  # nobody else has written yet
    finish(store, clock)
    assert [store.next_task(agent) for agent in store.people.agents()] == ["done"] * 4
    for row in store.db.all("SELECT * FROM task WHERE kind = 'finals'"):
        writers = [
            store.db.one("SELECT agent, arm, item FROM task WHERE id = ?", row[k]) for k in ("one_text", "other_text")
        ]
        assert [w["arm"] for w in writers] == ["draft", "blank"] == [row["one"], row["other"]]
        assert {w["item"] for w in writers} == {row["item"]}
        assert row["agent"] not in {w["agent"] for w in writers}
        assert writers[0]["agent"] != writers[1]["agent"]
    assert {(p.state, p.written, p.compared, p.rated) for p in store.progress()} == {("finished", 4, 2, 3)}


def test_who_waits_is_told_that_all_is_done_when_the_others_leave(open_store, clock, finish):
    store = open_store(2, 2, comparisons=0)
    finish(store, clock, ["A001"])
    assert store.next_task("A001") == "wait"
    store.people.leave("A002")
    assert store.next_task("A001") == "done"


def test_only_the_task_whose_turn_it_is_opens(open_store):
    store = open_store()
    mine, theirs = store.next_task("A001"), store.next_task("A002")
    for task_id in (theirs.id, mine.id + 1, 0, -1):
        with refused("not_now"):
            store.open_task("A001", task_id)
    tab = opened(store, "A002").tab
    with refused("not_now"):
        store.save("A001", theirs.id, tab, "Bonjour.", NOTHING)


def test_a_task_shows_texts_and_neither_system_nor_arm_of_a_comparison(open_store, clock):
    store = open_store(2, 2, finals=0)
    task = store.next_task("A001")
    shown = task.item.drafts["v1"] if task.period == (1 if _sequence(store) == "draft first" else 2) else None
    assert (task.draft, task.left, task.number, task.total) == (shown, None, 1, 2)
    for agent in store.people.agents():
        while (task := store.next_task(agent)).kind == "writing":
            tab = store.open_task(agent, task.id).tab
            store.submit(agent, task.id, tab, "Bonjour.", NOTHING)
        row = store.db.one("SELECT * FROM task WHERE id = ?", task.id)
        systems = ("v1", "v2") if row["one_left"] else ("v2", "v1")
        assert [task.left, task.right] == [task.item.drafts[system] for system in systems]
        assert task.draft is None


def _sequence(store, agent="A001"):
    return store.db.one("SELECT sequence FROM agent WHERE id = ?", agent)["sequence"]


# --- tabs


def test_the_newest_tab_holds_the_task_and_two_tabs_do_not_count_twice(open_store, clock):
    store = open_store()
    first = opened(store)
    clock.wait(30)
    store.save("A001", first.task.id, first.tab, "Bonjour M. Durand", {**NOTHING, "active_seconds": 25}, 1)
    second = opened(store)
    assert (second.text, second.restored, first.restored) == ("Bonjour M. [MASQUÉ]", True, False)
    clock.wait(30)
    for act in (store.save, store.submit):
        with refused("stale_tab"):
            act("A001", first.task.id, first.tab, "Autre", {**NOTHING, "active_seconds": 60})
    with refused("stale_tab"):
        store.skip("A001", first.task.id, first.tab, "other")
    store.submit("A001", second.task.id, second.tab, "Bonjour", {**NOTHING, "active_seconds": 20, "keystrokes": 7})
    assert [c["active_seconds"] for c in counters_of(store)] == [25, 20]


def test_a_new_version_takes_the_place_of_the_one_before(open_store, clock):
    """Also across tabs: no history of what was typed is kept."""
    store = open_store()
    first = opened(store)
    store.save("A001", first.task.id, first.tab, "première", NOTHING, 1)
    second = opened(store)
    assert opened(store).text == "première"  # until the newest tab saves, the last text is kept
    third = opened(store)
    store.save("A001", first.task.id, third.tab, "seconde", NOTHING, 1)
    assert [r["text"] for r in store.db.all("SELECT text FROM tab WHERE text NOT NULL")] == ["seconde"]
    assert second.text == "première"


def test_a_draft_that_was_dropped_stays_dropped_in_another_tab(open_store, clock):
    store = open_store()
    while (it := opened(store)).task.draft is None:
        store.submit("A001", it.task.id, it.tab, "Bonjour", NOTHING)
    assert not it.unused
    store.save("A001", it.task.id, it.tab, "", NOTHING, 1, unused=True)
    again = opened(store)
    assert (again.text, again.unused) == ("", True)
    store.save("A001", it.task.id, again.tab, it.text, NOTHING, 1)
    assert not opened(store).unused


def test_counters_only_grow_and_an_overtaken_save_changes_no_text(open_store, clock):
    store = open_store()
    it = opened(store)
    clock.wait(100)
    store.save("A001", it.task.id, it.tab, "nouveau", {"active_seconds": 50, "pauses": [12, 30], "keystrokes": 9}, 2)
    store.save("A001", it.task.id, it.tab, "ancien", {"active_seconds": 40, "pauses": [12], "keystrokes": 20}, 1)
    assert opened(store).text == "nouveau"
    assert counters_of(store)[0] == {"active_seconds": 50, "pauses": [12, 30], "keystrokes": 20, "pasted_characters": 0}
    assert store.db.one("SELECT beyond FROM tab ORDER BY number")["beyond"] == ""


@pytest.mark.parametrize(
    "bad",
    [
        {"active_seconds": -1},
        {"active_seconds": float("nan")},
        {"active_seconds": float("inf")},
        {"active_seconds": "12"},
        {"active_seconds": True},
        {"active_seconds": None},
        {"pauses": [12, -3]},
        {"pauses": 12},
        {"pauses": [11] * 5001},
        {"keystrokes": [1]},
        {"active_seconds": 86_401},
        {"pauses": [1.1e7]},
        {"keystrokes": 10**8},
        {"pasted_characters": 10**400},
    ],
)
def test_counters_that_no_page_sends_are_refused(open_store, clock, bad):
    store = open_store()
    it = opened(store)
    for act in (store.save, store.submit):
        with refused("bad_counters"):
            act("A001", it.task.id, it.tab, "Bonjour", {**NOTHING, **bad})
    assert not opened(store).restored


@pytest.mark.parametrize(
    ("sent", "beyond"),
    [
        ({"active_seconds": 102, "keystrokes": 4080}, ""),  # 100 s and 2 of slack; 40 keys a second
        ({"active_seconds": 103}, "active_seconds"),
        ({"active_seconds": 40, "pauses": [61.5, 30]}, ""),  # 30 s are under the cap: they are work
        ({"active_seconds": 42, "pauses": [61]}, "active_seconds"),
        ({"keystrokes": 4081}, "keystrokes"),
    ],
)
def test_counters_beyond_the_clock_are_kept_and_marked(open_store, clock, sent, beyond):
    store = open_store()
    it = opened(store)
    clock.wait(100)
    store.submit("A001", it.task.id, it.tab, "Bonjour", {**NOTHING, **sent})
    assert counters_of(store)[0] == {**NOTHING, **sent}
    assert store.db.one("SELECT beyond FROM tab")["beyond"] == beyond
    assert store.progress()[0].beyond == (beyond != "")


def test_a_task_of_which_two_tabs_are_beyond_the_clock_is_told_once(open_store):
    store = open_store()
    for _ in range(2):
        it = opened(store)
        store.save("A001", it.task.id, it.tab, "Bonjour", {**NOTHING, "active_seconds": 9}, 1)
    assert store.progress()[0].beyond == 1


# --- answers


def test_an_answer_is_kept_once_and_never_changes(open_store, clock):
    store = open_store()
    it = opened(store)
    clock.wait(10)
    for _ in range(2):  # the browser asks again when the answer got lost
        store.submit(
            "A001", it.task.id, it.tab, "Bonjour M. Durand.\r\nBien à vous \n", {**NOTHING, "active_seconds": 9}
        )
    with refused("already_submitted"):
        store.submit("A001", it.task.id, it.tab, "Autre chose", NOTHING)
    for act in (
        lambda: store.save("A001", it.task.id, it.tab, "x", NOTHING),
        lambda: store.skip("A001", it.task.id, it.tab, "x"),
    ):
        with refused("already_submitted"):
            act()
    rows = store.db.all("SELECT * FROM answer")
    assert [r["text"] for r in rows] == ["Bonjour M. [MASQUÉ].\nBien à vous"]
    assert store.db.one("SELECT count(text) FROM tab")[0] == 0  # nothing unfinished is kept beside it


def test_what_became_of_the_draft(open_store, clock):
    """An unchanged draft is accepted; the agent says whether another text left it unused."""
    store = open_store(4, 6)
    agent = next(a for a in store.people.agents() if _sequence(store, a) == "draft first")
    for change, unused in ((lambda d: f"{d}\n", False), (lambda d: f"{d} Merci.", False), (lambda d: "À moi.", True)):
        it = opened(store, agent)
        assert it.text == it.task.draft
        store.submit(agent, it.task.id, it.tab, change(it.text), NOTHING, unused=unused)
    it = opened(store, agent)
    assert it.text == ""
    assert it.task.draft is None
    store.submit(agent, it.task.id, it.tab, "Bonjour.", NOTHING, unused=True)
    outcomes = [r["outcome"] for r in store.db.all("SELECT outcome FROM answer ORDER BY task")]
    assert sorted(map(str, outcomes)) == ["None", "accepted", "edited", "rejected"]


def test_empty_and_endless_texts_are_refused(open_store, clock):
    store = open_store()
    it = opened(store)
    with refused("empty"):
        store.submit("A001", it.task.id, it.tab, " \n\0", NOTHING)
    for act in (store.save, store.submit):
        with refused("too_long"):
            act("A001", it.task.id, it.tab, "a" * (MOST_CHARACTERS + 1), NOTHING)
    store.submit("A001", it.task.id, it.tab, "\ud83d é" + "a" * 100, NOTHING)  # half a character


def test_a_task_is_left_out_with_a_reason(open_store, clock):
    store = open_store()
    it = opened(store)
    with refused("bad_answer"):
        store.skip("A001", it.task.id, it.tab, "<b>")
    for _ in range(2):
        store.skip("A001", it.task.id, it.tab, "unreadable", "M. Durand est nommé")
    assert store.db.one("SELECT note FROM answer")["note"] == "M. [MASQUÉ] est nommé"
    assert store.next_task("A001").id != it.task.id
    assert (store.progress()[0].skipped, store.progress()[0].written) == (1, 0)
    with refused("already_submitted"):
        store.submit("A001", it.task.id, it.tab, "Bonjour", NOTHING)


def test_a_judgement_is_kept_once(open_store, clock):
    store = open_store(2, 2, finals=0, comparisons=1)
    while (it := opened(store)).task.kind == "writing":
        with refused("bad_answer"):
            store.rate("A001", it.task.id, it.tab, "left")
        store.submit("A001", it.task.id, it.tab, "Bonjour.", NOTHING)
    with refused("not_now"):
        store.submit("A001", it.task.id, it.tab, "Bonjour.", NOTHING)
    for choice, reasons in (("both", []), ("left", ["<script>"]), ("left", ["tone"] * 13)):
        with refused("bad_answer"):
            store.rate("A001", it.task.id, it.tab, choice, reasons)
    for _ in range(2):
        store.rate("A001", it.task.id, it.tab, "neither", ["tone", "length", "tone"])
    with refused("already_submitted"):
        store.rate("A001", it.task.id, it.tab, "left", ["tone", "length"])
    assert tuple(store.db.one("SELECT choice, reasons FROM answer WHERE choice NOT NULL")) == (
        "neither",
        '["length", "tone"]',
    )


def test_what_the_disk_refuses_changes_nothing_and_is_told(open_store, clock):
    store = open_store()
    it = opened(store)
    pages = store.db.one("PRAGMA page_count")[0]
    store.db.run(f"PRAGMA max_page_count = {pages}")  # a full disk
    with refused("not_saved"):
        for n in range(50):
            store.save("A001", it.task.id, it.tab, f"{n}" * 9000, NOTHING, n + 1)
    store.db.run(f"PRAGMA max_page_count = {10 * pages}")
    store.save("A001", it.task.id, it.tab, "Bonjour", NOTHING, 99)
    assert opened(store).text == "Bonjour"


# --- the pseudonymiser of plume


def test_texts_are_pseudonymised_before_they_are_kept(make_study, clock):
    with Store(make_study(), clock=clock) as store:
        it = opened(store)
        text = "Bonjour Monsieur Durand, je vous rappelle au 06 12 34 56 78."
        store.save("A001", it.task.id, it.tab, text, NOTHING, 1)
        kept = opened(store).text
        assert "Durand" not in kept
        assert "06 12" not in kept
        assert kept.startswith("Bonjour")
        content = b"".join(path.read_bytes() for path in store.folder.glob(f"{DATABASE}*"))
        assert b"Durand" not in content
        assert b"06 12" not in content


# --- servers


def test_one_server_at_a_time(open_store):
    store = open_store()
    with pytest.raises(InputError, match="another process has this study open"):
        open_store(folder=store.folder)
    store.close()
    assert open_store(folder=store.folder).people.agents() == ["A001", "A002", "A003", "A004"]


def test_a_plan_that_changed_is_refused(open_store):
    store = open_store()
    store.close()
    path = store.folder / PREREGISTRATION
    path.write_text(path.read_text().replace('"effect": 0.8', '"effect": 0.9'))
    with pytest.raises(InputError, match="changed since the study began") as told:
        open_store(folder=store.folder)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("content", [b"no database, not at all", None])
def test_a_damaged_or_foreign_database_is_refused_in_one_line(open_store, content):
    store = open_store()
    store.close()
    path = store.folder / DATABASE
    if content:
        path.write_bytes(content)
    else:
        with sqlite3.connect(path) as db:
            db.execute("UPDATE meta SET value = '0' WHERE key = 'version'")
    with pytest.raises(InputError, match=r"damaged|another version"):
        open_store(folder=store.folder)


def test_a_database_without_its_tables_is_told_as_damaged(open_store):
    store = open_store()
    store.close()
    with sqlite3.connect(store.folder / DATABASE) as db:
        db.execute("DROP TABLE meta")
    for asked in (lambda: open_store(folder=store.folder), lambda: exports.read(store.folder)):
        with pytest.raises(InputError, match="is damaged, or no study"):
            asked()


@pytest.mark.parametrize("fault", ["database or disk is full", "attempt to write a readonly database"])
def test_a_study_that_cannot_begin_says_so_in_one_line_and_begins_later(make_study, open_store, monkeypatch, fault):
    folder = make_study()

    def refuse(_):
        raise sqlite3.OperationalError(fault)

    with monkeypatch.context() as patched:
        patched.setattr("eval.study.people.People.seat_next", refuse)
        with pytest.raises(InputError, match=rf"cannot be written \({fault}\)"):
            open_store(folder=folder)
    assert open_store(folder=folder).people.agents() == ["A001", "A002", "A003", "A004"]


def test_threads_of_one_server_do_not_meet(open_store, clock, finish):
    """Each agent's browser is a thread; what they do together is what they would do in turn."""
    store = open_store(6, 6, finals=2)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda agent: finish(store, clock, [agent]), store.people.agents()))
    finish(store, clock)  # finals that nobody could rate yet
    assert {(p.state, p.written, p.compared, p.rated) for p in store.progress()} == {("finished", 6, 3, 2)}
    for agent in store.people.agents():
        for kind, n in (("writing", 6), ("drafts", 3), ("finals", 2)):
            rows = store.db.all("SELECT position FROM task WHERE agent = ? AND kind = ?", agent, kind)
            assert sorted(row["position"] for row in rows) == [*range(1, n + 1)]


_SERVER = """
    import sys
    from pathlib import Path
    from eval.study.store import Store, Task

    store = Store(Path(sys.argv[1]), mask=str)
    number = 0
    while True:
        for agent in store.people.agents():
            task = store.next_task(agent)
            if not isinstance(task, Task):
                continue
            tab = store.open_task(agent, task.id).tab
            if task.kind != "writing":
                store.rate(agent, task.id, tab, "left")
                print("rated", task.id, flush=True)
                continue
            for sequence in range(1, 4):
                number += 1
                store.save(agent, task.id, tab, f"brouillon {number} " + "a" * 3000, {"keystrokes": sequence}, sequence)
                print("saved", task.id, number, flush=True)
            store.submit(agent, task.id, tab, f"final {task.id}", {"keystrokes": 5})
            print("submitted", task.id, flush=True)
"""


@pytest.mark.parametrize("lines", [1, 7, 40, 83, *(pytest.param(n, marks=pytest.mark.long) for n in range(2, 100, 4))])
def test_a_killed_server_loses_nothing_that_it_told(make_study, clock, finish, lines):
    """The process is killed while it works on; all that it had told by then is there, and the study goes on."""
    folder = make_study(4, 6)
    command = [sys.executable, "-c", textwrap.dedent(_SERVER), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        told = [server.stdout.readline().split() for _ in range(lines)]
        server.send_signal(signal.SIGKILL)
        told += [line.split() for line in server.stdout.read().splitlines()]  # told before it died
    assert server.returncode == -signal.SIGKILL
    assert all(told)
    assert len(told) >= lines
    with Store(folder, clock=clock, mask=str) as store:
        answers = {str(r["task"]): r for r in store.db.all("SELECT * FROM answer")}
        texts = {str(r["task"]): r["text"] for r in store.db.all("SELECT task, text FROM tab WHERE text NOT NULL")}
        last = {}
        for what, task, *number in told:
            if what == "submitted":
                assert answers[task]["text"] == f"final {task}"
            elif what == "rated":
                assert answers[task]["choice"] == "left"
            else:
                last[task] = int(number[0])
        for task, number in last.items():  # this one, or what was kept after it and not yet told
            if task in texts:
                assert int(texts[task].split()[1]) in (number, number + 1)
            else:
                assert answers[task]["text"] == f"final {task}"
        assert store.db.one("PRAGMA integrity_check")[0] == "ok"
        half = store.db.all("SELECT 1 FROM answer JOIN task ON id = task WHERE done IS NULL")
        half += store.db.all("SELECT 1 FROM task WHERE done NOT NULL AND id NOT IN (SELECT task FROM answer)")
        assert not half
        finish(store, clock)
        assert [store.next_task(agent) for agent in store.people.agents()] == ["done"] * 4
