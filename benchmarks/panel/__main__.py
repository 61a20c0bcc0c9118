r"""Train `fit` and plain loops on the panel, paired by seed, and write README.md anew.

    OMP_NUM_THREADS=1 python -m benchmarks.panel --workers 2            # everything: days on two cores
    python -m benchmarks.panel --only satellite --steps 300 --seeds 1   # a part; what is there is not measured again
    python -m benchmarks.panel --crop 64 --batch 4 --encoders 'plain(widths=(12, 24, 48, 96))' \
        --decoders 'unet(widths=(48, 24, 12))' --steps 100   # small runs

Runs are kept one by one in `benchmarks/results/panel`, and together in `benchmarks/results/panel.json`. All contestants
see the same images; each trains on a single thread.
"""

import argparse
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from itertools import product
from pathlib import Path

from benchmarks.page.panel import panel_section
from benchmarks.page.readme import RESULTS, write_pages
from benchmarks.panel.contestants import CONTESTANTS
from benchmarks.panel.data import DATA
from benchmarks.panel.runs import PanelRun, measure_run
from unetzoo._utils.workers import end_with_parent
from unetzoo.bench.runner import attempt
from unetzoo.bench.store import Result, check_folder, load, missing, write_json

RUNS = RESULTS / "panel"
STEPS = (100, 300, 1000)


def main() -> None:
    """Measure what is asked for and not there yet, then write README.md unless the runs lie elsewhere."""
    chosen = _arguments()
    check_folder(chosen.out)
    left = missing(list(_runs(chosen)), chosen.out)
    for run, result in _measured(left, chosen.workers):
        write_json(result, chosen.out / run.file_name)
        print(run.title, result.get("error") or f"{100 * result['IoU']['mean']:.2f}", flush=True)
    results = [stored for path in sorted(chosen.out.glob("*.json")) if (stored := load(path))]
    if chosen.out == RUNS:
        write_json({"runs": results}, RESULTS / "panel.json")
        write_pages()
    else:
        print(*panel_section({"runs": results}), sep="\n\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=STEPS, help="budgets")
    parser.add_argument("--seeds", type=int, default=5, help="of each")
    parser.add_argument("--only", default="", metavar="TEXT", help="runs whose title has it")
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=CONTESTANTS, metavar="NAME")
    parser.add_argument("--decoders", nargs="+", default=["unet", "unetpp"])
    parser.add_argument("--encoders", nargs="+", default=["resnet18"])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop", type=int, default=128)
    parser.add_argument("--workers", type=int, default=1, help="runs at once")
    parser.add_argument("--out", type=Path, default=RUNS, metavar="FOLDER", help="of the runs")
    return parser.parse_args()


def _runs(chosen: argparse.Namespace) -> Iterator[PanelRun]:
    """The runs asked for, seed by seed, short ones first."""
    networks = list(product(chosen.decoders, chosen.encoders))
    for seed, steps, (decoder, encoder) in product(range(chosen.seeds), chosen.steps, networks):
        for data, contestant in product(chosen.data, chosen.contestants):
            run = PanelRun(
                contestant=contestant,
                data=data,
                steps=steps,
                seed=seed,
                decoder=decoder,
                encoder=encoder,
                batch=chosen.batch,
                crop=chosen.crop,
            )
            if chosen.only in run.title:
                yield run


def _measured(runs: Sequence[PanelRun], workers: int) -> Iterator[tuple[PanelRun, Result]]:
    """Each run with its result as it comes; a process measures many, since short runs start slower than they train."""
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=end_with_parent) as pool:
        waiting = {pool.submit(partial(attempt, measure=measure_run), run): run for run in runs}
        try:
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


if __name__ == "__main__":
    main()
