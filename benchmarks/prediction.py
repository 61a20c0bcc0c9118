"""Measure prediction of large images, keep the raw samples, and write README.md anew.

python -m benchmarks.prediction                # both
python -m benchmarks.prediction --only tiles   # tiles beside the network alone and beside MONAI
python -m benchmarks.prediction --only large   # an image of 20,000 x 20,000 pixels
"""

import argparse
from pathlib import Path

from benchmarks.page.readme import write_pages
from benchmarks.prediction_times import measure_large, measure_prediction
from unetzoo._utils.memory import keep_freed_memory
from unetzoo.bench.run import machine
from unetzoo.bench.store import write_json

HERE = Path(__file__).parent
_TILES = [(2048, 128), (1024, 128)]  # the default, and a smaller one


def main() -> None:
    """Measure, then write README.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["tiles", "large"], help="one part of the work")
    chosen = parser.parse_args()
    results = HERE / "results"
    if chosen.only in (None, "tiles"):
        keep_freed_memory()
        cases = [measure_prediction(tile=tile, overlap=overlap) for tile, overlap in _TILES]
        write_json({"machine": machine(), "cases": cases}, results / "prediction.json")
    if chosen.only in (None, "large"):
        write_json({"machine": machine(), **measure_large()}, results / "prediction-large.json")
    write_pages(HERE)


if __name__ == "__main__":
    main()
