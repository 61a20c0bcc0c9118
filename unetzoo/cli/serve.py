"""`unetzoo serve`: predict images over HTTP."""

from pathlib import Path
from typing import Annotated, Any

import typer

from unetzoo.cli.fields import with_fields
from unetzoo.cli.models import ModelName, More, load_models
from unetzoo.cli.output import say
from unetzoo.errors import OptionError
from unetzoo.inference.choices import MIRRORS, read_threshold
from unetzoo.inference.files.options import PredictOptions
from unetzoo.serving.options import ServeOptions

# which the client chooses, or nobody
_OF_FILES = ("probabilities", "format", "values", "overwrite", "per_class", "uncertainty")


@with_fields(ServeOptions, into="serving", metavars={"host": "ADDRESS"})
@with_fields(
    PredictOptions,
    metavars={"threshold": "PROBABILITY", "tile": "PIXELS", "overlap": "PIXELS", "device": "NAME", "engine": "NAME"}
    | {"largest_object": "PIXELS", "mirrors": "|".join(map(str, MIRRORS[2]))},
    readers={"threshold": read_threshold},
    without=_OF_FILES,
)
def serve(
    model: ModelName,
    *,
    with_: More = None,
    serving: dict[str, Any],
    values: dict[str, Any],
    ray: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Use replicas on a Ray cluster: its address, auto, or local"),
    ] = None,
    replicas: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Number of replicas with --ray  [default: one for each GPU, else for each CPU]",
            show_default=False,
            min=1,
        ),
    ] = None,
) -> None:
    """Predict images over HTTP, and by a page for the browser.

    POST an image to /predict, as the body or as a file of a form: the answer is what unetzoo predict writes, a mask or
    a label image as PNG or TIFF, or numbers as JSON, as the header Accept or ?as=png|tif|json says; of objects also
    outlines (geojson) and a table (csv). The page at / needs no Python. /health and /metrics are for machines.

    Only this machine reaches the server, unless --host says otherwise; there is no password. Ctrl-C or SIGTERM ends it
    after the images that are being predicted.

    With --ray there are many replicas of the network, which Ray Serve gives the requests, and starts again when they
    die; --queue and the other limits are those of each.

    Example: unetzoo serve run --port 8000
    """
    from unetzoo._utils.extras import need
    from unetzoo._utils.memory import keep_freed_memory

    options, limits = PredictOptions(**values), ServeOptions(**serving)
    if replicas is not None and ray is None:
        raise OptionError("replicas (--replicas) are those on a Ray cluster: add --ray local, or the address of one")
    need("serve", "unetzoo serve", "starlette", "uvicorn", "python_multipart", "prometheus_client")
    keep_freed_memory()
    network = load_models(model, with_)
    name = Path(model).resolve().name if Path(model).exists() else model
    if ray is None:
        from unetzoo.serving.serve import serve as run

        run(network, name, options, limits, on_start=_say_start)
        return
    need("ray", "unetzoo serve --ray", "ray", "fastapi")
    from unetzoo.serving.replicas import serve_on_ray

    serve_on_ray(network, name, options, limits, address=ray, replicas=replicas, on_start=_say_start)


def _say_start(address: str, is_private: bool) -> None:
    if not is_private:
        say("warning:", "yellow", "anyone who reaches this address can use it: there is no password and no encryption")
    say("serving:", "cyan", f"{address} (Ctrl-C ends it)")
