"""Use of the public API with its types: checked by mypy, never run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import unetzoo
import unetzoo.decoders
import unetzoo.layers
import unetzoo.losses
import unetzoo.testing
from unetzoo.data.formats import Axis, Content, ResultArray


def names() -> None:
    """Look parts up."""
    assert_type(unetzoo.list_encoders("resnet*"), list[str])
    assert_type(unetzoo.list_decoders(), list[str])
    assert_type(unetzoo.list_losses(), list[str])
    assert_type(unetzoo.list_objects(), list[str])
    assert_type(unetzoo.list_datasets(), list[str])
    assert_type(unetzoo.list_formats(), list[str])
    assert_type(unetzoo.list_engines(), list[str])
    assert_type(unetzoo.list_metrics(), list[str])
    assert_type(unetzoo.list_plugins(), list[unetzoo.PluginInfo])
    assert_type(unetzoo.list_recipes("c*"), list[str])
    description = unetzoo.describe("decoder", "unet")
    assert_type(description, unetzoo.Description)
    assert_type(description.pretrained, tuple[str, ...])
    unetzoo.describe("backbone", "unet")  # type: ignore[arg-type] # not a kind of part


def build() -> unetzoo.Segmenter:
    """Build a network and its loss."""
    encoder = unetzoo.create_encoder("plain", in_channels=1)
    assert_type(encoder, unetzoo.Encoder)
    assert_type(encoder.features, unetzoo.FeatureInfo)
    unetzoo.freeze(encoder)
    unetzoo.unfreeze(encoder)
    loss = unetzoo.create_loss("dice + 0.5*bce", ignore_index=255, output_weights=[1, 2])
    value: Tensor = loss(torch.zeros(1, 1, 4, 4), torch.zeros(1, 4, 4))
    assert_type(loss.parts(value, value), dict[str, Tensor])
    model = unetzoo.create("unet", encoder="plain", classes=2, decoder_options={"norm": "group"})
    unetzoo.create("unet")  # type: ignore[call-arg] # an encoder is required
    unetzoo.create("unet", encoder="plain", classes="two")  # type: ignore[arg-type]
    assert_type(model, unetzoo.Segmenter)
    assert_type(model.config, unetzoo.ModelConfig)
    return model


def code_objects(ids: NDArray[np.integer], maps: NDArray[np.float32]) -> None:
    """Encode and decode objects."""
    coding = unetzoo.create_objects("distance", options={"smoothing": 1.6})
    assert_type(coding, unetzoo.ObjectCoding)
    assert_type(coding.encode(ids), NDArray[np.float32])
    assert_type(coding.decode(maps), NDArray[np.int32])
    unetzoo.testing.check_objects("distance")
    unetzoo.testing.check_format("tiff")
    unetzoo.testing.check_engine("torch")
    unetzoo.testing.check_recipe("cells")
    unetzoo.testing.check_deprecated(lambda: abs(-1), lambda: 1, instead="1")
    assert_type(unetzoo.measure_objects(ids, maps, pixel_size="0.5um"), dict[str, NDArray[Any]])
    assert_type(unetzoo.outline_objects(ids), list[unetzoo.Outline])


def train(model: unetzoo.Segmenter, folder: Path) -> None:
    """Train and evaluate it."""
    data = unetzoo.create_dataset("nuclei", split="train")
    assert_type(data, unetzoo.Dataset)
    assert_type(data[0], unetzoo.Sample)
    survey = unetzoo.survey("cells", classes=["sky", "cell"])
    assert_type(unetzoo.survey("livers", spatial_dims=3).sizes, tuple[tuple[int, ...] | None, ...])
    assert_type(survey, unetzoo.Survey)
    assert_type(survey.problems, tuple[unetzoo.Problem, ...])
    assert_type(survey.statistics, unetzoo.Statistics)
    assert_type(unetzoo.open_dataset("cells", "val", split_by="blocks"), unetzoo.Dataset)
    assert_type(unetzoo.convert_dataset("coco:cells", "masks", masks="instances"), tuple[str, ...])
    measured = unetzoo.fingerprint("livers", channels=["CT"], spacing=(3, 0.8, 0.8))
    assert_type(measured, unetzoo.Fingerprint)
    assert_type(measured.channels, tuple[unetzoo.Intensities, ...])
    plan = unetzoo.plan(measured, encoder="resenc", memory=24, spatial_dims=3)
    assert_type(plan, unetzoo.Plan)
    assert_type(plan.normalization, tuple[unetzoo.Normalization, ...])
    unetzoo.create("unet", **plan.network)
    unetzoo.keep_freed_memory()
    losses: list[float] = []
    listener = unetzoo.FitListener(on_epoch=lambda epoch: losses.append(epoch.loss))
    options = unetzoo.FitOptions(epochs=3, learning_rate=1e-3, crop=(32, 64, 64))
    fitted = unetzoo.fit(model, "cells", folder, options=options, listener=listener)
    assert_type(fitted, unetzoo.Fit)
    assert_type(fitted.epochs, tuple[unetzoo.Epoch, ...])
    folds = unetzoo.fit_folds(model, "cells", folder / "folds", folds=5, options=options, listener=listener)
    assert_type(folds, unetzoo.FoldsFit)
    assert_type(folds.folds, tuple[unetzoo.FoldResult, ...])
    assert_type(folds.evaluation, unetzoo.Evaluation)
    ensemble = unetzoo.load_ensemble(folder / "folds", "user/name")
    assert_type(ensemble, unetzoo.Ensemble)
    unetzoo.predict_files(ensemble, "images", "masks")
    assert_type(unetzoo.evaluate(unetzoo.Ensemble([model]), "cells"), unetzoo.Evaluation)
    assert_type(unetzoo.tune_masks(model, "cells"), unetzoo.MaskTuning)
    further = unetzoo.fit(model, "new", folder / "new", start=unetzoo.load(folder), channels=["red", "nir"])
    assert_type(further.inheritance, unetzoo.Inheritance | None)
    recipe = unetzoo.Recipe.load(folder, {"training.steps": 500})
    assert_type(recipe, unetzoo.Recipe)
    assert_type(unetzoo.fit_recipe(recipe, "again"), unetzoo.Fit)
    assert_type(unetzoo.inherit(model, unetzoo.load(folder)), unetzoo.Inheritance)
    evaluation = unetzoo.evaluate(model, "cells")
    assert_type(evaluation, unetzoo.Evaluation)
    assert_type(evaluation.class_names, tuple[str, ...])
    assert_type(unetzoo.tune(model, "cells"), unetzoo.Tuning)
    metric = unetzoo.create_metric("iou", classes=2)
    metric.update(torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long))


def predict(model: unetzoo.Segmenter, image: NDArray[np.uint8]) -> None:
    """Predict, and make it fast."""
    assert_type(unetzoo.predict(model, image, tile=512), NDArray[np.float32])
    volume_probabilities: NDArray[np.float32] = unetzoo.predict_volume(model, image, axes="all", spacing=(4, 1, 1))
    assert volume_probabilities.ndim == 4
    assert_type(unetzoo.predict_uncertainty(model, image, kind="entropy", mirrors=8), NDArray[np.float32])
    for row, probabilities in unetzoo.predict_rows(model, image):
        assert_type(row, int)
        assert_type(probabilities, NDArray[np.float32])
    options = unetzoo.PredictOptions(format="tif", threshold={"cell": 0.3})
    files = unetzoo.ObjectFiles(table="cells.csv", outlines=Path("outlines"), pixel_size="0.5um")
    results = unetzoo.predict_files(model, ["a.png", "b.png"], "masks", options=options, object_files=files)
    assert_type(results, list[unetzoo.FilePrediction])
    assert_type(results[0].file, Path)
    assert_type(unetzoo.predict_objects(model, image, largest_object=100), NDArray[np.int32])
    fast = unetzoo.optimize(model, dtype=torch.bfloat16)
    assert_type(fast, unetzoo.OptimizedSegmenter)
    unetzoo.predict(fast, image)
    small = unetzoo.optimize(model, engine="openvino", dtype="int8", calibration=[image])
    assert_type(unetzoo.predict_files(small, "a.png", "b.png"), list[unetzoo.FilePrediction])
    assert_type(unetzoo.suggest(model, "new", count=3, uncertainty="entropy"), list[unetzoo.Suggestion])
    deployed = unetzoo.deploy(model, "cells", "app", max_drop=0.01, engines=["torch", "openvino"])
    assert_type(deployed, unetzoo.Deployment)
    assert_type(deployed.kept, unetzoo.Candidate)
    assert_type(deployed.kept.seconds, float | None)
    assert_type(unetzoo.load_deployed("app"), unetzoo.OptimizedSegmenter)
    assert_type(unetzoo.prune(model, 2), unetzoo.Segmenter)
    assert_type(unetzoo.export(model, "model.onnx", image_size=(64, 64)), Path)
    package = unetzoo.load_package("cells.zip")
    assert_type(package, unetzoo.Package)
    assert_type(package.predict(np.zeros((64, 64), np.uint8), tile=512), NDArray[Any])


def share(model: unetzoo.Segmenter) -> None:
    """Save, load and share it."""
    clip = unetzoo.ClipNormalization(low=-50, high=150, mean=80, std=20)
    info = unetzoo.ModelInfo(class_names=["background", "cell"], normalization=[clip, "z-score"], license="MIT")
    assert_type(unetzoo.save(model, "model", info=info), Path)
    assert_type(unetzoo.load("model"), unetzoo.Segmenter)
    assert_type(unetzoo.push(model, "user/name", private=True), str)
    assert_type(unetzoo.pull("user/name"), unetzoo.Segmenter)
    for repository in unetzoo.search("cells"):
        assert_type(repository.name, str)
    assert_type(unetzoo.interop.smp.network_from_smp({}, encoder="resnet18"), unetzoo.Segmenter)
    assert_type(unetzoo.interop.monai.network_from_monai({}), unetzoo.Segmenter)


class Lookup(unetzoo.Decoder):
    """A decoder of a plugin."""

    def __init__(self, features: unetzoo.FeatureInfo, *, width: int = 16) -> None:
        super().__init__((width,), features.reductions[:1])
        style = unetzoo.layers.BlockStyle(norm="group")
        self.conv = unetzoo.layers.ConvNormAct(features.channels[0], width, style)
        stages = unetzoo.decoders.plan_stages(features, None)
        assert_type(stages, list[unetzoo.decoders.Stage])

    def forward(self, features: Any) -> list[Tensor]:
        """Its only output."""
        return [self.conv(features[0])]


class Brier(nn.Module):
    """A loss of a plugin."""

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The squared error."""
        pair = unetzoo.losses.make_pair(logits, target, None)
        assert_type(pair, unetzoo.losses.Pair)
        errors = (pair.logits.sigmoid() - unetzoo.losses.as_masks(pair)).square()
        return unetzoo.losses.masked_mean(errors, pair.valid)


