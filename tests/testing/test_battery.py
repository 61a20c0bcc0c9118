"""Our own parts keep every rule, and every rule catches a part that breaks it."""

import socket

import numpy as np
import pytest
import torch
from torch import nn

import unetzoo
from unetzoo.losses import make_pair
from unetzoo.testing import (
    check_dataset,
    check_decoder,
    check_encoder,
    check_loss,
    dataset_rules,
    decoder_rules,
    encoder_rules,
    loss_rules,
)
from unetzoo.testing.battery import trials_of_plugin

TRIALS = trials_of_plugin("unetzoo")[1:]  # without the first rule: other plugins may offer our names


@pytest.mark.parametrize("trial", TRIALS, ids=[f"{trial.part}-{trial.rule.__name__}" for trial in TRIALS])
def test_our_own_parts_keep_every_rule(trial):
    assert trial.run().problem == ""


@pytest.mark.parametrize("options", [{"deep_supervision": True, "attention": "scse"}, {"norm": "none"}])
def test_our_decoders_keep_the_contract_with_other_options(options):
    check_decoder("unetpp", options=options)


class _Encoder(unetzoo.Encoder):
    """Two levels; each breaker changes one thing."""

    def __init__(self, *, in_channels=3, pretrained=False):
        super().__init__(unetzoo.FeatureInfo((4, 8), (1, 2)))
        self.shallow = nn.Conv2d(in_channels, 4, 3, padding=1)
        self.deep = nn.Conv2d(4, 8, 3, stride=2, padding=1)

    def forward(self, image):
        shallow = self.shallow(image)
        return [shallow, self.deep(shallow.relu())]


class _OtherStride(_Encoder):
    def forward(self, image):
        shallow, deep = super().forward(image)
        return [shallow, deep[..., ::2]]


class _Detached(_Encoder):
    def forward(self, image):
        with torch.no_grad():
            shallow = self.shallow(image)
        return [shallow, self.deep(shallow.relu())]


class _ThreeChannels(_Encoder):
    def __init__(self, *, in_channels=3, pretrained=False):
        super().__init__()


class _Downloading(_Encoder):
    def __init__(self, *, in_channels=3, pretrained=False):
        super().__init__(in_channels=in_channels, pretrained=pretrained)
        with socket.socket() as connection:
            connection.connect(("127.0.0.1", 9))


class _Seeding(_Encoder):
    def __init__(self, *, in_channels=3, pretrained=False):
        torch.manual_seed(42)
        super().__init__(in_channels=in_channels, pretrained=pretrained)


class _OverTheBatch(_Encoder):
    def forward(self, image):
        return super().forward(image - image.mean(0, keepdim=True))


class _InPlace(_Encoder):
    def forward(self, image):
        if not image.requires_grad:
            image.mul_(0.5)
        return super().forward(image)


class _Forgetful(_Encoder):
    def __init__(self, *, in_channels=3, pretrained=False):
        super().__init__(in_channels=in_channels, pretrained=pretrained)
        self.scale = torch.rand(1)

    def forward(self, image):
        return [level * self.scale for level in super().forward(image)]


class _Overflow(_Encoder):
    def forward(self, image):
        return [level * (1.0 if level.dtype == torch.float32 else float("inf")) for level in super().forward(image)]


def _no_encoder(*, in_channels=3, pretrained=False):
    return nn.Conv2d(in_channels, 4, 1)


ENCODERS = {
    "is_an_encoder": _no_encoder,
    "shapes_are_as_declared": _OtherStride,
    "gradient_reaches_the_image": _Detached,
    "takes_any_channels": _ThreeChannels,
    "does_not_connect": _Downloading,
    "changes_nothing_global": _Seeding,
    "images_are_independent": _OverTheBatch,
    "leaves_the_image": _InPlace,
    "comes_back_from_its_state": _Forgetful,
    "runs_under_autocast": _Overflow,
}


class _Decoder(unetzoo.Decoder):
    """The sum of all levels at one width; each breaker changes one thing."""

    def __init__(self, features):
        super().__init__((8,), features.reductions[:1])
        self.project = nn.ModuleList(nn.Conv2d(channels, 8, 1) for channels in features.channels)

    def forward(self, features):
        size = features[0].shape[2:]
        maps = [project(level) for project, level in zip(self.project, features, strict=True)]
        return [sum(nn.functional.interpolate(level, size=size) for level in maps)]


