"""Networks of nnU-Net, beside those of the package that it builds them with."""

import pytest
import torch
from nnunet_checkpoint import checkpoint_of, init_args, peer_network
from torch import nn

import unetzoo
from unetzoo.interop.nnunet import network_from_nnunet, unused_heads

THICK = {"kernel_sizes": [[1, 3, 3], [1, 3, 3], 3, 3], "strides": [1, [1, 2, 2], 2, 2]}
BATCH = {"norm_op": nn.BatchNorm2d, "nonlin": nn.ReLU}


@pytest.mark.parametrize(
    ("dims", "options", "nonlin"),
    [
        (3, {}, "torch.nn.LeakyReLU"),
        (3, THICK, "torch.nn.LeakyReLU"),
        (3, {"conv_bias": False, "deep_supervision": False}, "torch.nn.modules.activation.LeakyReLU"),
        (2, {}, "torch.nn.LeakyReLU"),
        (2, BATCH, "torch.nn.ReLU"),
    ],
)
@torch.no_grad()
def test_its_logits_are_those_of_nnunet(dims, options, nonlin):
    peer = peer_network(dims, **options)
    image = torch.randn(2, 2, *(16, 32, 24)[:dims])
    ours = network_from_nnunet(checkpoint_of(peer, init_args(dims, nonlin)))
    assert (ours.config.decoder, ours.config.encoder, ours.config.spatial_dims) == ("unet", "plain", dims)
    torch.testing.assert_close(ours(image), peer(image), atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_state_dict_alone_with_a_prefix_is_read():
    peer = peer_network()
    state = {f"module._orig_mod.{name}": tensor for name, tensor in peer.state_dict().items()}
    volume = torch.randn(1, 2, 16, 16, 16)
    torch.testing.assert_close(network_from_nnunet(state)(volume), peer(volume), atol=1e-4, rtol=1e-4)
    assert unused_heads(state) == 2


@pytest.mark.parametrize(
    ("forward", "backward", "spacing"),
    [([1, 0, 2], (1, 0, 2), (0.8, 3.0, 0.7)), ([2, 0, 1], (1, 2, 0), (0.8, 0.7, 3.0))],
    ids=["thick slices along the second axis", "thick slices along the third axis"],
)
@torch.no_grad()
def test_a_network_over_turned_axes_takes_volumes_with_the_axes_of_files(forward, backward, spacing):
    peer = peer_network(**THICK)
    ours = network_from_nnunet(checkpoint_of(peer, init_args(transpose_forward=forward)))
    turned = torch.randn(1, 2, 8, 16, 24)  # as nnU-Net gives it to its network
    back = (0, 1, *(2 + axis for axis in backward))
    torch.testing.assert_close(ours(turned.permute(back)), peer(turned).permute(back), atol=1e-4, rtol=1e-4)
    assert ours.config.info.pixel_size == spacing


def test_names_spacing_and_normalization_are_those_of_the_plans():
    info = network_from_nnunet(checkpoint_of(peer_network(), init_args())).config.info
    assert (info.channel_names, info.class_names) == (("CT", "PET"), ("background", "liver", "tumor"))
    assert (info.pixel_size, info.pixel_size_range, info.unit) == ((3.0, 0.8, 0.7), (0.7, 3.0), "mm")
    clip = unetzoo.ClipNormalization(low=-17, high=201, mean=99.5, std=37)
    assert (info.normalization, info.slices) == ((clip, "z-score of nonzero"), 0)


def test_a_network_of_slices_knows_their_axis():
    arguments = init_args(2, transpose_forward=[2, 0, 1])
    info = network_from_nnunet(checkpoint_of(peer_network(2), arguments)).config.info
    assert (info.slices, info.slice_axis, info.pixel_size) == (1, "x", (0.8, 0.7))


def test_images_have_no_slices_and_no_spacing():
    arguments = init_args(2, original_median_shape_after_transp=[1, 200, 210])
    info = network_from_nnunet(checkpoint_of(peer_network(2), arguments)).config.info
    assert (info.slices, info.slice_axis, info.pixel_size, info.unit) == (0, "", (), "")


def test_regions_are_classes_that_may_overlap():
    labels = {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "enhancing": 3, "ignore": 4}
    config = network_from_nnunet(checkpoint_of(peer_network(), init_args(dataset={"labels": labels}))).config
    assert (config.labels, config.info.class_names) == ("overlapping", ("whole", "core", "enhancing"))
    coding = config.info.mask_coding
    assert (coding["regions"], coding["unknown"]) == ([[1, 2, 3], [2, 3], [3]], [255, -1, 4])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dataset": {"labels": {"background": 0, "liver": 1}}}, "names of classes: there are 3"),
        ({"dataset": {"channel_names": {"0": "CT"}}}, "names of channels: there are 2, and dataset_json names CT"),
        ({"configuration": {"normalization_schemes": ["ZScoreNormalization", "Own"]}}, "ZScoreNormalization, Own"),
    ],
)
def test_what_does_not_come_along_is_said(arguments, message):
    with pytest.warns(unetzoo.WeightsWarning, match=f"not read from the checkpoint: .*{message}"):
        network_from_nnunet(checkpoint_of(peer_network(), init_args(**arguments)))


