"""Measure each loss beside the same one of a peer, keep the raw samples, and write README.md anew.

    python -m benchmarks.losses

The losses of plugins/unetzoo-boundary take part where it is installed.
"""

from pathlib import Path

from benchmarks.first_touch import measure_first_touch
from benchmarks.loss_times import measure_losses
from benchmarks.page.readme import write_pages
from unetzoo.bench.run import machine
from unetzoo.bench.store import write_json

HERE = Path(__file__).parent


def main() -> None:
    """Measure, then write README.md."""
    found = {"machine": machine(), "first touch": measure_first_touch(), "losses": measure_losses()}
    write_json(found, HERE / "results" / "losses.json")
    write_pages(HERE)


if __name__ == "__main__":
    main()
