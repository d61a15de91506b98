"""Gives the guard the decisions that it has not got yet: at once, and again until it takes them."""

import asyncio
from contextlib import suppress

from plume.database import NotSaved
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
        with suppress(NotSaved):  # a full disk: what waits, waits on
            await send_waiting(store, guard)
        await asyncio.sleep(every)
