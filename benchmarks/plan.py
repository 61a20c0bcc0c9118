"""Every benchmark, in the order in which `benchmarks/all.sh` runs them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A command that measures, and writes its results and the page.

    Attributes:
        module: is run as `python -m`.
        numbers: what it measures, in Markdown.
        minutes: that it takes on two cores, about.
        kept: patterns of its results, beside those of all, that it does not measure again while they are there.
        environment: variables that it needs.
        nightly: whether `benchmarks/all.sh` runs it.
    """

    module: str
    numbers: str
    minutes: int
    kept: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    nightly: bool = True


PLAN = (  # those that can go on where they were stopped come last, since one that is stopped leaves half a page
    Benchmark(
        module="benchmarks.startup",
        numbers="[Starting](#starting): imports, the command line, `unetzoo.create`",
        minutes=4,
    ),
    Benchmark(module="benchmarks.losses", numbers="[Losses](#losses): time and memory, beside the peers", minutes=3),
    Benchmark(
        module="benchmarks.crops",
        numbers="[Crops](#crops) a second with full augmentation, beside albumentations and batchgenerators",
        minutes=2,
    ),
    Benchmark(module="benchmarks.prediction", numbers="[Predicting large images](#predicting-large-images)", minutes=8),
    Benchmark(
        module="benchmarks.scene",
        numbers="A scene of four bands from GeoTIFF to GeoTIFF, beside a loop over rasterio's windows",
        minutes=8,
    ),
    Benchmark(module="benchmarks.serve", numbers="[Serving](#serving): 16 clients at once, beside predict", minutes=4),
    Benchmark(
        module="benchmarks.gallery",
        numbers="[docs/decoders.md](../docs/decoders.md): size and time of each decoder",
        minutes=3,
    ),
    Benchmark(
        module="benchmarks.brain",
        numbers="[docs/radiology.md](../docs/radiology.md): the picture of a head, in three planes",
        minutes=2,
        environment={"OMP_NUM_THREADS": "1"},
    ),
    Benchmark(module="benchmarks.upsampling", numbers="prints which form of upsampling is faster", minutes=3),
    Benchmark(
        module="benchmarks.batches",
        numbers="prints what a batch of small images gains, for `unetzoo serve`",
        minutes=2,
        environment={"OMP_NUM_THREADS": "1"},
    ),
    Benchmark(module="benchmarks.codings", numbers="prints how long targets of objects take", minutes=2),
    Benchmark(
        module="benchmarks.objects_memory",
        numbers="[Objects of 20,000 x 20,000 pixels](#objects-of-20000-x-20000-pixels)",
        minutes=8,
    ),
    Benchmark(
        module="benchmarks.volume_objects",
        numbers="[Objects of large volumes](#objects-of-large-volumes): memory of `unetzoo predict`",
        minutes=10,
        environment={"OMP_NUM_THREADS": "1"},
    ),
    Benchmark(
        module="benchmarks.speed",
        numbers="[Speed and memory](#speed-and-memory) of networks, beside the peers",
        minutes=80,
    ),
    Benchmark(
        module="benchmarks.engines",
        numbers="[Engines](#engines): OpenVINO, ONNX Runtime and int8, with this project's network and smp's",
        minutes=40,
    ),
    Benchmark(
        module="benchmarks.first_image",
        numbers="[In a new process](#in-a-new-process): loading, the first image and the memory, in each engine",
        minutes=12,
    ),
    Benchmark(
        module="benchmarks.leaderboard",
        numbers="[Leaderboard](#leaderboard): decoders and encoders trained alike",
        minutes=20,
        kept=("leaderboard/*.json",),
    ),
    Benchmark(
        module="benchmarks.volumes",
        numbers="[Volumes](#volumes): networks over three axes beside MONAI and nnU-Net",
        minutes=20,
        kept=("volumes/*.json",),
    ),
    Benchmark(
        module="benchmarks.peers",
        numbers="[Beside the peers](#beside-the-peers): what each library has and runs",
        minutes=90,
        kept=("peers.json",),
    ),
    Benchmark(
        module="benchmarks.objects",
        numbers="[Objects](#objects): codings beside StarDist and Cellpose, trained alike",
        minutes=180,
        kept=("objects/*.json", "objects-pace.json"),
    ),
    Benchmark(
        module="benchmarks.tissue",
        numbers="[Volumes beside nnU-Net's trainer](#volumes-beside-nnu-nets-trainer): trained alike",
        minutes=60,
        kept=("tissue/*.json",),
        environment={"OMP_NUM_THREADS": "1"},
    ),
    Benchmark(
        module="benchmarks.recipes",
        numbers="[Recipes](#recipes): what each of `unetzoo recipes` gives, into its file, too",
        minutes=15,
        kept=("recipes/*.json",),
        environment={"OMP_NUM_THREADS": "1"},
    ),
    Benchmark(
        module="benchmarks.labeling",
        numbers="[Images to label next](#images-to-label-next): those that `suggest` names, beside images at random",
        minutes=10,
        kept=("labeling/*.json",),
        environment={"OMP_NUM_THREADS": "1"},
    ),
    Benchmark(
        module="benchmarks.scribbles",
        numbers="[Scribbles](#scribbles): networks that learn from 1, 5 or 20 % of the pixels",
        minutes=10,
        kept=("scribbles/*.json",),
        environment={"OMP_NUM_THREADS": "1"},
    ),
    Benchmark(
        module="benchmarks.unlabeled",
        numbers="[Images without masks](#images-without-masks): what a mean teacher adds to 2, 5 or 10 labeled images",
        minutes=25,
        kept=("unlabeled/*.json",),
        environment={"OMP_NUM_THREADS": "1"},
    ),
    Benchmark(
        module="benchmarks.encoders",
        numbers="[Encoders](#encoders): trained and timed alike, with the license of their weights",
        minutes=130,
        kept=("encoders/*.json",),
        environment={"OMP_NUM_THREADS": "1"},
    ),
    Benchmark(
        module="benchmarks.claims",
        numbers="[What papers claim](#what-papers-claim), and the accuracy of the peers",
        minutes=190,
        kept=("claims/*.json",),
        environment={"OMP_NUM_THREADS": "1"},  # two runs share the cores
    ),
    Benchmark(
        module="benchmarks.panel",
        numbers="[Panel](#panel): `fit` beside plain loops on ten small data sets",
        minutes=4320,
        kept=("panel/*.json",),
        nightly=False,  # days
    ),
)
