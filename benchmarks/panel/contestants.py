"""Who takes part: a plain loop over smp's network and over this project's, and `fit` with some options changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SMP, PLAIN, FIT = "smp, plain loop", "plain loop", "fit"


@dataclass(frozen=True)
class Looped:
    """A plain loop.

    Attributes:
        smp: whether over segmentation_models_pytorch's network, or this project's.
        rate: highest learning rate of its cycle; the lower one is the default of `fit` for wide networks.
    """

    smp: bool
    rate: float = 1e-3


@dataclass(frozen=True)
class Fitted:
    """`fit` with some of its options.

    Attributes:
        options: of `FitOptions`, beside budget and seed.
        holds_out: whether `fit` holds a fifth of the images out for validation, its default; otherwise it trains on
            all, as the plain loops do, and gives the last network.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    holds_out: bool = True


LOOPS: Mapping[str, Looped] = {
    SMP: Looped(smp=True),
    PLAIN: Looped(smp=False),
    f"{SMP}, rate 3e-3": Looped(smp=True, rate=3e-3),
    f"{PLAIN}, rate 3e-3": Looped(smp=False, rate=3e-3),
    f"{PLAIN}, rate 6e-3": Looped(smp=False, rate=6e-3),
}
FITTED: Mapping[str, Fitted] = {
    FIT: Fitted(),
    "fit, flips": Fitted({"augment": "flips"}),
    "fit, mirrored alone": Fitted({"augmented": 0.0}),
    "fit, all crops augmented": Fitted({"augmented": 1.0}),
    "fit, no augmentation": Fitted({"augment": "none"}),
    "fit, not elastic": Fitted({"elastic": 0.0}),
    "fit, no average": Fitted({"average": 0.0}),
    "fit, no balance": Fitted({"balance": 0.0}),
    "fit, all images": Fitted(holds_out=False),
    "fit, rate 1e-3": Fitted({"learning_rate": 1e-3}),
    "fit, rate 3e-3": Fitted({"learning_rate": 3e-3}),
    "fit, rate 1e-3, warm-up 0.05": Fitted({"learning_rate": 1e-3, "warm_up": 0.05}),
    "fit, rate 3e-3, warm-up 0.05": Fitted({"learning_rate": 3e-3, "warm_up": 0.05}),
    "fit, flips, no average, no balance, all images": Fitted(
        {"augment": "flips", "average": 0.0, "balance": 0.0}, holds_out=False
    ),
}
"""By name; the last one differs from the plain loop in little but the schedule of its learning rate."""
CONTESTANTS = (*LOOPS, *FITTED)
