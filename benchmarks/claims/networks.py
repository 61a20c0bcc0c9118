"""The trained networks behind the claims: which ones, on what, how often."""

from collections.abc import Iterator
from typing import Any

from unetzoo.bench.grid import Combination
from unetzoo.bench.store import Result

DATA = ("nuclei", "brain-tissue")
STEPS, LONG = 300, 900
"""Of a training; a long one is for augmentations, whose crops differ more and are learnt later."""

FEWER = 3
"""Seeds of networks that lie far apart."""

_SEED = 'norm="none", upsample="transpose"'
_WIDE = (35, 70, 140, 280, 560)
UNET, WIDE, NESTED, SUPERVISED = "U-Net", "wide U-Net", "U-Net++", "U-Net++, deep supervision"
RESNET_UNET = "U-Net, resnet18"
FCN = {finest: f"FCN-{finest}s, resnet18" for finest in (32, 16, 8)}
ELASTIC, NOT_ELASTIC, PLAIN = "U-Net, all augmentation", "U-Net, all but elastic", "U-Net, no augmentation"

PARTS = {
    UNET: (f"unet({_SEED}, widths=(256, 128, 64, 32))", 'plain(norm="none")'),
    WIDE: (f"unet({_SEED}, widths={_WIDE[-2::-1]})", f'plain(norm="none", widths={_WIDE})'),
    NESTED: (f"unetpp({_SEED})", 'plain(norm="none")'),
    SUPERVISED: (f"unetpp({_SEED}, deep_supervision=True)", 'plain(norm="none")'),
    RESNET_UNET: ("unet", "resnet18"),
    **{name: (f"fcn(finest={finest})", "resnet18") for finest, name in FCN.items()},
}
"""Decoder and encoder of each network; the first four are those of arXiv:1807.10165 (table 2), without norms, of 7.76,
9.28, 9.04 and 9.04 M parameters."""
AUGMENTATIONS: dict[str, dict[str, Any]] = {
    ELASTIC: {"augment": "full", "augmented": 1.0},
    NOT_ELASTIC: {"augment": "full", "augmented": 1.0, "elastic": 0.0},
    PLAIN: {"augment": "none"},
}
"""Options of the long trainings of the U-Net."""


def combinations(*, seeds: int, steps: int = STEPS, long: int = LONG) -> Iterator[tuple[str, Combination]]:
    """All trainings with the names of their networks, seed by seed.

    Args:
        seeds: how many, from 0 on, for the four networks that are closest to each other; others have at most `FEWER`.
        steps: of each training of `PARTS`, on each of `DATA`, with turned and mirrored crops.
        long: steps of each of `AUGMENTATIONS`, which see the one image of nuclei alone.
    """
    for seed in range(seeds):
        for data in DATA:
            for name in PARTS if seed < FEWER else (UNET, WIDE, NESTED, SUPERVISED):
                yield name, _combination(PARTS[name], data, seed, steps, {"augment": "flips"})
        for name, options in AUGMENTATIONS.items() if seed < FEWER else ():
            yield name, _combination(PARTS[UNET], "nuclei", seed, long, options)


def _combination(parts: tuple[str, str], data: str, seed: int, steps: int, training: dict[str, Any]) -> Combination:
    decoder, encoder = parts
    return Combination(
        decoder=decoder,
        encoder=encoder,
        loss="dice + ce",
        data=data,
        seed=seed,
        steps=steps,
        batch=4,
        crop=64,
        training={"learning_rate": 3e-4, "epochs": 2, **training},
    )


def measure_accuracy(combination: Combination) -> Result:
    """Train and evaluate, a U-Net++ at each of its levels; not the speed, which runs beside it would blur."""
    from unetzoo.bench.measure import nested, train
    from unetzoo.evaluation.evaluate import evaluate

    trained = train(combination)
    mean = evaluate(trained.model, trained.held_out).mean
    return {
        **trained.origin,
        "accuracy": {"mean": {name: score.value for name, score in mean.items()}},
        "parameters": _parameters(trained.model),
        "pruned": [
            {
                "level": level,
                "mean IoU": evaluate(smaller, trained.held_out).mean["IoU"].value,
                "parameters": _parameters(smaller),
            }
            for level, smaller in nested(trained.model).items()
        ],
    }


def _parameters(model: Any) -> int:  # noqa: ANN401 - a Segmenter, which needs torch
    return sum(parameter.numel() for parameter in model.parameters())
