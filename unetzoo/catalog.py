"""Which parts there are: their names, and what each is."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from unetzoo.errors import OptionError
from unetzoo.options import Option, options_of
from unetzoo.registry.host import host
from unetzoo.registry.registry import Registry
from unetzoo.specs import EngineSpec, FormatSpec

Kind = Literal["encoder", "decoder", "loss", "object", "dataset", "format", "engine"]


@dataclass(frozen=True)
class Description:
    """The description of a part; see `describe`."""

    kind: str
    name: str
    summary: str
    paper: str
    provider: str
    options: tuple[Option, ...]
    license: str = ""
    pretrained: tuple[str, ...] = ()
    when: str = ""
    spatial_dims: tuple[int, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()


def list_encoders(pattern: str = "*") -> list[str]:
    """Names of the encoders that match a shell pattern such as `"convnext*"`."""
    return _registry("encoder").names(pattern)


def list_decoders(pattern: str = "*") -> list[str]:
    """Names of the decoders that match a shell pattern."""
    return _registry("decoder").names(pattern)


def list_losses(pattern: str = "*") -> list[str]:
    """Names of the losses that match a shell pattern."""
    return _registry("loss").names(pattern)


def list_objects(pattern: str = "*") -> list[str]:
    """Names of the codings of objects that match a shell pattern."""
    return _registry("object").names(pattern)


def list_datasets(pattern: str = "*") -> list[str]:
    """Names of the data sets that match a shell pattern."""
    return _registry("dataset").names(pattern)


def list_formats(pattern: str = "*") -> list[str]:
    """Names of the formats of image files that match a shell pattern."""
    return _registry("format").names(pattern)


def list_engines(pattern: str = "*") -> list[str]:
    """Names of the engines that match a shell pattern."""
    return _registry("engine").names(pattern)


def list_recipes(pattern: str = "*") -> list[str]:
    """Names of the recipes that match a shell pattern; `Recipe.load` reads one."""
    return _registry("recipe").names(pattern)


def describe(kind: Kind, name: str) -> Description:
    """Describe a part: its options with their defaults, its paper, its provider; of a format its endings.

    Raises:
        OptionError: `kind` is not one of `Kind`, such as `"encoder"`.
        UnknownNameError, ConflictError: as `create`.
    """
    if kind not in get_args(Kind):
        raise OptionError(f"there is no kind of part {kind!r}; there are {', '.join(get_args(Kind))}")
    entry = _registry(kind).find(name)
    spec = entry.spec
    return Description(
        kind=kind,
        name=spec.name,
        summary=spec.summary,
        paper=getattr(spec, "paper", ""),
        provider=str(entry.provider),
        options=() if isinstance(spec, FormatSpec | EngineSpec) else options_of(kind, spec.build),
        license=getattr(spec, "license", ""),
        pretrained=getattr(spec, "pretrained", ()),
        when=getattr(spec, "when", ""),
        spatial_dims=getattr(spec, "spatial_dims", ()),
        reads=getattr(spec, "endings", ()),
        writes=spec.endings if isinstance(spec, FormatSpec) and spec.create else (),
        dtypes=getattr(spec, "dtypes", ()),
    )


def _registry(kind: str) -> Registry[Any]:
    return host().registries[kind]
