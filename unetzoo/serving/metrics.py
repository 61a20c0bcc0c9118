"""Numbers about a server, in the text format of Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from unetzoo.serving.workers import Workers

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """Counters of answers, seconds and pixels, and what the process takes.

    Args:
        workers: whose queue is shown.
    """

    def __init__(self, workers: Workers) -> None:
        self._registry = registry = CollectorRegistry()
        self.answers = Counter("unetzoo_answers", "Answers about images", ["status"], registry=registry)
        self.pixels = Counter("unetzoo_pixels", "Pixels predicted", registry=registry)
        self.seconds = Histogram(
            "unetzoo_answer_seconds", "From a request to its answer", buckets=_SECONDS, registry=registry
        )
        queue = Gauge("unetzoo_queue", "Images that are predicted or wait", registry=registry)
        queue.set_function(lambda: workers.taken)
        ProcessCollector(registry=registry)

    def page(self, _: Request) -> Response:
        """The answer of /metrics."""
        return Response(generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
