"""Networks over three axes: volumes (b, c, d, h, w)."""

import json
import warnings

import pytest
import torch

import unetzoo
from unetzoo.inspection.dissect import dissect
from unetzoo.nn.config import ModelConfig

WIDTHS = [4, 6, 8]
FLAT = {"kernel_sizes": [[1, 3, 3]] * 3, "strides": [1, [1, 2, 2], [1, 2, 2]]}  # each slice by itself
THICK = {"kernel_sizes": [[1, 3, 3], [1, 3, 3], 3], "strides": [1, [1, 2, 2], 2]}  # thick slices
DECODERS = [
    ("unet", {"center": True}),
    ("unet", {"upsample": "transpose", "norm": "layer"}),
    ("unet", {"upsample": "bilinear", "norm": "instance"}),
    ("unetpp", {"deep_supervision": True, "skip_widths": [3, 3]}),
    ("linknet", {}),
    ("fpn", {"pyramid_width": 8, "width": 8, "norm": "batch"}),
    ("fpn", {"pyramid_width": 8, "width": 8, "norm": "layer", "merge": "cat", "upsample": "bilinear"}),
    ("fcn", {"deep_width": 8, "finest": 8}),
    ("resunet", {}),
    ("vnet", {}),
]


def _network(decoder="unet", options=None, spatial_dims=3, **encoder_options):
    torch.manual_seed(0)
    model = unetzoo.create(
        decoder,
        encoder="plain",
        spatial_dims=spatial_dims,
        in_channels=2,
        classes=3,
        encoder_options={"widths": WIDTHS, **encoder_options},
        decoder_options=options or {},
    )
    for module in model.modules():  # norms that do something
        if isinstance(module, torch.nn.BatchNorm2d | torch.nn.BatchNorm3d):
            torch.nn.init.uniform_(module.running_mean)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    return model.eval()


def _inflated(weight, shape):
    """A kernel over images as the middle slice of one over volumes."""
    if weight.ndim < 4:
        return weight
    kernel = torch.zeros(shape)
    kernel[:, :, shape[2] // 2] = weight
    return kernel


@pytest.mark.parametrize(("decoder", "options"), DECODERS, ids=str)
@torch.no_grad()
def test_a_network_whose_kernels_see_one_slice_gives_for_each_slice_what_the_network_over_images_gives(
    decoder, options
):
    of_volumes, of_images = _network(decoder, options, **FLAT), _network(decoder, options, spatial_dims=2)
    state = {
        name: _inflated(weight, of_volumes.state_dict()[name].shape) for name, weight in of_images.state_dict().items()
    }
    of_volumes.load_state_dict(state)
    volume = torch.randn(2, 2, 3, 13, 22)
    for logits, *slices in zip(
        of_volumes.all_logits(volume), *(of_images.all_logits(one) for one in volume.unbind(2)), strict=True
    ):
        if options.get("norm") == "instance":  # its statistics are those of the volume
            assert logits.shape == (2, 3, 3, 13, 22)
        else:
            torch.testing.assert_close(logits, torch.stack(slices, 2), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("decoder", "options"), DECODERS, ids=str)
@torch.no_grad()
def test_permuted_axes_and_kernels_permute_the_logits(decoder, options):
    axes = (2, 0, 1)
    turned_options = {
        name: [[level[axis] for axis in axes] for level in _all_axes(value)] for name, value in THICK.items()
    }
    model, turned = _network(decoder, options, **THICK), _network(decoder, options, **turned_options)
    order = (0, 1, *(2 + axis for axis in axes))
    turned.load_state_dict(
        {name: value.permute(order) if value.ndim == 5 else value for name, value in model.state_dict().items()}
    )
    volume = torch.randn(1, 2, 7, 13, 22)
    expected = model(volume).permute(order)
    torch.testing.assert_close(turned(volume.permute(order)), expected, atol=1e-5, rtol=1e-5)


def _all_axes(levels):
    return [level if isinstance(level, list) else [level] * 3 for level in levels]


@pytest.mark.parametrize(("decoder", "options"), DECODERS, ids=str)
def test_every_weight_learns_from_a_volume_of_any_size(decoder, options):
    model = _network(decoder, options, **THICK).train()
    logits = model.all_logits(torch.randn(2, 2, 3, 9, 11))
    assert {tuple(one.shape) for one in logits} == {(2, 3, 3, 9, 11)}
    sum(one.square().mean() for one in logits).backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []


@torch.no_grad()
def test_unet_with_the_plain_encoder_is_monais_dynunet():
    channels, levels = [4, 6, 8], 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own imports
        from monai.networks.nets import DynUNet
    theirs = DynUNet(
        3, 2, 3, [3] * levels, [1, 2, 2], [2, 2], filters=channels, norm_name=("INSTANCE", {"affine": True})
    ).eval()
    ours = unetzoo.create(
        "unet",
        encoder="plain",
        spatial_dims=3,
        in_channels=2,
        classes=3,
        encoder_options={"widths": channels, "downsample": "stride", "norm": "instance", "activation": "leaky_relu"},
        decoder_options={
            "widths": channels[-2::-1],
            "upsample": "transpose",
            "norm": "instance",
            "activation": "leaky_relu",
        },
    ).eval()
    biases = sum(channels[:-1])  # of transposed convolutions, which MONAI leaves out
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in theirs.parameters()) + biases
    weights = [weight for name, weight in ours.named_parameters() if not (".up." in name and weight.ndim == 1)]
    order = ["input_block", "downsamples.", "bottleneck", "upsamples.", "output_block"]
    named = [(name, weight) for name, weight in theirs.named_parameters() if "skip_layers" not in name]
    named.sort(key=lambda pair: next(place for place, prefix in enumerate(order) if pair[0].startswith(prefix)))
    own = _in_monais_order(ours)
    assert len(own) == len(weights) == len(named)
    for weight, (_, their_weight) in zip(own, named, strict=True):
        weight.copy_(their_weight)
    for stage in ours.decoder.stages:
        stage.up.bias.zero_()
    volume = torch.randn(1, 2, 8, 12, 16)
    torch.testing.assert_close(ours(volume), theirs(volume), atol=1e-4, rtol=1e-4)


