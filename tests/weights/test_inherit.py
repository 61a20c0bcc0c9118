"""A new network takes over what fits of a trained one."""

from dataclasses import replace

import pytest
import torch

import unetzoo

_RGB = ("red", "green", "blue")
_CLASSES = ("background", "cell", "dirt")


def _create(decoder="unet", *, encoder="plain", seed=0, class_names=(), channel_names=(), **options):
    torch.manual_seed(seed)
    parts = {"encoder_options": {"widths": (4, 8)}} if encoder == "plain" else {}
    model = unetzoo.create(decoder, encoder=encoder, **(parts | options))
    info = unetzoo.ModelInfo(class_names=class_names, channel_names=channel_names)
    model.config = replace(model.config, info=info)
    for name, tensor in model.named_buffers():  # statistics of batch norms that are not those of a new network
        if tensor.is_floating_point():
            torch.nn.init.uniform_(tensor, *((0.5, 1.5) if name.endswith("var") else (-0.1, 0.1)))
    return model.eval()


@pytest.fixture
def trained():
    return _create(classes=3, class_names=_CLASSES, channel_names=_RGB)


def _image(channels=3):
    return torch.rand(2, channels, 24, 40, generator=torch.Generator().manual_seed(1))


def _assert_close(first, second):
    torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-5)


def test_the_images_of_these_tests_matter_to_their_network(trained):
    first, second = trained(_image()), trained(_image().flip(1))
    assert (first - second).abs().max() > 1e-3  # the twin: equal logits below are not those of a dead network


def test_the_same_classes_and_channels_give_the_same_network(trained):
    model = _create(classes=3, seed=1)
    inheritance = unetzoo.inherit(model, trained, class_names=_CLASSES)
    assert torch.equal(model(_image()), trained(_image()))
    assert set(inheritance.carried) == set(model.state_dict())
    assert (inheritance.adapted, inheritance.fresh, inheritance.dropped) == ((), (), ())


def test_logits_of_classes_with_the_same_names_are_kept_in_any_order_and_others_are_new(trained):
    model, fresh = (_create(classes=3, seed=1) for _ in range(2))
    inheritance = unetzoo.inherit(model, trained, class_names=("dirt", "scratch", "background"))
    old, new = trained(_image()), model(_image())
    assert torch.equal(new[:, 0], old[:, 2])
    assert torch.equal(new[:, 2], old[:, 0])
    assert torch.equal(model.heads[0].weight[1], fresh.heads[0].weight[1])
    assert set(inheritance.adapted) == {"heads.0.weight", "heads.0.bias"}
    assert inheritance.notes[-1] == "heads: carried dirt, background; fresh scratch; dropped cell"


def test_channels_in_another_order_are_gathered_by_name(trained):
    model = _create(classes=3, seed=1)
    unetzoo.inherit(model, trained, class_names=_CLASSES, channel_names=("Blue", "red", "GREEN"))
    _assert_close(model(_image()[:, [2, 0, 1]]), trained(_image()))


@pytest.mark.parametrize(
    "names",
    [("nir", *_RGB), ("red", "swir"), ("a", "b", "c", "d", "e"), (), ("green",)],
    ids=lambda names: "+".join(names),
)
def test_an_image_that_is_the_same_in_all_channels_gives_the_same_response(trained, names):
    with torch.no_grad():  # as far as the gathered filters have the mean of all
        for filters in trained.encoder.stages[0][0].weight:
            filters += filters.mean(0) - filters
    gray, channels = _image(1), len(names) or 2
    model = _create(classes=3, in_channels=channels, seed=1)
    unetzoo.inherit(model, trained, class_names=_CLASSES, channel_names=names)
    _assert_close(model(gray.expand(-1, channels, -1, -1)), trained(gray.expand(-1, 3, -1, -1)))


def test_the_filters_of_named_channels_are_theirs_and_the_others_the_mean(trained):
    model = _create(classes=3, in_channels=4, seed=1)
    inheritance = unetzoo.inherit(model, trained, class_names=_CLASSES, channel_names=("nir", "blue", "green", "red"))
    old, new = (network.encoder.stages[0][0].weight for network in (trained, model))
    _assert_close(new[:, 1], old[:, 2] * 3 / 4)
    _assert_close(new[:, 0], old.mean(1) * 3 / 4)
    assert inheritance.adapted == ("encoder.stages.0.0.weight",)
    assert "channels by name: blue, green, red; with the mean filter: nir" in inheritance.notes[0]


