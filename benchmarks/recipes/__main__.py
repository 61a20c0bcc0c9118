"""Train by each recipe of unetzoo, and write what it gives into its file and into README.md.

    OMP_NUM_THREADS=1 python -m benchmarks.recipes  # all, three seeds each
    python -m benchmarks.recipes --only cracks      # one
    python -m benchmarks.recipes --write brain      # its data, as images and masks in a folder `head`, and no more

Runs are kept one by one in `benchmarks/results/recipes`, and together in `benchmarks/results/recipes.json`. A run that
is there is measured again only if its recipe has changed.
"""

import argparse
from pathlib import Path

from benchmarks.page.readme import RESULTS, write_pages
from benchmarks.recipes.data import MEASURED, write_data
from benchmarks.recipes.receipts import receipt_of, write_receipt
from benchmarks.recipes.runs import measure_run, run_of
from unetzoo.bench.runner import attempt
from unetzoo.bench.store import check_folder, load, missing, write_json
from unetzoo.training.recipe_file import recipe_path

RUNS = RESULTS / "recipes"
SEEDS = (0, 1, 2)


def main() -> None:
    """Measure what is asked for and not there yet; write receipts and README.md of recipes that are complete."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=MEASURED, default=list(MEASURED), metavar="NAME")
    parser.add_argument("--write", choices=MEASURED, metavar="NAME", help="write the data of this recipe alone")
    chosen = parser.parse_args()
    if chosen.write:
        write_data(chosen.write, Path(MEASURED[chosen.write].source))
        return
    check_folder(RUNS)
    left = missing([run_of(name, seed) for seed in SEEDS for name in chosen.only], RUNS)
    for run in left:
        result = attempt(run, measure=measure_run)
        write_json(result, RUNS / run.file_name)
        print(run.title, result.get("error") or f"{result['score']:.3f} in {result['CPU seconds']:.0f} s", flush=True)
    write_all()


def write_all() -> None:
    """Write receipts, the results in one file, and README.md, of the recipes of which each seed is measured."""
    measured = []
    for name in MEASURED:
        runs = [load(RUNS / run_of(name, seed).file_name) or {"error": ""} for seed in SEEDS]
        if not any("error" in run for run in runs):
            write_receipt(recipe_path(name), receipt_of(name, runs))
            measured += runs
    if measured:
        write_json({"runs": measured}, RESULTS / "recipes.json")
        write_pages()


if __name__ == "__main__":
    main()
