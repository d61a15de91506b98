"""Ids that requests bring, and spans that a real receiver of OTLP gets: names, parents, times, and no text."""

import asyncio
import json
import re
from types import SimpleNamespace

import prometheus_client
import pytest
from opentelemetry import trace as otel
from starlette.datastructures import Headers

from plume.errors import InputError
from serve.config import ServeConfig
from serve.guard import tracing
from serve.guard.request_context import RequestContext
from serve.guard.trace_context import continue_trace, request_id
from serve.guard.tracing import NoTraces, OtlpTraces

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
def collector(run_collector):
    with run_collector() as got:
        yield got


@pytest.fixture
def lost():
    return prometheus_client.Counter("lost", "", registry=None)


def to(collector, lost):
    return OtlpTraces(ServeConfig(otlp_endpoint=collector.endpoint).otlp_endpoint, lost)


@pytest.fixture
def traced(guarded, collector, lost):
    """The guard with an endpoint; `spans()` gives what it sent, by name."""
    guarded.lifecycle.traces = to(collector, lost)

    def spans():
        guarded.run(guarded.lifecycle.traces.stop())
        return {span.name: span for span in collector.spans}

    yield SimpleNamespace(spans=spans, **vars(guarded))
    guarded.lifecycle.traces = NoTraces()


def attributes(span):
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in span.attributes}


@pytest.mark.parametrize("given", ["a", "A.b_c-9", "x" * 64])
def test_a_requests_own_id_is_kept_noted_and_handed_to_the_engine(guarded, given):
    answer = guarded.ask("/v1/drafts", {"review": "Rien.", "alternatives": 2}, headers={"X-Request-Id": given})
    assert answer.headers["x-request-id"] == given
    assert json.loads(guarded.state.audit.read_text().splitlines()[-1])["request"] == given
    seen = {headers[b"x-request-id"].decode() for _, path, headers in guarded.engine.seen if path == "/v1/completions"}
    assert seen == {given, f"{given}-1"}


@pytest.mark.parametrize("bad", [[], [""], ["x" * 65], ["a b"], ["a\n"], ["é"], ["a/b"], ["a", "b"], ["٣"]])
def test_an_id_of_another_form_is_replaced(bad):
    made = request_id(Headers(raw=[(b"x-request-id", one.encode()) for one in bad]))
    assert re.fullmatch("[0-9a-f]{16}", made)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (PARENT, True),
        (PARENT[:-1] + "0", False),  # not sampled
        (PARENT[:-2] + "03", True),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", True),
        (f"cc-{TRACE}-{SPAN}-01", True),
        (f" {PARENT}\t", True),
    ],
)
def test_a_trace_is_gone_on_with(given, kept):
    trace = continue_trace(Headers({"traceparent": given}))
    assert (trace.trace, trace.parent, trace.sampled) == (TRACE, SPAN, kept)
    assert trace.header == f"00-{TRACE}-{trace.span}-0{int(kept)}"
    assert trace.span != SPAN


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "x",
        PARENT.upper(),
        PARENT + "-more",  # version 00 has four parts
        PARENT + "0",
        f"ff-{TRACE}-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01x",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-0g",
        f"00-{TRACE}-{SPAN}",
    ],
)
def test_what_is_no_traceparent_begins_a_trace(bad):
    trace = continue_trace(Headers({"traceparent": bad}))
    assert trace.trace != TRACE
    assert (trace.parent, trace.sampled) == (None, True)
    two = Headers(raw=[(b"traceparent", PARENT.encode())] * 2)
    assert continue_trace(two).parent is None


def test_a_request_becomes_spans_below_the_callers_without_a_word_of_it(traced, collector, lost):
    marker, agent = "Cucurbite5533", "Ornithorynque1188"
    traced.engine.queue = 0.02
    traced.engine.draft = f"Bonjour,\n\nAppelez {marker} au 01 99 00 55 66."
    asked = {"review": f"Je suis {marker} Tessier, au 06 39 98 11 22.", "pseudonym": marker, "structure": "CAF"}
    headers = {"traceparent": PARENT, "tracestate": f"vendor={marker}", "X-Request-Id": marker, "X-Agent-Id": agent}
    assert traced.ask("/v1/drafts", asked, headers=headers).status_code == 200
    engine = next(headers for _, path, headers in traced.engine.seen if path == "/v1/completions")
    spans = traced.spans()
    assert [span.name for span in collector.spans] == ["request", "mask", "wait", "write", "check"]
    request = spans.pop("request")
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    assert request.parent_span_id.hex() == SPAN
    assert {span.parent_span_id for span in spans.values()} == {request.span_id}
    assert engine[b"traceparent"].decode() == f"00-{TRACE}-{request.span_id.hex()}-01"
    assert b"tracestate" not in engine
    assert len({span.span_id for span in collector.spans}) == 5
    for span in spans.values():
        assert request.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= request.end_time_unix_nano
    wait, write = spans["wait"], spans["write"]
    assert wait.end_time_unix_nano - wait.start_time_unix_nano == pytest.approx(20_000, abs=1000)
    assert wait.end_time_unix_nano == write.start_time_unix_nano
    assert attributes(request) == {"plume.route": "drafts", "plume.version": 1, "http.response.status_code": 200}
    assert attributes(spans["mask"]) == {"plume.masked": 2}  # name and number
    assert {*attributes(write)} == {
        f"plume.{name}" for name in ("draft", "prompt_tokens", "draft_tokens", "seconds_to_first_token")
    }
    assert {*attributes(spans["check"])} == {"plume.withheld", "plume.failed"}
    assert collector.resources[0]["service.name"] == "plume"
    said = collector.raw.decode("latin-1")
    forbidden = (marker, agent, "Tessier", "CAF", "agents", "06 39", "01 99", traced.key, keys_hash(traced))
    assert not [word for word in forbidden if word in said]
    line = json.loads(traced.state.audit.read_text().splitlines()[-1])
    assert line["trace"] == TRACE  # joins the audit, which knows the client, with the spans, which do not
    assert lost._value.get() == 0


