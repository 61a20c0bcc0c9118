"""The names of timm's models, read without importing timm, which takes seconds."""

import re
import sys
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from unetzoo.errors import MissingExtraError, describe_error
from unetzoo.specs import EncoderSpec, lazy

_HINT = "the versions of torch and torchvision may not match: pip install --upgrade torch torchvision timm"
_REGISTERED = re.compile(r"^@register_model\s*\n(?:@.*\n)*def (\w+)\(", re.MULTILINE)


def timm_names() -> frozenset[str]:
    """All models of the installed timm, as `timm.list_models()` returns them.

    If timm is imported already, its registry is read, which includes models that a user registered.
    """
    if "timm" not in sys.modules:
        return _names_in_source()
    import_module("timm")  # waits for a thread that is importing it
    models = getattr(sys.modules.get("timm.models._registry"), "_model_entrypoints", None)
    return _names_listed(len(models)) if models else _names_listed.__wrapped__(0)


def timm_spec(name: str) -> EncoderSpec:
    """The spec of a model of timm, with its pretrained weights."""
    try:
        from timm.models import get_arch_pretrained_cfgs
    except (
        Exception
    ) as error:  # torchvision, which timm imports, raises several types where torch is of another version
        raise MissingExtraError(f"timm cannot be imported: {describe_error(error)}; {_HINT}") from error

    weights = {tag: cfg for tag, cfg in get_arch_pretrained_cfgs(name).items() if cfg.has_weights}
    default = next(iter(weights.values()), None)
    return EncoderSpec(
        name=name,
        build=lazy("unetzoo.encoders.timm:TimmEncoder", name),
        summary=f"timm's {name}; see https://huggingface.co/timm",
        paper=", ".join(_listed(default.paper_ids)) if default else "",
        license=(default.license or "") if default else "",
        pretrained=tuple(tag.removeprefix(f"{name}.") for tag in weights),
        spatial_dims=(2, 3),
    )


def _listed(paper_ids: str | Sequence[str] | None) -> Sequence[str]:
    return [paper_ids] if isinstance(paper_ids, str) else paper_ids or ()


@lru_cache(maxsize=1)
def _names_listed(_count: int) -> frozenset[str]:
    """What timm lists, which takes 9 ms, while it has so many models: a network is built in as many without it."""
    return frozenset(import_module("timm").list_models())


@cache
def _names_in_source() -> frozenset[str]:
    """The functions that timm decorates with `@register_model`, read from its source files (50 ms, once)."""
    package = find_spec("timm")
    folders = (package.submodule_search_locations or []) if package else []
    sources = [path for folder in folders for path in (Path(folder) / "models").glob("*.py")]
    return frozenset(name for path in sources for name in _REGISTERED.findall(path.read_text(encoding="utf-8")))
