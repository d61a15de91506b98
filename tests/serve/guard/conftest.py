"""The guard around a stub engine: what vLLM would be asked is recorded, what it would write is scripted."""

import asyncio
import json
import threading
import time
from contextlib import closing
from types import SimpleNamespace

import httpx
import pytest
import uvicorn
import uvloop

from serve import alias, keys
from serve.alias import Aliases, Deployed
from serve.config import ServeConfig
from serve.state import VARIABLE, Started, State


class StubEngine:
    """An ASGI app with vLLM's routes, all of them open, and its stream of completions."""

    def __init__(self):
        self.asked, self.loaded, self.seen = [], [], []
        self.draft = "Bonjour [USAGER],\n\nNous vous remercions de votre avis."
        self.status, self.cut, self.hold, self.health = 200, False, None, 200
        self.queue = None  # milliseconds that it says a draft waited
        self.known, self.left = ["base", "plume-reply@v1", "plume-reply@v2"], 0

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
                if message["type"] == "lifespan.shutdown":
                    return None
        self.seen.append((scope["method"], scope["path"], dict(scope["headers"])))
        body = b""
        if scope["method"] == "POST":
            body = (await receive())["body"]
        if scope["path"] == "/v1/completions" and scope["method"] == "POST":
            return await self.complete(json.loads(body), receive, send)
        if scope["path"] == "/v1/load_lora_adapter":
            self.loaded.append(json.loads(body))
        answer = {"data": [{"id": name} for name in self.known]} if scope["path"] == "/v1/models" else {}
        await send({"type": "http.response.start", "status": self.health, "headers": []})
        return await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    async def complete(self, body, receive, send):
        self.asked.append(body)
        if self.hold:  # as vLLM: until the client leaves
            held, left = asyncio.ensure_future(self.hold.wait()), asyncio.ensure_future(receive())
            await asyncio.wait({held, left}, return_when=asyncio.FIRST_COMPLETED)
            self.left += left.done()
            held.cancel(), left.cancel()
        if self.status != 200:
            await send({"type": "http.response.start", "status": self.status, "headers": []})
            return await send({"type": "http.response.body", "body": b'{"error": "secret words"}'})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        parts = [self.draft[i : i + 7] for i in range(0, len(self.draft), 7)]
        for i, part in enumerate(parts):
            end = "stop" if i == len(parts) - 1 else None
            await self.event(send, {"choices": [{"text": part, "finish_reason": end}]})
            if self.cut:
                return await send({"type": "http.response.body", "body": b""})
        usage = {"prompt_tokens": len(body["prompt"]), "completion_tokens": len(parts)}
        metrics = {"metrics": {"queue_time_ms": self.queue}} if self.queue is not None else {}
        await self.event(send, {"choices": [], "usage": usage} | metrics)
        return await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})

    async def set(self):
        """Let go on what is held."""
        self.hold.set()

    @staticmethod
    async def event(send, value):
        data = json.dumps(value).encode()
        # Cut in two: events do not come one a message.
        await send({"type": "http.response.body", "body": b"data: " + data[:5], "more_body": True})
        await send({"type": "http.response.body", "body": data[5:] + b"\n\n", "more_body": True})


@pytest.fixture(scope="session")
def guarded(tmp_path_factory, embedded_model, make_adapter, tiny_base, empty_store):
    """One guard for all tests, started by uvicorn on vLLM's event loop; `ask` is a client with a key.

    Requests reach it without a socket, but for those of tests that look at connections: `port`.
    """
    home = tmp_path_factory.mktemp("guard")
    state = State(home / "state")
    adapters = [make_adapter(home / f"adapter-{n}", seed=n) for n in (1, 2)]
    deployed = [Deployed(n, str(a.folder), a.sha256) for n, a in enumerate(adapters, 1)]
    alias.write(state, Aliases(deployed[0]))
    # Traces are sent by the tests that look at them.
    (home / "mlflow.db").write_bytes(empty_store.read_bytes())
    store = f"sqlite:///{home / 'mlflow.db'}"
    config = ServeConfig(state=state.folder, maskers=1, max_new_tokens=64, traces=False, tracking_uri=store)
    from plume.models import load_tokenizer

    tokenizer = load_tokenizer(tiny_base)
    stop = tokenizer.convert_tokens_to_ids("<|im_end|>")
    Started(config=config, base=tiny_base, stop_token_id=stop, dtype="float32", max_model_len=2048).write(state)
    key, metrics = keys.add(state, "agents"), keys.add(state, "prometheus", "metrics")
    engine = StubEngine()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(state.folder))
        patch.setenv("PLUME_HOME", str(embedded_model.parent.parent))
        from serve.guard.middleware import Guard

        guard = Guard(engine)
        loop = uvloop.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()

        def run(coroutine, timeout=120):
            return asyncio.run_coroutine_threadsafe(coroutine, loop).result(timeout)

        async def app(scope, receive, send):
            await guard({**scope, "app": vllm}, receive, send)

        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="on"))
        vllm = SimpleNamespace(state=SimpleNamespace(server=server))  # Starlette's part of vLLM's app
        serving = asyncio.run_coroutine_threadsafe(server._serve(), loop)  # its signals are pytest's
        while not server.started:
            assert not serving.done(), serving.result()
            time.sleep(0.05)
    transport = httpx.ASGITransport(guard)

    def request(method, path, *, key=None, **options):
        async def go():
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            async with httpx.AsyncClient(transport=transport, base_url="http://plume") as client:
                return await client.request(method, path, headers=headers | options.pop("headers", {}), **options)

        return run(go())

    yield SimpleNamespace(
        guard=guard,
        lifecycle=guard.lifecycle,
        engine=engine,
        state=state,
        config=config,
        tokenizer=tokenizer,
        deployed=deployed,
        key=key,
        metrics=metrics,
        admin=state.admin_key(),
        request=request,
        ask=lambda path, body, **o: request("POST", path, key=key, json=body, **o),
        run=run,
        loop=loop,
        home=home,
        server=server,
        port=server.servers[0].sockets[0].getsockname()[1],
    )
    server.should_exit = True
    serving.result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


@pytest.fixture(scope="module")
def platform(guarded):
    """The guard with the two routes of Services Publics + open."""
    from serve.guard.api import app

    before, app.openapi_schema = [*app.router.routes], None

    async def begin():
        guarded.lifecycle.open_platform()

    guarded.run(begin())
    yield guarded
    guarded.run(guarded.lifecycle.platform.stop())
    guarded.lifecycle.platform, app.openapi_schema = None, None
    app.router.routes[:] = before


@pytest.fixture(autouse=True)
def fresh(request):
    """Each test begins with the stub's own draft and nothing asked."""
    if "guarded" in request.fixturenames:
        engine = request.getfixturevalue("guarded").engine
        StubEngine.__init__(engine)


@pytest.fixture
def desk(guarded, tmp_path, ask_desk):
    """desk(review): a page of a desk that asks this guard over its port."""
    from serve.desk.app import make_app
    from serve.desk.config import DeskConfig
    from serve.desk.given_reviews import GivenReviews
    from serve.desk.guard_client import GuardClient
    from serve.desk.store import Store

    (tmp_path / "key").write_text(guarded.key)
    config = DeskConfig(guard=f"http://127.0.0.1:{guarded.port}", key_file=tmp_path / "key", state=tmp_path / "desk")
    with closing(Store(config.folder)) as store:
        app = make_app(store, GuardClient(config), GivenReviews.read(None), config, every=60)
        yield lambda review: ask_desk(app, review)
