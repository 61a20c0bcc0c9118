"""Measure prediction of large images, keep the raw samples, and write README.md anew.

python benchmarks/prediction.py            # tiles beside the network alone and beside MONAI: some minutes
python benchmarks/prediction.py --large    # also an image of 20,000 x 20,000 pixels
"""

import argparse
from pathlib import Path

from unetzoo.benchmark.prediction import measure_large, measure_prediction
from unetzoo.benchmark.readme import write_readme
from unetzoo.benchmark.run import machine
from unetzoo.benchmark.store import write_json
from unetzoo.memory import keep_freed_memory

HERE = Path(__file__).parent
_TILES = [(1024, 128), (2048, 128), (2048, 64)]


def main() -> None:
    """Measure, then write README.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="also an image of 20,000 x 20,000 pixels")
    chosen = parser.parse_args()
    keep_freed_memory()
    results = HERE / "results"
    cases = []
    for tile, overlap in _TILES:
        print(f"tiles of {tile} px, overlap {overlap} px", flush=True)
        cases.append(measure_prediction(tile=tile, overlap=overlap))
    write_json({"machine": machine(), "cases": cases}, results / "prediction.json")
    if chosen.large:
        print("20,000 x 20,000 px", flush=True)
        write_json({"machine": machine(), **measure_large()}, results / "prediction-large.json")
    write_readme(results, HERE / "README.md")


if __name__ == "__main__":
    main()
