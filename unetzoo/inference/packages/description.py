"""What a package of bioimage.io says of itself: read and checked by bioimageio.spec, as plain data."""

import logging
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unetzoo._utils.extras import need
from unetzoo.errors import WeightsError, describe_error
from unetzoo.inference.packages.archive import Archive
from unetzoo.inference.packages.steps import Step

_MOST_NODES = 100_000  # of a description, aliases followed
_SIDES = ("y", "x")
_RUN = ("onnx", "torchscript")  # the first that there is


@dataclass(frozen=True)
class Side:
    """Which lengths a network takes along y or x, in pixels.

    Attributes:
        least: the smallest.
        step: to the next larger one; 0: `least` is the only one.
        lost: pixels at each border of the image for which the network has no output.
        halo: pixels at each border of the output of a block that are not used; 0: not stated.
    """

    least: int
    step: int
    lost: int = 0
    halo: int = 0


@dataclass(frozen=True)
class Tolerance:
    """How far an output may be from the stated one: `absolute + relative * |value|`, but for a share of the values."""

    relative: float = 1e-3
    absolute: float = 1e-3
    share: float = 1e-4


@dataclass(frozen=True)
class Tensor:
    """The input or the output of a network.

    Attributes:
        id: its name.
        axes: ids of its axes; `"batch"`, `"channel"`, `"y"` and `"x"`, and others of length 1.
        channels: their names; empty: the tensor has no such axis.
        dtype: of its values in files.
        steps: of an input before the network, of an output after it.
        test: file of the stated values, and its SHA-256 if that is stated; None: there is none.
    """

    id: str
    axes: tuple[str, ...]
    channels: tuple[str, ...]
    dtype: str
    steps: tuple[Step, ...]
    test: tuple[str, str | None] | None


@dataclass(frozen=True)
class Description:
    """A network of one image and one result, which has the size of the image.

    Attributes:
        name: of the package.
        image: what the network takes.
        result: what it gives.
        sides: of the image along y and x.
        format: of the weights: `"onnx"` or `"torchscript"`.
        weights: their file, and its SHA-256 if that is stated.
        tolerance: of the test.
    """

    name: str
    image: Tensor
    result: Tensor
    sides: tuple[Side, Side]
    format: str
    weights: tuple[str, str | None]
    tolerance: Tolerance


def read_description(archive: Archive) -> Description:
    """The description of a package.

    Raises:
        MissingExtraError: bioimageio.spec is not installed.
        WeightsError: it is invalid, or describes what is not run here: volumes, several inputs, or an architecture
            that is code.
    """
    text = archive.description()
    need("bioimageio", "a package of bioimage.io", "bioimageio", "onnx", "onnxruntime")
    data = _validated(archive, text)
    images, results = data["inputs"], data["outputs"]
    for what, tensors in (("inputs", images), ("outputs", results)):
        if len(tensors) != 1:
            raise WeightsError(f"{archive.path} has {len(tensors)} {what}; packages with one of each are run")
    if mode := data.get("run_mode"):
        raise WeightsError(f"{archive.path} needs the run mode {mode.get('name')!r}, which is not here")
    image, result = _tensor(images[0], "preprocessing"), _tensor(results[0], "postprocessing")
    kind = _format_of(archive, data["weights"])
    down, right = (_side(archive, images[0], results[0], axis) for axis in _SIDES)
    return Description(
        name=str(data["name"]),
        image=image,
        result=result,
        sides=(down, right),
        format=kind,
        weights=(data["weights"][kind]["source"], data["weights"][kind].get("sha256")),
        tolerance=_tolerance(data, kind),
    )


def _validated(archive: Archive, text: str) -> dict[str, Any]:
    """The description in the newest format; nothing but its text is read."""
    from bioimageio import spec
    from bioimageio.spec.utils import read_yaml

    try:
        content = read_yaml(text)
        _check_plain(content)
        logging.getLogger("bioimageio").setLevel(logging.ERROR)
        context = spec.ValidationContext(perform_io_checks=False, log_warnings=False, progressbar=False)
        with context, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the number of channels in older formats, which is not used
            model = spec.build_description(content, format_version="latest")
    except Exception as error:  # a hostile text may make the parser raise anything
        raise WeightsError(f"the description in {archive.path} cannot be read: {describe_error(error)}") from error
    if isinstance(model, spec.InvalidDescr):
        reason = describe_error(ValueError(model.get_reason()))
        raise WeightsError(f"bioimageio.spec refuses the description in {archive.path}: {reason}")
    data: dict[str, Any] = model.model_dump(mode="json")
    if data["type"] != "model":
        raise WeightsError(f"{archive.path} describes a {data['type']}, not a model")
    return data


