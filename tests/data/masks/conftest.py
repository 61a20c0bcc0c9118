import numpy as np
import pytest

import unetzoo


@pytest.fixture
def read(tmp_path):
    """Class names, ids of each mask, and problems, of masks that a function writes."""

    def read(write, truth, ending="png", **options):
        for kind in ("images", "masks"):
            (tmp_path / kind).mkdir()
        for number, mask in enumerate(truth):
            np.save(tmp_path / "images" / f"{number}.npy", np.full((*mask.shape, 1), number, np.uint8))
            write(tmp_path / "masks" / f"{number}.{ending}", mask, number)
        result = unetzoo.survey(tmp_path, **options)
        ids = {}
        for split in ("train", "val"):
            dataset = result.dataset(split)
            ids |= {index: dataset[place].mask for place, index in enumerate(dataset.indices)}
        texts = [problem.text for problem in result.problems]
        return result.coding.class_names, [ids[index] for index in range(len(truth))], texts

    return read
