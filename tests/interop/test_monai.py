"""Networks of MONAI."""

import warnings

import pytest
import torch

import unetzoo
from unetzoo.interop.monai import network_from_monai

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own imports
    from monai.networks.nets.dynunet import DynUNet


def _peer(spatial_dims=3, **options):
    torch.manual_seed(0)
    usual = {"kernel_size": [3, 3, 3], "strides": [1, 2, 2], "upsample_kernel_size": [2, 2], "filters": [4, 6, 8]}
    peer = DynUNet(spatial_dims, 2, 3, **(usual | options))
    for weight in peer.parameters():
        torch.nn.init.normal_(weight, mean=0.1, std=0.4)
    for module in peer.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.8, 1.2)
    return peer.eval()


THICK = {
    "kernel_size": [[1, 3, 3], 3, 3],
    "strides": [1, [1, 2, 2], 2],
    "upsample_kernel_size": [[1, 2, 2], 2],
    "trans_bias": True,
}


@pytest.mark.parametrize(
    ("dims", "options", "more"),
    [
        (3, {}, {}),
        (3, THICK, {}),
        (3, {"deep_supervision": True, "deep_supr_num": 1}, {}),
        (2, {"norm_name": "batch", "act_name": "relu"}, {"act_name": "relu"}),
    ],
)
@torch.no_grad()
def test_its_logits_are_those_of_a_dynunet_with_these_tensors(dims, options, more):
    peer = _peer(dims, **options)
    image = torch.randn(2, 2, *(8, 16, 24)[:dims])
    state = {f"module.{name}": tensor for name, tensor in peer.state_dict().items()}
    ours = network_from_monai({"state_dict": state, "epoch": 3}, options=more)
    assert (ours.config.decoder, ours.config.encoder, ours.config.spatial_dims) == ("unet", "plain", dims)
    torch.testing.assert_close(ours(image), peer(image), atol=1e-4, rtol=1e-4)


def test_a_residual_network_is_refused():
    with pytest.raises(unetzoo.WeightsError, match=r"of MONAI's DynUNet have no equivalent.*conv3"):
        network_from_monai(_peer(res_block=True).state_dict())


@pytest.mark.parametrize(("remove", "error", "says"), [
    ("", unetzoo.WeightsError, "these are not the tensors of MONAI's DynUNet"),
    ("bottleneck", unetzoo.WeightsError, "are missing: bottleneck.conv1"),
    ("upsamples.1.transp", unetzoo.WeightsError, "not a whole network"),
])  # fmt: skip
def test_a_part_of_a_network_is_refused(remove, error, says):
    state = {name: value for name, value in _peer().state_dict().items() if not name.startswith(remove or "input")}
    with pytest.raises(error, match=says):
        network_from_monai(state)


def test_an_unknown_activation_is_refused():
    with pytest.raises(unetzoo.ConfigError, match="only act_name is an option, one of leakyrelu, relu"):
        network_from_monai(_peer().state_dict(), options={"act_name": "mish"})
