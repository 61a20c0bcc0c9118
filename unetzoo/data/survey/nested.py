"""Classes that may overlap, each of which contains the next: how far the masks keep to that."""

from collections.abc import Sequence
from itertools import pairwise

from unetzoo.checks import check_texts
from unetzoo.data.survey.statistics import plane_counts
from unetzoo.data.survey.survey import Survey
from unetzoo.errors import OptionError
from unetzoo.nn.coding import MaskCoding

_FEWEST = 2


def check_nested(nested: Sequence[str], survey: Survey) -> tuple[str, ...]:
    """The names; OptionError unless none or several are given, each once, of classes of the data that may overlap."""
    names = check_texts("nested", nested)
    is_one_each = len({*names}) == len(names) >= _FEWEST and {*names} <= {*survey.class_names}
    if names and not (is_one_each and isinstance(survey.coding, MaskCoding) and survey.coding.labels == "overlapping"):
        raise OptionError(
            f"nested must name two or more classes that may overlap, the outer ones first, each once; got "
            f"{', '.join(names)}, and the data has {', '.join(survey.class_names)} (masks='overlapping', --masks "
            "overlapping, if these may overlap)"
        )
    return names


def doubts_of_nested(nested: Sequence[str], survey: Survey) -> list[str]:
    """A sentence for each class whose pixels do not all have the class that contains it."""
    if not isinstance(survey.coding, MaskCoding):
        return []
    sentences = []
    for outer, inner in pairwise(nested):
        places = [survey.class_names.index(name) for name in (outer, inner)]
        outside = total = 0
        for planes, counts in (plane_counts(reading, survey.coding) for reading in survey.readings):
            is_outer, is_inner = (planes[place] for place in places)
            outside += int(counts[(is_inner == 1) & (is_outer == 0)].sum())
            total += int(counts[is_inner == 1].sum())
        if outside:
            sentences.append(
                f"{outside / total:.2%} of the pixels of {inner} are outside of {outer} in the masks, and never in "
                "predictions (nested)"
            )
    return sentences
