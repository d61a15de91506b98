"""Gives the guard the decisions that it has not got yet: at once, and again until it takes them."""

import asyncio

from plume.boundary import kept
from plume.command import stderr
from serve.desk.guard_client import GuardClient
from serve.desk.refused import Refused
from serve.desk.store import Decision, Store

EVERY = 15.0  # s


async def send(store: Store, guard: GuardClient, decision: Decision) -> str | None:
    """Send a decision; give the kind of what went wrong, None if nothing did."""
    try:
        await guard.decide(decision.draft, decision.body)
    except Refused as refused:
        await asyncio.to_thread(store.not_sent, decision.draft, refused.kind)
        return refused.kind
    await asyncio.to_thread(store.sent, decision.draft)
    return None


async def send_waiting(store: Store, guard: GuardClient) -> None:
    """Send what waits, but what the guard refused for good: that, an agent sends again or gives up."""
    for decision in await asyncio.to_thread(store.waiting):
        if decision.trouble and Refused(decision.trouble).is_final:
            continue
        if await send(store, guard, decision) == "away":
            return


async def keep_sending(store: Store, guard: GuardClient, every: float = EVERY) -> None:
    """Send what waits, from time to time, until it is cancelled."""
    while True:
        try:
            await send_waiting(store, guard)
        except Exception as error:  # a full disk, say: what waits, waits on. Its message may quote a text
            stderr.print(f"plume: decisions were not sent ({type(error).__name__}); the whole: {kept(error)}")
        await asyncio.sleep(every)
