"""serve.json and synced.json, whatever somebody made of them: one line, and how to go on."""

import pytest

from plume.errors import InputError
from plume.models import Base
from serve import cli, sync
from serve.config import ServeConfig
from serve.state import Started, State


@pytest.fixture
def state(tmp_path):
    state = State(tmp_path / "state")
    state.folder.mkdir()
    return state


@pytest.mark.parametrize("odd", [None, b"[]", b"{}", b'{"config": 3}', b'{"config": {"maskers": "x"}}', b"null", b"{"])
def test_an_odd_serve_json_is_one_line_that_says_how_to_go_on(state, odd):
    if odd is not None:
        state.serve.write_bytes(odd)
    with pytest.raises(InputError, match=r"serve\.json: .*(start the server|mend or remove it)") as told:
        Started.read(state)
    assert "\n" not in str(told.value)
    if odd is not None:
        state.journal.touch()
        with pytest.raises(InputError, match=r"serve\.json: "):
            cli.resend([f"state={state.folder}"])


def test_what_was_started_is_read_again_without_the_stores_password(state):
    config = ServeConfig(state=state.folder, tracking_uri="http://ann:s3cret@store.test")
    written = Started(config=config, base=Base(), stop_token_id=2, dtype="float32", max_model_len=2048)
    written.write(state)
    read = Started.read(state)
    assert read.config.tracking_uri == "http://store.test"
    assert read.model_dump(mode="json") == written.model_dump(mode="json")


@pytest.mark.parametrize("odd", [b"[]", b"{}", b'{"at": "x"}', b'{"at": 1e99}', b"3", b"{"])
def test_an_odd_synced_json_is_told_and_stops_nothing(state, odd):
    state.synced.write_bytes(odd)
    assert sync._synced(state).startswith("not known: " if odd not in (b"[]", b"{}") else "")
