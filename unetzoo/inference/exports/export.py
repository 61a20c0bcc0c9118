"""Write a network as a file that another program reads, and check it in that program."""

import copy
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

from unetzoo._utils.atomic import check_new_folder, check_place, whole_folder
from unetzoo._utils.extras import need
from unetzoo.errors import OptionError, UnetzooError, UnknownNameError, WriteError, describe_error, did_you_mean
from unetzoo.inference.engines.calibration import Calibration, calibration_of
from unetzoo.inference.exports.interface import interface_of
from unetzoo.inference.exports.program import Job, Size
from unetzoo.inference.exports.targets import TARGETS, Target
from unetzoo.inference.forward import check_network
from unetzoo.layers.valid import check_sides
from unetzoo.nn.misfit import need_images
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.wrapped import segmenter_of


def export(
    model: Segmenter,
    path: str | Path,
    *,
    target: str = "onnx",
    image_size: Size | None = None,
    with_normalization: bool = False,
    ids: bool = False,
    dtype: str = "float32",
    calibration: Iterable[Any] | Calibration = (),
    patience: float = 300.0,
    on_start: Callable[[], None] = lambda: None,
) -> Path:
    """Write a network for another program, for any batch, height and width.

    The file is kept only if that program computes what the network does: its output differs by less than 0.001 of the
    largest value (of ids: in less than 0.1 % of the pixels), for another batch and size than those recorded.

    | target | path | checked in |
    |---|---|---|
    | `onnx` | an `.onnx` file | ONNX Runtime |
    | `openvino` | an `.xml` file, with its weights in a `.bin` file beside it | OpenVINO |
    | `torch-export` | a `.pt2` file, for images of at least 2 x 2 pixels | `torch.export.load` |
    | `monai` | a new folder, a bundle of MONAI | `monai.bundle.verify_net_in_out`, and the network that it builds |
    | `bioimageio` | a `.zip` file, a package of bioimage.io | each library of its weights; bioimageio.spec |
    | `smp` | a new folder, for a decoder and an encoder that it has | `segmentation_models_pytorch.from_pretrained` |

    Args:
        model: a copy in evaluation mode, in float32 on the CPU, is exported; `model` is not changed.
        path: of the file, in a folder that exists; an older file is replaced.
        target: the program.
        image_size: (height, width) in pixels to fix, or (depth, height, width) of volumes, for encoders whose graph
            depends on it; None: any size.
        with_normalization: the file takes pixels as float32, with the values that they have in the training images'
            files, and normalizes them as `predict`; it gives probabilities (b, classes, h, w), as `predict`, instead of
            logits. Pixels without data count as the training mean.
        ids: with normalization, it gives class ids (b, h, w), or planes (b, classes, h, w) of 0 and 1 where
            classes may overlap, with the thresholds of the network.
        dtype: `"int8"` for `onnx` and `openvino`. ONNX files have pairs of quantizing and dequantizing nodes (QDQ),
            which ONNX Runtime, OpenVINO, TensorRT and others read, with weights of 7 bits, whose sums overflow on no
            machine; those of OpenVINO are quantized by NNCF. A file is kept if the root mean square of the differences
            to float32 on images of the calibration is at most a quarter of that of the output, in ONNX Runtime, and in
            OpenVINO where that is installed. What it costs in accuracy, and whether it is faster on a machine,
            `unetzoo.deploy` measures.
        calibration: for `"int8"`, as for `optimize`.
        patience: seconds of computing (CPU time) to search for a graph for every size; the shifted windows of Swin
            would take hours. The limit needs the main thread of a Unix process.
        on_start: called when the arguments have been checked, before the work.

    Returns:
        The path. The graph maps `image` (b, c, h, w) to `logits` (b, classes, h, w), `probabilities` or `ids`; that of
        a network of objects to `maps`, after activation, and an ONNX file's metadata have `objects`, `objects_options`
        and `maps` as JSON. A network of volumes (b, c, d, h, w) has the target `onnx` alone, with logits.

    Raises:
        UnknownNameError: there is no such target.
        MissingExtraError: without the packages of `unetzoo[onnx]`, `unetzoo[openvino]`, `unetzoo[bioimageio]`,
            `unetzoo[monai]` or `unetzoo[smp]`.
        ConfigError: segmentation_models_pytorch has no such network; the message says why.
        WriteError: the path cannot be written, or is a folder that is not empty.
        OptionError: the target has no such option; the network does not say what the values of its images are; ids of
            a network of objects, or of one whose post-processing needs the whole mask.
        ShapeError: a network without padding takes no images of `image_size`.
        UnetzooError: the path is not such a file in an existing folder, the network has no graph for every size, or the
            program computes something else.
    """
    chosen = _target_of(target)
    model = copy.deepcopy(segmenter_of(model, "exported")).to("cpu", torch.float32).eval().requires_grad_(False)
    place = _checked_place(Path(path), chosen)
    _check_options(target, chosen, with_normalization or ids, image_size)
    if target != "onnx" or with_normalization:
        need_images(model.config, f"an export for {target}{' with normalization' if with_normalization else ''}")
    _check_dtype(dtype, chosen, ids, is_calibrated=not (isinstance(calibration, tuple) and not calibration))
    if dtype == "int8":
        need_images(model.config, "an export in int8")
    interface = interface_of(model.config, with_normalization=with_normalization, ids=ids)
    if image_size and model.encoder.valid_padding:
        check_sides(image_size[0], image_size[1], model.encoder.features.reductions[-1])
    modules = (*chosen.modules, *((chosen.of_int8 or ()) if dtype == "int8" else ()))
    need(chosen.extra, f"an export for {target}{' in int8' if dtype == 'int8' else ''}", *modules)
    check_network(model)
    on_start()
    job = Job(model, interface, image_size, patience, _calibration(dtype, calibration, model))
    write = chosen.write.resolve()
    if not chosen.suffix:
        with whole_folder(place) as draft:
            write(job, draft)
        return place
    try:
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            draft = Path(folder) / place.name
            write(job, draft)
            _take_place(draft, place, chosen)
    except OSError as error:  # such as a full disk
        raise WriteError(f"cannot write {place}: {error.strerror or describe_error(error)}") from error
    return place


