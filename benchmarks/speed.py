"""Time this project and its peers in turn, keep the raw samples, then write README.md.

    python -m benchmarks.speed         # the cases that README.md shows: more than an hour on two cores
    python -m benchmarks.speed --all   # every combination: many hours, and much memory

This project's networks alone, in any environment: `unetzoo bench speed --help`.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from benchmarks.contenders import ALL
from benchmarks.page.readme import RESULTS, write_pages
from benchmarks.startup import ENCODERS
from unetzoo.bench.case import Case
from unetzoo.bench.speed import run_case
from unetzoo.bench.store import write_json

DECODERS = ("unet", "unetpp")


def main() -> None:
    """Measure, then write README.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every combination")
    for case in every_case() if parser.parse_args().all else shown_cases():
        print(case.title, flush=True)
        write_json(run_case(case, contenders=ALL), RESULTS / case.file_name)
    write_pages()


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
