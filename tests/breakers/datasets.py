"""A sound data set, and for each rule of the battery one that breaks it."""

import numpy as np

import unetzoo


class Sound(unetzoo.Dataset):
    """Two samples a split; each breaker changes one thing."""

    def __init__(self, *, split):
        super().__init__(("nothing", "something"))
        self.split = split

    def __len__(self):
        return 2

    def __getitem__(self, index):
        if index >= 2:
            raise IndexError
        return unetzoo.Sample(np.zeros((4, 5, 1)), np.ones((4, 5), dtype=np.int64), f"{self.split} {index}")


class _WithoutTest(Sound):
    def __len__(self):
        return 0 if self.split == "test" else 2


class _Grey(Sound):
    def __getitem__(self, index):
        return super().__getitem__(index)._replace(image=np.zeros((4, 5)))


class _ThreeClasses(Sound):
    def __getitem__(self, index):
        return super().__getitem__(index)._replace(mask=np.full((4, 5), 2))


class _Augmented(Sound):
    def __getitem__(self, index):
        return super().__getitem__(index)._replace(image=np.random.default_rng().random((4, 5, 1)))


class _Endless(Sound):
    def __getitem__(self, index):
        return super().__getitem__(index % 2)


BREAKERS = {
    "has_three_splits": _WithoutTest,
    "shapes_fit": _Grey,
    "ids_are_classes": _ThreeClasses,
    "is_the_same_each_time": _Augmented,
    "ends": _Endless,
}
