import pytest
import torch

import unetzoo
from unetzoo.errors import DataError, OptionError
from unetzoo.layers.upsample import UpsampleConcatConv
from unetzoo.planning.estimate import map_values
from unetzoo.planning.fingerprint import Fingerprint, Intensities
from unetzoo.planning.planner import plan_for
from unetzoo.planning.topology import topology_of


def _fingerprint(shape, spacing, **more):
    return Fingerprint(shapes=(shape,) * 4, spacings=(spacing,) * 4, channels=(Intensities(),), classes=3, **more)


def test_an_axis_is_halved_once_its_pixels_are_as_long_as_those_of_the_others():
    topology = topology_of((10, 64, 64), (4.0, 0.8, 0.8))  # 5 times as thick: 2.5 after one step, 1.25 after two
    assert topology.strides == ((1, 1, 1), (1, 2, 2), (1, 2, 2), (2, 2, 2), (1, 2, 2))
    assert topology.kernels == ((1, 3, 3), (1, 3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3))
    assert topology.divisors == (2, 16, 16)


@pytest.mark.parametrize(("side", "levels"), [(11, 1), (12, 2), (7, 1)])
def test_a_single_axis_needs_twelve_pixels_to_be_halved(side, levels):
    assert len(topology_of((side, 4), (1.0, 1.0)).strides) == levels


def test_the_sides_of_a_patch_become_multiples_of_what_the_levels_need():
    assert topology_of((33, 50), (1.0, 1.0)).patch == (40, 56)


@pytest.mark.parametrize(
    ("shape", "spacing"), [((40, 48), (1.0, 1.0)), ((20, 24, 28), (1.0, 1.0, 1.0)), ((6, 40, 32), (4.0, 1.0, 1.0))]
)
def test_the_estimate_counts_the_values_that_the_convolutions_of_the_network_give(shape, spacing):
    plan = plan_for(_fingerprint(shape, spacing))
    network = unetzoo.create("unet", **plan.network).eval()
    counts = []
    kinds = (torch.nn.modules.conv._ConvNd, UpsampleConcatConv)
    for module in network.modules():
        if isinstance(module, kinds):
            module.register_forward_hook(lambda _module, _inputs, output: counts.append(output.numel()))
    with torch.inference_mode():
        logits = network(torch.zeros(1, 1, *plan.patch))
    assert logits.shape == (1, 3, *plan.patch)
    assert sum(counts) == map_values(topology_of(plan.patch, plan.spacing), "plain", 3)


def test_the_network_of_a_plan_has_its_kernels_and_strides():
    plan = plan_for(_fingerprint((8, 64, 64), (4.0, 1.0, 1.0)), encoder="resenc")
    network = unetzoo.create("unet", **plan.network)
    features = network.encoder.features
    assert features.channels == plan.widths
    assert features.axis_reductions == ((1, 1, 1), (1, 2, 2), (1, 4, 4), (2, 8, 8), (2, 16, 16))
    kernels = [stage[0].conv_out.kernel_size for stage in network.encoder.stages]
    assert kernels == [*plan.kernels]


def test_more_memory_gives_a_larger_patch_or_batch():
    fingerprint = _fingerprint((200, 200, 200), (1.0, 1.0, 1.0))
    plans = [plan_for(fingerprint, memory=memory) for memory in (1, 4, 8, 40)]
    sizes = [torch.Size(plan.patch).numel() * plan.batch for plan in plans]
    assert sizes == sorted({*sizes})


def test_too_little_memory_is_one_clear_line():
    with pytest.raises(OptionError, match=r"^no patch fits in 1e-06 GB: give more memory \(--memory\)$"):
        plan_for(_fingerprint((40, 40, 40), (1.0, 1.0, 1.0)), memory=1e-6)


def test_cases_too_small_for_a_network_are_one_clear_line():
    with pytest.raises(DataError, match=r"^the median case has 5 x 7 pixels, too few for a U-Net"):
        plan_for(_fingerprint((5, 7), (1.0, 1.0)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"memory": 0}, "memory must be a number of GB > 0, got 0"),
        ({"memory": float("nan")}, "memory must be a number of GB > 0, got nan"),
        ({"encoder": "resnet34"}, "encoder must be one of plain, resenc; got 'resnet34'"),
        ({"spatial_dims": 4}, "spatial_dims must be 2 or 3, got 4"),
        ({"spatial_dims": 3}, "these are images, not volumes: plan a network over two axes, without spatial_dims=3"),
    ],
)
def test_an_invalid_option_is_one_clear_line(options, message):
    with pytest.raises(OptionError) as caught:
        plan_for(_fingerprint((64, 64), (1.0, 1.0)), **options)
    assert str(caught.value) == message
