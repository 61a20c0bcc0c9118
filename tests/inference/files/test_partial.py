import multiprocessing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unetzoo import DataError
from unetzoo.inference.files.partial import PartialResult

_IDS = np.dtype(np.uint8)


def _open(path, made_of="this", shape=(10, 6), dtype=_IDS):
    return PartialResult(path, {"made of": made_of}, shape, dtype)


def test_rows_are_there_again(tmp_path):
    rows = np.arange(60, dtype=np.uint8).reshape(10, 6)
    with _open(tmp_path / "a.partial") as first:
        first.write(0, rows[:4])
        first.write(4, rows[4:7])
    with _open(tmp_path / "a.partial") as second:
        assert second.rows == 7
        second.write(7, rows[7:])
        assert np.array_equal(np.concatenate([block for _, block in second.blocks(3)]), rows)


def test_channels_come_back_first(tmp_path):
    values = np.random.default_rng(0).random((3, 10, 6), dtype=np.float32)
    with _open(tmp_path / "a.partial", shape=(3, 10, 6), dtype=np.dtype(np.float32)) as result:
        result.write(0, values[:, :5])
        result.write(5, values[:, 5:])
        assert np.array_equal(np.concatenate([block for _, block in result.blocks(4)], axis=1), values)


def test_what_was_made_of_something_else_is_forgotten(tmp_path):
    with _open(tmp_path / "a.partial") as first:
        first.write(0, np.ones((4, 6), np.uint8))
    with _open(tmp_path / "a.partial", made_of="that") as second:
        assert second.rows == 0


def test_a_row_that_was_cut_off_does_not_count(tmp_path):
    with _open(tmp_path / "a.partial") as first:
        first.write(0, np.ones((4, 6), np.uint8))
    path = tmp_path / "a.partial"
    path.write_bytes(path.read_bytes()[:-2])
    with _open(path) as second:
        assert second.rows == 3


def test_writing_above_what_is_there_forgets_what_is_below(tmp_path):
    with _open(tmp_path / "a.partial") as result:
        result.write(0, np.ones((8, 6), np.uint8))
        result.write(5, np.full((1, 6), 2, np.uint8))
        assert result.rows == 6
    with _open(tmp_path / "a.partial") as again:
        assert again.rows == 6


def test_nothing_stays_where_nothing_was_finished(tmp_path):
    with _open(tmp_path / "a.partial"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_two_cannot_write_at_once(tmp_path):
    with _open(tmp_path / "a.partial"), pytest.raises(DataError, match="another process is writing"):
        _open(tmp_path / "a.partial")


@pytest.mark.parametrize("letters", [10, 4096, 100_000])
def test_what_it_was_made_of_may_be_of_any_length(letters, tmp_path):
    path = tmp_path / "a.partial"
    rows = np.arange(60, dtype=np.uint8).reshape(10, 6)
    with _open(path, made_of="\N{MICROSCOPE}" * letters) as result:
        assert result.rows == 0
        result.write(0, rows[:4])
    with _open(path, made_of="\N{MICROSCOPE}" * letters) as result:
        assert result.rows == 4
        result.write(4, rows[4:])
        assert np.array_equal(np.concatenate([block for _, block in result.blocks()]), rows)
    with _open(path, made_of="\N{MICROSCOPE}" * letters + "!") as result:
        assert result.rows == 0


def _count_holders(path, rounds, holders, most):
    """Open and delete the file again and again; `most` becomes the most processes that had it open at once."""
    for _ in range(rounds):
        try:
            with _open(path) as result:
                with holders.get_lock():
                    holders.value += 1
                    most.value = max(most.value, holders.value)
                result.write(0, np.ones((4, 6), np.uint8))
                with holders.get_lock():
                    holders.value -= 1
                result.remove()
        except DataError:
            continue


def test_a_file_that_was_deleted_while_it_was_opened_is_not_taken_for_the_new_one(tmp_path):
    context = multiprocessing.get_context("spawn")
    holders, most = context.Value("i", 0), context.Value("i", 0)
    arguments = (tmp_path / "a.partial", 3000, holders, most)
    processes = [context.Process(target=_count_holders, args=arguments) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert most.value == 1


@given(cuts=st.lists(st.integers(1, 9), max_size=4))
def test_any_cuts_give_the_same_rows(cuts, tmp_path_factory):
    rows = np.random.default_rng(1).integers(0, 255, (10, 6), dtype=np.uint8)
    path = tmp_path_factory.mktemp("cuts") / "a.partial"
    for cut in sorted(set(cuts)):
        with _open(path) as result:
            result.write(result.rows, rows[result.rows : cut])
    with _open(path) as result:
        result.write(result.rows, rows[result.rows :])
        assert np.array_equal(np.concatenate([block for _, block in result.blocks(4)]), rows)
