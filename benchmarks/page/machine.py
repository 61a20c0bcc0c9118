"""Where and with what a section's numbers were measured."""

from collections.abc import Mapping
from typing import Any


def machine_line(machine: Mapping[str, Any]) -> str:
    """One line for what `unetzoo.bench.run.machine` gave."""
    versions = ", ".join(f"{package} {version}" for package, version in machine["versions"].items())
    gpu = f"; {machine['gpu']}" if machine["gpu"] else "; no GPU available"
    instructions = f" ({machine['instructions']})" if "instructions" in machine else ""
    threads = "1 thread" if machine["threads"] == 1 else f"{machine['threads']} threads"
    where = f"{machine['processor']}{instructions}, {threads}{gpu}"
    return f"{where}; Python {machine['python']}, {versions}."
