"""Units of length, as the headers of images spell them."""

_METERS = {"nm": 1e-9, "um": 1e-6, "mm": 1e-3, "cm": 1e-2, "m": 1.0, "km": 1e3, "inch": 0.0254, "ft": 0.3048}
_SPELLINGS = {
    "\\u00b5m": "um",
    "µm": "um",
    "μm": "um",
    "micron": "um",
    "microns": "um",
    "micrometer": "um",
    "micrometre": "um",
    "nanometer": "nm",
    "nanometre": "nm",
    "millimeter": "mm",
    "millimetre": "mm",
    "centimeter": "cm",
    "centimetre": "cm",
    "meter": "m",
    "metre": "m",
    "in": "inch",
    "inches": "inch",
}


def length_unit(text: str) -> str:
    """The unit of length that a text spells, such as `"um"` for `"micron"`; empty: it is none that is known."""
    lower = text.strip().lower()
    unit = _SPELLINGS.get(lower, lower)
    return unit if unit in _METERS else ""


def meters_of(unit: str) -> float | None:
    """The length of a unit in meters; None: it is not one of length."""
    return _METERS.get(unit)
