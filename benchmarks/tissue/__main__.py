"""Train networks of volumes and of slices, and nnU-Net, for equally many seconds; write README.md anew.

    OMP_NUM_THREADS=1 python -m benchmarks.tissue    # this project's: an hour on a core
    python -m benchmarks.tissue --nnunet PYTHON      # nnU-Net, too, by the Python of its environment
    python -m benchmarks.tissue --only planned --seeds 1 --seconds 5 --out /tmp/try

Runs are kept one by one in `benchmarks/results/tissue`, where what is there is not measured again, and together in
`benchmarks/results/tissue.json`. The data is the template of extra `brain`.
"""

import argparse
from functools import partial
from pathlib import Path

from benchmarks.page.readme import RESULTS, write_pages
from benchmarks.page.tissue import tissue_table
from benchmarks.tissue.contestants import NNUNET, OWN
from benchmarks.tissue.nnunet import measure_run
from benchmarks.tissue.runs import TissueRun
from unetzoo.bench.runner import run_in_processes
from unetzoo.bench.store import load, missing, write_json

RUNS = RESULTS / "tissue"


def main() -> None:
    """Measure what is asked for and not there yet, print a table, and write README.md unless the runs lie elsewhere."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the processor, for each training")
    parser.add_argument("--seeds", type=int, default=5, help="of each network")
    parser.add_argument("--only", default="", metavar="TEXT", help="contestants whose name has it")
    parser.add_argument("--nnunet", default="", metavar="PYTHON", help="of an environment that has nnunetv2")
    parser.add_argument("--out", type=Path, default=RUNS, metavar="FOLDER", help="of the runs")
    chosen = parser.parse_args()
    runs = [
        TissueRun(contestant=name, seconds=chosen.seconds, seed=seed)
        for seed in range(chosen.seeds)
        for name in (*OWN, *NNUNET)
    ]
    chosen.out.mkdir(parents=True, exist_ok=True)
    can_run = {*OWN} | ({*NNUNET} if chosen.nnunet else set())
    asked = [one for one in runs if chosen.only in one.contestant and one.contestant in can_run]
    measure = partial(measure_run, interpreter=chosen.nnunet)
    for one, measured in run_in_processes(missing(asked, chosen.out), chosen.out, workers=1, measure=measure):
        print(one.title, measured.get("error") or f"Dice {measured['Dice']['test, mirrored']['mean']:.3f}", flush=True)
    results = [result for one in runs if (result := load(chosen.out / one.file_name))]
    print(tissue_table(results))
    if chosen.out == RUNS:
        write_json({"runs": results}, RESULTS / "tissue.json")
        write_pages()


if __name__ == "__main__":
    main()
