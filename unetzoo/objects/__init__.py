"""Codings of objects: from ids to the maps that a network learns, and back. Plugins may build theirs upon these names.

A coding is one file here; `unetzoo.objects.coding` says what it must hold.
"""

from unetzoo.checks import check_whole
from unetzoo.objects.coding import Fidelity, ObjectCoding, ObjectMap, maps_of
from unetzoo.objects.ids import inner_edges, label_components, renumber, separate_objects
from unetzoo.objects.options import SIZES, THRESHOLDS, check_least, check_threshold
from unetzoo.objects.watershed import flood

__all__ = [
    "SIZES",
    "THRESHOLDS",
    "Fidelity",
    "ObjectCoding",
    "ObjectMap",
    "check_least",
    "check_threshold",
    "check_whole",
    "flood",
    "inner_edges",
    "label_components",
    "maps_of",
    "renumber",
    "separate_objects",
]
