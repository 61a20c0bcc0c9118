"""Measure speed and memory beside the peers, keep the raw samples, and write the tables of README.md from them.

    python -m benchmarks.speed                 # the cases that README.md shows: more than an hour on two cores
    python -m benchmarks.speed --all           # every combination: many hours, and much memory
    python -m benchmarks.speed --only README   # no measuring: write README.md anew
    python -m benchmarks.speed --only startup  # imports, the command line, `unetzoo.create`

A single case: `unetzoo bench speed --help`.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

from benchmarks.page.readme import write_pages
from benchmarks.startup_times import measure_startup
from unetzoo.bench.case import DECODERS, ENCODERS, Case
from unetzoo.bench.run import machine, run_case
from unetzoo.bench.store import save_result, write_json

HERE = Path(__file__).parent
RESULTS = HERE / "results"


def main() -> None:
    """Measure what is asked for, then write README.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every combination")
    parser.add_argument("--only", choices=["cases", "startup", "README"], help="one part of the work")
    chosen = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    if chosen.only in (None, "startup"):
        write_json({"machine": machine(), **measure_startup(rounds=15)}, RESULTS / "startup.json")
    if chosen.only in (None, "cases"):
        for case in every_case() if chosen.all else shown_cases():
            print(case.title, flush=True)
            save_result(run_case(case), RESULTS)
    write_pages(HERE)


def shown_cases() -> Iterator[Case]:
    """A part of all combinations: each decoder, encoder, size, batch and task comes, but not with each other."""
    for decoder in DECODERS:
        usual = Case(decoder=decoder, encoder="resnet34", rounds=9)
        yield replace(usual, compile=True)
        yield replace(usual, size=256, batch=4)
        yield replace(usual, size=1024, rounds=5)
        yield replace(usual, batch=2, task="training", rounds=5)
        for encoder in ENCODERS:
            if encoder != usual.encoder:
                yield replace(usual, encoder=encoder)
                yield replace(usual, encoder=encoder, batch=2, task="training", rounds=5)


def every_case() -> Iterator[Case]:
    """All combinations."""
    for decoder, encoder, size, batch in product(DECODERS, ENCODERS, (256, 512, 1024), (1, 4)):
        case = Case(decoder=decoder, encoder=encoder, size=size, batch=batch)
        yield replace(case, compile=True)
        yield replace(case, task="training", rounds=5)


if __name__ == "__main__":
    main()
