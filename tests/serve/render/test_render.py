"""The folder of rendered files: whole, deterministic, never over anybody's work; and bad input in one line."""

import json
import shutil

import pytest
import yaml

from plume.errors import InputError
from serve.config import FORCED_AFTER, ServeConfig
from serve.guard import access
from serve.render.files import FILES, FOLDERS
from serve.render.render import KIND, rendered, write


def config(**more):
    if more.get("site", {}).get("replicas", 1) > 1:
        more = {"database": "postgresql://plume@localhost/plume", **more}
    return ServeConfig.model_validate(more)


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def desk(tmp_path):
    (tmp_path / "desk.yaml").write_text("url: https://bureau.example.org\n")
    return tmp_path / "desk.yaml"


def test_the_same_config_gives_the_same_bytes_each_with_what_made_it_and_its_use(tmp_path, desk):
    settings = config(site={"desk": desk, "replicas": 2})
    for name in ("one", "two"):
        write(settings, tmp_path / name)
    one = files(tmp_path / "one")
    assert one == files(tmp_path / "two")
    assert {path.partition("/")[0] for path in one} <= {*FOLDERS, KIND.marker}
    assert set(json.loads(one.pop(KIND.marker))["files"]) == set(one)
    for path, text in one.items():
        made, _, use = text.decode().partition("render again. " if path.endswith(".json") else "\n")
        assert "plume serve render" in made, path
        name, folder = path.rpartition("/")[2].partition("@")[0].partition(".")[0], path.partition("/")[0]
        assert any(each in use.partition("\n")[0] for each in (name, f"{folder}/*", f" -k {folder}")), path


def test_the_folders_are_those_that_plume_knows_as_its_own():
    assert set(FOLDERS) <= set(KIND.files)
    assert len({file.path for file in FILES}) == len(FILES)


def test_what_it_wrote_is_replaced_whole_and_what_was_changed_is_not(tmp_path, desk):
    out = tmp_path / "out"
    write(config(site={"desk": desk, "replicas": 3, "server_name": "a.example"}), out)
    (out / "notes.txt").write_text("mine")
    write(config(), out)
    assert set(files(out)) == {*rendered(config()), KIND.marker, "notes.txt"}
    before = files(out)
    for change in ("changed", "added"):
        path = out / "nginx" / ("nginx.conf" if change == "changed" else "mine.conf")
        path.write_text("mine")
        with pytest.raises(InputError, match="was changed since it was rendered; put the change into the config"):
            write(config(port=8400), out)
        assert path.read_text() == "mine"
        shutil.rmtree(out / "nginx")
        (out / "nginx").mkdir()
        (out / "nginx" / "nginx.conf").write_bytes(before["nginx/nginx.conf"])
    assert files(out) == before


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path):
    (tmp_path / "rendered.json").write_text("{}")
    with pytest.raises(InputError, match="holds something else than rendered files; name an empty folder with --out"):
        write(config(), tmp_path)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is a file"):
        write(config(), tmp_path / "file")
    assert set(files(tmp_path)) == {"rendered.json", "file"}


def test_each_replica_has_a_config_of_its_own_that_serve_takes(tmp_path):
    for where, own in (
        ({"port": 8400}, [("port", 8400), ("port", 8401)]),
        (
            {"socket": "/run/plume/vllm.sock"},
            [("socket", "/run/plume/vllm.sock"), ("socket", "/run/plume/vllm-2.sock")],
        ),
    ):
        texts = rendered(config(**where, draft_timeout=60, site={"replicas": 2}))
        for number, (key, value) in enumerate(own, 1):
            (tmp_path / "serve.yaml").write_text(texts[f"plume/serve-{number}.yaml"])
            read = ServeConfig.load(tmp_path / "serve.yaml")
            assert str(getattr(read, key)) == str(value)
            assert str(read.folder) == "/var/lib/plume/serve" + ("" if number == 1 else f"-{number}")
            assert read.draft_timeout == 60
            # The first is the server's own config, as it was given: what a site decides is kept, too.
            assert yaml.safe_load(texts["plume/serve-1.yaml"])["site"] == {"replicas": 2}


