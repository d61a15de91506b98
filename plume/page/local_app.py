"""Makes a web application for pages that people work in: what all of them share, and what all of them refuse.

Whoever serves pages on a port is reached by every site that the same browser shows. So a request must name a host that
is ours (DNS rebinding), a form must come from a page of ours (CSRF), and nothing is larger than it may be.
"""

import asyncio
import hmac
import mimetypes
import os
import secrets
import socket
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plume.boundary import kept
from plume.command import say, stderr
from plume.errors import InputError
from plume.page.render import render

HERE = Path(__file__).parent
FIELD, HEADER = "token", "X-Plume-Token"  # where a form and a script say the token of their page
LARGEST_BODY = 256 << 10  # bytes of a form
LARGEST_ADDRESS = 4096  # bytes of path and query
_DRAINED = 16 << 20  # bytes of a body that is too large, read so that the browser listens to the answer
_BODY_SECONDS = 30
_OURS = ("127.0.0.1", "localhost", "::1")
_STATIC = {file.name: file for kind in ("css", "js") for file in sorted(HERE.glob(f"*.{kind}"))}
_SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Other sites get no referrer. With `no-referrer`, browsers would hide the origin of our own forms, too.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_SAID = {  # status -> title, and what to do, where whoever refuses says no more
    400: ("Demande non comprise", "Le navigateur a envoyé une demande incomplète. Rechargez la page et recommencez."),
    403: ("Demande refusée", "Cette demande ne vient pas d’une page ouverte ici. Rechargez la page et recommencez."),
    404: ("Page introuvable", "Cette adresse ne mène à rien ici. Vérifiez le lien, ou revenez à l’accueil."),
    405: ("Action impossible", "Cette adresse n’accepte pas cette action. Revenez à la page précédente."),
    408: ("Demande trop lente", "La demande n’est pas arrivée en entier. Recommencez."),
    409: ("Page dépassée", "Cette page a changé depuis que vous l’avez ouverte. Rechargez-la."),
    413: ("Texte trop long", "Rien n’a été enregistré. Raccourcissez le texte, puis recommencez."),
    414: ("Adresse trop longue", "Raccourcissez le texte cherché, ou ôtez des filtres."),
    422: ("Valeur non comprise", "L’adresse ou le formulaire contient une valeur inattendue. Corrigez-la."),
    500: ("Erreur de plume", "La demande n’a pas abouti. La personne qui a lancé plume en voit la raison."),
}


def make_app(
    *,
    hosts: Collection[str] = (),
    url: str | None = None,
    statics: Mapping[str, Path] | None = None,
    largest_body: int = LARGEST_BODY,
    secret: bytes | None = None,
    subject: Callable[[Request], str] = lambda _: "",
    **more: Any,
) -> FastAPI:
    """Make an app without routes but `/static/…`.

    Args:
        hosts: names by which browsers may reach it, beside this machine's own (no port).
        url: the public address, where a proxy stands before it.
        statics: file name -> file: scripts and styles, served below `/static/`.
        secret: signs the tokens of forms; one that is kept lets an open page outlive a restart.
        subject: whose page a request is of: a token that one person's page got is worth nothing on another's.
        more: for FastAPI.
    """
    app = FastAPI(
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(_check_token)],
        exception_handlers={HTTPException: _refused, RequestValidationError: _invalid},
        **more,
    )
    app.state.secret, app.state.subject = secret or secrets.token_bytes(32), subject
    public = urlsplit(url or "")
    names = {name.lower().strip("[]") for name in (*_OURS, *hosts, public.hostname or "") if name}
    app.add_middleware(_Door, names=names, public=public.netloc.lower(), largest_body=largest_body)
    files = {**_STATIC, **(statics or {})}

    @app.get("/static/{name}")
    def static(name: str) -> FileResponse:
        if name not in files:
            raise HTTPException(404)
        return FileResponse(files[name], media_type=mimetypes.guess_type(name)[0])

    return app


def token(request: Request) -> str:
    """Give the token that the forms of a page must hold: `<input type="hidden" name="token">`, or the header."""
    state = request.app.state
    return hmac.new(state.secret, state.subject(request).encode(), "sha256").hexdigest()


def page(request: Request, template: Path, status: int = 200, **values: Any) -> HTMLResponse:
    """Answer with a page, rendered from a template that extends `local.html.j2`; `token` is among its values."""
    return HTMLResponse(render(template, token=token(request), **values), status)


