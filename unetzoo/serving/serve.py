"""Serve a network until a signal ends the process."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import ip_address
from math import ceil

import torch
import uvicorn

from unetzoo.errors import OptionError
from unetzoo.inference.files.computed import by_engine
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.predictor import FilePredictor
from unetzoo.inference.forward import Network
from unetzoo.nn.ensemble import members_of
from unetzoo.nn.optimized import OptimizedSegmenter
from unetzoo.registry.objects import network_maps
from unetzoo.serving.application import application
from unetzoo.serving.options import ServeOptions

CONNECTIONS = 512
"""Requests at once, beside those in the queue."""


def serve(
    model: Network,
    name: str,
    options: PredictOptions,
    serving: ServeOptions,
    *,
    on_start: Callable[[str, bool], None],
) -> None:
    """Answer requests until SIGTERM or SIGINT; what is being predicted is finished.

    Args:
        model: the network.
        name: of it, for people.
        options: how it predicts.
        serving: where it listens, and limits.
        on_start: receives the address of the page, and whether only this machine reaches it.

    Raises:
        OptionError: the options do not fit the network, or nobody can listen at the address.
        MissingExtraError: objects need a package that is not installed.
    """
    predictors = predictors_of(model, options)
    with listening(serving) as listener:
        host, port = listener.getsockname()[:2]
        is_private = ip_address(host).is_loopback
        on_start(address_of(host, port), is_private)
        config = uvicorn.Config(
            application(predictors, name, serving, is_private=is_private),
            log_level="warning",
            server_header=False,
            ws="none",
            limit_concurrency=CONNECTIONS + serving.queue,
            timeout_graceful_shutdown=ceil(2 * serving.timeout),
        )
        uvicorn.Server(config).run(sockets=[listener])


def predictors_of(model: Network, options: PredictOptions) -> Sequence[FilePredictor]:
    """A predictor for each device: the one that is asked for, each GPU, or the CPU; errors as `checked`."""
    network, options = checked(model, options)
    gpus = torch.cuda.device_count() if options.device is None and not is_by_engine(network) else 0
    devices: list[str | None] = [f"cuda:{number}" for number in range(gpus)]
    return [FilePredictor(network, replace(options, device=device)) for device in devices or [options.device]]


def checked(model: Network, options: PredictOptions) -> tuple[Network, PredictOptions]:
    """The network, by its engine, and the options as it takes them.

    Raises:
        OptionError: the options do not fit the network.
        MissingExtraError: objects need a package that is not installed.
    """
    options = options.for_network(model.config)
    options.check_fits(model.config, [".tif" if options.axes else options.suffix])
    network_maps(model.config)
    return by_engine(model, options), options


def is_by_engine(network: Network) -> bool:
    """Whether an engine computes it, on the CPU."""
    return any(isinstance(member, OptimizedSegmenter) for member in members_of(network))


def address_of(host: str, port: int) -> str:
    """The address of the page."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def listening(serving: ServeOptions) -> socket.socket:
    """A socket that listens; raises OptionError."""
    family = socket.AF_INET6 if ":" in serving.host else socket.AF_INET
    try:
        return socket.create_server((serving.host, serving.port), family=family, backlog=1024)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while attempting")[0]  # Python's words for its own call
        raise OptionError(
            f"cannot listen on port {serving.port} of {serving.host}: {reason}; "
            "choose another --port (0: any free one) or --host"
        ) from error
