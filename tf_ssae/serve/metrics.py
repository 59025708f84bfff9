"""What Prometheus reads: requests, decisions, and how anomalous what comes in is."""

import time
from collections.abc import Sequence

import numpy as np
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_TYPE = CONTENT_TYPE_LATEST
# Of normal images, p-values are spread evenly: a share of them in the lowest that grows is drift,
# or defects.
_P_VALUES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The counters of one server.

    Attributes:
        unreadable: files that were no images.
        batch: tiles of one request.
    """

    def __init__(self, name: str, version: str):
        """`name`, `version`: of the model."""
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        Info("tf_ssae_model", "The model that is served.", registry=self._registry).info(
            {"name": name, "model_version": version}
        )
        self._requests = Counter(
            "tf_ssae_requests",
            "Requests, by path and status.",
            ["path", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "tf_ssae_request_seconds",
            "From the first byte of a request to the last of its answer.",
            ["path"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._busy = Gauge(
            "tf_ssae_requests_in_flight", "Requests without an answer yet.", registry=self._registry
        )
        self._images = Counter(
            "tf_ssae_images",
            "Images that were scored, by decision.",
            ["decision"],
            registry=self._registry,
        )
        for decision in ("normal", "review", "anomaly"):
            self._images.labels(decision)
        self.unreadable = Counter(
            "tf_ssae_unreadable_files",
            "Files that could not be read as images.",
            registry=self._registry,
        )
        self._p_values = Histogram(
            "tf_ssae_p_value",
            "How often a held-out normal image scores as high as an image that came in.",
            buckets=_P_VALUES,
            registry=self._registry,
        )
        self.batch = Histogram(
            "tf_ssae_request_tiles",
            "Tiles of one request.",
            buckets=_SIZES,
            registry=self._registry,
        )

    def decided(self, decisions: Sequence[str], p_values: np.ndarray | None) -> None:
        """Counts the decisions about images, and their p-values, `[N]`."""
        for decision in decisions:
            self._images.labels(decision).inc()
        for value in () if p_values is None else p_values:
            self._p_values.observe(value)

    def text(self) -> bytes:
        """All of them, in Prometheus' format."""
        return generate_latest(self._registry)

    def counted(self, app: ASGIApp) -> ASGIApp:
        """The application, each of its answers counted and timed."""

        async def counting(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            status = "500"

            async def sending(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = str(message["status"])
                await send(message)

            with self._busy.track_inprogress():
                began = time.perf_counter()
                try:
                    await app(scope, receive, sending)
                finally:
                    # The path of the route, not what was asked for: that might be anything.
                    path = getattr(scope.get("route"), "path", "other")
                    self._requests.labels(path, status).inc()
                    self._seconds.labels(path).observe(time.perf_counter() - began)

        return counting