def test_only_the_convolution_of_the_image_is_gathered_where_others_have_as_many_channels():
    trained, model = (
        _create(classes=2, in_channels=4, seed=seed, class_names=("a", "b"), channel_names=list("wxyz"))
        for seed in (0, 1)
    )  # the second convolution has 4 channels, too
    inheritance = unetzoo.inherit(model, trained, channel_names="zyxw")
    assert inheritance.adapted == ("encoder.stages.0.0.weight",)
    _assert_close(model(_image(4).flip(1)), trained(_image(4)))


def test_a_backbone_of_timm_takes_other_channels():
    trained, model = (_create(encoder="resnet10t", in_channels=count, seed=count) for count in (3, 5))
    inheritance = unetzoo.inherit(model, trained, class_names=())
    assert inheritance.adapted == ("encoder.backbone.conv1.0.weight",)
    gray = torch.rand(1, 1, 64, 64)
    new, old = (network.encoder(gray.expand(-1, count, -1, -1)) for network, count in ((model, 5), (trained, 3)))
    for first, second in zip(new, old, strict=True):
        _assert_close(first, second)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_single_logit_and_two_logits_stand_for_the_same_probabilities(seed):
    single = _create(classes=1, class_names=("background", "cell"), seed=seed)
    double = _create(classes=2, class_names=("background", "cell"), seed=seed + 2)
    of_single, of_double = _create(classes=2, seed=5), _create(classes=1, seed=6)
    unetzoo.inherit(of_single, single, class_names=("background", "cell"))
    unetzoo.inherit(of_double, double, class_names=("background", "cell"))
    _assert_close(of_single(_image()).softmax(1)[:, 1:], single(_image()).sigmoid())
    _assert_close(of_double(_image()).sigmoid(), double(_image()).softmax(1)[:, 1:])


def test_another_decoder_begins_anew_over_the_same_encoder(trained):
    model, fresh = (_create("fpn", classes=3, seed=1) for _ in range(2))
    inheritance = unetzoo.inherit(model, trained, class_names=_CLASSES)
    assert all(torch.equal(a, b) for a, b in zip(model.encoder(_image()), trained.encoder(_image()), strict=True))
    state, expected = model.state_dict(), fresh.state_dict()
    assert set(inheritance.fresh) == {name for name in state if not name.startswith("encoder.")}
    assert all(torch.equal(state[name], expected[name]) for name in inheritance.fresh)
    assert set(inheritance.dropped) == {name for name in trained.state_dict() if name not in inheritance.carried}
    assert inheritance.notes[1] == "decoder fpn: fresh; that of the trained network is unet"


def test_a_decoder_with_other_options_begins_anew_and_says_so(trained):
    model = _create(classes=3, decoder_options={"upsample": "transpose"}, seed=1)
    inheritance = unetzoo.inherit(model, trained, class_names=_CLASSES)
    assert not any(name.startswith("decoder.") for name in inheritance.carried)
    assert "fresh; that of the trained network has other tensors" in inheritance.notes[1]


def test_the_best_head_is_carried_where_deep_supervision_adds_others():
    trained = _create("unetpp", encoder_options={"widths": (4, 8, 8)}, classes=3, class_names=_CLASSES)
    options = {"deep_supervision": True}
    model = _create("unetpp", encoder_options={"widths": (4, 8, 8)}, decoder_options=options, classes=3, seed=1)
    inheritance = unetzoo.inherit(model, trained, class_names=_CLASSES)
    assert torch.equal(model(_image()), trained(_image()))
    assert set(inheritance.fresh) == {"heads.0.weight", "heads.0.bias"}


def test_heads_begin_anew_where_the_trained_network_does_not_name_its_classes():
    model, fresh = (_create(classes=3, seed=1) for _ in range(2))
    inheritance = unetzoo.inherit(model, _create(classes=3), class_names=_CLASSES)
    assert torch.equal(model.heads[0].weight, fresh.heads[0].weight)
    assert inheritance.notes[-1] == "heads: fresh, since the trained network does not say the names of its classes"