@unetzoo.hookimpl
def unetzoo_decoders() -> Iterator[unetzoo.DecoderSpec]:
    """The decoders of a plugin."""
    yield unetzoo.DecoderSpec(name="lookup", build=Lookup, summary="one convolution")
    yield unetzoo.DecoderSpec("lookup", Lookup)  # type: ignore[call-arg] # by name alone


@unetzoo.hookimpl
def unetzoo_losses() -> Iterator[unetzoo.LossSpec]:
    """The losses of a plugin."""
    yield unetzoo.LossSpec(name="brier", build=unetzoo.lazy("cells.loss:Brier"))


@unetzoo.hookimpl
def unetzoo_objects() -> Iterator[unetzoo.ObjectCodingSpec]:
    """Yield a coding of objects."""
    yield unetzoo.ObjectCodingSpec(name="blobs", build=unetzoo.lazy("cells.objects:Blobs"))


@contextmanager
def open_gray(content: Content) -> Iterator[unetzoo.Raster]:
    """Open a file of bytes."""
    pixels = np.fromfile(content.file(), np.uint8).reshape(1, -1, 1)
    grid = unetzoo.Grid(axes=(Axis("y"), Axis("x", 0.5, "um")), nodata=(0.0,))
    yield unetzoo.Raster(shape=pixels.shape, dtype=pixels.dtype, read=lambda window: pixels[window], grid=grid)


