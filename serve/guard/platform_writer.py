"""Writes the drafts that the platform asked for, in the background: as the drafting API does, within its limits."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from serve.database import StorageError
from serve.guard.draft_service import DraftService
from serve.guard.engine_client import patient
from serve.guard.in_flight import InFlight
from serve.guard.platform_queue import Job, PlatformQueue
from serve.guard.refusal import Reason, Refusal
from serve.guard.request_context import RequestContext
from serve.guard.schema import DraftRequest, DraftResponse
from serve.server_log import tell

_AT_ONCE = 4  # drafts; agents who wait for one share the engine
_LOOK = 5.0  # seconds between looks at what is due again
_TRIES = 5  # of a review; one that ends the server each time is not tried for ever
_WAIT = 5.0  # seconds before the second try; doubled before each later one


class PlatformWriter:
    """Takes reviews from the queue as long as the server takes requests. Begun drafts are finished at a drain."""

    def __init__(
        self,
        drafts: DraftService,
        in_flight: InFlight,
        draining: Callable[[], bool],
        note: Callable[[RequestContext], None],
    ) -> None:
        lease = 2 * drafts.started.config.draft_timeout
        self.drafts, self.queue = drafts, PlatformQueue(drafts.journal, lease)
        self._in_flight, self._draining, self._note = in_flight, draining, note
        self._more = asyncio.Event()
        self._task: asyncio.Task | None = None

    def start(self) -> None:
        """Go on with what is in the queue. A journal that cannot be used stops no start of the server."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def add(self, client: str, identity: str, text: str, masked: dict[str, int]) -> None:
        """Queue a pseudonymised review. Raises Refusal."""
        most = self.drafts.started.config.max_queued_requests
        try:
            added = await self.drafts.on_disk(self.queue.add, client, identity, text, masked, most)
        except StorageError as error:
            raise Refusal(Reason.REVIEW_NOT_KEPT, error.status, why=error) from None
        if not added:
            raise Refusal(Reason.BUSY)
        self._more.set()

    async def waiting(self) -> int | None:
        """Count the reviews that wait for a draft; None if the journal cannot be read."""
        try:
            return await self.drafts.on_disk(self.queue.waiting)
        except StorageError:
            return None

    async def _run(self) -> None:
        await self._keep(self.queue.resume)
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            self._more.clear()
            try:
                job = None if self._draining() else await self.drafts.on_disk(self.queue.take)
            except StorageError:
                job = None
            if job:
                await self._write(job)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await self._more.wait()

    async def _write(self, job: Job) -> None:
        """Write a draft and keep it, or why there is none; counted and audited as a request of its client's."""
        context = RequestContext(client=job.client, route="platform-draft")
        try:
            response = await self._draft(job, context)
            context.status = 200
            context.audit["masked"] = job.masked
            self.drafts.metrics.count_masked(response.version, job.masked)
            await self._keep(self.queue.finish, job.seq, response.id, response.draft, response.version)
        except Refusal as refusal:
            context.status, context.error = refusal.status, refusal.kind
            await self._refused(job, refusal)
        finally:
            self._note(context)

    async def _draft(self, job: Job, context: RequestContext) -> DraftResponse:
        """Ask for a draft in the time of a request, as one that the drain waits for. Raises Refusal."""
        made: list[DraftResponse] = []
        # Its limits were those of the text that was sent: marks may have made it longer.
        given = DraftRequest.model_construct(review=job.text)

        async def app(_: Scope, receive: Receive, __: Send) -> None:
            await receive()  # the empty body; what follows is the sign to stop
            made.append(await self.drafts.draft(given, job.id, context, receive))

        try:
            seconds = self.drafts.started.config.draft_timeout
            await self._in_flight.run(app, {}, b"", patient, _unheard, seconds=seconds, needs_client=False)
        except Refusal:
            raise
        except Exception as error:
            tell(f"a draft for the platform failed ({type(error).__name__})")
            raise Refusal(Reason.INTERNAL) from None
        return made[0]

    async def _refused(self, job: Job, refusal: Refusal) -> None:
        """Try again later, or keep why there is no draft. A server that stops is not the review's fault."""
        if refusal.kind == "draining":
            await self._keep(self.queue.put_back, job.seq, 0, job.tries - 1)
        elif refusal.status >= 500 and job.tries < _TRIES:
            await self._keep(self.queue.put_back, job.seq, _WAIT * 2 ** (job.tries - 1), job.tries)
        else:
            await self._keep(self.queue.fail, job.seq, refusal.status, str(refusal))

    async def _keep(self, function: Callable[..., None], *arguments: Any) -> None:
        """Write to the journal, however long the disk is full: a draft that was written is not lost."""
        while True:
            try:
                return await self.drafts.on_disk(function, *arguments)
            except StorageError as error:
                self.drafts.metrics.journal_errors.inc()
                tell(f"the journal cannot be written ({error}); trying again")
                await asyncio.sleep(_LOOK)


async def _unheard(_: Message) -> None:
    """Take what an app sends where nobody listens."""
