import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

import unetzoo
from unetzoo.features import FeatureInfo
from unetzoo.inspection.anatomy import Cost
from unetzoo.inspection.dissect import dissect
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.segmenter import Decoder, Encoder, Segmenter

_PIXELS = 32 * 48
_SEED_WIDTHS = (32, 64, 128, 256, 512)


def _built(decoder, encoder, size=(64, 64), **options):
    with torch.device("meta"):
        model = unetzoo.create(decoder, encoder=encoder, **options)
    return dissect(model, size)


def _of_kind(anatomy, kind):
    return [part for part in anatomy.parts if part.kind == kind]


def _sources(anatomy):
    """The names of each part's sources, by its name."""
    return {part.name: {anatomy.parts[source].name for source in part.sources} for part in anatomy.parts}


def _parameters(*modules):
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def _sum(parts):
    return Cost(sum(part.cost.parameters for part in parts), sum(part.cost.multiply_adds for part in parts))


@pytest.fixture(scope="module")
def seed_network():
    """The U-Net of 7,759,521 parameters."""
    return _built(
        "unet",
        "plain",
        (32, 48),
        in_channels=1,
        encoder_options={"norm": "none"},
        decoder_options={"norm": "none", "upsample": "transpose"},
    )


def test_parameters_of_the_seed_network(seed_network):
    assert seed_network.total.parameters == 7_759_521


def test_encoder_levels_have_the_multiply_adds_of_their_two_convolutions(seed_network):
    levels = _of_kind(seed_network, "encoder")
    for level, (have, want) in enumerate(zip((1, *_SEED_WIDTHS), _SEED_WIDTHS, strict=False)):
        assert levels[level].cost.multiply_adds == 9 * (have * want + want * want) * _PIXELS // 4**level


def test_blocks_have_the_multiply_adds_of_a_transposed_and_two_plain_convolutions(seed_network):
    blocks = _of_kind(seed_network, "decoder")
    for block, width, reduction in zip(blocks, _SEED_WIDTHS[-2::-1], (8, 4, 2, 1), strict=True):
        pixels = _PIXELS // reduction**2
        upsampling = 4 * (2 * width) * width * pixels // 4
        assert block.cost.multiply_adds == upsampling + 9 * (2 * width + width) * width * pixels


def test_nearest_upsampling_is_counted_as_it_is_computed_with_16_instead_of_36_taps():
    anatomy = _built("unet", "plain", (320, 480), decoder_options={"widths": (256, 128, 64, 32)})
    deepest, *_ = _of_kind(anatomy, "decoder")
    taps = 16 * 512 // 4 + 9 * (256 + 256)
    making_the_kernel = 9 * 16 * 512 * 256
    assert deepest.cost.multiply_adds == taps * 256 * 100 * _PIXELS // 64 + making_the_kernel


def test_head_is_one_convolution(seed_network):
    (head,) = _of_kind(seed_network, "head")
    assert head.cost == Cost(33, 32 * _PIXELS)


def test_parts_have_channels_sizes_and_reductions(seed_network):
    actual = [(part.channels, part.reduction, part.size) for part in seed_network.parts]
    path = [(width, 2**level, (32 >> level, 48 >> level)) for level, width in enumerate(_SEED_WIDTHS)]
    assert actual == [*path, *path[-2::-1], (1, 1, (32, 48))]


def test_levels_of_a_backbone_have_the_parameters_of_its_stages():
    import timm

    net = timm.create_model("resnet34")
    stages = [(net.conv1, net.bn1), (net.layer1,), (net.layer2,), (net.layer3,), (net.layer4,)]
    levels = _of_kind(_built("unet", "resnet34"), "encoder")
    assert [level.cost.parameters for level in levels] == [_parameters(*stage) for stage in stages]


def test_multiply_adds_of_resnet34_are_those_that_timm_publishes():
    levels = _of_kind(_built("unet", "resnet34", (224, 224)), "encoder")
    published, classifier = 3.67e9, 512 * 1000
    assert _sum(levels).multiply_adds + classifier == pytest.approx(published, rel=0.002)