def write_gray(path: Path, result: ResultArray) -> None:
    """Write the rows of a result."""
    with path.open("wb") as file:
        for _, rows in result.blocks(64):
            file.write(rows.tobytes())


@unetzoo.hookimpl
def unetzoo_formats() -> Iterator[unetzoo.FormatSpec]:
    """The formats of a plugin."""
    yield unetzoo.FormatSpec(name="gray", endings=(".gray",), open=open_gray, create=write_gray, stores=("grid",))


@unetzoo.hookimpl
def unetzoo_engines() -> Iterator[unetzoo.EngineSpec]:
    """The engines of a plugin."""
    convert, start = unetzoo.lazy("cells.engine:convert"), unetzoo.lazy("cells.engine:start")
    yield unetzoo.EngineSpec(name="fast", convert=convert, start=start, dtypes=("float32", "int8"))


@unetzoo.hookimpl
def unetzoo_encoders() -> Iterator[unetzoo.EncoderSpec | unetzoo.EncoderFamily]:
    """The encoders of a plugin."""
    spec = unetzoo.EncoderSpec(name="tiny", build=unetzoo.lazy("cells.encoder:Tiny"), pretrained=("a1",))
    yield spec
    yield unetzoo.EncoderFamily(prefix="cells", names=lambda: ["tiny"], spec=lambda _: spec)


