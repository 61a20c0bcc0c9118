"""A sound decoder, and for each rule of the battery one that breaks it."""

import socket

import torch
from torch import nn

import unetzoo


class Sound(unetzoo.Decoder):
    """The sum of all levels at one width; each breaker changes one thing."""

    def __init__(self, features):
        super().__init__((8,), features.reductions[:1])
        self.project = nn.ModuleList(nn.Conv2d(channels, 8, 1) for channels in features.channels)

    def forward(self, features):
        size = features[0].shape[2:]
        maps = [project(level) for project, level in zip(self.project, features, strict=True)]
        return [sum(nn.functional.interpolate(level, size=size) for level in maps)]


class _HalfSize(Sound):
    def forward(self, features):
        return [output[..., ::2, ::2] for output in super().forward(features)]


class _OnlyLarge(Sound):
    def forward(self, features):
        nn.functional.avg_pool2d(features[-1], 2)
        return super().forward(features)


class _WithoutDeepest(Sound):
    def forward(self, features):
        return super().forward([*features[:-1], features[-1].detach()])


class _Unused(Sound):
    def __init__(self, features):
        super().__init__(features)
        self.spare = nn.Linear(2, 2)


class _DownloadingDecoder(Sound):
    def __init__(self, features):
        socket.getaddrinfo("localhost", 80)
        super().__init__(features)


class _Threads(Sound):
    def forward(self, features):
        torch.set_num_threads(torch.get_num_threads() + 1)
        return super().forward(features)


class _Batched(Sound):
    def forward(self, features):
        return [output / output.std() for output in super().forward(features)]


class _Overwriting(Sound):
    def forward(self, features):
        if not features[0].requires_grad:
            features[0].relu_()
        return super().forward(features)


class _Stateless(Sound):
    def __init__(self, features):
        super().__init__(features)
        self.scale = torch.rand(1)

    def forward(self, features):
        return [output * self.scale for output in super().forward(features)]


class _Overflowing(Sound):
    def forward(self, features):
        (output,) = super().forward(features)
        return [output * (1.0 if output.dtype == torch.float32 else float("inf"))]


def _no_decoder(features):
    return nn.Conv2d(features.channels[0], 8, 1)


BREAKERS = {
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