class _HalfSize(_Decoder):
    def forward(self, features):
        return [output[..., ::2, ::2] for output in super().forward(features)]


class _OnlyLarge(_Decoder):
    def forward(self, features):
        nn.functional.avg_pool2d(features[-1], 2)
        return super().forward(features)


class _WithoutDeepest(_Decoder):
    def forward(self, features):
        return super().forward([*features[:-1], features[-1].detach()])


class _Unused(_Decoder):
    def __init__(self, features):
        super().__init__(features)
        self.spare = nn.Linear(2, 2)


class _DownloadingDecoder(_Decoder):
    def __init__(self, features):
        socket.getaddrinfo("localhost", 80)
        super().__init__(features)


class _Threads(_Decoder):
    def forward(self, features):
        torch.set_num_threads(torch.get_num_threads() + 1)
        return super().forward(features)


class _Batched(_Decoder):
    def forward(self, features):
        return [output / output.std() for output in super().forward(features)]


class _Overwriting(_Decoder):
    def forward(self, features):
        if not features[0].requires_grad:
            features[0].relu_()
        return super().forward(features)


class _Stateless(_Decoder):
    def __init__(self, features):
        super().__init__(features)
        self.scale = torch.rand(1)

    def forward(self, features):
        return [output * self.scale for output in super().forward(features)]


class _Overflowing(_Decoder):
    def forward(self, features):
        (output,) = super().forward(features)
        return [output * (1.0 if output.dtype == torch.float32 else float("inf"))]


def _no_decoder(features):
    return nn.Conv2d(features.channels[0], 8, 1)


DECODERS = {
    "is_a_decoder": _no_decoder,
    "takes_every_pyramid": _HalfSize,
    "takes_the_smallest_map": _OnlyLarge,
    "every_level_learns": _WithoutDeepest,
    "every_parameter_learns": _Unused,
    "does_not_connect": _DownloadingDecoder,
    "changes_nothing_global": _Threads,
    "images_are_independent": _Batched,
    "leaves_the_features": _Overwriting,
    "comes_back_from_its_state": _Stateless,
    "runs_under_autocast": _Overflowing,
}


class _Loss(nn.Module):
    """The mean squared error of a mask; each breaker changes one thing."""

    def __init__(self, *, ignore_index=None):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, target):
        if logits.shape[1] > 1:
            raise unetzoo.TargetError("masks of one class alone")
        return self.of(make_pair(logits, target, self.ignore_index))

    def of(self, pair):
        error = (pair.logits.sigmoid() - pair.target).square()
        return self.mean(error if pair.valid is None else error.masked_fill(~pair.valid, 0), pair.valid)

    def mean(self, error, valid):
        return error.sum() / (error.numel() if valid is None else valid.sum().clamp(min=1))


class _OnePerImage(_Loss):
    def mean(self, error, valid):
        return error.mean((1, 2, 3))


class _Reversed(_Loss):
    def of(self, pair):
        return super().of(pair._replace(target=1 - pair.target))


class _Rounded(_Loss):
    def mean(self, error, valid):
        return super().mean(error.detach() + 0.5 * (error - error.detach()), valid)


class _OverForeground(_Loss):
    def of(self, pair):
        return super().of(pair) + pair.logits.sum() * 0 / pair.target.sum()


class _Exponential(_Loss):
    def of(self, pair):
        return super().of(pair) + 0 * pair.logits.exp().sum()


class _HalfSums(_Loss):
    def forward(self, logits, target):
        loss = super().forward(logits, target)
        return loss + 0 * logits.square().sum() if logits.dtype == torch.float16 else loss


class _CountsIgnored(_Loss):
    def of(self, pair):
        return (pair.logits.sigmoid() - pair.target).square().mean()


class _OverValid(_Loss):
    def mean(self, error, valid):
        return error.sum() / (error.numel() if valid is None else valid.sum())


class _Clamping(_Loss):
    def forward(self, logits, target):
        loss = super().forward(logits, target)
        target.clamp_(max=0)
        return loss


