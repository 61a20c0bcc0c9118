import torch

import unetzoo
from unetzoo.decoders.resunet import ResUNetDecoder

INFO = unetzoo.FeatureInfo((3, 4, 5), (1, 2, 4))


def test_each_unit_is_the_papers_figure_in_plain_torch_calls():
    torch.manual_seed(0)
    decoder = ResUNetDecoder(INFO, widths=(6, 7)).eval()
    for norm in (module for module in decoder.modules() if isinstance(module, torch.nn.BatchNorm2d)):
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.5, 2)
    features = [torch.randn(1, c, 16 // by, 24 // by) for c, by in zip(INFO.channels, INFO.reductions, strict=True)]
    weights = decoder.state_dict()

    def activated(x, key):
        keys = ("running_mean", "running_var", "weight", "bias")
        mean, variance, scale, shift = (weights[f"{key}.{part}"][:, None, None] for part in keys)
        return ((x - mean) / (variance + 1e-5).sqrt() * scale + shift).relu()

    deep = features[-1]
    for index, skip in enumerate(features[-2::-1]):
        key = f"stages.{index}"
        x = torch.cat([deep.repeat_interleave(2, 2).repeat_interleave(2, 3), skip], 1)
        first = torch.conv2d(activated(x, f"{key}.norm_in"), weights[f"{key}.conv_in.weight"], padding=1)
        out = {part: weights[f"{key}.{part}"] for part in ("conv_out.weight", "conv_out.bias")}
        second = torch.conv2d(activated(first, f"{key}.norm_between"), *out.values(), padding=1)
        deep = second + torch.conv2d(x, weights[f"{key}.shortcut.weight"], weights[f"{key}.shortcut.bias"])
    with torch.no_grad():
        torch.testing.assert_close(decoder(features)[0], deep, rtol=1e-4, atol=1e-5)


def test_without_norms_the_shortcut_still_sees_the_map_before_its_activation():
    decoder = ResUNetDecoder(INFO, norm="none")
    for name, parameter in decoder.named_parameters():
        (torch.nn.init.ones_ if name.endswith("shortcut.weight") else torch.nn.init.zeros_)(parameter)
    features = [
        torch.full((1, c, 8 // by, 8 // by), -1.0) for c, by in zip(INFO.channels, INFO.reductions, strict=True)
    ]
    (actual,) = decoder(features)
    assert actual.max() < 0