def _in_monais_order(model):
    """Of a block, both convolutions come first, then both norms; of a stage the transposed convolution before them."""
    weights = []
    for stage in model.encoder.stages:
        weights += [stage[0].weight, stage[3].weight, stage[1].weight, stage[1].bias, stage[4].weight, stage[4].bias]
    for stage in model.decoder.stages:
        norm = stage.conv[1]
        weights += [stage.up.weight, stage.fuse.weight, stage.conv[0].weight]
        weights += [stage.norm.weight, stage.norm.bias, norm.weight, norm.bias]
    head = model.heads[0]
    return [*weights, head.weight, head.bias]


def test_saved_and_loaded_a_network_over_volumes_gives_the_same_logits(tmp_path):
    model = _network("unetpp", {"deep_supervision": True}, **THICK)
    unetzoo.save(model, tmp_path / "net")
    loaded = unetzoo.load(tmp_path / "net")
    volume = torch.randn(1, 2, 5, 9, 12)
    assert loaded.config.spatial_dims == 3
    assert torch.equal(loaded(volume), model(volume))


def test_the_configuration_of_a_network_over_images_has_no_number_of_axes_and_reads_as_two():
    data = ModelConfig(decoder="unet", encoder="plain").to_dict()
    assert "spatial_dims" not in json.loads(json.dumps(data))
    assert ModelConfig.from_dict(data).spatial_dims == 2
    assert ModelConfig.from_dict({**data, "spatial_dims": 3}).spatial_dims == 3


@torch.no_grad()
def test_a_pruned_network_over_volumes_gives_the_logits_of_its_head():
    model = _network("unetpp", {"deep_supervision": True}, **THICK)
    volume = torch.randn(1, 2, 6, 8, 12)
    torch.testing.assert_close(unetzoo.prune(model, 1)(volume), model.all_logits(volume)[0])


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("decoder", ["unet", "unetpp"])
@torch.no_grad()
def test_an_optimized_network_over_volumes_has_the_same_logits_and_no_norms(decoder, channels_last):
    model = _network(decoder, **THICK)
    optimized = unetzoo.optimize(model, channels_last=channels_last, image_size=(6, 12, 16))
    volume = torch.randn(1, 2, 5, 9, 12)
    torch.testing.assert_close(optimized(volume), model(volume), atol=1e-5, rtol=1e-4)
    assert not [module for module in optimized.modules() if isinstance(module, torch.nn.BatchNorm3d)]


@torch.no_grad()
def test_a_network_over_volumes_classifies_them_as_wholes():
    model = unetzoo.create(
        "unet", encoder="plain", spatial_dims=3, aux_classes=4, encoder_options={"widths": [4, 6]}, aux_pooling="max"
    ).eval()
    logits, classes = model.with_class_logits(torch.randn(2, 3, 4, 6, 8))
    assert (logits.shape, classes.shape) == ((2, 1, 4, 6, 8), (2, 4))


@pytest.mark.parametrize(("decoder", "encoder", "says"), [
    ("deeplabv3plus", "plain", "decoder 'deeplabv3plus' works on images alone; .* spatial_dims=3.*fcn, .*unetpp"),
    ("unet", "u2net", r"encoder 'u2net' works on images alone; encoders with spatial_dims=3.*plain, resenc, timm:\*$"),
])  # fmt: skip
def test_parts_that_work_on_images_alone_are_refused_and_the_others_named(decoder, encoder, says):
    with pytest.raises(unetzoo.OptionError, match=says):
        unetzoo.create(decoder, encoder=encoder, spatial_dims=3)


