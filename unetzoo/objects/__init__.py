"""Codings of objects: from ids to the maps that a network learns, and back. Plugins may build theirs upon these names.

A coding is one file here; `unetzoo.objects.coding` says what it must hold.
"""

from unetzoo.objects.coding import Fidelity, ObjectCoding, ObjectMap, maps_of
from unetzoo.objects.ids import components, inner_edges, renumber, separate_objects
from unetzoo.objects.watershed import flood

__all__ = [
    "Fidelity",
    "ObjectCoding",
    "ObjectMap",
    "components",
    "flood",
    "inner_edges",
    "maps_of",
    "renumber",
    "separate_objects",
]
