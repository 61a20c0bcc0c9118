"""A sound coding, and for each rule of the battery one that breaks it."""

import numpy as np

from unetzoo.objects import label_components, renumber
from unetzoo.objects.boundary import Boundary
from unetzoo.objects.holes import fill_holes


class Sound(Boundary):
    """Background, inside and edge; each breaker changes one thing."""


class _Twins(Sound):
    @property
    def maps(self):
        return super().maps * 2


class _Doubles(Sound):
    def encode(self, ids):
        return super().encode(ids).astype(np.float64)


class _Indifferent(Sound):
    def weights(self, ids):
        return 0 * super().weights(ids)


class _AlwaysOne(Sound):
    def decode(self, maps):
        objects = super().decode(maps)
        return objects if objects.any() else np.ones_like(objects)


class _Shrinking(Sound):
    def decode(self, maps):
        objects = super().decode(maps)
        return np.where(maps[2] > 0, 0, objects)


class _Filling(Sound):
    def decode(self, maps):
        return fill_holes(super().decode(maps))


class _Merging(Sound):
    def decode(self, maps):
        return renumber(label_components(maps[0] < 0.5)) if maps.shape[0] == 3 else super().decode(maps)


class _NoDots(Sound):
    def decode(self, maps):
        return renumber(super().decode(maps), 2)


class _SixteenBits(Sound):
    def decode(self, maps):
        return super().decode(maps).astype(np.uint16).astype(np.int32)


class _ByNumber(Sound):
    def weights(self, ids):
        return super().weights(ids) * (1 + ids % 2).astype(np.float32)


class _Downwards(Sound):
    def weights(self, ids):
        return super().weights(ids) * np.arange(len(ids), dtype=np.float32)[:, None]


class _Absolute(Sound):
    def encode(self, ids):
        return super().encode(np.abs(ids) if ids.dtype.kind == "i" else ids)


class _TunedEdges(Sound):
    @property
    def tunable(self):
        return {"width": (1, 2)}


class _ShortSighted(Sound):
    def halo(self, largest):
        return 0


class _InPlace(Sound):
    def decode(self, maps):
        objects = super().decode(maps)
        maps -= 0.01
        return objects


class _Lenient(Sound):
    def decode(self, maps):
        return super().decode(maps[:3])


BREAKERS = {
    "is_a_coding": _Twins,
    "encodes_images_of_any_size": _Doubles,
    "prefers_the_right_maps": _Indifferent,
    "finds_nothing_in_an_empty_image": _AlwaysOne,
    "keeps_convex_objects": _Shrinking,
    "keeps_rings": _Filling,
    "keeps_touching_objects_apart": _Merging,
    "keeps_the_smallest_objects": _NoDots,
    "keeps_many_objects": _SixteenBits,
    "numbers_have_no_influence": _ByNumber,
    "turns_with_the_image": _Downwards,
    "unknown_pixels_are_background": _Absolute,
    "tuned_options_change_decode_alone": _TunedEdges,
    "sees_far_enough": _ShortSighted,
    "decodes_to_numbers_without_gaps": _InPlace,
    "refuses_what_does_not_fit": _Lenient,
}
