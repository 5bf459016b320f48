"""What Prometheus reads: requests by operation and status, how long they took, how many are in flight."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gateway.http.trace import Exchange

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """One registry for each process; of several workers each answers for itself."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "vgcp_requests", "Requests answered.", ["operation", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "vgcp_request_seconds", "Time to answer.", ["operation"], buckets=BUCKETS, registry=self.registry
        )
        self.in_flight = Gauge("vgcp_requests_in_flight", "Requests being served.", registry=self.registry)
        self._known: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def count(self, exchange: Exchange) -> float:
        """Note an answer; the milliseconds that it took."""
        key = (exchange.operation, exchange.status)
        children = self._known.get(key)
        if children is None:
            children = self._requests.labels(key[0], str(key[1])), self._seconds.labels(key[0])
            self._known[key] = children
        seconds = time.perf_counter() - exchange.started
        children[0].inc()
        children[1].observe(seconds)
        return seconds * 1000

    def render(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)