def _check_plain(content: Any) -> None:  # noqa: ANN401 - of a stranger's file
    """Raise ValueError for what is too large, and for what would make the validation read another model."""
    if not isinstance(content, dict):
        raise ValueError("it is not a mapping")  # noqa: TRY004 - of a text, not of an argument
    waiting, count = [content], 0
    while waiting:
        node = waiting.pop()
        inside = [*node.values()] if isinstance(node, dict) else node if isinstance(node, list) else []
        count += len(inside) + 1
        if count > _MOST_NODES:
            raise ValueError(f"it has more than {_MOST_NODES:,} values")
        waiting.extend(inside)
    for tensor in content.get("inputs") or ():
        if isinstance(tensor, dict) and tensor.get("output_of"):
            raise ValueError("its input is the output of another model")


def _tensor(data: Mapping[str, Any], steps: str) -> Tensor:
    axes = data["axes"]
    kinds = {axis["id"]: axis["type"] for axis in axes}
    others = [axis for axis in axes if axis["type"] not in ("batch", "channel") and axis["id"] not in _SIDES]
    if any(axis.get("size") != 1 for axis in others) or any(kinds.get(name) != "space" for name in _SIDES):
        raise WeightsError(
            f"the tensor {data['id']!r} has the axes {', '.join(kinds)}; images with y and x are run, not volumes, "
            "films or tables"
        )
    names = next((axis["channel_names"] for axis in axes if axis["type"] == "channel"), ())
    stated = data["data"][0] if isinstance(data["data"], list) else data["data"]
    chosen = tuple(Step(step["id"], step.get("kwargs") or {}) for step in data[steps])
    for step in chosen:
        step.check()
    return Tensor(
        id=data["id"],
        axes=tuple("channel" if kinds[name] == "channel" else name for name in kinds),
        channels=tuple(map(str, names)),
        dtype=stated["type"],
        steps=_renamed(chosen, {name: kind for name, kind in kinds.items() if kind == "channel"}),
        test=_file(data.get("test_tensor")),
    )


def _renamed(steps: Iterable[Step], names: Mapping[str, str]) -> tuple[Step, ...]:
    """The steps, in which an axis of channels is called so."""

    def renamed(step: Step) -> Step:
        arguments = dict(step.arguments)
        if arguments.get("axis") in names:
            arguments["axis"] = names[arguments["axis"]]
        if arguments.get("axes") is not None:
            arguments["axes"] = [names.get(axis, axis) for axis in arguments["axes"]]
        return Step(step.id, arguments)

    return tuple(map(renamed, steps))


def _file(data: Mapping[str, Any] | None) -> tuple[str, str | None] | None:
    return None if data is None else (str(data["source"]), data.get("sha256"))


def _side(archive: Archive, image: Mapping[str, Any], result: Mapping[str, Any], axis: str) -> Side:
    seen, given = (next(each for each in tensor["axes"] if each["id"] == axis) for tensor in (image, result))
    size, other = seen["size"], given["size"]
    least, step = (size, 0) if isinstance(size, int) else (size.get("min"), size.get("step"))
    refers = isinstance(other, dict) and other.get("tensor_id") == image["id"] and other.get("axis_id") == axis
    if least is None or step is None or not (isinstance(other, int) or refers):
        raise WeightsError(f"{archive.path} has sizes along {axis} that depend on others: they are not run here")
    if isinstance(other, int):
        lost = (least - other) if step == 0 else None
    else:
        same = seen.get("scale", 1.0) == given.get("scale", 1.0)
        lost = -other.get("offset", 0) if same else None
    if lost is None or lost < 0 or lost % 2 or lost >= least:
        raise WeightsError(
            f"the result of {archive.path} has another number of pixels along {axis} than the image: it is not run here"
        )
    return Side(least, step, lost // 2, given.get("halo") or 0)


def _format_of(archive: Archive, weights: Mapping[str, Any]) -> str:
    present = [name for name, entry in weights.items() if entry]
    kind = next((name for name in _RUN if name in present), None)
    if kind is None:
        raise WeightsError(
            f"{archive.path} has weights as {' and '.join(present)} alone, whose architecture is code or another "
            "library's: ask its authors for ONNX, or run it by bioimageio.core if you trust them"
        )
    if weights[kind].get("external_data"):
        raise WeightsError(f"{archive.path} has its ONNX weights in a second file, which is not read: take another one")
    return kind


def _tolerance(data: Mapping[str, Any], kind: str) -> Tolerance:
    config = (data.get("config") or {}).get("bioimageio") or {}
    stated: Sequence[Mapping[str, Any]] = config.get("reproducibility_tolerance") or ()
    for entry in stated:
        outputs, formats = entry.get("output_ids") or (), entry.get("weights_formats") or ()
        is_own = not outputs or isinstance(outputs, str) or data["outputs"][0]["id"] in outputs
        if is_own and (not formats or kind in formats):
            share = float(entry["mismatched_elements_per_million"]) / 1e6
            return Tolerance(float(entry["relative_tolerance"]), float(entry["absolute_tolerance"]), share)
    return Tolerance()
