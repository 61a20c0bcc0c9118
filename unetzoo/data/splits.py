"""Which entries are trained on, which are watched, and which are held out to the end."""

from collections import defaultdict
from collections.abc import Sequence
from hashlib import blake2b

from unetzoo.data.sources import SPLITS, Entry

_HELD_OUT = 0.2


def split_entries(entries: Sequence[Entry]) -> dict[str, list[int]]:
    """The indices of the entries of each split that has some.

    What no split was said for is trained on, but for a fifth (at least one, if there are two), which is watched when
    the source has no split "val". Which ones depends on their names alone: the same each time, and hardly others when a
    file is added. What is of one group stays together.
    """
    found: dict[str, list[int]] = {
        split: [index for index, entry in enumerate(entries) if entry.split == split] for split in SPLITS
    }
    found["train"] += [index for index, entry in enumerate(entries) if not entry.split]
    if not found["val"]:
        found["val"] = _held_out(entries, found["train"])
        chosen = set(found["val"])
        found["train"] = [index for index in found["train"] if index not in chosen]
    return {split: indices for split, indices in found.items() if indices}


def _held_out(entries: Sequence[Entry], indices: Sequence[int]) -> list[int]:
    groups = defaultdict(list)
    for index in indices:
        groups[entries[index].group or entries[index].name].append(index)
    if len(groups) < 2:
        return []
    wanted = max(1, round(_HELD_OUT * len(indices)))
    chosen: list[int] = []
    for group in sorted(groups, key=_shuffled):
        if len(chosen) + len(groups[group]) <= wanted:
            chosen += groups[group]
    if not chosen:
        chosen = min(groups.values(), key=len)
    return sorted(chosen)


def _shuffled(name: str) -> bytes:
    return blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest()