def keys_hash(traced):
    return traced.lifecycle.keys.holder(traced.key).key


def test_three_drafts_wait_and_are_written_side_by_side_below_one_request(traced, collector):
    traced.engine.queue = 0
    assert traced.ask("/v1/drafts", {"review": "Rien.", "alternatives": 3}).status_code == 200
    traced.spans()
    names = [span.name for span in collector.spans]
    assert sorted(names) == ["check", "mask", "request", "wait", "wait", "wait", "write", "write", "write"]
    assert {attributes(span)["plume.draft"] for span in collector.spans if span.name == "write"} == {0, 1, 2}
    assert [span.parent_span_id for span in collector.spans if span.name == "request"] == [b""]


def test_what_failed_is_a_span_too_with_its_kind(traced, collector):
    traced.engine.status = 500
    traced.ask("/v1/drafts", {"review": "Rien."})
    traced.request("POST", "/v1/drafts", json={"review": "Rien."})  # a stranger begins no trace
    traced.request("GET", "/ready")
    spans = traced.spans()
    assert [span.name for span in collector.spans] == ["request", "mask", "write"]
    assert attributes(spans["request"])["plume.error"] == "engine"
    assert (spans["request"].status.code, attributes(spans["write"])) == (2, {"plume.failed": 500})


def test_a_trace_that_its_caller_does_not_sample_sends_nothing(traced, collector):
    assert traced.ask("/v1/drafts", {"review": "Rien."}, headers={"traceparent": PARENT[:-1] + "0"}).status_code == 200
    assert traced.spans() == {}


def answered(steps=1):
    context = RequestContext(client="agents", route="drafts", status=200)
    for _ in range(steps):
        context.add_step("mask", 0.0)
    return context


def test_an_endpoint_that_is_away_costs_a_count_and_one_line(lost, capfd, monkeypatch):
    monkeypatch.setattr(tracing, "_ANSWER", 0.2)
    traces = OtlpTraces("http://127.0.0.1:9/v1/traces", lost)
    for _ in range(3):
        traces.add(answered())
        traces._provider.force_flush()
    asyncio.run(traces.stop())
    assert lost._value.get() == 6
    said = capfd.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "otlp_endpoint does not take spans" in said.err


def test_an_endpoint_that_refuses_and_comes_back_is_told(collector, lost, capfd):
    traces, collector.status = to(collector, lost), 400
    traces.add(answered())
    traces._provider.force_flush()
    collector.status = 200
    traces.add(answered())
    asyncio.run(traces.stop())
    assert (lost._value.get(), len(collector.spans)) == (2, 2)
    assert capfd.readouterr().err.count("otlp_endpoint is back") == 1


def test_an_endpoint_that_hangs_holds_up_no_stop_and_fills_no_memory(collector, lost, monkeypatch):
    monkeypatch.setattr(tracing, "_ANSWER", 0.5)
    monkeypatch.setattr(tracing, "_FLUSH", 0.1)
    collector.wait.clear()
    traces, requests = to(collector, lost), 3000
    for _ in range(requests):
        traces.add(answered())
    asyncio.run(traces.stop())
    assert lost._value.get() == 2 * requests
    assert collector.asked <= 4  # not all eight batches, one after the other


def test_the_tracer_is_plumes_own(collector, lost):
    before = otel.get_tracer_provider()
    traces = to(collector, lost)
    traces.add(answered())
    with before.get_tracer("mlflow").start_as_current_span("of MLflow, with a text"):
        traces.add(answered())
    asyncio.run(traces.stop())
    assert otel.get_tracer_provider() is before
    assert [span.name for span in collector.spans] == ["request", "mask"] * 2
    assert [span.parent_span_id for span in collector.spans if span.name == "request"] == [b"", b""]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("https://otel.test/", "https://otel.test/v1/traces"),
        ("http://otel.test/given/path", "http://otel.test/given/path"),
        ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
    ],
)
def test_an_endpoint_gets_the_path_of_otlp(given, kept):
    config = ServeConfig(otlp_endpoint=given)
    assert config.otlp_endpoint == kept
    assert ServeConfig.model_validate(config.model_dump(mode="json")).otlp_endpoint == kept


@pytest.mark.parametrize(
    "bad", ["127.0.0.1:4318", "grpc://otel.test", "http://", "http://u:p@otel.test", "http://a b", "http://a:99999"]
)
def test_what_is_no_endpoint_is_refused(bad):
    with pytest.raises(InputError, match=r"otlp_endpoint.*an address"):
        ServeConfig.load(None, [f"otlp_endpoint={bad}"])
