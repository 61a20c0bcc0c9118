"""How the replicas of a network divide a cluster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unetzoo.errors import OptionError

Machine = Mapping[str, float]
"""What a machine has, in Ray's words: CPU, GPU and others, by their number."""


@dataclass(frozen=True)
class Share:
    """Replicas, and what each of them takes.

    Attributes:
        replicas: their number.
        cpus: of each; it computes with as many threads.
        gpus: of each, 0 or 1.
    """

    replicas: int
    cpus: int
    gpus: int


def share_of(machines: Sequence[Machine], replicas: int | None, *, may_use_gpus: bool) -> Share:
    """Divide the devices of a cluster evenly; a replica lies on one machine.

    Args:
        machines: of the cluster.
        replicas: None: one for each GPU, or for each CPU where there are no GPUs to use.
        may_use_gpus: whether the network can be computed by them.

    Raises:
        OptionError: there are fewer devices than replicas.
    """
    has_gpus = may_use_gpus and any(machine.get("GPU", 0) >= 1 for machine in machines)
    most = _places(machines, 1, has_gpus=has_gpus)
    wanted = most if replicas is None else replicas
    if not most:
        raise OptionError("the cluster has no CPU, and a replica takes one")
    if not 1 <= wanted <= most:
        device = "GPU" if has_gpus else "CPU"
        raise OptionError(f"replicas (--replicas) must be 1 to {most}, one for each {device} there; got {wanted}")
    cpus = 1
    while _places(machines, cpus + 1, has_gpus=has_gpus) >= wanted:
        cpus += 1
    return Share(wanted, cpus, int(has_gpus))


def _places(machines: Sequence[Machine], cpus: int, *, has_gpus: bool) -> int:
    """How many replicas with so many CPUs the machines hold."""
    by_cpus = (int(machine.get("CPU", 0)) // cpus for machine in machines)
    if not has_gpus:
        return sum(by_cpus)
    return sum(min(count, int(machine.get("GPU", 0))) for count, machine in zip(by_cpus, machines, strict=True))
