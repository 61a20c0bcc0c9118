"""Which entries are for training, which for validation, and which for the test."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from hashlib import blake2b

from unetzoo.data.sources.source import SPLITS, Entry
from unetzoo.errors import DataError

ALL = "all"
"""The name of all splits together."""

_HELD_OUT = 0.2
_NOTES = {
    "train": "a network that was trained on this data has seen these images: the numbers say little",
    "val": "the best network of a training on this data was chosen by these images: for it the numbers are too good",
    ALL: "a network that was trained on this data has seen most of these images: the numbers say little",
}


def choose_split(entries: Sequence[Entry], asked: str | None, *, is_of_training: Callable[[], bool]) -> tuple[str, str]:
    """Which split to measure a network on, and what that means for its numbers.

    Args:
        entries: of the source.
        asked: the name of a split, or `ALL`; None: the test split, without one the val split; if the source has no
            splits, all images, or, if the network was trained on them, those that were held out.
        is_of_training: whether the network was trained on this source; called only if it matters.

    Raises:
        DataError: there is no such split.
    """
    splits = split_entries(entries)
    if asked == ALL:
        return ALL, _NOTES[ALL]
    if asked is None and not any(entry.split for entry in entries):
        if not is_of_training():
            return ALL, "the data has no splits, and is not what the network was trained on"
        asked = "val" if "val" in splits else "train"
    chosen = asked or next((name for name in ("test", "val", "train") if name in splits), "test")
    if chosen not in splits:
        raise DataError(
            f"there is no split {chosen!r}; there are {', '.join(splits)} (of {', '.join(SPLITS)}), and {ALL}"
        )
    return chosen, _NOTES.get(chosen, "")


def split_entries(entries: Sequence[Entry]) -> dict[str, list[int]]:
    """The indices of the entries of each split that has some.

    Entries without a split are for training. If the source has no split "val", a fifth of them (at least one, if there
    are two) is held out for validation. Their names alone decide which: the same each time, and nearly the same if a
    file is added. A group stays together.
    """
    splits: dict[str, list[int]] = {
        split: [index for index, entry in enumerate(entries) if entry.split == split] for split in SPLITS
    }
    splits["train"] += [index for index, entry in enumerate(entries) if not entry.split]
    if not splits["val"]:
        splits["val"] = _held_out(entries, splits["train"])
        chosen = set(splits["val"])
        splits["train"] = [index for index in splits["train"] if index not in chosen]
    return {split: indices for split, indices in splits.items() if indices}


def _held_out(entries: Sequence[Entry], indices: Sequence[int]) -> list[int]:
    groups = defaultdict(list)
    for index in indices:
        groups[entries[index].group or entries[index].name].append(index)
    if len(groups) < 2:
        return []
    count = max(1, round(_HELD_OUT * len(indices)))
    chosen: list[int] = []
    for group in sorted(groups, key=shuffled):
        if len(chosen) + len(groups[group]) <= count:
            chosen += groups[group]
    if not chosen:
        chosen = min(groups.values(), key=len)
    return sorted(chosen)


def shuffled(name: str) -> bytes:
    """A key by which names are sorted as if at random, the same each time."""
    return blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest()