@unetzoo.hookimpl
def unetzoo_datasets() -> Iterator[unetzoo.DatasetSpec]:
    """The data sets of a plugin."""
    yield unetzoo.DatasetSpec(name="discs", build=unetzoo.lazy("cells.data:Discs"))


@unetzoo.hookimpl
def unetzoo_recipes() -> Iterator[unetzoo.RecipeSpec]:
    """The recipes of a plugin."""
    yield unetzoo.RecipeSpec(name="thin", path=Path("thin.toml"), summary="thin things")


@unetzoo.hookimpl
def unetzoo_commands() -> Iterator[unetzoo.CommandSpec]:
    """The commands of a plugin."""
    yield unetzoo.CommandSpec(name="count", build=unetzoo.lazy("cells.command:count"))


def check() -> None:
    """Check a plugin."""
    unetzoo.testing.check_decoder(Lookup, options={"width": 4})
    unetzoo.testing.check_decoder("unet", spatial_dims=3)
    assert_type(unetzoo.describe("decoder", "unet").spatial_dims, tuple[int, ...])
    unetzoo.testing.check_loss("brier")
    assert_type(unetzoo.testing.check_plugin("unetzoo-cells").holds, bool)


def errors(error: unetzoo.UnetzooError) -> str:
    """Tell errors apart."""
    match error:
        case unetzoo.UnknownNameError() | unetzoo.ConflictError() | unetzoo.OptionError() | unetzoo.ConfigError():
            return "a name or an option"
        case unetzoo.DataError() | unetzoo.TargetError() | unetzoo.ShapeError():
            return "data"
        case unetzoo.WeightsError() | unetzoo.PretrainedError() | unetzoo.HubError():
            return "weights"
        case unetzoo.WriteError() | unetzoo.BusyError() | unetzoo.TrainingError() | unetzoo.OutOfMemoryError():
            return "work"
        case unetzoo.PluginError() | unetzoo.ContractError() | unetzoo.MissingExtraError():
            return "a plugin"
    return str(error)


WARNINGS: tuple[type[UserWarning], ...] = (
    unetzoo.DataWarning,
    unetzoo.PluginWarning,
    unetzoo.TrainingWarning,
    unetzoo.WeightsWarning,
)
