"""An erasure reaches a study: reviews, texts, times and judgements about them, in every file of its folder."""

import pytest
from typer.testing import CliRunner

from eval.cli import app
from eval.study import exports
from eval.study.erase import erase_agent
from eval.study.erase import erase_experiences as erase
from eval.study.preregistration import ERASED, ITEMS, items_of, read_preregistration
from plume.errors import InputError
from plume.files import write


def bytes_of(folder):
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


@pytest.fixture
def finished(open_store, clock, finish):
    """A study that four agents finished; every reply to a review names it."""
    store = open_store(4, 4)
    texts = {item.id: item.review for item in store.items.values()}
    while tasks := [(a, t) for a in store.people.agents() if not isinstance(t := store.next_task(a), str)]:
        for agent, task in tasks:
            tab = store.open_task(agent, task.id).tab
            if task.kind == "writing":
                store.submit(agent, task.id, tab, f"Réponse d'agent à {texts[task.item.id]}", {"active_seconds": 0})
            else:
                store.rate(agent, task.id, tab, "left")
    store.close()
    return store.folder


def test_nothing_is_left_of_an_erased_experience(finished, open_store, clock, finish):
    gone, *others = items_of(finished)
    assert gone.id == "10000-1"
    erased, tasks = erase(finished, ["10000"])
    assert erased == 1
    assert tasks >= 4  # one writing an agent, and the comparisons
    assert gone.review.encode() not in bytes_of(finished)
    assert b"10000-1" not in bytes_of(finished)
    assert all(item.review.encode() in bytes_of(finished) for item in others)
    study = exports.read(finished)
    assert study.flow["erased_items"] == 1
    assert {writing.item for writing in study.writings} == {item.id for item in others}
    assert len(study.writings) == 12
    store = open_store(folder=finished)  # the study goes on, also with somebody new
    finish(store, clock, [store.people.add()])
    assert len(exports.read(finished).writings) == 15


def test_two_erasures_are_counted_together(finished):
    erase(finished, ["10000"])
    erase(finished, ["10001-1"])  # by its pair
    assert exports.read(finished).flow["erased_items"] == 2
    with pytest.raises(InputError, match="shows none of 10000"):
        erase(finished, ["10000"])


@pytest.mark.parametrize("step", ["_erase", "write_items"])
def test_an_erasure_that_was_cut_off_is_finished_by_the_same_command(finished, monkeypatch, step):
    """Killed before the database, or before items.jsonl: the study is still whole, and the second time all is gone."""

    def cut(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(f"eval.study.erase.{step}", cut)
        with pytest.raises(KeyboardInterrupt):
            erase(finished, ["10000"])
    exports.read(finished)
    assert erase(finished, ["10000"])[0] == 1
    assert exports.read(finished).flow["erased_items"] == 1
    assert b"10000-1" not in bytes_of(finished)


def test_an_agent_who_withdraws_leaves_nothing_but_that_somebody_did(finished, open_store, clock, finish):
    before = exports.read(finished)
    others = [w for w in before.writings if w.agent != "A002"]
    own = len(before.writings) - len(others) + sum(r.rater == "A002" for r in before.ratings)
    of_theirs = sum("A002" in (r.writers or ()) for r in before.ratings if r.rater != "A002")
    assert own == 10
    assert of_theirs > 0
    assert erase_agent(finished, "A002") == own + of_theirs
    after = exports.read(finished)
    assert list(after.writings) == others
    assert not [r for r in after.ratings if r.rater == "A002" or "A002" in (r.writers or ())]
    assert [agent.id for agent in after.agents] == ["A001", "A003", "A004"]
    counts = {key: after.flow[key] for key in ("invited", "began", "finished", "left", "erased_agents")}
    assert counts == {"invited": 4, "began": 4, "finished": 3, "left": 1, "erased_agents": 1}
    with pytest.raises(InputError, match="nobody takes part as A009"):
        erase_agent(finished, "A009")
    store = open_store(folder=finished)
    assert store.people.add() == "A005"  # in the free seat, under another number
    finish(store, clock)  # the others, too: what they judged of the replies is judged again
    flow = exports.read(finished).flow
    assert flow["finished"] == 4
    assert flow["items"] == {"all": 4, "in_both_arms": 4, "fewest_in_an_arm": 2, "most_in_an_arm": 2}


def test_a_study_that_is_served_or_shows_nothing_of_it_is_left_alone(finished, open_store):
    before = bytes_of(finished)
    with pytest.raises(InputError, match="shows none of 99999"):
        erase(finished, ["99999"])
    assert bytes_of(finished) == before
    store = open_store(folder=finished)
    with pytest.raises(InputError, match="another process has this study open"):
        erase(finished, ["10000"])
    store.close()
    assert items_of(finished)[0].id == "10000-1"


def test_a_study_that_nobody_began_is_erased_from_too(make_study):
    folder = make_study(4, 4)
    assert erase(folder, ["10002"]) == (1, 0)
    assert len(items_of(folder)) == 3


def test_reviews_that_were_changed_otherwise_are_refused(make_study):
    folder = make_study(4, 4)
    erase(folder, ["10002"])
    write(folder / ITEMS, (folder / ITEMS).read_bytes().replace(b"guichet", b"comptoir"))
    with pytest.raises(InputError, match="is not what"):
        read_preregistration(folder)
    assert (folder / ERASED).is_file()


def run(*arguments):
    """Run a command; give how many lines it said, or "refused"."""
    done = CliRunner().invoke(app, ["study", *map(str, arguments)])
    return "refused" if isinstance(done.exception, InputError) else done.output.count("\n")


def test_commands(finished, tmp_path):
    files = tmp_path / "files"
    assert run("export", finished, "--out", files) == 3
    assert (files / "decisions.jsonl").read_text().count("\n") == 8
    assert run("forget", finished, "10000", "--agent", "A001") == 3
    for wrong in (["10000"], [], ["--agent", "A"]):
        assert run("forget", finished, *wrong) == "refused"
    assert run("export", finished, "--out", finished) == "refused"
    assert run("export", finished, "--out", files) == 3  # its own files are replaced
    assert 4 <= (files / "decisions.jsonl").read_text().count("\n") <= 5  # A001 had one or two of the three
    assert run("export", files, "--out", files) == "refused"


def test_nothing_is_made_of_a_study_that_a_killed_server_did_not_begin(make_study):
    folder = make_study()
    (folder / "study.sqlite").touch()
    for asked in (lambda: erase_agent(folder, "A001"), lambda: exports.read(folder)):
        with pytest.raises(InputError, match="nobody has begun this study"):
            asked()
    assert erase(folder, ["10000"]) == (1, 0)
    assert (folder / "study.sqlite").stat().st_size == 0
