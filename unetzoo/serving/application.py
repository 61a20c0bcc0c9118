"""The application: its paths, and the headers of the page."""

import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from unetzoo.inference.files.predictor import FilePredictor
from unetzoo.serving.kinds import kinds_of
from unetzoo.serving.metrics import Gather, Metrics
from unetzoo.serving.options import ServeOptions
from unetzoo.serving.prediction import Prediction
from unetzoo.serving.workers import Workers


def application(
    predictors: Sequence[FilePredictor],
    name: str,
    options: ServeOptions,
    *,
    is_private: bool = True,
    gather: Gather | None = None,
) -> Starlette:
    """The application that serves a network.

    Args:
        predictors: of the network, one for each device.
        name: of the network, for people.
        options: limits.
        is_private: whether only this machine reaches it.
        gather: gives the numbers of all replicas, see `Metrics`, which are the attribute `state.metrics` of the result.
    """
    config, is_volume = predictors[0].config, bool(predictors[0].options.axes)
    workers = Workers(predictors, options.queue)
    metrics = Metrics(workers, gather)
    folder = tempfile.TemporaryDirectory(prefix="unetzoo-serve-")
    facts = {
        "name": name,
        "kinds": kinds_of(config, is_volume=is_volume),
        "max_bytes": options.max_bytes,
        "max_pixels": options.max_pixels,
        "unetzoo": version("unetzoo"),
    }

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        with folder:
            yield
            workers.close()

    prediction = Prediction(
        config, workers, options, metrics, Path(folder.name), is_private=is_private, is_volume=is_volume
    )
    routes = [
        Route("/", _page()),
        Route("/predict", prediction, methods=["POST"]),
        Route("/model", lambda _: JSONResponse(facts)),
        Route("/health", lambda _: JSONResponse({"status": "ok"})),
        Route("/metrics", metrics.page),
    ]
    handlers = {HTTPException: _refused, 500: _failed}
    made = Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers)
    made.state.metrics = metrics
    return made


def _page() -> Callable[[Request], Response]:
    """The page, which loads nothing from elsewhere and runs no script but its own."""
    text = files("unetzoo.serving").joinpath("page.html").read_text(encoding="utf-8")
    script, style = (_hash(text, kind) for kind in ("script", "style"))
    policy = (
        f"default-src 'none'; script-src {script}; style-src {style}; img-src data: blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
    return lambda _: HTMLResponse(text, headers=headers)


def _hash(text: str, kind: str) -> str:
    """The hash of the only script or style of a page, as a Content-Security-Policy allows it."""
    inner = text.partition(f"<{kind}>")[2].partition(f"</{kind}>")[0]
    return f"'sha256-{b64encode(sha256(inner.encode()).digest()).decode()}'"


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette calls it for these alone
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


def _failed(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"internal error, a bug of the server: {type(error).__name__}"}, 500)