async def _check_token(request: Request) -> None:
    """Refuse what would change something, unless it holds the token of its page."""
    if request.method in _SAFE:
        return
    said = request.headers.get(HEADER) or (await request.form()).get(FIELD)
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), token(request).encode()):
        raise HTTPException(403)


class _Door:
    """Refuses at the door what no page needs, and gives every answer its headers."""

    def __init__(self, app: ASGIApp, names: Collection[str], public: str, largest_body: int) -> None:
        self._app, self._names, self._public, self._largest_body = app, names, public, largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # no page opens a websocket; there is no route for one
            await self._app(scope, receive, send)
            return
        request, began = Request(scope, receive), False

        async def send_on(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        try:
            self._check(request)
            body = await self._read(request)
            await self._app(scope, _replay(body, receive), send_on)
        except HTTPException as error:
            await _refused(request, error)(scope, receive, send_on)
        except ClientDisconnect:
            pass
        except Exception as error:  # its message may quote a text: that is for a private file, not for a log
            stderr.print(f"plume: a page failed ({type(error).__name__}); the whole: {kept(error)}")
            if not began:
                await _answer(request, 500)(scope, receive, send_on)

    def _check(self, request: Request) -> None:
        """Refuse a request to another host, from another site, or with an address that is too long."""
        host = request.headers.get("host", "").lower()
        if _name(host) not in self._names:
            raise HTTPException(403, "Cette adresse n’est pas celle de plume. Ouvrez l’adresse affichée au démarrage.")
        if len(request.scope["raw_path"]) + len(request.scope["query_string"]) > LARGEST_ADDRESS:
            raise HTTPException(414)
        if request.method in _SAFE:
            return
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        ours = {host, self._public} - {""}
        if site not in (None, "same-origin") or (origin is not None and urlsplit(origin).netloc.lower() not in ours):
            raise HTTPException(403)

    async def _read(self, request: Request) -> bytes:
        """Read the body whole. What is too large is read, too, up to a bound: else the browser shows no answer."""
        if request.method in _SAFE:
            return b""
        parts, size = [], 0
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                async for part in request.stream():
                    size += len(part)
                    if size <= self._largest_body:
                        parts.append(part)
                    elif size > _DRAINED:
                        break
        except TimeoutError:
            raise HTTPException(408) from None
        if size > self._largest_body:
            raise HTTPException(413)
        return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read once more, then what comes after it: the browser that leaves."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


def _name(host: str) -> str:
    """`[::1]:8000` -> `::1`; nothing for what names no host."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _refused(request: Request, error: Exception) -> Response:
    """Answer with a French page: what whoever raised says, else what the status means."""
    status, detail = getattr(error, "status_code", 500), getattr(error, "detail", "")
    plain = isinstance(detail, str) and detail != HTTPStatus(status).phrase and status != 400
    return _answer(request, status, detail if plain else "")


def _invalid(request: Request, error: RequestValidationError) -> Response:
    """Name the values that are not understood, never quote them."""
    names = ", ".join(dict.fromkeys(str(each["loc"][-1]) for each in error.errors()))
    return _answer(request, 422, f"L’adresse ou le formulaire contient une valeur inattendue : {names[:200]}.")


def _answer(request: Request, status: int, detail: str = "") -> Response:
    title, told = _SAID.get(status, _SAID[400])
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"title": title, "error": detail or told}, status)
    return HTMLResponse(render(HERE / "refused.html.j2", title=title, told=detail or told, status=status), status)


@contextmanager
def listening(host: str, port: int) -> Iterator[tuple[socket.socket, str]]:
    """Hold a port (0: one that is free) and give its socket and address. Raises InputError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        opened = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        number = getattr(error, "errno", None)
        raise InputError(
            f"{host}, port {port}: cannot be listened on ({os.strerror(number) if number else error}); "
            "name another port, or 0 for one that is free"
        ) from None
    with opened:
        shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - as the user named it
        shown = f"[{shown}]" if ":" in shown else shown
        yield opened, f"http://{shown}:{opened.getsockname()[1]}"


def serving(app: FastAPI) -> uvicorn.Server:
    """Make the server of an app: no access log, for its lines would hold what people search."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http="h11",  # it bounds the size of headers
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        )
    )


def run(app: FastAPI, host: str, port: int, *, tell: Callable[[str], None] | None = None) -> None:
    """Serve an app until Ctrl-C. `tell` gets the address once the port is held, by default to print it."""
    with listening(host, port) as (opened, address):
        (tell or (lambda at: say(f"{at}/ (Ctrl-C ends it)")))(address)
        with suppress(KeyboardInterrupt):
            serving(app).run(sockets=[opened])
