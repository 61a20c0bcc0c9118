"""A training that begins with a trained network."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from saved import same_weights
from squares import Squares

import unetzoo
from unetzoo import FitListener, FitOptions, Recipe, fit
from unetzoo.bench.measure import opened
from unetzoo.training.start import normalization_of


@pytest.fixture
def trained(make_model):
    """A network with other weights than a new one, that knows its classes."""
    model = make_model()
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn_like(weight) / 3)
    model.config = replace(model.config, info=unetzoo.ModelInfo(class_names=("rest", "square")))
    return model


_STILL = FitOptions(steps=1, epochs=1, batch=2, crop=32, learning_rate=1e-9, average=0)  # learns nothing to speak of


def test_a_new_network_begins_with_what_it_has_of_the_trained_one(make_model, trained, squares, tmp_path):
    before, reports = {name: tensor.clone() for name, tensor in trained.state_dict().items()}, []
    listener = FitListener(on_inherit=reports.append)
    result = fit(make_model(), squares, tmp_path / "new", options=_STILL, start=trained, listener=listener)
    weights = dict(result.model.named_parameters())
    assert all(torch.allclose(weights[name], before[name], atol=1e-6) for name in weights)
    assert all(torch.equal(tensor, before[name]) for name, tensor in trained.state_dict().items())
    assert reports == [result.inheritance]
    assert len(result.inheritance.carried) == len(before)


def test_other_classes_keep_their_logits_by_name(make_model, trained, squares, tmp_path):
    other = {name: Squares(len(each), each.seed) for name, each in squares.items()}
    for each in other.values():
        each.class_names = ("square", "rest")  # in another order, which the masks here do not follow
    result = fit(make_model(), other, tmp_path / "new", options=_STILL, start=trained)
    torch.testing.assert_close(result.model.heads[0].weight, trained.heads[0].weight.flip(0), atol=1e-6, rtol=0)


def test_the_encoder_learns_at_a_tenth_of_the_rate_unless_the_options_say_otherwise(
    make_model, trained, squares, tmp_path
):
    one = FitOptions(steps=1, epochs=1, batch=2, crop=32, warm_up=0, weight_decay=0, average=0)
    for folder, options, share in (("tenth", one, 0.1), ("half", replace(one, encoder_rate=0.5), 0.5)):
        model = fit(make_model(), squares, tmp_path / folder, options=options, start=trained).model
        moves = {"encoder": 0.0, "decoder": 0.0, "heads": 0.0}
        for (name, new), old in zip(model.named_parameters(), trained.parameters(), strict=True):
            part = name.partition(".")[0]
            moves[part] = max(moves[part], float((new - old).abs().max().detach()))
        assert moves["encoder"] / moves["decoder"] == pytest.approx(share, rel=0.02)  # Adam's first step is the rate
        assert moves["decoder"] == pytest.approx(1e-3, rel=0.02)


def test_the_first_step_of_a_narrow_network_with_random_weights_is_of_six_thousandths(make_model, squares, tmp_path):
    one = FitOptions(steps=1, epochs=1, batch=2, crop=32, warm_up=0, weight_decay=0, average=0)
    model, before = make_model(), make_model()
    fit(model, squares, tmp_path / "new", options=one)
    changes = [(new - old).abs().max().item() for new, old in zip(model.parameters(), before.parameters(), strict=True)]
    assert max(changes) == pytest.approx(6e-3, rel=0.02)
    options = json.loads((tmp_path / "new" / "run.json").read_text())["options"]
    assert (options["learning_rate"], options["encoder_rate"]) == (6e-3, 1)


def test_weights_that_were_loaded_or_pretrained_are_known_in_python_too(make_model, squares, tmp_path):
    unetzoo.save(make_model(), tmp_path / "saved")
    loaded = unetzoo.load(tmp_path / "saved")
    options = {"encoder_options": {"widths": (8, 16), "norm": "group"}, "in_channels": 1, "classes": 2}
    pretrained = unetzoo.create("fpn", encoder="plain", pretrained=str(tmp_path / "saved"), **options)
    copied = make_model()
    copied.load_state_dict(loaded.state_dict())
    assert not make_model().is_trained
    for name, model in {"loaded": loaded, "pretrained": pretrained, "copied": copied}.items():
        fit(model, squares, tmp_path / name, options=FitOptions(steps=1, epochs=1, batch=2, crop=32, average=0))
        options = json.loads((tmp_path / name / "run.json").read_text())["options"]
        assert (options["learning_rate"], options["encoder_rate"]) == (1e-3, 0.1), name


def test_a_run_that_is_resumed_keeps_its_rates(make_model, squares, tmp_path):
    short = FitOptions(steps=2, epochs=1, batch=2, crop=32, average=0)
    fit(make_model(), squares, tmp_path, options=replace(short, learning_rate=0.01, encoder_rate=0.5))
    result = fit(make_model(), squares, tmp_path, options=replace(short, steps=4, epochs=2), resume=True)
    options = json.loads((tmp_path / "run.json").read_text())["options"]
    assert (options["learning_rate"], options["encoder_rate"], result.epochs[-1].step) == (0.01, 0.5, 4)


def test_what_it_began_with_is_in_the_run_and_the_network_and_on_the_card(make_model, trained, squares, tmp_path):
    trained.config = replace(trained.config, info=replace(trained.config.info, source="ann/cells@0123"))
    result = fit(make_model(), squares, tmp_path / "new", options=_STILL, start=trained, channels=["gray"])
    info = unetzoo.load(tmp_path / "new").config.info
    assert info.lineage == result.inheritance.lineage == ("ann/cells@0123",)
    assert info.channel_names == ("gray",)
    assert json.loads((tmp_path / "new" / "run.json").read_text())["start"] == {"lineage": ["ann/cells@0123"]}
    card = (tmp_path / "new" / "best" / "README.md").read_text()
    assert "\nbase_model: ann/cells\n" in card
    assert "| began with | ann/cells@0123 |" in card
    assert "| channels | gray |" in card


def test_a_local_network_passes_on_the_base_of_its_own(make_model, trained, squares, tmp_path):
    trained.config = replace(trained.config, info=replace(trained.config.info, lineage=["ann/cells@0123"]))
    fit(make_model(), squares, tmp_path / "new", options=_STILL, start=trained)
    hashed, base = unetzoo.load(tmp_path / "new").config.info.lineage
    assert hashed.startswith("sha256:")
    assert base == "ann/cells@0123"
    assert "\nbase_model: ann/cells\n" in (tmp_path / "new" / "best" / "README.md").read_text()


def test_a_resumed_run_keeps_its_start_and_its_channels_without_hearing_of_them_again(
    make_model, trained, squares, short, tmp_path
):
    half = replace(short, steps=8, epochs=2)  # of three epochs of four steps
    fit(make_model(), squares, tmp_path / "new", options=half, start=trained, channels=["gray"])
    resumed = fit(make_model(), squares, tmp_path / "new", options=short, resume=True)
    assert resumed.inheritance is None
    info = unetzoo.load(tmp_path / "new").config.info
    assert (info.channel_names, len(info.lineage)) == (("gray",), 1)
    again = fit(make_model(), squares, tmp_path / "new", options=short, start=trained, resume=True)
    assert same_weights(again.model, resumed.model)


def test_a_run_that_began_otherwise_is_not_resumed(make_model, trained, squares, tmp_path):
    fit(make_model(), squares, tmp_path / "first", options=_STILL)
    with pytest.raises(
        unetzoo.TrainingError, match=r"began with new weights, not with sha256:\w+: resume without start"
    ):
        fit(make_model(), squares, tmp_path / "first", options=_STILL, start=trained, resume=True)


def test_a_network_that_does_not_fit_leaves_no_run(squares, trained, tmp_path):
    model = unetzoo.create("unet", encoder="resnet10t", classes=2, in_channels=1)
    with pytest.raises(unetzoo.OptionError, match="has the encoder 'plain', the new one 'resnet10t'"):
        fit(model, squares, tmp_path / "new", options=_STILL, start=trained)
    assert not (tmp_path / "new" / "run.json").exists()


@pytest.mark.parametrize(("channels", "text"), [(["a", "b"], "got a, b"), (["a", "A"], "got a, A")])
def test_names_of_channels_must_be_those_of_the_images(make_model, squares, tmp_path, channels, text):
    with pytest.raises(unetzoo.OptionError, match=f"the images have 1 channel; channels must name each once, {text}"):
        fit(make_model(), squares, tmp_path, options=_STILL, channels=channels)


def test_a_trained_network_is_trained_on_other_classes_with_a_warning(trained, squares, tmp_path):
    for each in squares.values():
        each.class_names = ("square", "rest")
    with pytest.warns(unetzoo.DataWarning, match="was trained on the classes rest, square, the data has square, rest"):
        fit(trained, squares, tmp_path / "new", options=_STILL)


def test_images_are_normalized_by_the_statistics_of_the_new_data(make_model, trained, tmp_path):
    class Dark(Squares):
        def __getitem__(self, index):
            sample = super().__getitem__(index)
            return sample._replace(image=(sample.image // 4).astype(np.uint8))

    data = {"train": Dark(6, 0), "val": Dark(3, 1)}
    info = replace(trained.config.info, mean=[0.9], std=[0.1], value_range=(0, 255))
    trained.config = replace(trained.config, info=info)
    model = fit(make_model(), data, tmp_path / "new", options=_STILL, start=trained).model
    images = np.stack([data["train"][index].image for index in range(6)]) / 255
    assert model.config.info.mean == pytest.approx([images.mean()])
    assert model.config.info.std == pytest.approx([images.std()])


def test_a_normalization_goes_on_unless_the_recipe_says_another(make_model, trained, squares, tmp_path):
    trained.config = replace(trained.config, info=replace(trained.config.info, normalization=("z-score",)))
    result = fit(make_model(), squares, tmp_path / "new", options=_STILL, start=trained)
    assert result.model.config.info.normalization == ("z-score",)
    assert result.inheritance.notes[-1] == "images: normalized by z-score"
    assert Recipe.load(tmp_path / "new").data.normalization == ("z-score",)
    other = fit(make_model(), squares, tmp_path / "other", options=_STILL, start=trained, normalization="to 0..1")
    assert other.model.config.info.normalization == ("to 0..1",)
    again = fit(make_model(), squares, tmp_path / "new", options=_STILL, resume=True)
    assert again.model.config.info.normalization == ("z-score",)


def _with_channels(model, names, normalization):
    info = replace(model.config.info, channel_names=names, normalization=normalization)
    model.config = replace(model.config, in_channels=len(names), info=info)
    return model


def test_the_normalization_of_each_channel_goes_by_its_name(make_model, trained):
    statistics = replace(opened("nuclei").statistics, channels=2, channel_names=("Red", "blue"))
    start = _with_channels(trained, ("blue", "green", "red"), ("z-score", "none", "to 0..1"))
    assert normalization_of(Recipe(), statistics, None, start) == ("to 0..1", "z-score")
    for names, ours in ((("red", "nir"), r"2 channels \(red, nir\)"), ((), "2 channels")):
        message = rf"each of its 3 channels \(blue, green, red\) in its own way, and the images have {ours}: give"
        with pytest.raises(unetzoo.OptionError, match=message):
            normalization_of(Recipe(), replace(statistics, channel_names=names), None, start)
