"""What every local page refuses, and that a browser can work in it."""

import contextlib
import socket
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
from fastapi import Form, Request
from fastapi.testclient import TestClient

from plume.errors import InputError
from plume.page.local_app import listening, make_app, page, token

TEMPLATE = Path(__file__).with_name("page.html.j2")


def an_app(**options):
    """An app with one page that keeps what is typed in it."""
    app = make_app(largest_body=2000, **options)
    app.state.said = ["Oui ; non"]

    @app.get("/")
    def show(request: Request):
        return page(request, TEMPLATE, said=app.state.said[-1])

    @app.post("/")
    def keep(request: Request, said: Annotated[str, Form()]):
        app.state.said.append(said)
        return page(request, TEMPLATE, said=said)

    @app.get("/token")
    def tell(request: Request):
        return token(request)

    @app.get("/number")
    def number(n: int):
        return n

    @app.get("/broken")
    def broken():
        raise KeyError("Mme Untel, 3 rue des Lilas")

    return app


@pytest.fixture
def client():
    return TestClient(an_app(), base_url="http://127.0.0.1:8000")


def refusal(answer, status):
    """A French page with the status and the headers of every page."""
    assert answer.status_code == status
    assert '<html lang="fr">' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    return answer.text


def test_a_page_comes_with_its_style_and_headers(client):
    answer = client.get("/")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert '<textarea id="said" name="said">Oui ; non</textarea>' in answer.text  # no typography in what is typed
    for name in ("page.css", "local.css"):
        assert f'href="/static/{name}"' in answer.text
        assert client.get(f"/static/{name}").headers["content-type"].startswith("text/css")
    for name in ("render.py", "..%2Frender.py", "%2e%2e/render.py"):
        refusal(client.get(f"/static/{name}"), 404)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8000", "", "[::1", "a b"])
def test_another_host_is_refused(client, host):
    refusal(client.get("/", headers={"host": host}), 403)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:99", "[::1]:8000", "LOCALHOST", "etude.example", "poste-12"])
def test_our_hosts_are_served(host):
    client = TestClient(an_app(hosts=["poste-12"], url="https://etude.example"))
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:3000"},  # another program of this machine
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_refused_although_it_holds_the_token(client, headers):
    form = {"said": "x", "token": client.get("/token").json()}
    refusal(client.post("/", data=form, headers=headers), 403)
    ours = {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
    assert client.post("/", data=form, headers=ours).status_code == 200
    assert client.app.state.said == ["Oui ; non", "x"]


@pytest.mark.parametrize("held", [None, "", "é", "0" * 64])
def test_a_form_without_the_token_is_refused(client, held):
    refusal(client.post("/", data={"said": "x"} | ({} if held is None else {"token": held})), 403)
    assert client.app.state.said == ["Oui ; non"]


def test_a_script_holds_the_token_in_a_header(client):
    headers = {"X-Plume-Token": client.get("/token").json()}
    assert client.post("/", data={"said": "x"}, headers=headers).status_code == 200


def test_a_token_is_of_one_secret_and_one_person():
    def tokens(secret):
        app = an_app(secret=secret, subject=lambda request: request.headers.get("who", ""))
        client = TestClient(app, base_url="http://127.0.0.1")
        return [client.get("/token", headers={"who": who}).json() for who in "ab"]

    assert tokens(b"1") == tokens(b"1")
    assert len({*tokens(b"1"), *tokens(b"2"), *tokens(None)}) == 6


def test_what_is_too_large_is_refused_and_the_rest_goes_on(client):
    held = client.get("/token").json()
    told = refusal(client.post("/", data={"said": "é" * 2000, "token": held}), 413)
    assert "Rien n’a été enregistré" in told
    refusal(client.post("/", content=(b"x" * 999 for _ in range(9)), headers={"X-Plume-Token": held}), 413)
    refusal(client.get("/", params={"q": "é" * 2000}), 414)
    assert client.app.state.said == ["Oui ; non"]


def test_errors_are_french_pages(client, capsys, plume_home):
    refusal(client.get("/nowhere"), 404)
    refusal(client.put("/", headers={"X-Plume-Token": client.get("/token").json()}), 405)
    assert "valeur inattendue : n." in refusal(client.get("/number", params={"n": "<b>"}), 422).replace("\u00a0", " ")
    refusal(client.get("/broken"), 500)
    told = capsys.readouterr()
    assert "KeyError" in told.err
    assert "Untel" not in told.err + told.out
    asked = client.get("/nowhere", headers={"accept": "application/json"})
    told = {"error": "Cette adresse ne mène à rien ici. Vérifiez le lien, ou revenez à l’accueil."}
    assert asked.json() == told | {"title": "Page introuvable"}


def test_a_port_that_is_taken_is_refused_in_one_line():
    with listening("127.0.0.1", 0) as (opened, address):
        port = opened.getsockname()[1]
        assert address == f"http://127.0.0.1:{port}"
        with pytest.raises(InputError, match=rf"port {port}: cannot be listened on \(Address already in use\)"):
            listening("127.0.0.1", port).__enter__()
    for port in (70000, -1):
        with pytest.raises(InputError, match="name another port"):
            listening("127.0.0.1", port).__enter__()


def test_in_chromium(served, chromium_page, assert_accessible):
    address = served(an_app(statics={"page.js": Path(__file__).with_name("page.js")}))
    chromium_page.goto(address)
    chromium_page.wait_for_function("document.documentElement.dataset.ran === 'yes'")
    assert chromium_page.title() == "Essai"
    chromium_page.get_by_label("Texte").fill("Merci !")
    chromium_page.get_by_role("button").press("Enter")
    chromium_page.wait_for_load_state()
    assert chromium_page.get_by_label("Texte").input_value() == "Merci !"
    assert_accessible(chromium_page)
    chromium_page.get_by_label("Texte").fill("x" * 400_000)
    chromium_page.get_by_role("button").click()
    assert chromium_page.get_by_role("heading").inner_text() == "Texte trop long"
    assert_accessible(chromium_page)


def test_ctrl_c_ends_it():
    code = "from plume.page.local_app import make_app, run; run(make_app(), '127.0.0.1', 0)"
    running = subprocess.Popen([sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    line = running.stdout.readline().decode()
    host, _, port = line.partition("/ ")[0].removeprefix("http://").partition(":")
    with contextlib.closing(socket.create_connection((host, int(port)))) as asked:
        asked.sendall(b"GET /?q=secret HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert asked.recv(100).startswith(b"HTTP/1.1 404")
    running.send_signal(2)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert not out + err, "no access log"