def _architecture(**changes):
    architecture = init_args()["plans"]["configurations"]["3d_fullres"]["architecture"]
    kwargs = {**architecture["arch_kwargs"], **changes}
    return {"configuration": {"architecture": {**architecture, "arch_kwargs": kwargs}}}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (_architecture(nonlin="torch.nn.Mish"), "an activation without an equal: torch.nn.Mish"),
        (_architecture(nonlin_kwargs={"negative_slope": 0.2}), "without an equal: .*0.2"),
        (_architecture(norm_op_kwargs={"eps": 1e-3}), "have eps=0.001, and those of unetzoo 1e-05"),
        ({"configuration": {"previous_stage": "3d_lowres"}}, "nnU-Net's '3d_lowres' predicts as channels"),
        ({"configuration": {"architecture": None, "UNet_class_name": "Own"}}, "nnU-Net's Own has no equal"),
        ({"configuration": {"architecture": 3}}, r"are not those of nnU-Net 2 \(TypeError"),
        ({"configuration": {"spacing": [10**400, 1, 1]}}, r"are not those of nnU-Net 2 \(OverflowError"),
        ({"configuration": {"spacing": [0, 1, 1]}}, r"are not those of nnU-Net 2 \(ConfigError: pixel_size"),
        ({"configuration": {"inherits_from": "3d_fullres"}}, "inherit from one another"),
        ({"transpose_forward": [0, 0, 2]}, "transpose_forward is"),
    ],
)
def test_a_network_without_an_equal_is_refused(arguments, message):
    with pytest.raises(unetzoo.WeightsError, match=message):
        network_from_nnunet(checkpoint_of(peer_network(), init_args(**arguments)))


def test_a_residual_encoder_is_refused_by_name():
    unet = pytest.importorskip("dynamic_network_architectures.architectures.unet")
    norm = {"norm_op": nn.InstanceNorm2d, "nonlin": nn.LeakyReLU}
    peer = unet.ResidualEncoderUNet(1, 3, [4, 6, 8], nn.Conv2d, 3, [1, 2, 2], [1, 2, 2], 3, [1, 1], **norm)
    with pytest.raises(unetzoo.WeightsError, match="ResidualEncoderUNet has no equal in unetzoo: its decoder has one"):
        network_from_nnunet(peer.state_dict())


def test_three_convolutions_a_level_are_refused():
    with pytest.raises(unetzoo.WeightsError, match=r"has encoder.stages.0.0.convs.2.conv.weight.* no equal"):
        network_from_nnunet(peer_network(n_conv_per_stage=3).state_dict())


@pytest.mark.parametrize(("part", "message"), [
    ("encoder", "these are not the tensors of nnU-Net's PlainConvUNet"),
    ("decoder.stages.2.convs.1.norm", "are missing: decoder.stages.2.convs.1.norm.weight"),
])  # fmt: skip
def test_a_part_of_a_network_is_refused(part, message):
    state = {name: value for name, value in peer_network().state_dict().items() if not name.startswith(part)}
    state = {name: value for name, value in state.items() if not name.startswith("decoder.encoder")}
    with pytest.raises(unetzoo.WeightsError, match=message):
        network_from_nnunet(state)
