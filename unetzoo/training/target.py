"""What a crop is compared with, and the loss that does it: class ids, or the maps of objects."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unetzoo.assembly import create_loss
from unetzoo.losses.first_touch import touch_constants
from unetzoo.nn.coding import UNKNOWN
from unetzoo.nn.config import ModelConfig
from unetzoo.objects.coding import ObjectCoding
from unetzoo.objects.loss import object_loss
from unetzoo.objects.target import make_target
from unetzoo.registry.objects import coding_of, count_object_classes, network_maps


@dataclass(frozen=True)
class ObjectTarget:
    """Makes the target of a crop out of class ids and the numbers of objects.

    Attributes:
        coding: of the objects.
        classes: of the objects, at least 2; 0: all are of one class.
    """

    coding: ObjectCoding
    classes: int

    def __call__(self, mask: Tensor, ids: Tensor) -> Tensor:
        """The target (c + m, h, w) of `make_target`, float32.

        Args:
            mask: (h, w) class ids, 0 is the background, `UNKNOWN` where the class is not known.
            ids: (h, w) number of each pixel's object, 0 is the background.
        """
        known = torch.where(mask == UNKNOWN, -1, ids).numpy()
        classes = mask.numpy() - 1 if self.classes else None
        return torch.from_numpy(make_target(self.coding, known, classes, self.classes))


def target_of(config: ModelConfig) -> ObjectTarget | None:
    """How the targets of a network are made; None: they are class ids."""
    if not config.objects:
        return None
    coding = coding_of(config)
    return ObjectTarget(coding, count_object_classes(config, coding))


def loss_of(config: ModelConfig, expression: str) -> nn.Module:
    """The loss of a network, for logits and a target of `target_of`.

    Args:
        config: of the network.
        expression: as `create_loss` takes it; empty, with objects: each map's own loss.

    Raises:
        OptionError, UnknownNameError, ConflictError: as `create_loss`; OptionError for one that does not suit a map.
    """
    if not config.objects:
        return create_loss(expression, ignore_index=UNKNOWN)
    touch_constants()
    return object_loss(network_maps(config), create_loss, expression=expression or None)
