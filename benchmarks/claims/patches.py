"""The sliding-window patch classifier that fully convolutional networks replaced (Ciresan et al., NIPS 2012).

A small network looks at the square patch around a pixel and says the class of that pixel. Neighboring patches overlap
nearly everywhere, so that nearly all of the work is done again and again.
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn

from unetzoo.errors import OptionError

_KERNEL, _POOL = 4, 2  # of its convolutions and its max pooling, as in the network N4 of the paper
_WIDTH, _HIDDEN = 48, 200


class PatchClassifier(nn.Module):
    """Convolutions of 4 x 4 and 48 channels, each with 2 x 2 max pooling, until no other fits; two linear layers.

    Args:
        side: of the patch in pixels, odd, at least 11.
        classes: at least 2.
        in_channels: of the image.

    Raises:
        OptionError: for a side that has no middle pixel, or is too small.
    """

    def __init__(self, side: int, *, classes: int = 2, in_channels: int = 1) -> None:
        super().__init__()
        if side % 2 == 0 or side < 11:
            raise OptionError(f"a patch has an odd side of at least 11 pixels, got {side}")
        self.side = side
        self.sides = tuple(_sides(side))
        widths = (in_channels, *(_WIDTH for _ in self.sides[1:]))
        self.convolutions = nn.ModuleList(nn.Conv2d(have, want, _KERNEL) for have, want in pairwise(widths))
        self.hidden = nn.Linear(_WIDTH * self.sides[-1] ** 2, _HIDDEN)
        self.last = nn.Linear(_HIDDEN, classes)

    def forward(self, patches: Tensor) -> Tensor:
        """Logits (b, classes) of the middle pixels of patches (b, c, side, side)."""
        maps = patches
        for convolution in self.convolutions:
            maps = torch.max_pool2d(convolution(maps), _POOL).relu()
        logits: Tensor = self.last(self.hidden(maps.flatten(1)).relu())
        return logits

    def slide(self, image: Tensor, *, batch: int = 4096) -> Tensor:
        """Logits (1, classes, h, w) of every pixel of an image (1, c, h, w), patch by patch; borders are mirrored."""
        height, width = image.shape[-2:]
        windows = self.windows(image)
        rows = max(1, batch // width)
        rows_of_logits = [self(windows[top : top + rows].flatten(0, 1)) for top in range(0, height, rows)]
        return torch.cat(rows_of_logits).T.reshape(1, -1, height, width)

    def sweep(self, image: Tensor) -> Tensor:
        """As `slide`, with every layer computed once for the whole image: dilation takes the place of strides.

        The same weights give the same logits, since what a layer sees of a pixel does not depend on the patch that it
        is seen in (Long et al. 2015, section 3.2, arXiv:1411.4038).
        """
        maps, dilation = self._padded(image), 1
        for weight, bias in (convolution.parameters() for convolution in self.convolutions):
            maps = torch.conv2d(maps, weight, bias, dilation=dilation)
            maps = torch.max_pool2d(maps, _POOL, stride=1, dilation=dilation).relu()
            dilation *= _POOL
        kernel = self.hidden.weight.reshape(_HIDDEN, _WIDTH, self.sides[-1], self.sides[-1])
        maps = torch.conv2d(maps, kernel, self.hidden.bias, dilation=dilation).relu()
        logits = torch.conv2d(maps, self.last.weight[..., None, None], self.last.bias)
        return logits[..., : image.shape[2], : image.shape[3]]  # pooling may leave a patch's last pixels unseen

    @property
    def redundant(self) -> float:
        """Share of the multiply-adds of `slide` that `sweep` does without, in the inside of an image, 0 to 1."""
        last = self.last.weight.numel() + self.hidden.weight.numel()
        each = [next(convolution.parameters()).numel() for convolution in self.convolutions]
        slid = last + sum(work * (side - _KERNEL + 1) ** 2 for work, side in zip(each, self.sides, strict=False))
        return 1 - (last + sum(each)) / slid

    def windows(self, image: Tensor) -> Tensor:
        """The patch (c, side, side) around each pixel of an image (1, c, h, w), as a view (h, w, c, side, side)."""
        return self._padded(image)[0].unfold(1, self.side, 1).unfold(2, self.side, 1).permute(1, 2, 0, 3, 4)

    def _padded(self, image: Tensor) -> Tensor:
        return nn.functional.pad(image, [self.side // 2] * 4, mode="reflect")


def _sides(side: int) -> Iterator[int]:
    """Of the maps before each convolution, and of the last ones."""
    yield side
    while side - _KERNEL + 1 >= _POOL:
        side = (side - _KERNEL + 1) // _POOL
        yield side