@pytest.mark.parametrize("spatial_dims", [0, 1, 4, 2.5, "3", None, True])
def test_other_numbers_of_axes_are_refused(spatial_dims):
    with pytest.raises(unetzoo.OptionError, match="spatial_dims must be one of 2, 3"):
        unetzoo.create("unet", encoder="plain", spatial_dims=spatial_dims)


@pytest.mark.parametrize(("spatial_dims", "shape", "says"), [
    (3, (1, 2, 9, 9), r"takes volumes \(b, 2, d, h, w\), got \(1, 2, 9, 9\); a network created with spatial_dims=2"),
    (2, (1, 2, 5, 9, 9), r"takes images \(b, 2, h, w\), got \(1, 2, 5, 9, 9\); a network created with spatial_dims=3"),
    (3, (1, 1, 5, 9, 9), r"takes volumes \(b, 2, d, h, w\), got \(1, 1, 5, 9, 9\)$"),
])  # fmt: skip
def test_images_for_a_network_over_volumes_and_the_reverse_are_one_clear_error(spatial_dims, shape, says):
    with pytest.raises(unetzoo.ShapeError, match=says):
        _network(spatial_dims=spatial_dims)(torch.randn(shape))


@pytest.mark.parametrize(("options", "says"), [
    ({"strides": [1, 2]}, "strides need one entry for each of the 3 levels"),
    ({"strides": [1, [2, 2], 2]}, "one for each of the 3 axes"),
    ({"strides": [1, [0, 2, 2], 2]}, "strides must be a whole number >= 1"),
    ({"kernel_sizes": [3, 2, 3]}, "kernel_sizes must be odd"),
    ({"padding": "valid"}, "U-Net of 2015"),
])  # fmt: skip
def test_kernels_and_strides_that_do_not_fit_are_refused(options, says):
    with pytest.raises(unetzoo.OptionError, match=says):
        _network(**options)


@pytest.mark.parametrize(("call", "says"), [
    (lambda model: unetzoo.predict_uncertainty(model, torch.zeros(5, 9, 9, 2).numpy()), "a map of uncertainty"),
    (lambda model: unetzoo.optimize(model, engine="openvino", dtype="int8", calibration=[]), "int8"),
    (lambda model: dissect(model, (32, 32)), "a table or drawing of parts"),
])  # fmt: skip
def test_what_works_on_images_alone_says_so(call, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(unetzoo.OptionError, match=f"{says} is for networks of images, and this one has spatial_dims=3"):
        call(_network())
    assert not any(tmp_path.iterdir())


def test_a_data_set_of_images_is_refused(tmp_path):
    for call in (unetzoo.evaluate, lambda *given: unetzoo.fit(*given, tmp_path / "run")):
        with pytest.raises(unetzoo.OptionError, match="the data has images, the network takes volumes"):
            call(_network(), "nuclei")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("classes", [1, 3])
def test_the_code_of_the_card_gives_probabilities_of_volumes(classes, tmp_path):
    info = unetzoo.ModelInfo(value_range=(0, 255), mean=(0.2, 0.4), std=(0.5, 0.25))
    model = unetzoo.create(
        "unet", encoder="plain", spatial_dims=3, in_channels=2, classes=classes, encoder_options={"widths": [4, 6]}
    )
    unetzoo.save(model.eval(), tmp_path / "net", info=info)
    card = (tmp_path / "net" / "README.md").read_text(encoding="utf-8")
    assert "| input | (b, 2, d, h, w), any d, h and w, values from 0 to 255" in card
    blocks = [part.split("```")[0] for part in card.split("```python\n")[1:]]
    volume = torch.rand(1, 2, 3, 8, 10) * 255
    names = {"images": volume, "volume": volume[0].movedim(0, -1).numpy()}
    exec(blocks[0].replace('"FOLDER"', repr(str(tmp_path / "net"))), names)
    of_arrays = torch.from_numpy(names["probabilities"])[None]
    exec(blocks[1], names)
    mean, std = torch.tensor(info.mean), torch.tensor(info.std)
    normalized = (volume / 255 - mean.view(-1, 1, 1, 1)) / std.view(-1, 1, 1, 1)
    with torch.no_grad():
        logits = model(normalized)
    expected = logits.sigmoid() if classes == 1 else logits.softmax(1)
    for probabilities in (of_arrays, names["probabilities"]):
        torch.testing.assert_close(probabilities, expected, atol=1e-5, rtol=1e-4)


def test_networks_over_images_and_volumes_do_not_predict_together():
    with pytest.raises(unetzoo.OptionError, match="the same number of axes: the first has 2, number 2 has 3"):
        unetzoo.Ensemble([_network(spatial_dims=2), _network()])
