"""The formats that plugins provide, by the names and the first bytes of files."""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from unetzoo.data.formats.content import Content
from unetzoo.data.formats.raster import ResultArray
from unetzoo.errors import ConflictError, DataError
from unetzoo.registry.host import host
from unetzoo.registry.markers import PROJECT
from unetzoo.registry.offers import LONGEST_SIGNATURE
from unetzoo.registry.registry import Offer
from unetzoo.specs import FormatSpec, Lazy, Storable


def endings() -> tuple[str, ...]:
    """Those of the files of images and masks that are read, in lower case."""
    return _endings(spec for spec, _ in _specs())


def written_endings() -> tuple[str, ...]:
    """Those of the results that can be written, in lower case."""
    return _endings(spec for spec, _ in _specs() if spec.create)


def ending_of(name: str, among: Collection[str]) -> str:
    """The longest of some endings that a name has; empty: it has none of them."""
    lower = name.lower()
    return max((ending for ending in among if lower.endswith(ending)), key=len, default="")


def without_ending(path: Path) -> Path:
    """A path without the ending of a format, such as `.nii.gz`; without its suffix if it has none of these."""
    ending = ending_of(path.name, endings())
    return path.with_name(path.name[: -len(ending)]) if 0 < len(ending) < len(path.name) else path.with_suffix("")


def is_folder_image(path: Path) -> bool:
    """Whether a path is a folder, or would be one, that is an image as a whole."""
    return _format_of_folder(path) is not None


def format_of(content: Content) -> FormatSpec:
    """The format that reads an image: by its first bytes, and among formats that share these by its ending.

    Raises:
        DataError: no format reads it.
        ConflictError: formats of several plugins do.
    """
    if content.path is not None and (folder := _format_of_folder(content.path)):
        return folder
    content.stream.seek(0)
    beginning = content.stream.read(LONGEST_SIGNATURE)
    fitting = [
        (spec, offer) for spec, offer in _specs() if not spec.signatures or beginning.startswith(spec.signatures)
    ]
    ending = ending_of(content.name, _endings(spec for spec, _ in fitting)) if content.path else ""
    if ending:
        return _only([(spec, offer) for spec, offer in fitting if ending in spec.endings], content.name)
    signed = [spec for spec, _ in fitting if spec.signatures]
    if not signed:
        *names, last = (spec.name for spec, _ in _specs() if spec.signatures)
        raise DataError(f"{content.name} cannot be read: its content is not {', '.join(names)} or {last}")
    return signed[0]


def plugin_of(spec: FormatSpec) -> str:
    """The plugin that provides a format; empty: it is built in."""
    plugin = next((offer.plugin for each, offer in _specs() if each is spec), PROJECT)
    return "" if plugin == PROJECT else plugin


def say_format(spec: FormatSpec) -> str:
    """How errors call a format, such as `"format png"` or `"format gray of plugin 'cells'"`."""
    plugin = plugin_of(spec)
    return f"format {spec.name}" + (f" of plugin {plugin!r}" if plugin else "")


def say_disabled() -> str:
    """The end of an error that no format fits: names of disabled plugins, one of which may provide it; or nothing."""
    names = sorted(host().problems)
    return f"; disabled plugins: {', '.join(names)} (`unetzoo plugins` says why)" if names else ""


def format_written(path: Path) -> FormatSpec:
    """The format of a result by its path's ending.

    Raises:
        DataError: no format with that ending is written.
        ConflictError: several are.
    """
    ending = written_ending(path)
    if not ending:
        endings_written = ", ".join(written_endings())
        raise DataError(f"{path} has none of the endings that can be written: {endings_written}{say_disabled()}")
    return _only([(spec, offer) for spec, offer in _specs() if spec.create and ending in spec.endings], path.name)


def resolved(target: Lazy | Callable[..., Any]) -> Callable[..., Any]:
    """A function of a format, which may be lazy."""
    return target.resolve() if isinstance(target, Lazy) else target


def check_target(path: Path) -> FormatSpec:
    """The format of a result, as `format_written`, if it can be written there.

    Raises:
        DataError: it cannot, as the format says; or a folder would be replaced by a file.
        MissingExtraError: the format needs a package that is not installed.
    """
    spec = format_written(path)
    if spec.check:
        resolved(spec.check)(path)
    if path.is_dir() and not (spec.folders and spec.check):
        raise DataError(f"{path} is a folder, and is not replaced; name another one for the result")
    return spec


def stored_in(ending: str) -> tuple[Storable, ...] | None:
    """What files with an ending can store of a result; None: none with that ending are written."""
    return format_written(Path(ending)).stores if ending in written_endings() else None


def written_ending(path: Path) -> str:
    """The ending of a result, in lower case; empty: none with that ending are written."""
    return ending_of(path.name, written_endings())


def volume_ending(path: Path) -> str:
    """The ending of the result of a volume: its own, or of a format of the same plugin; empty: neither is written."""
    if (own := written_ending(path)) and "arrays" in (stored_in(own) or ()):
        return own
    folder = _format_of_folder(path)
    read = ending_of(path.name, endings())
    plugins = {offer.plugin for spec, offer in _specs() if spec is folder or read in spec.endings} - {PROJECT}
    written = [spec for spec, offer in _specs() if offer.plugin in plugins and spec.create]
    return next((spec.endings[0] for spec in written if {"arrays", "grid"} <= {*spec.stores}), "")


def write(path: Path, result: ResultArray, spec: FormatSpec) -> None:
    """Write a result into a draft in a format that is written."""
    assert spec.create is not None  # noqa: S101 - `format_written` chose it
    resolved(spec.create)(path, result)


def endings_that_store(what: Storable) -> str:
    """The first endings of the formats that can store something, for errors."""
    listed = [spec.endings[0] for spec, _ in _specs() if spec.create and what in spec.stores]
    return " or ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)


def _format_of_folder(path: Path) -> FormatSpec | None:
    of_folders = [(spec, offer) for spec, offer in _specs() if spec.folders]
    ending = ending_of(path.name, _endings(spec for spec, _ in of_folders))
    if ending and not path.is_file():
        return _only([(spec, offer) for spec, offer in of_folders if ending in spec.endings], path.name)
    if not path.is_dir():
        return None
    return next((spec for spec, _ in of_folders if any(_holds(path, pattern) for pattern in spec.folders)), None)


def _holds(folder: Path, pattern: str) -> bool:
    """Whether a folder holds a file with such a name."""
    return next(folder.glob(pattern), None) is not None if "*" in pattern else (folder / pattern).is_file()


def _only(candidates: Sequence[tuple[FormatSpec, Offer]], name: str) -> FormatSpec:
    """The only format; ConflictError if there are several."""
    if len(candidates) > 1:
        both = " and ".join(f"{spec.name} of {offer.plugin}" for spec, offer in candidates)
        raise ConflictError(f"{name} has the ending of the formats {both}; block one plugin with UNETZOO_BLOCK")
    return candidates[0][0]


def _endings(specs: Iterator[FormatSpec]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ending for spec in specs for ending in spec.endings))


def _specs() -> Iterator[tuple[FormatSpec, Offer]]:
    """The formats of all plugins, the built-in ones first."""
    for offer in host().offers["format"]:
        if isinstance(offer.item, FormatSpec):
            yield offer.item, offer
