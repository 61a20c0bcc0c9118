"""Deploy a trained network: measure what this machine has, and keep the fastest that loses little."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from unetzoo._utils.atomic import check_new_folder, follow_umask, whole_folder
from unetzoo._utils.extras import need
from unetzoo.bench.machine import machine
from unetzoo.catalog import list_engines
from unetzoo.checks import check_count, number
from unetzoo.data.dataset import Dataset
from unetzoo.data.find import Data, source_of
from unetzoo.data.masks.options import MaskOptions
from unetzoo.data.open import dataset_of, slicing_for
from unetzoo.deployment.candidates import REFERENCE, Candidate, judged, pairs_of, prepared, score_of, scorer, timed
from unetzoo.deployment.card import table_of
from unetzoo.errors import DataError, OptionError, UnetzooError
from unetzoo.inference.engines.calibration import Calibration
from unetzoo.inference.engines.deployed import write_deployed
from unetzoo.nn.optimized import OptimizedSegmenter
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.wrapped import segmenter_of
from unetzoo.training.augment import Augmentation
from unetzoo.training.crops import CropDataset
from unetzoo.training.options import FitOptions
from unetzoo.weights.files import CARD
from unetzoo.weights.folder import save

_LONGEST_SIDES = {2: 1024, 3: 128}  # pixels of the image that is timed, by the number of axes


@dataclass(frozen=True)
class Deployment:
    """What `deploy` measured, and wrote.

    Attributes:
        folder: of the network.
        metric: what the scores are: `"mean IoU"`, or `"AP"` of the objects of a network of objects.
        max_drop: how much of it may be lost.
        candidates: all that was tried, torch in float32 first.
        images: number of validation images.
        pixels: (height, width) of the image that was timed, or (depth, height, width) of the volume.
    """

    folder: Path
    metric: str
    max_drop: float
    candidates: tuple[Candidate, ...]
    images: int
    pixels: tuple[int, ...]

    @property
    def kept(self) -> Candidate:
        """The candidate that was kept."""
        return next(each for each in self.candidates if not each.reason)


def deploy(
    model: Segmenter,
    data: Data,
    out: str | Path,
    *,
    max_drop: float = 0.005,
    engines: Sequence[str] | None = None,
    calibration_crops: int = 64,
    crop: int = 256,
    masks: MaskOptions | None = None,
    on_candidate: Callable[[str], None] = lambda _: None,
) -> Deployment:
    """Try each engine in each arithmetic that this machine has, and write the fastest that is good enough.

    Each is scored on the validation images of the data and timed, in turn, on the first of them. Int8 is calibrated
    with crops of the training images, drawn and normalized as in the training, without random changes; where it loses
    too much, OpenVINO computes the layers that cost most in float. Networks over three axes are tried in all but int8,
    and timed on a block of at most 128 x 128 x 128 voxels. The folder is that of `save`, with the files of the engine,
    `deployment.json` with all numbers, and a table of them in the card; `load_deployed` and `unetzoo predict` run it by
    its engine.

    Args:
        model: a trained network; it is not changed.
        data: as for `fit`: it has the classes of the network.
        out: a new folder.
        max_drop: how much of the mean IoU (of objects: their average precision) of torch in float32 may be lost.
        engines: names of engines; None: all. Torch always takes part.
        calibration_crops: number of crops.
        crop: their side in pixels.
        masks: what the masks mean; None: as in the network's training.
        on_candidate: called with the name of each candidate before it is tried.

    Raises:
        OptionError: an option is out of its range; the network does not fit the data.
        DataError: the data has no training or no validation images.
        UnknownNameError: no such engine.
        MissingExtraError: the extra `evaluate` is not installed.
        WriteError: the folder exists and is not empty, or cannot be written.
    """
    model = segmenter_of(model, "deployed")
    limit, target = number(max_drop), Path(out)
    if limit is None or not 0 <= limit < 1:
        raise OptionError(f"max_drop must be from 0 to less than 1, got {max_drop!r}")
    crops, side = check_count("calibration_crops", calibration_crops), check_count("crop", crop)
    need("evaluate", "deploying", "scipy")
    check_new_folder(target)
    pairs = pairs_of(list_engines() if engines is None else engines)
    training, validation = (_split(model, data, split, masks or MaskOptions()) for split in ("train", "val"))
    axes = model.config.spatial_dims
    drawn = crops_of(model, training, count=crops, side=side) if axes == 2 else []  # int8 is for images
    calibration = Calibration(drawn, scorer(model, validation))
    image = validation[0].image[(slice(_LONGEST_SIDES[axes]),) * axes]
    candidates, networks = _tried(model, pairs, calibration, validation, image, limit, on_candidate)
    result = Deployment(
        folder=target,
        metric="AP" if model.config.objects else "mean IoU",
        max_drop=limit,
        candidates=tuple(judged(candidates, limit)),
        images=len(validation),
        pixels=tuple(map(int, image.shape[:-1])),
    )
    _write(model, networks[result.kept.engine, result.kept.dtype], result)
    return result


def crops_of(model: Segmenter, training: Dataset, *, count: int, side: int) -> list[torch.Tensor]:
    """Crops (1, c, side, side) as a training draws them, normalized, without random changes."""
    defaults = FitOptions()
    crops = CropDataset(
        training,
        model.config.info,
        count=count,
        crop=side,
        balance=defaults.balance,
        augmentation=Augmentation("none", crop=side, elastic=0.0),
        seed=defaults.seed,
    )
    return [crops[index].image[None] for index in range(count)]


def _split(model: Segmenter, data: Data, split: str, masks: MaskOptions) -> Dataset:
    config = model.config
    dataset = dataset_of(
        source_of(data),
        split,
        masks,
        trained=config.info,
        objects=bool(config.objects),
        slicing=slicing_for(config),
    )
    if not len(dataset):
        raise DataError(f"there are no images in the split {split!r}, which deploying needs")
    return dataset


def _tried(
    model: Segmenter,
    pairs: Sequence[tuple[str, str]],
    calibration: Calibration,
    validation: Dataset,
    image: NDArray[Any],
    max_drop: float,
    on_candidate: Callable[[str], None],
) -> tuple[list[Candidate], dict[tuple[str, str], OptimizedSegmenter]]:
    """The candidates, and the networks of those that run."""
    networks: dict[tuple[str, str], OptimizedSegmenter] = {}
    candidates: dict[tuple[str, str], Candidate] = {}
    size = tuple(map(int, image.shape[:-1]))
    for pair in pairs:
        on_candidate(" ".join(pair))
        try:
            network = prepared(model, *pair, calibration, size)
            score = score_of(network, validation)
        except UnetzooError as error:
            if pair == REFERENCE:
                raise
            candidates[pair] = Candidate(*pair, reason=str(error))
            continue
        calibration = replace(calibration, least=score - max_drop) if pair == REFERENCE else calibration
        networks[pair] = network
        candidates[pair] = Candidate(*pair, score=score, bytes=_bytes_of(network))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the image: said by the evaluation
        times = zip(networks, timed(list(networks.values()), np.asarray(image)), strict=True)
    for pair, (seconds, ratio) in times:
        candidates[pair] = replace(candidates[pair], seconds=seconds, ratio=ratio)
    return list(candidates.values()), networks


def _bytes_of(network: OptimizedSegmenter) -> int:
    run: Any = network.engine
    files = sum(len(content) for content in run.files.values())
    return files or sum(each.nbytes for each in network.state_dict().values())


def _write(model: Segmenter, network: OptimizedSegmenter, result: Deployment) -> None:
    facts = {
        "metric": result.metric,
        "max_drop": result.max_drop,
        "validation_images": result.images,
        "timed_pixels": result.pixels,
        "candidates": [asdict(each) for each in result.candidates],
        "machine": machine(),
    }
    with whole_folder(result.folder) as draft:
        save(model, draft)
        write_deployed(draft, network.engine, facts)  # type: ignore[arg-type] # all candidates have an EngineRun
        with (draft / CARD).open("a", encoding="utf-8") as card:
            card.write(table_of(result.candidates, facts))
        follow_umask(draft)
