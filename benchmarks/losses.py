"""Measure each loss beside the same one of a peer, keep the raw samples, and write README.md anew.

    python benchmarks/losses.py

The losses of plugins/unetzoo-boundary take part where it is installed.
"""

from pathlib import Path

from unetzoo.benchmark.losses import measure_losses
from unetzoo.benchmark.readme import write_pages
from unetzoo.benchmark.run import machine
from unetzoo.benchmark.store import write_json

HERE = Path(__file__).parent


def main() -> None:
    """Measure, then write README.md."""
    write_json({"machine": machine(), "losses": measure_losses()}, HERE / "results" / "losses.json")
    write_pages(HERE)


if __name__ == "__main__":
    main()
