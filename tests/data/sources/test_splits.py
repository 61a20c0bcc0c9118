"""Which images are held out where a data set does not say it."""

import pytest

from unetzoo.data.sources.source import Entry
from unetzoo.data.sources.splits import split_entries


def test_large_groups_are_not_held_out_where_small_ones_are_enough():
    entries = [
        Entry(f"{group}{number}", "", group)
        for group, count in (("a", 80), ("b", 10), ("c", 10))
        for number in range(count)
    ]
    assert {entries[index].group for index in split_entries(entries)["val"]} == {"b", "c"}


def _entries(count, **more):
    return [Entry(f"{index}.png", **more) for index in range(count)]


@pytest.mark.parametrize(("count", "held_out"), [(1, 0), (2, 1), (10, 2), (1000, 200)])
def test_a_fifth_is_held_out(count, held_out):
    splits = split_entries(_entries(count))
    assert len(splits.get("val", [])) == held_out
    assert sorted(splits["train"] + splits.get("val", [])) == list(range(count))


def test_which_ones_are_held_out_hardly_changes_when_files_are_added():
    entries = _entries(100)
    before, after = (set(split_entries(some)["val"]) for some in (entries[:95], entries))
    assert len(before & after) >= len(before) - 5


def test_a_group_is_never_split():
    entries = [Entry(f"{index}.png", group=f"patient {index % 7}") for index in range(70)]
    splits = split_entries(entries)
    groups = [{entries[index].group for index in splits[split]} for split in ("train", "val")]
    assert not groups[0] & groups[1]
    assert all(groups)


def test_a_split_that_is_said_is_kept():
    entries = [Entry("a", "val"), Entry("b", "train"), Entry("c"), Entry("d", "test")]
    assert split_entries(entries) == {"train": [1, 2], "val": [0], "test": [3]}