def _check_options(name: str, target: Target, with_pixels: bool, image_size: Size | None) -> None:
    if with_pixels and not target.takes_pixels:
        raise OptionError(f"the target {name!r} has no with_normalization=True and no ids=True")
    if image_size and not target.takes_size:
        raise OptionError(f"the target {name!r} is for images of any size: leave image_size (--image-size) out")


def _check_dtype(dtype: str, target: Target, ids: bool, *, is_calibrated: bool) -> None:
    if dtype not in ("float32", "int8"):
        raise OptionError(f"an export is in float32 or int8, not in {dtype!r}")
    if dtype == "int8" and (target.of_int8 is None or ids):
        names = " and ".join(repr(name) for name, each in TARGETS.items() if each.of_int8 is not None)
        raise OptionError(f"int8 is for the targets {names}, without ids=True (--ids)")
    if dtype == "float32" and is_calibrated:
        raise OptionError("calibration is for int8: add dtype='int8' (--dtype int8), or leave it out")


def _calibration(dtype: str, images: Iterable[Any] | Calibration, model: Segmenter) -> Calibration | None:
    if dtype == "float32":
        return None
    return images if isinstance(images, Calibration) else calibration_of(images, model)


def _target_of(name: str) -> Target:
    if name not in TARGETS:
        hint = did_you_mean(name, TARGETS) or f"there are {', '.join(TARGETS)}"
        raise UnknownNameError(f"an export has no target {name!r}; {hint}")
    return TARGETS[name]


def _checked_place(place: Path, target: Target) -> Path:
    """The path; UnetzooError, before the work, if it is not that of a file or folder that can be written."""
    if not target.suffix:
        check_new_folder(place)
    elif place.suffix != target.suffix:
        raise UnetzooError(f"the name of the file must end in {target.suffix} for this target, got {str(place)!r}")
    elif not place.parent.is_dir():
        raise UnetzooError(f"there is no folder {place.parent} to write {place.name} in: create it first")
    else:
        check_place(place)
    return place


def _take_place(draft: Path, place: Path, target: Target) -> None:
    """Move a file, and the one beside it, so that no file stands beside an older one at any moment."""
    if target.beside:
        place.unlink(missing_ok=True)
        draft.with_suffix(target.beside).replace(place.with_suffix(target.beside))
    draft.replace(place)
