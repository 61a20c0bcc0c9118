"""A network for each fold, resumable one by one, and scores of each image by the network that did not see it."""

import inspect
import json

import numpy as np
import pytest
from overlaps import Discs
from saved import same_weights
from squares import Squares

import unetzoo
from unetzoo import DataError, FitListener, OptionError, Recipe, TrainingError, fit_folds
from unetzoo.evaluation.scores import count, iou

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def data():
    return Squares(5, 0)


@pytest.fixture(scope="module")
def create():
    def create():
        parts = {"encoder_options": {"widths": (4, 8), "norm": "group"}, "decoder_options": {"norm": "group"}}
        return unetzoo.create("unet", encoder="plain", in_channels=1, classes=2, **parts)

    return create


OPTIONS = unetzoo.FitOptions(steps=6, epochs=2, batch=2, crop=32, checkpoint_steps=1, average=0)


@pytest.fixture(scope="module")
def folds(data, create, tmp_path_factory):
    model = create()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    result = fit_folds(model, data, tmp_path_factory.mktemp("folds") / "run", folds=2, options=OPTIONS)
    assert all((before[name] == tensor).all() for name, tensor in model.state_dict().items())
    return model, result


def test_scores_are_those_of_each_image_by_the_network_that_did_not_see_it(data, folds):
    _, result = folds
    counts, names = np.zeros((2, 3)), []
    for fold in result.folds:
        network = unetzoo.load(fold.folder)
        for name in fold.images:
            sample = data[int(name.removeprefix("sample "))]
            counts += count(unetzoo.predict(network, sample.image).argmax(0), sample.mask, 2)
        names += fold.images
    assert sorted(names) == [f"sample {index}" for index in range(5)]
    assert [each["IoU"].value for each in result.evaluation.classes] == pytest.approx(iou(counts))
    low, high = result.evaluation.mean["IoU"].low, result.evaluation.mean["IoU"].high
    assert low < result.evaluation.mean["IoU"].value < high
    written = json.loads((result.folder / "folds.json").read_text())
    assert written["out_of_fold"]["mean"]["IoU"]["value"] == result.evaluation.mean["IoU"].value
    assert [each["images"] for each in written["folds"]] == [list(fold.images) for fold in result.folds]


class _StopError(Exception):
    pass


def test_an_interrupted_run_continues_with_the_fold_and_the_step_where_it_was(data, folds, tmp_path):
    model, whole = folds
    steps = []

    def stop(step, *_):
        steps.append(step)
        if len(steps) == 8:  # the second fold has begun
            raise _StopError

    with pytest.raises(_StopError):
        fit_folds(model, data, tmp_path / "run", folds=2, options=OPTIONS, listener=FitListener(on_step=stop))
    steps.clear()
    listener = FitListener(on_step=lambda step, *_: steps.append(step))
    again = fit_folds(model, data, tmp_path / "run", folds=2, options=OPTIONS, resume=True, listener=listener)
    assert steps == [2, 3, 4, 5, 6]  # of the second fold, whose checkpoint is that of the first step
    assert again.evaluation == whole.evaluation
    for one, other in zip(again.folds, whole.folds, strict=True):
        assert same_weights(unetzoo.load(one.folder), unetzoo.load(other.folder))


def test_a_folder_with_another_run_is_refused(data, folds, create):
    model, result = folds
    with pytest.raises(TrainingError, match=r"there is a run in .* already: continue it with resume=True"):
        fit_folds(model, data, result.folder, folds=2, options=OPTIONS)
    with pytest.raises(TrainingError, match="has 2 folds, not 3"):
        fit_folds(model, data, result.folder, folds=3, options=OPTIONS, resume=True)
    with pytest.raises(TrainingError, match="holds the folds of a training"):
        unetzoo.fit(create(), data, result.folder, options=OPTIONS, resume=True)
    with pytest.raises(TrainingError, match="there is a run without folds"):
        fit_folds(model, data, result.folder / "fold-0", folds=2, options=OPTIONS)
    with pytest.raises(DataError, match="6 folds need as many groups"):
        fit_folds(model, data, result.folder / "more", folds=6, options=OPTIONS)
    with pytest.raises(OptionError, match="folds must be a whole number from 2"):
        fit_folds(model, data, result.folder / "more", folds=1, options=OPTIONS)