def test_what_the_server_and_the_guard_say_stands_in_the_files():
    settings = config(port=8444, drain_timeout=77, header_timeout=3, body_timeout=4.5, draft_timeout=99.5)
    texts = rendered(settings)
    nginx, unit = texts["nginx/nginx.conf"], texts["systemd/plume-serve@.service"]
    for line in (
        "server 127.0.0.1:8444 ",
        "client_header_timeout 3s;",
        "client_body_timeout 4500ms;",
        "proxy_read_timeout 110s;",
        f"client_max_body_size {access.BODY};",
        f"the body is larger than {access.BODY >> 10} KB",
    ):
        assert line in nginx
    assert "anonymize" not in nginx
    assert "~^POST /anonymize$" in rendered(settings.model_copy(update={"platform_api": True}))["nginx/nginx.conf"]
    stop = int(unit.partition("TimeoutStopSec=")[2].split()[0])
    assert stop > 77 + FORCED_AFTER


def test_a_password_goes_into_no_file_and_the_file_says_where_to_put_it():
    stores = {
        "tracking_uri": "https://plume:hunter2@10.1.2.3/",
        "database": "postgresql://plume:hunter2@10.1.2.3/plume",
    }
    texts = rendered(config(**stores, site={"reaches": ["10.1.2.3"]}))
    assert "hunter2" not in "".join(texts.values())
    for variable in ("MLFLOW_TRACKING_URI", "PLUME_SERVE_DATABASE"):
        assert f"write {variable}=… into /etc/plume/plume.env" in texts["plume/serve-1.yaml"]
    for name in ("plume-serve@.service", "plume-sync.service"):
        assert "EnvironmentFile=-/etc/plume/plume.env\n" in texts[f"systemd/{name}"]
        assert "IPAddressAllow=localhost 10.1.2.3\n" in texts[f"systemd/{name}"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"state": "/srv/a b"}, "state: /srv/a b must begin with /"),
        ({"socket": "/srv/a;b"}, "socket: /srv/a;b must begin with /"),
        ({"merged": '/srv/a "b'}, 'merged: /srv/a "b must begin with /'),
        ({"sources": "/srv/a\n  b: c"}, "sources: '/srv/a\\n  b: c' must begin with /"),
        ({"examples_from": "/srv/$HOME"}, "examples_from: /srv/$HOME must begin with /"),
        ({"state": "/srv/plume/../etc"}, "alone, no .."),
        ({"socket": "/run/vllm.sock"}, "lies in a folder of everybody's; name one below /run/plume"),
        (
            {"database": None, "site": {"replicas": 2}},
            "site.replicas=2: replicas share keys, decisions and who answers",
        ),
        ({"database": "postgresql://plume@10.1.2.3/plume"}, "site.reaches: database is on 10.1.2.3, and the units"),
        ({"port": 65535, "site": {"replicas": 2}}, "end at 65536; name a lower port"),
        (
            {"tracking_uri": "https://mlflow.example:5000"},
            "tracking_uri is on mlflow.example, and the units reach this",
        ),
        ({"site": {"desk": "nowhere.yaml"}}, "nowhere.yaml: no such config"),
    ],
)
def test_what_cannot_be_rendered_is_one_line(given, said):
    with pytest.raises(InputError) as error:
        rendered(config(**given))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_the_desk_needs_a_name_and_a_port_of_its_own(tmp_path):
    (tmp_path / "desk.yaml").write_text("url: https://bureau.example.org\nport: 0\n")
    with pytest.raises(InputError, match="port: 0: nginx must know where the desk listens; name a port"):
        rendered(config(site={"desk": tmp_path / "desk.yaml"}))
    for url in ("null", "http://bureau.example.org", "https://localhost"):
        (tmp_path / "desk.yaml").write_text(f"url: {url}\n")
        with pytest.raises(InputError, match=r"give url: https://NAME, another NAME than site\.server_name=localhost"):
            rendered(config(site={"desk": tmp_path / "desk.yaml"}))


@pytest.mark.parametrize(
    "given",
    [
        "home=relative", "home=/srv/a b", "install=/srv/$x", "logs=/var/log/%n", "user=Root", "server_name=a;b",
        "listen=[443x]", "listen=[70000]", "listen=[443,443]", "listen=[]", "server_name=10.1.2.3",
        "metrics_from=[all]", "reaches=[mlflow]", "sync_every=often", "replicas=0", "rate=0",
        "sync_every=0s", "storage=0Gi", "listen=[999.1.1.1:443]", "listen=['[:::]:443']", "listen=[٤٤٣]",
        "prometheus=localhost:99999", "grafana=-x:3000", "alertmanager=localhost:0", "backups=/var/../etc",
        "home=/", "configs=//",
    ],
)  # fmt: skip
def test_a_value_that_would_read_otherwise_in_a_file_is_refused(given):
    key = given.partition("=")[0]
    with pytest.raises(InputError, match=f"1 error\n  .*{key}"):
        ServeConfig.load(None, [f"site.{given}"])
