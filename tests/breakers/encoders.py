"""A sound encoder, and for each rule of the battery one that breaks it."""

import socket

import torch
from torch import nn

import unetzoo


class Sound(unetzoo.Encoder):
    """Two levels; each breaker changes one thing."""

    def __init__(self, *, in_channels=3, pretrained=False):
        super().__init__(unetzoo.FeatureInfo((4, 8), (1, 2)))
        self.shallow = nn.Conv2d(in_channels, 4, 3, padding=1)
        self.deep = nn.Conv2d(4, 8, 3, stride=2, padding=1)

    def forward(self, image):
        shallow = self.shallow(image)
        return [shallow, self.deep(shallow.relu())]


class _OtherStride(Sound):
    def forward(self, image):
        shallow, deep = super().forward(image)
        return [shallow, deep[..., ::2]]


class _Detached(Sound):
    def forward(self, image):
        with torch.no_grad():
            shallow = self.shallow(image)
        return [shallow, self.deep(shallow.relu())]


class _ThreeChannels(Sound):
    def __init__(self, *, in_channels=3, pretrained=False):
        super().__init__()


class _Downloading(Sound):
    def __init__(self, *, in_channels=3, pretrained=False):
        super().__init__(in_channels=in_channels, pretrained=pretrained)
        with socket.socket() as connection:
            connection.connect(("127.0.0.1", 9))


class _Seeding(Sound):
    def __init__(self, *, in_channels=3, pretrained=False):
        torch.manual_seed(42)
        super().__init__(in_channels=in_channels, pretrained=pretrained)


class _OverTheBatch(Sound):
    def forward(self, image):
        return super().forward(image - image.mean(0, keepdim=True))


class _InPlace(Sound):
    def forward(self, image):
        if not image.requires_grad:
            image.mul_(0.5)
        return super().forward(image)


class _Forgetful(Sound):
    def __init__(self, *, in_channels=3, pretrained=False):
        super().__init__(in_channels=in_channels, pretrained=pretrained)
        self.scale = torch.rand(1)

    def forward(self, image):
        return [level * self.scale for level in super().forward(image)]


class _Overflow(Sound):
    def forward(self, image):
        return [level * (1.0 if level.dtype == torch.float32 else float("inf")) for level in super().forward(image)]


def _no_encoder(*, in_channels=3, pretrained=False):
    return nn.Conv2d(in_channels, 4, 1)


BREAKERS = {
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
