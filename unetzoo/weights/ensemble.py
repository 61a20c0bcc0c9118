"""Load networks that predict together: those of several folders or repositories, or of the folds of one training."""

import re
from collections.abc import Sequence
from pathlib import Path

from unetzoo.errors import OptionError
from unetzoo.nn.ensemble import Ensemble
from unetzoo.nn.segmenter import Segmenter
from unetzoo.weights.folder import FOLDS, fold_folder
from unetzoo.weights.named import load_named

_FOLD = re.compile(r"fold-\d+")


def load_ensemble(*names: str | Path) -> Ensemble:
    """The networks of folders or repositories as one, whose predictions are averaged.

    Args:
        names: folders that `unetzoo.save` or a training wrote, that of a training with folds for all of them, or names
            on the Hub.

    Raises:
        OptionError: there is no name; a training of folds has not ended; networks differ in classes, channels or
            coding of objects.
        UnetzooError: as `unetzoo.load` and `unetzoo.pull`.
    """
    return Ensemble(load_all(names))


def load_all(names: Sequence[str | Path]) -> list[Segmenter]:
    """The networks with these names; that of a training with folds stands for all of them."""
    return [load_named(str(folder)) for name in names for folder in _folders(name)]


def _folders(name: str | Path) -> list[str | Path]:
    folder = Path(name)
    if not fold_folder(folder, 0).is_dir():
        return [name]
    if not (folder / FOLDS).is_file():
        raise OptionError(
            f"the training of the folds in {folder} has not ended: resume it, or name the folds that have, such as "
            f"{fold_folder(folder, 0)}"
        )
    count = sum(bool(_FOLD.fullmatch(path.name)) for path in folder.iterdir())
    return [fold_folder(folder, fold) for fold in range(count)]
