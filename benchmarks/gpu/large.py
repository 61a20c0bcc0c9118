"""Objects, trained and timed, and a file of 20,000 x 20,000 pixels."""

from functools import partial

from benchmarks.gpu.record import Row, Rows
from benchmarks.gpu.scale import Scale
from benchmarks.prediction import measure_large
from unetzoo.bench.grid import Combination
from unetzoo.bench.measure import measure


def large_rows(scale: Scale) -> Rows:
    """A network of objects, then a file."""
    yield f"objects of the nuclei, unet, {scale.encoder}", partial(measure_objects, scale)
    yield f"a file of {scale.large:,} x {scale.large:,} pixels", partial(measure_large, scale.large)


def measure_objects(scale: Scale) -> Row:
    """Train a network of objects, and measure its accuracy and its speed."""
    training = {"device": scale.device, "precision": scale.precisions[0]}
    combination = Combination(
        decoder="unet",
        encoder=scale.encoder,
        objects="distance",
        loss="",
        data="nuclei",
        seed=0,
        steps=2 * scale.steps,
        batch=scale.train_batch,
        crop=scale.train_size,
        size=scale.size,
        training=training,
    )
    result = measure(combination)
    return {name: result[name] for name in ("combination", "steps", "training seconds", "accuracy", "speed")}