def test_the_recipe_has_the_folds_and_a_fold_has_its_own(folds):
    _, result = folds
    assert Recipe.load(result.folder).data.folds == 2
    assert Recipe.load(result.folder).data.fold is None
    assert [Recipe.load(fold.folder).data.fold for fold in result.folds] == [0, 1]
    with pytest.raises(OptionError, match="fold must be a number from 0 to folds - 1"):
        Recipe.load(result.folder, {"data.fold": 2})
    with pytest.raises(OptionError, match=r"trains 2 networks, one a fold: set data\.fold"):
        unetzoo.fit_recipe(Recipe.load(result.folder, {"data.source": "nuclei"}), result.folder / "again")


def test_the_networks_of_all_folds_are_loaded_as_one_once_they_have_ended(data, folds, tmp_path):
    _, result = folds
    ensemble = unetzoo.load_ensemble(result.folder)
    each = [unetzoo.predict(unetzoo.load(fold.folder), data[0].image) for fold in result.folds]
    np.testing.assert_allclose(unetzoo.predict(ensemble, data[0].image), np.mean(each, 0), atol=1e-6)
    with pytest.raises(OptionError, match="holds the networks of several folds: load one, such as"):
        unetzoo.load(result.folder)
    (tmp_path / "run").symlink_to(result.folder)
    (tmp_path / "fold-0").symlink_to(result.folder / "fold-0")
    assert len(unetzoo.load_ensemble(tmp_path / "run", result.folder / "fold-0").members) == 3
    with pytest.raises(OptionError, match=r"the training of the folds in .* has not ended"):
        unetzoo.load_ensemble(tmp_path)


def test_the_network_of_a_fold_is_evaluated_on_the_images_that_it_did_not_see(data, folds):
    _, result = folds
    for fold in result.folds:
        evaluation = unetzoo.evaluate(unetzoo.load(fold.folder), {"train": data})
        assert evaluation.split == "val"
        assert tuple(case.name.replace("train", "sample") for case in evaluation.cases) == fold.images
        assert "chosen by these images" in evaluation.split_note


def test_the_networks_of_all_folds_have_seen_all_images(data, folds):
    _, result = folds
    evaluation = unetzoo.evaluate(unetzoo.load_ensemble(result.folder), {"train": data})
    assert len(evaluation.cases) == len(data)
    assert "most of these networks were trained on these images" in evaluation.split_note
    others = unetzoo.evaluate(unetzoo.load_ensemble(result.folder), {"test": Squares(2, 9)})
    assert others.split_note == ""


def test_all_networks_get_the_post_processing_that_was_chosen_on_the_images_out_of_fold(folds):
    _, result = folds
    tuning = result.tuning
    assert tuning.images == 5
    assert tuning.mean_before == pytest.approx(result.evaluation.mean["IoU"].value)
    assert tuning.mean_after >= tuning.mean_before
    assert tuning.postprocessing  # a network of six steps is neither calibrated nor free of speckles
    for fold in result.folds:
        assert unetzoo.load(fold.folder).config.postprocessing == tuning.postprocessing
    assert result.processed.mean["IoU"].value == pytest.approx(tuning.mean_after, abs=1e-3)
    written = json.loads((result.folder / "folds.json").read_text())
    assert written["tuning"]["postprocessing"] == tuning.postprocessing
    assert written["out_of_fold_processed"]["mean"]["IoU"]["value"] == result.processed.mean["IoU"].value


def test_it_takes_what_a_training_of_one_network_takes():
    one, several = (set(inspect.signature(function).parameters) for function in (unetzoo.fit, fit_folds))
    assert (one - several, several - one) == (set(), {"folds"})


def test_inner_classes_stay_within_outer_ones_in_the_network_of_each_fold(tmp_path):
    parts = {"encoder_options": {"widths": (4, 8)}, "labels": "overlapping"}
    model = unetzoo.create("unet", encoder="plain", in_channels=3, classes=2, **parts)
    with pytest.warns(unetzoo.DataWarning, match=r"of the pixels of nucleus are outside of cell .* \(nested\)"):
        result = fit_folds(model, Discs(4), tmp_path / "run", folds=2, options=OPTIONS, nested=["cell", "nucleus"])
    assert Recipe.load(result.folder).data.nested == ("cell", "nucleus")
    assert [unetzoo.load(fold.folder).config.info.nested for fold in result.folds] == [("cell", "nucleus")] * 2
