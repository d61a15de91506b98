"""Counts what ops watch, by version: the guard's own Prometheus metrics. Never a text of a request or a draft."""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from serve.alias import Aliases
from serve.guard.engine_client import Written

_SECONDS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60)
_TOKEN_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)


class Metrics:
    """Holds the counters of one server. A new metric is one line here, counted where it happens."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def make(kind, name, help_text, labels=(), **options):
            return kind(f"plume_{name}", help_text, labels, registry=self.registry, **options)

        version, seconds, token_seconds = ("version",), {"buckets": _SECONDS}, {"buckets": _TOKEN_SECONDS}
        self.requests = make(Counter, "requests", "answered requests", ("version", "route", "status"))
        self.errors = make(Counter, "errors", "refused or failed requests", ("version", "kind"))
        self.prompt_tokens = make(Counter, "prompt_tokens", "tokens that the model read", version)
        self.draft_tokens = make(Counter, "draft_tokens", "tokens that the model wrote", version)
        self.first = make(Histogram, "time_to_first_token_seconds", "from the engine's request on", version, **seconds)
        self.each = make(Histogram, "time_per_output_token_seconds", "after the first", version, **token_seconds)
        self.whole = make(Histogram, "request_seconds", "masking and checks included", version, **seconds)
        self.masked = make(Counter, "masked_entities", "entities that the model was not shown", ("version", "type"))
        self.withheld = make(Counter, "withheld", "what was withheld from drafts", ("version", "check"))
        self.failed = make(Counter, "failed_checks", "findings on drafts as written", ("version", "check"))
        self.passages = make(Counter, "passages", "of official sources, shown or cited", ("version", "use"))
        self.journal_errors = make(Counter, "journal_errors", "drafts that could not be kept")
        self.limited = make(Counter, "limited", "requests over a limit of their client's", ("client", "limit"))
        self.spans_lost = make(Counter, "spans_lost", "spans that otlp_endpoint did not take")
        self.audit_errors = make(Counter, "audit_errors", "audit lines that could not be written")
        self.restarts = make(Gauge, "masker_restarts", "maskers that died or did not answer")
        self.waiting = make(Gauge, "not_in_mlflow", "drafts and decisions that wait to be sent to MLflow")
        self.platform = make(Gauge, "platform_waiting", "reviews that the platform left and that wait for a draft")
        self.running = make(Gauge, "running_requests", "requests that are being answered")
        self.draining = make(Gauge, "draining", "1 while no new draft is begun")
        self.ready = make(Gauge, "ready", "1 while /ready says so")
        self.maskers = make(Gauge, "maskers", "maskers that run")
        self.share = make(Gauge, "share", "of the conversations that a version answers", ("alias", "version"))

    def count_draft(
        self,
        version: int,
        written: Written,
        *,
        withheld: Iterable[str],
        failed: Iterable[str],
        passages: Mapping[str, int],
    ) -> None:
        """Count a draft that was written and checked; `withheld` and `failed` are names of checks."""
        label = str(version)
        self.prompt_tokens.labels(label).inc(written.prompt_tokens)
        self.draft_tokens.labels(label).inc(written.draft_tokens)
        self.first.labels(label).observe(written.first)
        if written.draft_tokens > 1:
            self.each.labels(label).observe((written.seconds - written.first) / (written.draft_tokens - 1))
        for check in withheld:
            self.withheld.labels(label, check).inc()
        for check in failed:
            self.failed.labels(label, check).inc()
        for use, number in passages.items():
            self.passages.labels(label, use).inc(number)

    def count_answer(self, version: int, seconds: float, masked: Mapping[str, int]) -> None:
        """Count a request that was answered, once however many drafts it asked for."""
        self.whole.labels(str(version)).observe(seconds)
        self.count_masked(version, masked)

    def count_masked(self, version: int, masked: Mapping[str, int]) -> None:
        for kind, number in masked.items():
            self.masked.labels(str(version), kind).inc(number)

    def tell_shares(self, aliases: Aliases) -> None:
        """Tell who answers which share of the conversations, now: a version that was swapped is told no more."""
        self.share.clear()
        weight = aliases.weight if aliases.challenger else 0.0
        self.share.labels("champion", str(aliases.champion.version)).set(1 - weight)
        if aliases.challenger:
            self.share.labels("challenger", str(aliases.challenger.version)).set(weight)

    def text(self) -> bytes:
        """Write the metrics in Prometheus's text format."""
        return generate_latest(self.registry)
