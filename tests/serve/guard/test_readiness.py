"""What /ready says of an engine that is dead, hangs, is slow, or lacks a version; of maskers that are gone."""

import asyncio
import os
import signal
import threading
import time
from types import SimpleNamespace

import pytest

DRAFT = {"review": "Ma demande dort depuis mars."}


def wait_for(condition):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture
def stale(guarded):
    """Nothing was written by the engine for a while."""
    guarded.lifecycle.engine.wrote = None
    return guarded


def look(guarded):
    told = guarded.request("GET", "/ready")
    return told.status_code, told.text


def test_ready_is_told_by_the_tokens_that_the_engine_writes(stale):
    assert look(stale) == (200, "ready\n")
    assert [asked["max_tokens"] for asked in stale.engine.asked] == [1]
    assert look(stale) == (200, "ready\n")
    assert len(stale.engine.asked) == 1  # what it wrote a moment ago is enough


@pytest.mark.parametrize(("weight", "ready"), [(0.0, 200), (0.5, 503)])
def test_not_ready_where_the_engine_lacks_a_challenger_that_answers_some(stale, monkeypatch, weight, ready):
    one, two = stale.deployed
    current = SimpleNamespace(champion=one, challenger=two, weight=weight)
    monkeypatch.setattr(stale.lifecycle.readiness, "_aliases", SimpleNamespace(current=current))
    stale.engine.known = ["base", one.name]
    assert look(stale)[0] == ready


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"known": ["base", "plume-reply@v2"]}, "does not know plume-reply@v1"),
        ({"health": 503}, "engine is dead"),
        ({"status": 500}, "does not write"),
        ({"status": 404}, "does not write"),
        ({"cut": True}, "does not write"),
    ],
)
def test_not_ready_while_the_engine_can_write_no_draft(stale, fault, why):
    vars(stale.engine).update(fault)
    status, text = look(stale)
    assert (status, why in text) == (503, True), text


def test_not_ready_while_the_engine_hangs_and_ready_once_it_goes_on(stale, monkeypatch):
    from serve.guard import readiness

    monkeypatch.setattr(readiness, "_WAIT", 0.1)
    stale.engine.hold = asyncio.Event()
    assert [look(stale)[0] for _ in range(3)] == [503] * 3
    assert len(stale.engine.asked) == 1  # it is not asked again while it hangs
    stale.run(stale.engine.set())
    wait_for(lambda: look(stale)[0] == 200)


@pytest.mark.parametrize(("silence", "ready"), [(0.0, 503), (20.0, 200), (50.0, 200)])
def test_an_engine_that_came_back_from_as_long_a_silence_is_not_called_hung(stale, monkeypatch, silence, ready):
    """On a CPU a long prompt keeps it silent: /ready would flap with each."""
    monkeypatch.setattr(stale.lifecycle.engine, "silence", silence)
    stale.lifecycle.engine.wrote = time.monotonic() - 30
    stale.engine.status = 500  # whoever asks it is told that it does not write
    assert look(stale)[0] == ready


def test_the_engines_longest_silence_is_noted(stale, monkeypatch):
    engine = stale.lifecycle.engine
    monkeypatch.setattr(engine, "silence", 0.0)
    stale.engine.hold = asyncio.Event()
    threading.Timer(0.4, lambda: stale.run(stale.engine.set())).start()
    assert stale.ask("/v1/drafts", DRAFT).status_code == 200
    assert engine.silence > 0.2


def test_a_draft_that_was_written_is_not_lost_with_the_masker_that_should_check_it(guarded, monkeypatch):
    monkeypatch.setattr(guarded.lifecycle.maskers, "timeout", 110)  # however slowly a masker loads here
    guarded.engine.hold, answers = asyncio.Event(), []
    drafting = threading.Thread(target=lambda: answers.append(guarded.ask("/v1/drafts", DRAFT)))
    drafting.start()
    wait_for(lambda: guarded.engine.asked)
    for worker in list(guarded.lifecycle.maskers._up):
        os.kill(worker.pid, signal.SIGSTOP)
    wait_for(lambda: look(guarded) == (503, "not ready: no masker runs\n"))
    guarded.run(guarded.engine.set())
    drafting.join()
    assert answers[0].status_code == 200
    assert len(guarded.engine.asked) == 1
    assert look(guarded)[0] == 200
