"""Numbers about a server, in the text format of Prometheus."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from unetzoo.serving.workers import Workers

Families = Sequence[Metric]
"""The numbers of a process, by their names."""
Gather = Callable[[], Awaitable[Mapping[str, Families]]]
"""Gives the numbers of all replicas, by the names of these."""
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """Counters of answers, seconds and pixels, and what the process takes.

    Args:
        workers: whose queue is shown.
        gather: gives the numbers of all replicas by their names; None: this process is the only one.
    """

    def __init__(self, workers: Workers, gather: Gather | None = None) -> None:
        self._registry = registry = CollectorRegistry()
        self._gather = gather
        self.answers = Counter("unetzoo_answers", "Answers about images", ["status"], registry=registry)
        self.pixels = Counter("unetzoo_pixels", "Pixels predicted", registry=registry)
        self.seconds = Histogram(
            "unetzoo_answer_seconds", "From a request to its answer", buckets=_SECONDS, registry=registry
        )
        queue = Gauge("unetzoo_queue", "Images that are predicted or wait", registry=registry)
        queue.set_function(lambda: workers.taken)
        ProcessCollector(registry=registry)

    def families(self) -> Families:
        """The numbers of this process."""
        return list(self._registry.collect())

    async def page(self, _: Request) -> Response:
        """The answer of /metrics."""
        registry = self._registry
        if self._gather:
            registry = CollectorRegistry()
            registry.register(_Merged(await self._gather()))
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


class _Merged(Collector):
    """The numbers of replicas, each with the label `replica`.

    Args:
        families: of each replica, by its name.
    """

    def __init__(self, families: Mapping[str, Families]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """One family for each name."""
        merged: dict[str, Metric] = {}
        pairs = ((replica, family) for replica, families in self._families.items() for family in families)
        for replica, family in pairs:
            one = merged.setdefault(family.name, Metric(family.name, family.documentation, family.type, family.unit))
            for sample in family.samples:
                one.add_sample(**{**sample._asdict(), "labels": {**sample.labels, "replica": replica}})
        return merged.values()
