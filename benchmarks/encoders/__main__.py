r"""Train and time encoders in networks with one decoder, then write README.md and the table in docs/choose.md.

    OMP_NUM_THREADS=1 python -m benchmarks.encoders                 # what the page shows
    python -m benchmarks.encoders --pretrained                      # begin with published weights, which are downloaded
    python -m benchmarks.encoders --encoders resnet18 efficientnet_b0 --steps 5 --seeds 1 --out /tmp/try

Runs are kept one by one in `benchmarks/results/encoders`, where what is there is not measured again; one that is
stopped goes on with the next. Times first, by one thread: they want an idle machine.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from benchmarks.encoders.candidates import ENCODERS, published
from benchmarks.encoders.latency import LatencyRun, measure_latency
from benchmarks.page.encoders import encoders_section
from benchmarks.page.readme import RESULTS, read_all, write_pages
from benchmarks.panel.contestants import FIT
from benchmarks.panel.data import DATA
from benchmarks.panel.runs import PanelRun, measure_run
from unetzoo._utils.memory import keep_freed_memory
from unetzoo.bench.runner import attempt
from unetzoo.bench.store import check_folder, missing, write_json

RUNS = RESULTS / "encoders"
SETS = ("nuclei", "cracks", "satellite", "materials")
"""They differ in what they ask for: blobs, thin and rare lines, several bands and classes, textures."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is measured.

    Attributes:
        encoders: as `ENCODERS` has them.
        data: names in `DATA`.
        steps: budgets of the trainings.
        seeds: their number.
        pretrained: whether the encoders begin with their published weights, or all with random ones.
        batch: crops a step.
        crop: side of the crops in pixels.
        size: side of the image that is timed in pixels.
    """

    encoders: tuple[str, ...] = ENCODERS
    data: tuple[str, ...] = SETS
    steps: tuple[int, ...] = (40, 120)
    seeds: int = 3
    pretrained: bool = False
    batch: int = 4
    crop: int = 96
    size: int = 256


def main() -> None:
    """Measure what is asked for and not there yet, then write the pages unless the runs lie elsewhere."""
    setting, folder = _arguments()
    measure(setting, folder)
    if folder == RUNS:
        write_pages()
    else:
        print(*encoders_section(read_all(folder)), sep="\n\n")


def measure(setting: Setting, folder: Path) -> None:
    """Measure what a folder has no results of; a training that fails is a result, too."""
    check_folder(folder)
    keep_freed_memory()
    for latency in missing([LatencyRun(encoders=setting.encoders, size=setting.size)], folder):
        print(latency.title, flush=True)
        write_json(measure_latency(latency), folder / latency.file_name)
    for run in missing(list(trainings(setting)), folder):
        result = attempt(run, measure=measure_run)
        write_json(result, folder / run.file_name)
        print(run.title, result.get("error") or f"{100 * result['IoU']['mean']:.1f}", flush=True)


def trainings(setting: Setting) -> Iterator[PanelRun]:
    """Each network once, seed by seed, short ones first, so that one that is stopped has results of all encoders."""
    weights = [published(encoder) for encoder in setting.encoders]
    networks = dict.fromkeys((one.network, one.tag if setting.pretrained else "") for one in weights)
    for seed, steps, data, (network, tag) in product(range(setting.seeds), setting.steps, setting.data, networks):
        yield PanelRun(
            contestant=FIT,
            data=data,
            steps=steps,
            seed=seed,
            decoder="unet",
            encoder=network,
            batch=setting.batch,
            crop=setting.crop,
            pretrained=tag,
        )


def _arguments() -> tuple[Setting, Path]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pretrained", action="store_true", help="begin with published weights instead of random ones")
    parser.add_argument(
        "--encoders", nargs="+", default=Setting.encoders, metavar="NAME", help="of timm, also with a tag"
    )
    parser.add_argument("--data", nargs="+", choices=DATA, default=Setting.data)
    parser.add_argument("--steps", type=int, nargs="+", default=Setting.steps, help="budgets")
    parser.add_argument("--seeds", type=int, default=Setting.seeds, help="of each")
    parser.add_argument("--out", type=Path, default=RUNS, metavar="FOLDER", help="of the runs")
    chosen = parser.parse_args()
    setting = Setting(
        encoders=tuple(chosen.encoders),
        data=tuple(chosen.data),
        steps=tuple(chosen.steps),
        seeds=chosen.seeds,
        pretrained=chosen.pretrained,
    )
    return setting, chosen.out


if __name__ == "__main__":
    main()
