"""A package of bioimage.io: ONNX, TorchScript and a state dict, their description, and test tensors."""

import warnings
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from unetzoo.assembly import create
from unetzoo.errors import ConfigError, UnetzooError, describe_error
from unetzoo.inference.engines.forms import in_form
from unetzoo.inference.exports.about import creation, documentation
from unetzoo.inference.exports.bioimageio_description import Files, check_limits, description_of, pixel_dtype, sides_of
from unetzoo.inference.exports.interface import check_values_known, has_z_score, wrapped
from unetzoo.inference.exports.onnx_file import write_onnx
from unetzoo.inference.exports.program import Job, Size, cannot_be_exported, check_same

_BLOBS = 8  # of the test image, along a side


def write_bioimageio(job: Job, path: Path) -> None:
    """Write a package, and check each of its weights in its library, and the whole by bioimageio.spec, offline."""
    if job.model.encoder.valid_padding:
        raise ConfigError("a bioimage.io package of a network without padding is not supported")
    check_values_known(job.model.config.info, "a bioimage.io package", takes_z_score=True)
    check_limits(job.model.config)
    files = Files()
    with TemporaryDirectory(dir=path.parent) as name:
        folder = Path(name)
        _write_torchscript(job, folder / files.torchscript)
        if not job.model.config.objects:
            _write_state(job, folder / files.state)
        write_onnx(job, folder / files.onnx)
        _write_example(job, folder, files)
        (folder / files.documentation).write_text(documentation(job.model.config), encoding="utf-8")
        description = description_of(job, path.stem, files, _spdx(job), _opset(folder / files.onnx))
        _pack(description, folder, path)


def _size(job: Job) -> Size:
    least, step = sides_of(job)
    return job.image_size or (least, least + step)


def _write_torchscript(job: Job, path: Path) -> None:
    """Trace the graph at a size that needs no padding, which QuPath and deepImageJ run."""
    if not hasattr(torch.jit, "trace"):
        raise UnetzooError(f"torch {torch.__version__} no longer writes TorchScript, which a package needs")
    height, width = _size(job)
    image = job.example(1, (height, width))
    with warnings.catch_warnings(), cannot_be_exported(job), torch.no_grad():
        warnings.simplefilter("ignore")  # of TorchScript's end, and of sizes that are taken for constants
        graph = wrapped(in_form(job.model, image, transposed=True), job.interface)
        torch.jit.trace(graph, image, check_trace=False).save(path)  # type: ignore[no-untyped-call]
        loaded: nn.Module = torch.jit.load(path)  # type: ignore[no-untyped-call]

    def run(image: Tensor) -> Tensor:
        with torch.no_grad(), warnings.catch_warnings(), cannot_be_exported(job):
            warnings.simplefilter("ignore")
            output: Tensor = loaded(image)
        return output

    check_same(job, run, "TorchScript", size=job.image_size or (height + sides_of(job)[1], height))


def _write_state(job: Job, path: Path) -> None:
    """Write the state dict, and check that `unetzoo.create` with the stated arguments takes it."""
    torch.save(job.model.state_dict(), path)
    model = create(**creation(job.model.config)).eval()
    model.load_state_dict(torch.load(path, weights_only=True))
    check_same(job, lambda image: model(image).detach(), "unetzoo.create", size=_size(job))


def _write_example(job: Job, folder: Path, files: Files) -> None:
    """Write an image of smooth noise, what the network makes of it, and both as a picture."""
    config = job.model.config
    low, high = config.info.value_range or (0, np.iinfo(pixel_dtype(config)).max)
    generator = torch.Generator().manual_seed(0)
    blobs = torch.rand(1, config.in_channels, _BLOBS, _BLOBS, generator=generator)
    smooth = nn.functional.interpolate(blobs, _size(job), mode="bilinear")
    pixels = (low + (high - low) * smooth.numpy()).astype(pixel_dtype(config))
    image = torch.from_numpy(pixels.astype(np.float32))
    by_itself = has_z_score(config.info)
    if by_itself:
        image = (image - image.mean((2, 3), keepdim=True)) / image.std((2, 3), keepdim=True, correction=0)
    interface = replace(job.interface, takes_pixels=not by_itself)
    if interface.output == "logits":
        interface = replace(interface, output="probabilities")
    with torch.no_grad():
        output = wrapped(job.model, interface)(image).numpy()
    np.save(folder / files.test_input, pixels)
    np.save(folder / files.test_output, output)
    sides = [_gray(smooth.numpy()[0].mean(0)), _gray(output[0].argmax(0) if len(output[0]) > 1 else output[0, 0])]
    Image.fromarray(np.concatenate(sides, axis=1)).save(folder / files.cover)


def _gray(values: NDArray[Any]) -> NDArray[np.uint8]:
    low, high = float(values.min()), float(values.max())
    return ((values - low) * (255 / max(high - low, 1e-9))).astype(np.uint8)


def _spdx(job: Job) -> str | None:
    """The stated license as SPDX spells it; None: not stated, or not one of its list."""
    from bioimageio.spec.generic.v0_3 import LicenseId

    stated, allowed = job.model.config.info.license.lower(), LicenseId.root_model.model_fields["root"].annotation
    return next((str(each) for each in get_args(allowed) if each.lower() == stated), None)


def _opset(path: Path) -> int:
    import onnx

    imports = onnx.load(path, load_external_data=False).opset_import
    return next(int(each.version) for each in imports if each.domain == "")


def _pack(description: dict[str, Any], folder: Path, path: Path) -> None:
    """Validate a description with its files, and write all of it into a .zip file."""
    from bioimageio import spec

    with spec.ValidationContext(root=folder, file_name="rdf.yaml", log_warnings=False, progressbar=False):
        model = spec.build_description(description)
        if isinstance(model, spec.InvalidDescr):
            raise UnetzooError(f"bioimageio.spec refuses the package: {describe_error(ValueError(model.get_reason()))}")
        spec.save_bioimageio_package(model, output_path=path, local_files_only=True)
