"""The answer to an image: receive it, let a device predict it, send the result."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import perf_counter

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from unetzoo.nn.config import ModelConfig
from unetzoo.serving.compute import Answer, compute
from unetzoo.serving.kinds import choose_kind
from unetzoo.serving.metrics import Metrics
from unetzoo.serving.options import ServeOptions
from unetzoo.serving.refusals import CLIENT_LEFT, RefusalError
from unetzoo.serving.upload import Body, save, too_large
from unetzoo.serving.workers import Workers

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass
class _Place:
    """Where a request is worked on: a private folder, and the work of a device."""

    folder: Path
    stop: Event = field(default_factory=Event)
    work: "asyncio.Future[Answer] | None" = None


class Prediction:
    """The ASGI application of one path: an image comes, its mask goes.

    Args:
        config: of the network.
        workers: who predict.
        options: limits.
        metrics: count the answers.
        folder: private, for the files of requests.
        is_private: whether the server listens to its own machine alone; other names for it are refused, which a page
            of the web could have given it (DNS rebinding).
        is_volume: whether the network reads volumes.
    """

    def __init__(
        self,
        config: ModelConfig,
        workers: Workers,
        options: ServeOptions,
        metrics: Metrics,
        folder: Path,
        *,
        is_private: bool,
        is_volume: bool = False,
    ) -> None:
        self._config, self._workers, self._options, self._metrics = config, workers, options, metrics
        self._folder, self._is_private, self._is_volume = folder, is_private, is_volume

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        start = perf_counter()
        body = Body(receive, self._options.max_bytes)
        request = Request(scope, body.receive)
        async with self._place() as place:
            try:
                response = await self._response(request, place)
            except RefusalError as refusal:
                if "expect" not in request.headers:
                    await body.discard()
                response = refusal.response()
            self._metrics.answers.labels(response.status_code).inc()
            self._metrics.seconds.observe(perf_counter() - start)
            place.stop.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._options.timeout):
                    await response(scope, receive, send)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[_Place]:
        """A folder that is removed when no thread uses it any more."""
        with TemporaryDirectory(dir=self._folder) as folder:
            place = _Place(Path(folder))
            try:
                yield place
            finally:
                place.stop.set()
                if place.work:
                    await asyncio.wait([place.work])
                    place.work.exception()  # which nobody else may have looked at

    async def _response(self, request: Request, place: _Place) -> Response:
        self._check_sender(request)
        said, accept = request.query_params.get("as"), request.headers.get("accept", "")
        kind = choose_kind(said, accept, self._config, is_volume=self._is_volume)
        if int(request.headers.get("content-length", 0)) > self._options.max_bytes:
            raise too_large(self._options.max_bytes)
        self._workers.check_place()
        upload = place.folder / "upload"
        await save(request, upload, self._options.timeout)
        most = self._options.max_pixels
        place.work = self._workers.submit(partial(compute, upload=upload, kind=kind, most_pixels=most, stop=place.stop))
        answer = await self._finished(request, place.work)
        self._metrics.pixels.inc(answer.pixels)
        headers = {"Unetzoo-Warnings": json.dumps(answer.doubts)} if answer.doubts else {}
        if answer.name:
            headers["Content-Disposition"] = f'attachment; filename="{answer.name}"'
        return Response(answer.content, media_type=answer.media_type, headers=headers)

    async def _finished(self, request: Request, work: "asyncio.Future[Answer]") -> Answer:
        """The result, unless the client leaves or the time is over."""
        seconds = self._options.timeout
        leaving = asyncio.create_task(_left(request))
        try:
            await asyncio.wait((work, leaving), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
        if work.done():
            return work.result()
        if leaving.done():
            raise RefusalError(CLIENT_LEFT, "the client left")
        raise RefusalError(504, f"the image was not predicted within {seconds:g} seconds (--timeout)")

    def _check_sender(self, request: Request) -> None:
        """Refuse what a page of another site makes a browser send."""
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise RefusalError(403, "pages of other sites are not answered")
        if self._is_private and request.url.hostname not in (*_LOOPBACK, self._options.host):
            raise RefusalError(403, f"this server answers for {self._options.host} alone, not for the name in Host")


async def _left(request: Request) -> None:
    """Return when the client, whose body is complete, leaves."""
    await request.receive()
