"""Measure what papers claim, and accuracy beside the peers; keep the results, and write README.md anew.

    python -m benchmarks.claims                # everything: more than two hours on two cores
    python -m benchmarks.claims --only patches # one part; what is there is not measured again
    python -m benchmarks.claims --workers 1    # runs at once

Runs are kept one by one in `benchmarks/results/claims`, and together in `benchmarks/results/claims.json`. Start it with
OMP_NUM_THREADS=1 when several runs share the machine; times are measured last, on their own.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks.claims.networks import DATA, combinations, measure_accuracy
from benchmarks.claims.patch_runs import SIDES, PatchRun, measure_patches
from benchmarks.claims.peer_seconds import equal_steps, measure_seconds
from benchmarks.claims.peers import LIBRARIES, PeerRun, measure_peer
from benchmarks.claims.speed import measure_speed
from benchmarks.page.readme import RESULTS, write_pages
from unetzoo._utils.memory import keep_freed_memory
from unetzoo.bench.runner import run_in_processes
from unetzoo.bench.store import load, missing, write_json

RUNS = RESULTS / "claims"
PATCH_STEPS, PEER_STEPS, LONG_PEER_STEPS = 300, 150, 450
PEER_SEEDS = 8  # more than of the rest, since the libraries differ by less


def main() -> None:
    """Measure what is asked for and not there yet, then write README.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["networks", "patches", "steps", "peers", "speed", "README"], help="one part")
    parser.add_argument("--seeds", type=int, default=5, help="of each but the peers")
    parser.add_argument("--workers", type=int, default=2, help="runs at once")
    chosen = parser.parse_args()
    RUNS.mkdir(exist_ok=True)
    keep_freed_memory()
    for name, part in _parts(chosen.seeds, chosen.workers).items():
        if chosen.only in (None, name):
            part()
    write_json(_bundle(chosen.seeds), RESULTS / "claims.json")
    write_pages()


def _parts(seeds: int, workers: int) -> dict[str, Callable[[], object]]:
    return {
        "networks": lambda: _measure([run for _, run in _networks(seeds)], workers, measure_accuracy),
        "patches": lambda: _measure(_patches(seeds), workers, measure_patches),
        "steps": lambda: write_json({data: measure_seconds(data) for data in DATA}, RUNS / "step-seconds.json"),
        "peers": lambda: _measure([run for _, run in _peers()], workers, measure_peer),
        "speed": lambda: write_json(measure_speed(), RUNS / "speed.json"),
    }


def _measure(runs: Sequence[Any], workers: int, measure: Callable[[Any], dict[str, Any]]) -> None:
    left = missing(list(dict.fromkeys(runs)), RUNS)
    for run, result in run_in_processes(left, RUNS, workers=workers, measure=measure):
        print(run.title, result.get("error") or result["accuracy"]["mean"]["IoU"], flush=True)


def _networks(seeds: int) -> list[tuple[str, Any]]:
    return list(combinations(seeds=seeds))


def _patches(seeds: int) -> list[PatchRun]:
    return [PatchRun(side=side, seed=seed, steps=PATCH_STEPS) for seed in range(seeds) for side in SIDES]


def _peers() -> Iterator[tuple[str, PeerRun]]:
    """Each with its budget: equal steps, or the seconds that the reference takes for them."""
    timed = _read("step-seconds.json")
    for seed in range(PEER_SEEDS):
        for data, seconds in timed.items():
            budgets = {
                "equal steps": dict.fromkeys(LIBRARIES, PEER_STEPS),
                "equal seconds": equal_steps(seconds, PEER_STEPS),
                "equal seconds, longer": equal_steps(seconds, LONG_PEER_STEPS),
            }
            for budget, steps in budgets.items():
                for library in LIBRARIES:
                    yield budget, PeerRun(library=library, data=data, seed=seed, steps=steps[library])


def _bundle(seeds: int) -> dict[str, Any]:
    """All that is there, in one."""
    named = {
        "networks": _networks(seeds),
        "patches": [(f"{run.side}", run) for run in _patches(seeds)],
        "peers": list(_peers()),
    }
    bundle = {
        part: [{"name": name, **result} for name, run in runs if (result := load(RUNS / run.file_name))]
        for part, runs in named.items()
    }
    return {**bundle, "step seconds": _read("step-seconds.json"), "speed": _read("speed.json")}


def _read(name: str) -> dict[str, Any]:
    import json

    path = RUNS / name
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return content


if __name__ == "__main__":
    main()
