"""Which parts work over how many axes."""

from unetzoo.errors import OptionError
from unetzoo.registry.host import host
from unetzoo.specs import DecoderSpec, EncoderFamily, EncoderSpec, ObjectCodingSpec, noun

_NOUNS = {2: "images", 3: "volumes"}


def check_spatial_dims(kind: str, spec: EncoderSpec | DecoderSpec | ObjectCodingSpec, spatial_dims: int) -> None:
    """Raise OptionError unless a part works over so many axes; the message names those that do."""
    if spatial_dims not in _NOUNS:
        raise OptionError(f"spatial_dims must be one of 2, 3; got {spatial_dims!r}")
    if spatial_dims in spec.spatial_dims:
        return
    own = " and ".join(_NOUNS.get(dims, f"{dims} axes") for dims in spec.spatial_dims)
    others = ", ".join(_names(kind, spatial_dims))
    raise OptionError(
        f"{noun(kind)} {spec.name!r} works on {own} alone; {noun(kind)}s with spatial_dims={spatial_dims}, for "
        f"{_NOUNS[spatial_dims]}: {others}"
    )


def _names(kind: str, spatial_dims: int) -> list[str]:
    """The parts that work over so many axes; of a family, such as `timm:*`, if its first example does."""
    names = set()
    for item in (offer.item for offer in host().offers[kind]):
        specs: list[object]
        if isinstance(item, EncoderFamily):
            name, specs = f"{item.prefix}:*", [item.spec(example) for example in item.examples[:1]]
        else:
            name, specs = item.name, [item]
        if any(spatial_dims in getattr(spec, "spatial_dims", ()) for spec in specs):
            names.add(name)
    return sorted(names)
