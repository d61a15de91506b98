"""What `plume serve desk` refuses before it serves, each in one line."""

import pytest

from plume.errors import InputError
from serve.desk.config import DeskConfig
from serve.desk.run import run


@pytest.mark.parametrize("key", [None, "", "two words", "clé"])
def test_without_a_key_it_says_how_to_make_one(tmp_path, key):
    if key is not None:
        (tmp_path / "key").write_text(key)
    with pytest.raises(InputError, match="plume serve key add bureau"):
        run(DeskConfig(state=tmp_path), None)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("host=0.0.0.0", "loopback"),
        ("guard=http://127.0.0.1:8300/v1/drafts", "scheme and host alone"),
        ("idle_seconds=0", "greater than 0"),
        ("api_key=secret", "key_file="),
    ],
)
def test_a_config_that_cannot_be_meant_is_refused(wrong, told):
    with pytest.raises(InputError, match=told):
        DeskConfig.load(None, [wrong])


def test_a_guard_is_named_by_its_address_or_its_socket():
    assert DeskConfig(guard="https://plume.example/").guard == "https://plume.example"
    assert DeskConfig(guard="/run/plume/vllm.sock").guard == "/run/plume/vllm.sock"


def test_a_port_that_is_taken_is_told(tmp_path, served):
    from fastapi import FastAPI

    port = served(FastAPI()).rpartition(":")[2]
    (tmp_path / "key").write_text("cle")
    with pytest.raises(InputError, match="name another port"):
        run(DeskConfig(state=tmp_path, port=int(port)), None)
