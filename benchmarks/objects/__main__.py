"""Train each coding of objects, StarDist and Cellpose for equally many seconds of the processor; write README.md anew.

    OMP_NUM_THREADS=1 python -m benchmarks.objects    # this project's: three hours on a core
    python -m benchmarks.objects --stardist PYTHON --cellpose PYTHON   # these, too, by Pythons of their environments
    python -m benchmarks.objects --only distance --seeds 1 --seconds 5 --out /tmp/try

Runs are kept one by one in `benchmarks/results/objects`, where what is there is not measured again, and together in
`benchmarks/results/objects.json`. How long a step takes is measured first, once for each network, and kept in
`benchmarks/results/objects-pace.json`: let the machine do nothing else until then; what the trainings give does not
depend on what it does meanwhile. The coding `stardist` takes part where plugins/unetzoo-stardist is installed.
"""

import argparse
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from benchmarks.objects.pace import measure_paces
from benchmarks.objects.peers import WORKERS, measure_run
from benchmarks.objects.runs import ObjectRun
from benchmarks.page.objects import objects_table
from benchmarks.page.readme import RESULTS, write_pages
from unetzoo.bench.runner import run_in_processes
from unetzoo.bench.store import load, missing, write_json
from unetzoo.catalog import list_objects

RUNS = RESULTS / "objects"
DECODERS, ENCODERS = ("unet", "unetpp"), ("resnet18", "mobilenetv3_small_100")


def main() -> None:
    """Measure what is asked for and not there yet, print a table, and write README.md unless the runs lie elsewhere."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the processor, for each training")
    parser.add_argument("--seeds", type=int, default=5, help="of each network")
    parser.add_argument("--only", default="", metavar="TEXT", help="networks whose name, such as 'flows, unet', has it")
    parser.add_argument("--out", type=Path, default=RUNS, metavar="FOLDER", help="of the runs")
    for peer in WORKERS:
        parser.add_argument(f"--{peer.lower()}", metavar="PYTHON", help=f"of an environment that has {peer}")
    chosen = parser.parse_args()
    interpreters = {peer: path for peer in WORKERS if (path := getattr(chosen, peer.lower()))}
    runs = _runs(chosen.seconds, chosen.seeds)
    chosen.out.mkdir(parents=True, exist_ok=True)
    todo = [one for one in missing(runs, chosen.out) if chosen.only in one.name and _can_run(one, interpreters)]
    networks = {one.network for one in todo}
    own = [one for one in runs if one.network in networks and one.method not in WORKERS and one.seed == 0]
    paces = measure_paces(own, chosen.out.with_name(f"{chosen.out.name}-pace.json"))
    measure = partial(measure_run, interpreters=interpreters, paces=paces)
    for one, measured in run_in_processes(todo, chosen.out, workers=1, measure=measure):
        print(one.title, measured.get("error") or f"AP {measured['AP']:.3f}", flush=True)
    results = [result for one in runs if (result := load(chosen.out / one.file_name))]
    print(objects_table(results))
    if chosen.out == RUNS:
        write_json({"runs": results}, RESULTS / "objects.json")
        write_pages()


def _can_run(run: ObjectRun, interpreters: Mapping[str, str]) -> bool:
    return run.method not in WORKERS or run.method in interpreters


def _runs(seconds: float, seeds: int) -> list[ObjectRun]:
    """All of them, seed by seed."""
    networks = [(coding, decoder, encoder) for decoder in DECODERS for encoder in ENCODERS for coding in list_objects()]
    return [
        ObjectRun(method=method, decoder=decoder, encoder=encoder, seconds=seconds, seed=seed)
        for seed in range(seeds)
        for method, decoder, encoder in [*networks, *((peer, "", "") for peer in WORKERS)]
    ]


if __name__ == "__main__":
    main()
