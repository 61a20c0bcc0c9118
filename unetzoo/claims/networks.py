"""The trained networks behind the claims: which ones, on what, how often."""

from collections.abc import Iterator, Mapping
from typing import Any

from unetzoo.leaderboard.grid import Combination
from unetzoo.leaderboard.runner import Result, measure_combination

DATA = ("nuclei", "brain-tissue")

_SEED = 'norm="none", upsample="transpose"'
UNET, WIDE, NESTED, SUPERVISED = "U-Net", "wide U-Net", "U-Net++", "U-Net++, deep supervision"
NOT_ELASTIC, PLAIN = "U-Net, nothing elastic", "U-Net, no augmentation"
RESNET_UNET = "U-Net, resnet18"
FCN = {finest: f"FCN-{finest}s, resnet18" for finest in (32, 16, 8)}

_WIDE = (35, 70, 140, 280, 560)
_PARTS = {
    UNET: (f"unet({_SEED}, widths=(256, 128, 64, 32))", 'plain(norm="none")'),
    WIDE: (f"unet({_SEED}, widths={_WIDE[-2::-1]})", f'plain(norm="none", widths={_WIDE})'),
    NESTED: (f"unetpp({_SEED})", 'plain(norm="none")'),
    SUPERVISED: (f"unetpp({_SEED}, deep_supervision=True)", 'plain(norm="none")'),
    RESNET_UNET: ("unet", "resnet18"),
    **{name: (f"fcn(finest={finest})", "resnet18") for finest, name in FCN.items()},
}
_TRAINING: Mapping[str, Mapping[str, Any]] = {NOT_ELASTIC: {"elastic": 0.0}, PLAIN: {"augment": "none"}}
NAMES = (*_PARTS, *_TRAINING)
"""Of all networks; those of other trainings have the parts of `UNET`."""


def combination(name: str, *, data: str, seed: int, steps: int) -> Combination:
    """One network of `NAMES`, on one of `DATA`.

    The first four are those of arXiv:1807.10165 (table 2), without norms, of 7.76, 9.28, 9.04 and 9.04 M parameters.
    """
    decoder, encoder = _PARTS.get(name, _PARTS[UNET])
    return Combination(
        decoder=decoder,
        encoder=encoder,
        loss="dice + ce",
        data=data,
        seed=seed,
        steps=steps,
        batch=4,
        crop=64,
        training={"learning_rate": 3e-4, "epochs": 4, **_TRAINING.get(name, {})},
    )


def combinations(*, seeds: int, steps: int) -> Iterator[tuple[str, Combination]]:
    """All of them with their names, seed by seed."""
    for seed in range(seeds):
        for data in DATA:
            for name in NAMES:
                yield name, combination(name, data=data, seed=seed, steps=steps)


def measure_accuracy(one: Combination) -> Result:
    """Train and evaluate; without the speed, which other runs at the same time would blur, and without pictures."""
    found = measure_combination(one)
    kept = {name: found[name] for name in ("combination", "machine", "date", "steps", "training seconds")}
    levels = [{name: level[name] for name in ("level", "mean IoU", "parameters")} for level in found["pruned"]]
    mean = {"mean": found["accuracy"]["mean"]}
    return {**kept, "accuracy": mean, "parameters": found["speed"]["parameters"], "pruned": levels}
