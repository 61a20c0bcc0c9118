"""The specs with which plugins declare their parts: frozen data, without torch."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypeAlias

from unetzoo.errors import PluginError, UnetzooError, describe_error

Builder: TypeAlias = Callable[..., Any]


@dataclass(frozen=True)
class Lazy:
    """A callable that is imported at its first use; made by `lazy`.

    Attributes:
        target: `"package.module:Name"`.
        arguments: leading positional arguments to bind.
    """

    target: str
    arguments: tuple[Any, ...] = ()

    def resolve(self) -> Builder:
        """The callable itself, with the leading arguments bound.

        Raises:
            PluginError: the module cannot be imported, or has no such attribute, or it is not callable.
        """
        module_name, _, attribute = self.target.partition(":")
        try:
            builder: Builder = getattr(import_module(module_name), attribute)
        except UnetzooError:
            raise  # such as a missing optional dependency: it says what to do
        except Exception as error:  # a plugin's module may raise anything
            raise PluginError(f"cannot load {self.target!r}: {describe_error(error)}") from error
        if not callable(builder):
            raise PluginError(f"{self.target!r} must be a class or a function, but is {builder!r}")
        return partial(builder, *self.arguments) if self.arguments else builder


def lazy(target: str, *arguments: Any) -> Lazy:  # noqa: ANN401 - leading arguments of any builder
    """Refer to a class or function without importing it.

    Args:
        target: `"package.module:Name"`; the signature of `Name` defines the options of the part.
        arguments: leading positional arguments to bind.

    Raises:
        PluginError: `target` does not have that form.
    """
    module_name, colon, attribute = target.partition(":")
    if not colon or not all(part.isidentifier() for part in (*module_name.split("."), attribute)):
        raise PluginError(f"lazy() takes 'package.module:Name', got {target!r}")
    return Lazy(target, arguments)


@dataclass(frozen=True, kw_only=True)
class EncoderSpec:
    """An encoder: `build(*, in_channels, pretrained, **its own options)` returns an `unetzoo.Encoder`.

    Attributes:
        name: its name in `unetzoo.create(..., encoder=name)`.
        build: the class or function, preferably through `lazy`.
        summary: one line.
        paper: its publication, such as `"arXiv:1512.03385"`.
        license: SPDX identifier of the pretrained weights; empty: there are none.
        pretrained: tags of the pretrained weights, the default one first.
        spatial_dims: the numbers of axes that it works over, 2 for images and 3 for volumes; with more than one,
            `build` also takes `spatial_dims` by name.
    """

    name: str
    build: Lazy | Builder
    summary: str = ""
    paper: str = ""
    license: str = ""
    pretrained: tuple[str, ...] = ()
    spatial_dims: tuple[int, ...] = (2,)


@dataclass(frozen=True, kw_only=True)
class DecoderSpec:
    """A decoder: `build(features, **its own options)` returns an `unetzoo.Decoder` for a `FeatureInfo`.

    `when` is a sentence on when to choose it, for the gallery of decoders; `spatial_dims` are the numbers of axes that
    it works over, as `features.spatial_dims` says: 2 for images, 3 for volumes.
    """

    name: str
    build: Lazy | Builder
    summary: str = ""
    paper: str = ""
    when: str = ""
    spatial_dims: tuple[int, ...] = (2,)


@dataclass(frozen=True, kw_only=True)
class LossSpec:
    """A loss: `build(**its own options)` returns a module that maps logits and target to a scalar >= 0."""

    name: str
    build: Lazy | Builder
    summary: str = ""
    paper: str = ""


@dataclass(frozen=True, kw_only=True)
class ObjectCodingSpec:
    """A coding of objects: `build(**its own options)` gives an `unetzoo.ObjectCoding`.

    `when` is a sentence on when to choose it; `spatial_dims` are the numbers of axes that it works over: 2 for images,
    3 for volumes. One that works over three may have the option `spacing`, the distances of voxels along z, y and x:
    unless users give it, it is that of the network's training.
    """

    name: str
    build: Lazy | Builder
    summary: str = ""
    paper: str = ""
    when: str = ""
    spatial_dims: tuple[int, ...] = (2,)


@dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """A data set: `build(*, split, **its own options)` returns the `unetzoo.Dataset` of that split.

    Attributes:
        name: its name in `unetzoo.create_dataset(name, ...)`.
        build: the class or function, preferably through `lazy`.
        summary: one line.
        paper: its publication.
        license: SPDX identifier of the images; empty: not stated.
    """

    name: str
    build: Lazy | Builder
    summary: str = ""
    paper: str = ""
    license: str = ""


Storable = Literal["palette", "arrays", "grid"]
"""What the files of a format can store of a result."""


@dataclass(frozen=True, kw_only=True)
class FormatSpec:
    """A format of image files: `open(content)` is a context manager that gives an `unetzoo.Raster`.

    A file is read by the format that lists the longest ending of its name, among those whose signatures fit its first
    bytes; a file whose content is that of another format, by that one. A result is written by the format that lists the
    longest ending of its name, among those with `create`.

    Attributes:
        name: its name in `unetzoo list formats`.
        endings: of its files, in lower case, such as `(".nii", ".nii.gz")`; empty: none decides.
        open: a function that takes an `unetzoo.data.formats.Content` and yields a `Raster`, made by
            `contextlib.contextmanager`; preferably through `lazy`. Opening reads no pixels.
        create: a function that takes a path and an `unetzoo.data.formats.ResultArray`, and writes one into the other,
            block by block; None: the format is read alone. The path is that of a draft, which becomes the result when
            the function returns, so that nobody sees half a file; whatever the draft's name ends with, it is of this
            format. Finished rows survive a kill without its help.
        check: a function that takes the path of a result before any work is done for it, and raises an
            `UnetzooError` if it could not be written: a package is missing, or a folder that is there must not be
            replaced; None: nothing is missing, and folders are never replaced.
        summary: one line.
        signatures: how its files may begin, up to 16 bytes each; empty: the ending alone decides.
        folders: patterns such as `("zarr.json",)`: a folder with a matching file is an image of this format.
        example: a function that takes a folder, writes a small image there whose grid says all that the format can say,
            and returns its path: the rules of the contract are checked on it; None: on what `create` writes.
        stores: what a result keeps: a `"palette"` for class ids; `"arrays"`: several planes, fractions and 32 bits;
            `"grid"`: where its pixels lie.
    """

    name: str
    endings: tuple[str, ...]
    open: Lazy | Builder
    create: Lazy | Builder | None = None
    check: Lazy | Builder | None = None
    summary: str = ""
    signatures: tuple[bytes, ...] = ()
    folders: tuple[str, ...] = ()
    example: Lazy | Builder | None = None
    stores: tuple[Storable, ...] = ()


Dtype = Literal["float32", "bfloat16", "float16", "int8"]
"""The arithmetic of an engine."""


@dataclass(frozen=True, kw_only=True)
class EngineSpec:
    """An engine: a library that computes trained networks. It has two steps, so that a network can be kept and sent.

    Attributes:
        name: its name in `unetzoo.optimize(..., engine=name)`.
        convert: a function `(model, sizes, dtype, calibration)` that returns the files of a network, bytes by name
            without folders: data, never pickles. `model` is a `Segmenter` in float32, in evaluation mode, on the CPU;
            `sizes` are those (height, width) of images, in pixels, that are known to come; `dtype` is one of `dtypes`;
            `calibration` is an `unetzoo.inference.engines.calibration.Calibration` for `"int8"`, else None. Preferably
            through `lazy`, as the others.
        start: a function `(model, files, dtype)` that returns a function of images (b, c, h, w), float32 on the CPU, of
            any batch, height and width; it returns logits (b, classes, h, w), and several threads call it at once;
            with an axis d before h for networks over three axes.
        check: a function `(dtype)` that raises an `UnetzooError` if a package is missing, or this machine does not
            compute in that dtype; None: nothing is missing.
        dtypes: the arithmetic that it has.
        summary: one line.
        when: a sentence on when to choose it.
    """

    name: str
    convert: Lazy | Builder
    start: Lazy | Builder
    check: Lazy | Builder | None = None
    dtypes: tuple[Dtype, ...] = ("float32",)
    summary: str = ""
    when: str = ""


@dataclass(frozen=True, kw_only=True)
class RecipeSpec:
    """A recipe: network and options that suit a kind of images, for `unetzoo train data/ --recipe NAME`.

    Attributes:
        name: its name in `unetzoo recipes`.
        path: its .toml file, such as `Path(__file__).with_name("cells.toml")`; see `unetzoo.Recipe`. The file has no
            data of its own, and may have a table `receipt` of what it gave where it was measured.
        summary: for what kind of images it is, in one line.
        domain: the field that these images are of, such as `"microscopy"`; empty: none.
    """

    name: str
    path: Path
    summary: str = ""
    domain: str = ""


@dataclass(frozen=True, kw_only=True)
class CommandSpec:
    """A command of the command line: `unetzoo NAME` calls `build`, whose signature typer reads.

    Attributes:
        name: name of the command.
        build: the function, best through `lazy`.
        summary: one line for `unetzoo --help`.
    """

    name: str
    build: Lazy | Builder
    summary: str = ""


@dataclass(frozen=True, kw_only=True)
class EncoderFamily:
    """Many encoders at once: `"name"` and `"prefix:name"` mean the same encoder.

    Attributes:
        prefix: prefix of the qualified names, such as `"timm"`.
        names: returns all names; it is called at each look-up, so it should be fast.
        spec: returns the spec of a name.
        examples: names, preferably of small encoders, for which the contract is checked; empty: three of all.
    """

    prefix: str
    names: Callable[[], Collection[str]]
    spec: Callable[[str], EncoderSpec]
    examples: tuple[str, ...] = ()


def noun(kind: str) -> str:
    """How messages call a part of a kind, such as `"object coding"` for `"object"`."""
    return "object coding" if kind == "object" else kind
