"""One stage of what is measured on a GPU; `benchmarks/gpu.sh` runs all of them.

python -m benchmarks.gpu inference --seconds 150 --out FOLDER
python -m benchmarks.gpu inference --device cpu    # the smallest sizes, to see that it runs
"""

import argparse
import sys
from pathlib import Path

from benchmarks.gpu.checks import run_checks
from benchmarks.gpu.fitting import fitting_rows
from benchmarks.gpu.large import large_rows
from benchmarks.gpu.levels import level_rows
from benchmarks.gpu.networks import inference_rows, training_rows
from benchmarks.gpu.record import Record
from benchmarks.gpu.scale import SCALES
from benchmarks.gpu.volumes import volume_rows
from benchmarks.gpu.warm import warm
from benchmarks.page.readme import RESULTS

STAGES = {
    "inference": inference_rows,
    "training": training_rows,
    "levels": level_rows,
    "fit": fitting_rows,
    "large": large_rows,
    "volumes": volume_rows,
}
"""The rows of each stage but the tests, by the name of the stage."""


def main() -> int:
    """Run a stage; the exit status is 1 unless all of it is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=["tests", "warm", *STAGES])
    parser.add_argument("--device", choices=list(SCALES), default="cuda")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER", help="of the results")
    parser.add_argument("--match", default="", metavar="WORDS", help="of the title of a row: others are left out")
    parser.add_argument("--seconds", type=float, default=3600, help="at most")
    parser.add_argument("--beside", metavar="WORDS", help="what else the machine does, for the page")
    chosen = parser.parse_args()
    scale = SCALES[chosen.device]
    if chosen.stage == "warm":
        warm(scale, chosen.match)
        return 0
    chosen.out.mkdir(parents=True, exist_ok=True)
    record = Record(chosen.out / f"gpu-{chosen.stage}.json", chosen.beside)
    if chosen.stage == "tests":
        return int(not run_checks(scale, record, chosen.seconds))
    rows = ((title, call) for title, call in STAGES[chosen.stage](scale) if chosen.match in title)
    return int(not record.measure(rows, chosen.seconds))


if __name__ == "__main__":
    sys.exit(main())