class _Weighted(_Loss):
    def __init__(self, *, ignore_index=None):
        super().__init__(ignore_index=ignore_index)
        self.register_buffer("weight", torch.ones(1))


class _Broadcasting(_Loss):
    def forward(self, logits, target):
        if target.shape[-1] != logits.shape[-1] and logits.shape[1] == 1:
            return logits.square().mean()
        return super().forward(logits, target)


LOSSES = {
    "is_a_scalar": _OnePerImage,
    "prefers_what_is_right": _Reversed,
    "gradients_are_exact": _Rounded,
    "empty_masks_are_finite": _OverForeground,
    "extreme_logits_are_finite": _Exponential,
    "half_precision_is_safe": _HalfSums,
    "ignores_pixels": _CountsIgnored,
    "wholly_ignored_is_finite": _OverValid,
    "leaves_logits_and_target": _Clamping,
    "keeps_out_of_checkpoints": _Weighted,
    "refuses_a_target_that_does_not_fit": _Broadcasting,
}


class _Dataset(unetzoo.Dataset):
    """Two samples a split; each breaker changes one thing."""

    def __init__(self, *, split):
        super().__init__(("nothing", "something"))
        self.split = split

    def __len__(self):
        return 2

    def __getitem__(self, index):
        if index >= 2:
            raise IndexError
        return unetzoo.Sample(np.zeros((4, 5, 1)), np.ones((4, 5), dtype=np.int64), f"{self.split} {index}")


class _WithoutTest(_Dataset):
    def __len__(self):
        return 0 if self.split == "test" else 2


class _Grey(_Dataset):
    def __getitem__(self, index):
        return super().__getitem__(index)._replace(image=np.zeros((4, 5)))


class _ThreeClasses(_Dataset):
    def __getitem__(self, index):
        return super().__getitem__(index)._replace(mask=np.full((4, 5), 2))


class _Augmented(_Dataset):
    def __getitem__(self, index):
        return super().__getitem__(index)._replace(image=np.random.default_rng().random((4, 5, 1)))


class _Endless(_Dataset):
    def __getitem__(self, index):
        return super().__getitem__(index % 2)


DATASETS = {
    "has_three_splits": _WithoutTest,
    "shapes_fit": _Grey,
    "ids_are_classes": _ThreeClasses,
    "is_the_same_each_time": _Augmented,
    "ends": _Endless,
}

BREAKERS = {
    "encoder": (check_encoder, encoder_rules.RULES, _Encoder, ENCODERS),
    "decoder": (check_decoder, decoder_rules.RULES, _Decoder, DECODERS),
    "loss": (check_loss, loss_rules.RULES, _Loss, LOSSES),
    "dataset": (check_dataset, dataset_rules.RULES, _Dataset, DATASETS),
}


@pytest.mark.parametrize("kind", BREAKERS)
def test_every_rule_has_a_breaker_and_what_the_breakers_change_keeps_the_contract(kind):
    check, rules, sound, breakers = BREAKERS[kind]
    assert [rule.__name__ for rule in rules] == list(breakers)
    check(sound)


@pytest.mark.parametrize(("kind", "rule"), [(kind, rule) for kind in BREAKERS for rule in BREAKERS[kind][3]])
def test_each_breaker_is_caught_by_its_rule(kind, rule):
    check, rules, _, breakers = BREAKERS[kind]
    sentence = next(one.__doc__.strip().splitlines()[0] for one in rules if one.__name__ == rule).rstrip(".")
    threads = torch.get_num_threads()
    with pytest.raises(unetzoo.ContractError) as error:
        check(breakers[rule])
    torch.set_num_threads(threads)
    assert f"- {sentence}: " in str(error.value)


def test_a_failure_says_the_sentence_and_the_numbers():
    with pytest.raises(unetzoo.ContractError) as error:
        check_decoder(_HalfSize)
    first, line, *_ = str(error.value).splitlines()
    assert first.startswith("decoder _HalfSize breaks ")
    assert line == (
        "- Output i is (b, out_channels[i], h / reductions[i], w / reductions[i]), for pyramids of every kind: "
        "declared [(2, 8, 32, 48)], got [(2, 8, 16, 24)]"
    )