@pytest.mark.parametrize(
    ("decoder", "encoder"),
    [
        ("unetpp", "resnet18"),
        ("unet", "vit_tiny_patch16_224"),
        ("unet", "efficientnet_b0"),
        ("unetpp", "convnext_atto"),
    ],
)
def test_parts_and_rest_add_up_to_the_network(decoder, encoder):
    anatomy = _built(decoder, encoder)
    model = unetzoo.create(decoder, encoder=encoder)
    parts = _sum(anatomy.parts)
    assert anatomy.total.parameters == _parameters(model)
    assert parts.parameters + sum(rest.parameters for rest in anatomy.rest.values()) == _parameters(model)
    assert (
        parts.multiply_adds + sum(rest.multiply_adds for rest in anatomy.rest.values()) == anatomy.total.multiply_adds
    )


@pytest.mark.parametrize("encoder", ["resnet18", "test_vit"])
def test_without_memory_the_result_is_that_of_a_real_run(encoder):
    assert _built("unetpp", encoder) == dissect(unetzoo.create("unetpp", encoder=encoder), (64, 64))


def test_unet_takes_each_skip_and_the_block_before():
    sources = _sources(_built("unet", "resnet18"))
    assert sources == {
        "level 0": set(),
        "level 1": {"level 0"},
        "level 2": {"level 1"},
        "level 3": {"level 2"},
        "level 4": {"level 3"},
        "stages.0": {"level 4", "level 3"},
        "stages.1": {"stages.0", "level 2"},
        "stages.2": {"stages.1", "level 1"},
        "stages.3": {"stages.2", "level 0"},
        "stages.4": {"stages.3"},
        "0": {"stages.4"},
    }


def test_unetpp_is_wired_as_equation_1_of_its_paper_says():
    sources = _sources(_built("unetpp", "plain"))
    for column in range(1, 5):
        for level in range(5 - column):
            before = {_node(level, earlier) for earlier in range(column)}
            assert sources[_node(level, column)] == before | {_node(level + 1, column - 1)}


def test_nodes_of_unetpp_are_in_their_columns():
    columns = {part.name: part.column for part in _of_kind(_built("unetpp", "plain"), "decoder")}
    assert columns == {_node(level, column): column for column in range(1, 5) for level in range(5 - column)}


def test_each_supervised_output_has_its_head():
    sources = _sources(_built("unetpp", "plain", decoder_options={"deep_supervision": True}))
    assert [sources[str(head)] for head in range(4)] == [{_node(0, column)} for column in range(1, 5)]


def test_upsampling_and_concatenation_between_blocks_do_not_hide_the_wiring():
    class Functional(Decoder):
        def __init__(self, features):
            super().__init__((8,), (1,))
            shallow, deep = features.channels
            self.lateral = nn.ModuleDict({"shallow": nn.Conv2d(shallow, 8, 1), "deep": nn.Conv2d(deep, 8, 1)})
            self.fuse = nn.Conv2d(16, 8, 3, padding=1)

        def forward(self, features):
            shallow, deep = (lateral(level) for lateral, level in zip(self.lateral.values(), features, strict=True))
            return [self.fuse(torch.cat([shallow, F.interpolate(deep, scale_factor=2.0)], dim=1)).relu()]

    anatomy = dissect(_joined(Functional), (16, 16))
    sources = _sources(anatomy)
    assert sources["fuse"] == {"lateral.shallow", "lateral.deep"}
    assert sources["lateral.deep"] == {"level 1"}
    assert sources["0"] == {"fuse"}


