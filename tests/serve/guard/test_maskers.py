"""Maskers that are killed or stopped, idle or at work, one or all: on vLLM's event loop and on Python's own."""

import asyncio
import os
import signal
import sys

import pytest
import uvloop

from serve.guard.maskers import Maskers, NoMasker

# Answers with what it was asked, after the seconds that it was asked for; `dies` ends it, `babbles` is no answer.
WORKER = """
import json, os, sys, time
print("{}", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if asked["op"] == "dies":
        os._exit(1)
    time.sleep(asked.get("seconds", 0))
    print("no JSON" if asked["op"] == "babbles" else json.dumps(asked), flush=True)
"""


# Is killed while it loads, the first time.
KILLED_ONCE = """
import os, pathlib, sys
if not pathlib.Path(sys.argv[1]).exists():
    pathlib.Path(sys.argv[1]).touch()
    os.kill(os.getpid(), 9)
"""


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def on_loop(request):
    """on_loop(scenario, size=2, timeout=…): run `scenario(pool)` on that event loop."""

    def run(scenario, size=2, timeout=20):
        async def go():
            pool = Maskers(size, timeout, (sys.executable, "-S", "-c", WORKER))
            await pool.start()
            try:
                return await scenario(pool)
            finally:
                await pool.stop()

        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(go())

    return run


async def all_up(pool, size=2):
    while pool.up() < size:
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("busy", [False, True])
def test_who_asks_gets_an_answer_whoever_is_killed_or_stopped(on_loop, how, number, busy):
    async def scenario(pool):
        asked = [asyncio.ensure_future(pool.ask("x", seconds=0.3, n=n)) for n in range(2)] if busy else []
        await asyncio.sleep(0.1 if busy else 0)
        for worker in list(pool._up)[:number]:
            os.kill(worker.pid, how)
        asked += [asyncio.ensure_future(pool.ask("x", n=n)) for n in range(len(asked), 6)]
        answers = await asyncio.gather(*asked)
        await all_up(pool)
        return [answer["n"] for answer in answers], pool.restarts

    answers, restarts = on_loop(scenario)
    assert answers == list(range(6))
    assert restarts >= number


def test_an_idle_worker_that_dies_is_replaced_before_it_is_asked(on_loop):
    async def scenario(pool):
        dead = list(pool._up)
        for worker in dead:
            worker.kill()
        while pool._up & set(dead):
            await asyncio.sleep(0.02)
        await all_up(pool)
        return pool.restarts, len(pool._up)

    assert on_loop(scenario) == (2, 2)


@pytest.mark.parametrize(("asked", "why"), [("dies", "died"), ("babbles", "died"), ("x", "within 0.3 s")])
def test_what_no_worker_can_answer_is_refused_and_the_next_is_answered(on_loop, asked, why):
    async def scenario(pool):
        with pytest.raises(NoMasker, match=why):
            await pool.ask(asked, seconds=60 * (asked == "x"))
        pool.timeout = 20
        return await pool.ask("x", n=1)

    assert on_loop(scenario, size=1, timeout=0.3 if asked == "x" else 20)["n"] == 1


def test_a_replacement_is_waited_for_longer_than_a_busy_worker(on_loop):
    """What was written already is not thrown away because a masker loads slowly."""

    async def scenario(pool):
        pool._words = (sys.executable, "-S", "-c", f"import time; time.sleep(1.5)\n{WORKER}")
        for worker in pool._up:
            worker.kill()
        return [answer["n"] for answer in await asyncio.gather(*(pool.ask("x", n=n) for n in range(3)))]

    assert on_loop(scenario, size=1, timeout=1) == [0, 1, 2]


def test_who_finds_all_workers_busy_is_refused_in_time(on_loop):
    async def scenario(pool):
        worker = await pool._next()
        pool.timeout = 0.1
        with pytest.raises(NoMasker, match=r"free within 0\.1 s"):
            await pool.ask("x")
        pool._free.put_nowait(worker)

    on_loop(scenario, size=1)


def test_who_leaves_ends_no_exchange_of_the_next(on_loop):
    async def scenario(pool):
        left = asyncio.ensure_future(pool.ask("x", seconds=0.3, n=1))
        await asyncio.sleep(0.1)
        left.cancel()
        return await pool.ask("x", n=2)

    assert on_loop(scenario, size=1)["n"] == 2


@pytest.mark.parametrize(("killed", "up"), [(KILLED_ONCE, 2), ("import os; os.kill(os.getpid(), 9)", 0)])
def test_a_masker_that_is_killed_while_it_loads_is_begun_once_more(tmp_path, killed, up):
    async def start():
        maskers = Maskers(2, 20, (sys.executable, "-S", "-c", killed + WORKER, str(tmp_path / "killed")))
        await maskers.begin()
        try:
            await maskers.start()
            return maskers.up()
        except NoMasker:
            return 0
        finally:
            await maskers.stop()

    assert asyncio.run(start()) == up


def test_who_waits_for_calm_goes_on_together_once_all_is_answered(on_loop):
    async def scenario(pool):
        order = []

        async def write(n):
            await pool.ask("x", seconds=0.05)  # of one masker: in turn
            order.append((n, await pool.calm(60)))

        await asyncio.gather(*map(write, range(3)))
        return order

    order = on_loop(scenario, size=1)
    assert [n for n, _ in order] == [2, 0, 1], "the last one masked waits for nobody, the others for it, in turn"
    assert order[0][1] == 0 < order[2][1] < order[1][1]


def test_calm_waits_no_longer_than_it_may_and_for_nothing_where_it_may_not(on_loop):
    async def scenario(pool):
        idle = await pool.calm(60)
        busy = asyncio.ensure_future(pool.ask("x", seconds=60))
        await asyncio.sleep(0)
        first, second = map(asyncio.ensure_future, (pool.calm(0.2), pool.calm(60)))  # both go on after the first's time
        none, held = await pool.calm(0), [await first, await second]
        return idle, none, held, busy.done()

    idle, none, held, answered = on_loop(scenario, timeout=120)
    assert idle == none == 0
    assert min(held) > 0.15
    assert not answered
