"""Export a network to ONNX, for any batch, height and width, and check the file in ONNX Runtime."""

import copy
import json
import tempfile
import warnings
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from unetzoo._utils.extras import need
from unetzoo._utils.time_limit import TimedOut, time_limit
from unetzoo.errors import UnetzooError
from unetzoo.inference.engines.forms import in_form
from unetzoo.layers.valid import check_sides, valid_sides
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.wrapped import segmenter_of
from unetzoo.objects.target import activate
from unetzoo.registry.objects import network_maps

Size = tuple[int, int]
_TOLERANCE = 1e-3  # of the largest logit; kernels of other libraries sum in another order


def export(model: Segmenter, path: str | Path, *, image_size: Size | None = None, patience: float = 300.0) -> Path:
    """Write a network as ONNX for any batch, height and width.

    Args:
        model: a copy in evaluation mode, in float32 on the CPU, is exported; `model` is not changed.
        path: of the file, ending in `.onnx`; it is written after ONNX Runtime has given the same logits.
        image_size: (height, width) in pixels to fix, for encoders whose graph depends on it; None: any size.
        patience: seconds to search for a graph for every size; the shifted windows of Swin would take hours. The limit
            needs the main thread of a Unix process.

    Returns:
        The path. The graph maps `image` (b, c, h, w) to `logits` (b, classes, h, w); that of a network of objects to
        `maps`, after activation, and the file's metadata have `objects`, `objects_options` and `maps` as JSON.

    Raises:
        MissingExtraError: without the packages of `unetzoo[onnx]`.
        ShapeError: a network without padding takes no images of `image_size`.
        UnetzooError: the path is not an `.onnx` file in an existing folder, the network has no graph for every size,
            or ONNX Runtime gives other logits.
    """
    model = copy.deepcopy(segmenter_of(model, "exported")).to("cpu", torch.float32).eval()
    target = Path(path)
    if target.suffix != ".onnx" or not target.parent.is_dir():
        raise UnetzooError(f"export() writes an .onnx file in a folder that exists, got {str(path)!r}")
    _need_onnx()
    if image_size and model.encoder.valid_padding:
        check_sides(*image_size, model.encoder.features.reductions[-1])
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        draft = Path(folder) / target.name
        write_onnx(model, draft, image_size=image_size, patience=patience, activated=bool(model.config.objects))
        if model.config.objects:
            _describe(Maps(model), draft)
        draft.replace(target)
    return target


def write_onnx(
    model: Segmenter,
    path: Path,
    *,
    image_size: Size | None = None,
    patience: float = 300.0,
    activated: bool = False,
) -> None:
    """Write the logits of a network, or its maps of objects after activation, and check the file; errors as `export`.

    The graph has the transposed form of `in_form`, which has the fewest operations.
    """
    graph = Maps(model).eval() if activated else model
    traced, checked = (image_size, image_size) if image_size else _sizes(model)
    try:
        with time_limit(patience if image_size is None else None):
            _write(model, path, traced, checked, dynamic=image_size is None, activated=activated)
        _check(model, graph, path, checked)
    except TimedOut as error:
        reason = f"found no graph for every size in {patience:g} seconds"
        raise UnetzooError(f"{_name(model)}: {reason}{_way_out(dynamic=True)}") from error


class Maps(nn.Module):
    """A network of objects that gives its maps (b, c, h, w) after activation."""

    def __init__(self, model: Segmenter) -> None:
        super().__init__()
        self.model, self.maps = model, network_maps(model.config)

    def forward(self, image: Tensor) -> Tensor:
        """The maps of images (b, c, h, w)."""
        return activate(self.maps, self.model(image))


def _describe(graph: Maps, path: Path) -> None:
    """Write the coding of the objects into the metadata of a file."""
    import onnx

    config, maps = graph.model.config, [asdict(item) for item in graph.maps]
    values = {"objects": config.objects, "objects_options": config.objects_options, "maps": maps}
    proto = onnx.load(path)
    onnx.helper.set_model_props(proto, {name: json.dumps(value) for name, value in values.items()})
    onnx.save(proto, path)


def _sizes(model: Segmenter) -> tuple[Size, Size]:
    """Sizes of the traced image, and of the image for which the file is checked."""
    reduction = model.encoder.features.reductions[-1]
    if model.encoder.valid_padding:  # as many pixels as it takes
        smallest, larger, _ = valid_sides(reduction)
        return (smallest + 17 * reduction, smallest + 19 * reduction), (smallest, larger)
    # so large that no map is of one pixel, which a graph would take for granted, though some decoders halve the deepest
    return (17 * reduction + 1, 19 * reduction - 1), (4 * reduction, 6 * reduction - 3)


def _write(model: Segmenter, path: Path, size: Size, small: Size, *, dynamic: bool, activated: bool) -> None:
    free = dict.fromkeys((0, 2, 3) if dynamic else (0,), torch.export.Dim.AUTO)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        try:
            network = in_form(model, _example(model, 1, small), transposed=True)
            graph = Maps(network).eval() if activated else network
            program = torch.export.export(graph, (_example(model, 2, size),), dynamic_shapes=(free,))
            torch.onnx.export(
                program,
                (),
                path,
                input_names=["image"],
                output_names=["maps" if activated else "logits"],
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        except Exception as error:  # the exporter passes on whatever a backbone's code makes it raise
            reason = str(error.__cause__ or error).strip().splitlines()[0]
            raise UnetzooError(f"{_name(model)} cannot be exported{_way_out(dynamic)}: {reason}") from error


def _check(model: Segmenter, graph: nn.Module, path: Path, size: Size) -> None:
    """Compare the result of file and network, for another batch (and size, if it is free) than the traced one."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    fixed = session.get_inputs()[0].shape[2:]
    if any(isinstance(length, int) and length != side for length, side in zip(fixed, size, strict=True)):
        raise UnetzooError(f"{_name(model)} has no graph for every size{_way_out(dynamic=True)}")
    image = _example(model, 1, size)
    (logits,) = session.run(None, {"image": image.numpy()})
    with torch.no_grad():
        expected = graph(image)
    difference = float((torch.from_numpy(logits) - expected).abs().max() / expected.abs().max())
    if not difference < _TOLERANCE:
        raise UnetzooError(f"ONNX Runtime's logits differ from the network's by {difference:.2g} of their maximum")


def _example(model: Segmenter, batch: int, size: Size) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, model.config.in_channels, *size, generator=generator)


def _name(model: Segmenter) -> str:
    return f"{model.config.decoder!r} with the encoder {model.config.encoder!r}"


def _way_out(dynamic: bool) -> str:
    return "; give export() the image_size=(height, width) to fix" if dynamic else ""


def _need_onnx() -> None:
    need("onnx", "export()", "onnx", "onnxruntime", "onnxscript")
