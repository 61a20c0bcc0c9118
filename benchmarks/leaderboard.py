"""Train and time a grid of decoders and encoders on the nuclei, keep the results, and write README.md anew.

    python -m benchmarks.leaderboard           # about 20 minutes on two cores

The same as `unetzoo bench grid` with these names. Runs are kept one by one in `benchmarks/results/leaderboard`, where
what is there is not measured again, and without their pictures together in `benchmarks/results/leaderboard.json`.
"""

from benchmarks.page.readme import RESULTS, write_pages
from unetzoo.bench.grid import Combination, expand
from unetzoo.bench.runner import run_in_processes
from unetzoo.bench.store import load, missing, write_json

RUNS = RESULTS / "leaderboard"


def main() -> None:
    """Measure what is not there yet, then write README.md."""
    RUNS.mkdir(exist_ok=True)
    grid = _grid()
    for run, measured in run_in_processes(missing(grid, RUNS), RUNS, workers=1):
        print(run.title, measured.get("error") or measured["accuracy"]["mean"]["IoU"], flush=True)
    results = [{**result, "picture": ""} for run in grid if (result := load(RUNS / run.file_name))]
    write_json({"runs": results}, RESULTS / "leaderboard.json")
    write_pages()


def _grid() -> list[Combination]:
    return expand(
        decoders=["unet", "unetpp", "linknet", "fpn", "deeplabv3plus", "segformer"],
        encoders=["resnet18", "mobilenetv3_small_100"],
        losses=["dice + ce"],
        data=["nuclei"],
        seeds=3,
        steps=150,
        batch=4,
        crop=128,
        size=512,
    )


if __name__ == "__main__":
    main()
