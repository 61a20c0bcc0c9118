"""The end of a training: the best network, pictures, and the decoder of objects or thresholds tuned."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from unetzoo._utils.texts import count_of
from unetzoo.data.dataset import Dataset
from unetzoo.evaluation.tune import OnStep, Tuning, tune_on, with_tuning
from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.loop import Training
from unetzoo.training.outlook import outlook_of
from unetzoo.training.progress import Epoch
from unetzoo.training.validate import draw_curves, draw_predictions
from unetzoo.weights.folder import BEST, load, write
from unetzoo.weights.inherit import Inheritance


@dataclass(frozen=True)
class Fit:
    """Result of `fit`.

    Attributes:
        folder: folder of the run. `unetzoo.load` reads `best/`; `history.jsonl` has a line an epoch; `curves.png` and
            `predictions.png` show the training and what the network predicts.
        model: the best network, in evaluation mode.
        epochs: result of each epoch.
        is_main: whether this process, of several, is the one that writes and reports.
        tuning: of the options by which a network of objects decodes its maps, or of the thresholds of classes that may
            overlap; None without such in validation images, and in processes that do not write.
        inheritance: what the network has of the one that the training began with; None without one, and for a run that
            was resumed.
        tile: side of the tiles in which validation images are predicted, as in `predict`; less than the default where
            memory did not suffice.
    """

    folder: Path
    model: Segmenter
    epochs: tuple[Epoch, ...]
    is_main: bool = True
    tuning: Tuning | None = None
    inheritance: Inheritance | None = None
    tile: int | None = None

    @property
    def outlook(self) -> str:
        """What the curve of the validation says of a longer training; empty for fewer than about eight epochs."""
        return outlook_of(self.epochs)

    @property
    def best(self) -> Epoch:
        """The epoch of the best network."""
        return next(epoch for epoch in reversed(self.epochs) if epoch.is_best)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without the network."""
        return {
            "folder": str(self.folder),
            "best": asdict(self.best),
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "tuning": self.tuning and self.tuning.to_dict(),
            "tile": self.tile,
        }


def finish(training: Training, validation: Dataset, on_tune: OnStep) -> Fit:
    """The best network, and pictures of the training and of its predictions."""
    accelerator, folder, model = training.accelerator, training.folder, training.model
    is_main = accelerator.is_main_process
    accelerator.wait_for_everyone()
    is_tuned = bool(model.config.objects) or model.config.labels == "overlapping"
    tuning = _tune(training, validation, on_tune) if is_main and is_tuned else None
    accelerator.wait_for_everyone()
    best = load(folder / BEST)
    model.load_state_dict(best.state_dict())
    model.config = best.config
    model.eval()
    if is_main:
        draw_curves(folder, training.progress.epochs)
        draw_predictions(model, validation, folder, training.validator)
    return Fit(folder, model, tuple(training.progress.epochs), is_main, tuning, tile=training.validator.tile)


def _tune(training: Training, validation: Dataset, on_tune: OnStep) -> Tuning | None:
    """Tune how the best network decodes objects or where it has classes, from the options of the training; save it."""
    folder = training.folder / BEST
    best = load(folder).to(training.accelerator.device)
    best.config = replace(best.config, objects_options=training.model.config.objects_options)
    tuning = tune_on(best, validation, tile=training.validator.tile, on_step=on_tune)
    if tuning is not None:
        subject = "AP of objects, decoder" if best.config.objects else "mean Dice, thresholds"
        scores = {
            f"{subject} tuned on {count_of(tuning.images, tuning.noun)}": tuning.after,
            **best.config.info.metrics,
        }
        tuned = with_tuning(best.config, tuning)
        best.config = replace(tuned, info=replace(tuned.info, metrics=scores))
        write(best, folder)
    return tuning
