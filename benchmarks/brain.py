"""Draw three planes of a head with the outlines of its white matter: docs/pictures/brain.png.

    OMP_NUM_THREADS=1 python -m benchmarks.brain

A small U-Net over three axes learns the tissues of the back of the ICBM152 template (extra `brain`, voxels of 2 mm),
and predicts all of it. The picture shows how well it does in the front, which it has not seen.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import unetzoo
from benchmarks.head import Slab, Split, head
from benchmarks.page.readme import RESULTS
from unetzoo.data.datasets.brain_tissue import CLASSES

PICTURE = RESULTS.parents[1] / "docs" / "pictures" / "brain.png"
OPTIONS = unetzoo.FitOptions(steps=300, crop=32, batch=2, device="cpu", workers=0)
_WHITE = CLASSES.index("white matter")
_SEEN: tuple[Split, ...] = ("train", "val")
_MARGIN = 3  # voxels in front of the head
_TRUTH, _PREDICTION = "#ffd400", "#00c8ff"


def main() -> None:
    """Train, predict and draw; print how much of the white matter in the front is found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=OPTIONS.steps, help="of the training")
    parser.add_argument("--out", type=Path, default=PICTURE, help="the picture")
    chosen = parser.parse_args()
    image, classes = head()
    last = image.shape[1] - Slab("test").sample.mask.shape[1]
    network = _trained(steps=chosen.steps)
    white = unetzoo.predict(network, image[..., None]).argmax(0) == _WHITE
    truth = classes == _WHITE
    both = (white & truth)[:, last:].sum()
    dice = 2 * both / (white[:, last:].sum() + truth[:, last:].sum())
    print(f"Dice of the white matter in the front: {dice:.3f}")
    _draw(image, truth, white, last, chosen.out)


def _trained(*, steps: int) -> unetzoo.Segmenter:
    """A network that has seen the back, and was validated on the slab before it."""
    torch.manual_seed(0)
    network = unetzoo.create(
        "unet",
        encoder="plain",
        spatial_dims=3,
        in_channels=1,
        classes=len(CLASSES),
        encoder_options={"widths": (8, 16, 32)},
        decoder_options={"widths": (16, 8)},
    )
    data: dict[str, unetzoo.Dataset] = {split: Slab(split) for split in _SEEN}
    with TemporaryDirectory(prefix="unetzoo-") as folder:
        options = unetzoo.FitOptions(**{**vars(OPTIONS), "steps": steps})
        return unetzoo.fit(network, data, Path(folder, "run"), options=options).model.eval()


def _draw(image: NDArray[Any], truth: NDArray[Any], white: NDArray[Any], border: int, path: Path) -> None:
    """The axial, coronal and sagittal plane with both outlines, and the border of what was seen in training."""
    from matplotlib import pyplot
    from matplotlib.lines import Line2D

    depth, height, width = image.shape
    planes = {  # each as it is looked at, rows from below to above
        "axial": (np.s_[round(0.52 * depth)], "h"),
        "coronal": (np.s_[:, (border + height) // 2 - _MARGIN], ""),
        "sagittal": (np.s_[:, :, round(0.38 * width)], "v"),
    }
    sizes = [image[place].shape for place, _ in planes.values()]
    widths, tallest = [size[1] for size in sizes], max(size[0] for size in sizes)
    style: dict[str, Any] = {"facecolor": "black", "width_ratios": widths}
    figure, axes = pyplot.subplots(1, 3, figsize=(9, 9 * tallest / sum(widths) + 0.75), **style)
    for axis, (name, (place, line)) in zip(axes, planes.items(), strict=True):
        axis.imshow(image[place], cmap="gray", origin="lower", interpolation="bilinear")
        axis.contour(truth[place], [0.5], colors=_TRUTH, linewidths=1.5)
        axis.contour(white[place], [0.5], colors=_PREDICTION, linewidths=0.9)
        if line:
            draw = axis.axhline if line == "h" else axis.axvline
            draw(border, color="white", linestyle=(0, (4, 3)), linewidth=1)
        axis.set_title(name, color="white", fontsize=11)
        axis.set_axis_off()
        axis.set_anchor("N")
    legend = [
        Line2D([], [], color=_TRUTH, label="white matter"),
        Line2D([], [], color=_PREDICTION, label="predicted"),
        Line2D([], [], color="white", linestyle=(0, (4, 3)), label="the front was not seen in training"),
    ]
    figure.legend(handles=legend, loc="lower center", ncols=3, labelcolor="white", frameon=False, fontsize=10)
    figure.tight_layout(pad=0.5, rect=(0, 0.09, 1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
