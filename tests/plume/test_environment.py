"""What a shell left behind: read on purpose, or dropped; no proxy stands before this machine."""

import importlib
import os

import httpx
import pytest
from requests.utils import get_environ_proxies

import plume
from plume import doctor

PROXIES = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"), "http://proxy.test:3128")


@pytest.fixture
def started(monkeypatch):
    """Start plume in an environment; everything that this changes is put back."""

    def start(**variables: str) -> None:
        monkeypatch.setattr(os, "environ", os.environ.copy())
        for name in ("no_proxy", "NO_PROXY"):
            os.environ.pop(name, None)
        os.environ.update(variables)
        importlib.reload(plume)

    yield start
    monkeypatch.undo()
    importlib.reload(plume)


@pytest.mark.parametrize("given", [{}, {"no_proxy": "intra.test"}, {"NO_PROXY": "intra.test, 127.0.0.1"}])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"])
def test_no_proxy_stands_before_this_machine(started, given, host):
    started(**PROXIES, **given)
    url = f"http://{host}:5000/health"
    assert get_environ_proxies(url) == {}
    with httpx.Client() as client:
        assert client._transport_for_url(httpx.URL(url)) is client._transport
        if given:
            assert client._transport_for_url(httpx.URL("http://x.intra.test")) is client._transport
        assert client._transport_for_url(httpx.URL("http://store.test")) is not client._transport
    assert get_environ_proxies("http://store.test")["http"] == "http://proxy.test:3128"


def test_who_wants_no_proxy_at_all_gets_none(started):
    started(**PROXIES, NO_PROXY="*")
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "*"


def test_what_would_change_results_without_a_word_is_dropped_and_told(started, monkeypatch):
    unseen = {
        "MLFLOW_TRACE_SAMPLING_RATIO": "0.1",
        "MLFLOW_TRACING_DESTINATION": "7",
        "MLFLOW_ENABLE_ASYNC_LOGGING": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.test",
        "OTEL_SDK_DISABLED": "true",
        "NVIDIA_TF32_OVERRIDE": "1",
    }
    meant = {
        "MLFLOW_TRACKING_URI": "http://store.test",
        "MLFLOW_TRACKING_TOKEN": "t",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
        "HF_HOME": "/models",
        "HF_HUB_OFFLINE": "0",
        "CUDA_VISIBLE_DEVICES": "1",
    }
    started(**unseen, **meant)
    assert not unseen.keys() & os.environ.keys()
    assert meant.items() <= os.environ.items()
    assert set(unseen) <= set(plume.DROPPED)
    monkeypatch.setattr(doctor, "DROPPED", plume.DROPPED)
    assert "MLFLOW_TRACE_SAMPLING_RATIO" in doctor._environment()[0]