def test_a_decoder_without_blocks_is_one_part():
    class Bare(Decoder):
        def __init__(self, features):
            super().__init__((8,), (1,))
            self.kernel = nn.Parameter(torch.zeros(8, features.channels[0], 1, 1))

        def forward(self, features):
            return [F.conv2d(features[0], self.kernel)]

    anatomy = dissect(_joined(Bare), (16, 16))
    (whole,) = _of_kind(anatomy, "decoder")
    assert whole.name == "decoder"
    assert whole.cost == Cost(8 * 4, 8 * 4 * 16 * 16)
    assert _sources(anatomy)["decoder"] == {"level 0", "level 1"}


def test_blocks_at_one_place_get_columns_of_their_own():
    class Parallel(Decoder):
        def __init__(self, features):
            super().__init__((8,), (1,))
            self.branches = nn.ModuleList(nn.Conv2d(features.channels[0], 8, 1) for _ in range(3))

        def forward(self, features):
            return [sum(branch(features[0]) for branch in self.branches)]

    anatomy = dissect(_joined(Parallel), (16, 16))
    assert [part.column for part in _of_kind(anatomy, "decoder")] == [1, 2, 3]
    assert _sources(anatomy)["0"] == {"branches.0", "branches.1", "branches.2"}


def test_a_block_that_runs_twice_has_its_parameters_once_and_its_multiply_adds_twice():
    class Shared(Decoder):
        def __init__(self, features):
            super().__init__((4,), (1,))
            self.twice = nn.Conv2d(features.channels[0], 4, 1)
            self.last = nn.Conv2d(4, 8, 1)

        def forward(self, features):
            return [self.last(self.twice(self.twice(features[0])))]

    anatomy = dissect(_joined(Shared), (16, 16))
    first, second, _ = _of_kind(anatomy, "decoder")
    assert (first.cost, second.cost) == (Cost(4 * 4 + 4, 4 * 4 * 256), Cost(0, 4 * 4 * 256))
    assert anatomy.rest["decoder"] == Cost(0, 0)


def test_a_block_of_tokens_is_passed_through_and_its_cost_counts_as_rest():
    class Tokens(Decoder):
        def __init__(self, features):
            super().__init__((8,), (1,))
            self.mix = nn.Linear(features.channels[0], 6)
            self.make = nn.Conv2d(6, 8, 1)

        def forward(self, features):
            batch, _, height, width = features[0].shape
            tokens = self.mix(features[0].flatten(2).transpose(1, 2))
            return [self.make(tokens.transpose(1, 2).reshape(batch, 6, height, width))]

    anatomy = dissect(_joined(Tokens), (16, 16))
    assert _sources(anatomy)["make"] == {"level 0"}
    assert anatomy.rest["decoder"] == Cost(4 * 6 + 6, 4 * 6 * 16 * 16)


def test_layers_of_an_encoder_that_are_not_used_are_rest():
    anatomy = dissect(_joined(_OneBlock, unused=nn.Linear(5, 7)), (16, 16))
    assert anatomy.rest["encoder"] == Cost(5 * 7 + 7, 0)


def test_the_image_is_padded_as_the_network_does():
    anatomy = _built("unet", "plain", (20, 33))
    assert [level.size for level in _of_kind(anatomy, "encoder")] == [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]


class _OneBlock(Decoder):
    def __init__(self, features):
        super().__init__((8,), (1,))
        self.conv = nn.Conv2d(features.channels[0], 8, 1)

    def forward(self, features):
        return [self.conv(features[0])]


class _TwoLevels(Encoder):
    def __init__(self, unused):
        super().__init__(FeatureInfo((4, 6), (1, 2)))
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 6, 3, stride=2, padding=1)
        self.unused = unused

    def forward(self, image):
        shallow = self.first(image)
        return [shallow, self.second(shallow)]


def _joined(decoder_class, unused=None):
    encoder = _TwoLevels(unused)
    return Segmenter(
        encoder, decoder_class(encoder.features), [nn.Conv2d(8, 1, 1)], ModelConfig(decoder="d", encoder="e")
    )


def _node(level, column):
    return f"level {level}" if column == 0 else f"nodes.{level}_{column}"
