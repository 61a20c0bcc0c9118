"""Serve a network by replicas on a Ray cluster, behind the proxy of Ray Serve."""

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from math import ceil
from types import FrameType
from typing import Any

import ray
from ray import serve as ray_serve
from ray.serve.exceptions import RayServeException
from starlette.applications import Starlette

from unetzoo._utils.cluster import connected
from unetzoo._utils.memory import keep_freed_memory
from unetzoo.errors import OptionError, describe_error
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.forward import Network
from unetzoo.serving.application import application
from unetzoo.serving.metrics import Families
from unetzoo.serving.options import ServeOptions
from unetzoo.serving.serve import CONNECTIONS, address_of, checked, is_by_engine, listening, predictors_of
from unetzoo.serving.share import Share, share_of

_NAME = "unetzoo"  # of the application
_HEAD = "node:__internal_head__"  # a resource of the machine where Ray's proxy runs
_SECONDS = 5.0  # that the numbers of all replicas may take


def serve_on_ray(
    model: Network,
    name: str,
    options: PredictOptions,
    serving: ServeOptions,
    *,
    address: str,
    replicas: int | None = None,
    on_start: Callable[[str, bool], None],
) -> None:
    """Answer requests until SIGTERM or SIGINT, by an application of Ray Serve, which starts a replica that dies again.

    What is being predicted at the end is finished. A cluster that was started for this ends, another one stays.

    Args:
        model: the network; goes to each machine once.
        name: of it, for people.
        options: how it predicts.
        serving: where the cluster's first machine listens, and limits of each replica.
        address: of the cluster, `"auto"` for one that runs on this machine, `"local"` for a new one.
        replicas: None: one for each GPU, or for each CPU where there are no GPUs.
        on_start: receives the address of the page, and whether only the cluster's first machine reaches it.

    Raises:
        OptionError: as `serve`; there is no cluster at the address, it has fewer devices than replicas, Ray Serve runs
            there already, or the replicas do not start.
    """
    network, options = checked(model, options)
    try:
        with connected(address), _stopping():
            _serve(network, name, options, serving, replicas, on_start)
    except _StoppedError as stopped:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # Ray has one of its own
        signal.raise_signal(stopped.number)


def _serve(
    network: Network,
    name: str,
    options: PredictOptions,
    serving: ServeOptions,
    replicas: int | None,
    on_start: Callable[[str, bool], None],
) -> None:
    """Answer requests in the cluster that this process is connected to, until a signal."""
    logging.getLogger("ray.serve").setLevel(logging.CRITICAL)  # its errors become ours
    may_use_gpus = options.device != "cpu" and not is_by_engine(network)
    machines = [node["Resources"] for node in _nodes() if node["Alive"]]
    share = share_of(machines, replicas, may_use_gpus=may_use_gpus)
    _check_free()
    host, port = _place(serving)
    is_private = _is_loopback(host)
    shared = [ray.put((network.cpu(), options))]
    with _running(_deployed(shared, name, serving, share, is_private=is_private), host, port):
        on_start(address_of(host, port), is_private)
        signal.pause()


def _nodes() -> list[dict[str, Any]]:
    """The machines of the cluster, as Ray describes them."""
    return list(ray.nodes())  # type: ignore[no-untyped-call] # Ray's own lack of types


def _check_free() -> None:
    """Raise OptionError where Ray Serve runs, since it has one address and one limit for all of its applications."""
    status = ray_serve.status()
    if status.proxies:
        names = ", ".join(status.applications) or "none"
        raise OptionError(
            f"Ray Serve runs on this cluster already (applications: {names}), at an address of its own; "
            "end it with `serve shutdown`, or choose another cluster"
        )


def _place(serving: ServeOptions) -> tuple[str, int]:
    """Address and port of the proxy; what this machine can check is checked."""
    here = ray.get_runtime_context().get_node_id()
    if any(node["NodeID"] == here and _HEAD in node["Resources"] for node in _nodes()):
        with listening(serving) as listener:
            host, port = listener.getsockname()[:2]
        return host, port
    if not serving.port:
        raise OptionError("port (--port) must be other than 0 where the cluster's first machine is another one")
    return serving.host, serving.port


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name, of which this machine knows nothing
        return host == "localhost"


def _deployed(shared: list[Any], name: str, serving: ServeOptions, share: Share, *, is_private: bool) -> Any:  # noqa: ANN401 - Ray's
    """The application, for `serve.run`.

    Args:
        shared: a list with a Ray reference to the network and its options.
        name: of the network.
        serving: limits.
        share: what a replica takes.
        is_private: as `application` takes it.
    """
    places = CONNECTIONS + serving.queue

    def build() -> Starlette:
        """The application of a replica, in its process."""
        keep_freed_memory()
        network, options = ray.get(shared[0])
        return application(
            predictors_of(network, options), name, serving, is_private=is_private, gather=_numbers_of_all
        )

    class Replica:
        """What Ray calls beside the application."""

        async def numbers(self) -> tuple[str, Families]:
            """Name and numbers of this replica."""
            families = self.app.state.metrics.families()  # type: ignore[attr-defined] # of serve.ingress
            return ray_serve.get_replica_context().replica_tag, families

    deployment = ray_serve.deployment(
        name=_NAME,
        num_replicas=share.replicas,
        ray_actor_options={"num_cpus": share.cpus, "num_gpus": share.gpus},
        max_ongoing_requests=places,
        max_queued_requests=places,
        max_constructor_retry_count=share.replicas,
        graceful_shutdown_wait_loop_s=0.1,
        graceful_shutdown_timeout_s=ceil(2 * serving.timeout),
    )
    return deployment(ray_serve.ingress(build)(Replica)).bind()


async def _numbers_of_all() -> dict[str, Families]:
    """The numbers of all replicas that answer."""
    handle = ray_serve.get_deployment_handle(_NAME, _NAME)
    answers = await handle.broadcast("numbers").results_async(timeout_s=_SECONDS, return_exceptions=True)
    return dict(answer for answer in answers if not isinstance(answer, BaseException))


@contextmanager
def _running(deployed: Any, host: str, port: int) -> Iterator[None]:  # noqa: ANN401 - Ray's
    """Ray Serve with the application."""
    try:
        ray_serve.start(
            proxy_location="HeadOnly",
            http_options={"host": host, "port": port},
            logging_config={"log_level": "ERROR", "enable_access_log": False},
        )
        try:
            ray_serve.run(deployed, name=_NAME)
        except RuntimeError as error:
            raise OptionError(f"the replicas do not start: {describe_error(error)}") from error
        yield
    finally:
        try:
            with suppress(TimeoutError, RayServeException):  # too slow, or not even started
                ray_serve.delete(_NAME)  # waits for what is being predicted
        finally:
            ray_serve.shutdown()  # type: ignore[no-untyped-call] # as above


class _StoppedError(BaseException):
    """A signal asks this process to end.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def _stopping() -> Iterator[None]:
    """Leave the block by a `_StoppedError` at SIGTERM or SIGINT."""
    previous = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _stop(number: int, _: FrameType | None) -> None:
    raise _StoppedError(number)