def test_maps_of_objects_are_kept_and_the_classes_of_objects_by_name():
    names = ("background", "round", "long")
    trained = _create(objects="distance", object_classes=2, class_names=names)
    model, fresh = (_create(objects="distance", object_classes=3, seed=1) for _ in range(2))
    inheritance = unetzoo.inherit(model, trained, class_names=("background", "flat", "long", "round"))
    new, old = model(_image()), trained(_image())
    maps = len(old[0]) - 2
    _assert_close(new[:, :maps], old[:, :maps])
    _assert_close(new[:, maps + 1 :], old[:, maps:].flip(1))
    assert torch.equal(model.heads[0].weight[maps], fresh.heads[0].weight[maps])
    assert inheritance.notes[-1].endswith("long, round; fresh flat")


@pytest.mark.parametrize("objects", ["flows", ""])
def test_maps_of_another_coding_begin_anew_over_the_same_decoder(objects):
    trained = _create(objects="distance", class_names=("background", "cell"))
    model, fresh = (_create(objects=objects, classes=1 if objects else 2, seed=1) for _ in range(2))
    inheritance = unetzoo.inherit(model, trained, class_names=("background", "cell"))
    assert torch.equal(model.heads[0].weight, fresh.heads[0].weight)
    assert set(inheritance.fresh) == {"heads.0.weight", "heads.0.bias"}


def test_half_precision_and_compiled_parts_are_taken_over_in_float32(trained):
    model = _create(classes=3, seed=1)
    model.decoder = torch.compile(model.decoder)
    unetzoo.inherit(model, trained.half(), class_names=_CLASSES)
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    expected = [tensor.float() for tensor in trained.decoder.state_dict().values()]
    assert all(torch.equal(a, b) for a, b in zip(model.decoder.state_dict().values(), expected, strict=True))


def _assert_refused(model, trained, message):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(unetzoo.OptionError, match=message):
        unetzoo.inherit(model, trained, class_names=_CLASSES)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_another_encoder_is_refused(trained):
    model = _create(encoder="resnet10t", classes=3)
    _assert_refused(model, trained, "has the encoder 'plain', the new one 'resnet10t'.*encoder='plain'")


@pytest.mark.parametrize(
    ("widths", "message"),
    [
        ((4, 16), r"of another shape: encoder.stages.1.0.weight \(\[8, 4, 3, 3\] there, \[16, 4, 3, 3\] here\)"),
        ((4, 8, 8), "missing there: encoder.stages.2.0.weight, "),
    ],
)
def test_an_encoder_with_other_tensors_is_refused(trained, widths, message):
    _assert_refused(_create(classes=3, encoder_options={"widths": widths}), trained, message)


def test_an_encoder_of_fewer_levels_leaves_the_others_out():
    trained = _create(classes=3, encoder_options={"widths": (4, 8, 8)})
    model = _create("fpn", classes=3, encoder_options={"widths": (4, 8, 8), "depth": 2}, seed=1)
    inheritance = unetzoo.inherit(model, trained, class_names=_CLASSES)
    assert torch.equal(model.encoder(_image())[1], trained.encoder(_image())[1])
    assert "encoder.stages.2.0.weight" in inheritance.dropped


def test_the_lineage_begins_with_the_repository_or_the_hash_of_the_weights(trained):
    first = unetzoo.inherit(_create(classes=3, seed=1), trained).lineage
    assert first == unetzoo.inherit(_create("fpn", seed=2), trained).lineage
    assert first[0].startswith("sha256:")
    trained.config = replace(trained.config, info=replace(trained.config.info, source="a/b@c", lineage=["sha256:0"]))
    assert unetzoo.inherit(_create(classes=3), trained).lineage == ("a/b@c", "sha256:0")
    with torch.no_grad():
        trained.heads[0].bias[0] += 1
    trained.config = replace(trained.config, info=replace(trained.config.info, source=""))
    assert unetzoo.inherit(_create(classes=3), trained).lineage[0] not in (first[0], "a/b@c")


@torch.no_grad()
def test_a_network_over_volumes_takes_over_channels_and_classes_by_name():
    trained = _create(spatial_dims=3, classes=3, class_names=_CLASSES, channel_names=_RGB)
    model = _create(spatial_dims=3, classes=2, in_channels=4, seed=1)
    unetzoo.inherit(model, trained, class_names=("dirt", "cell"), channel_names=("blue", "nir", *_RGB[:2]))
    stem, old = (network.encoder.stages[0][0].weight for network in (model, trained))
    torch.testing.assert_close(stem, torch.stack([old[:, 2], old.mean(1), old[:, 0], old[:, 1]], 1) * 3 / 4)
    assert torch.equal(model.heads[0].weight, trained.heads[0].weight[[2, 1]])
