"""What `.ci/lowest` runs: networks are created, compiled, saved, loaded and optimized."""

import copy
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

import torch

import unetzoo

ENCODER = {"encoder": "plain", "encoder_options": {"widths": (4, 8)}}


def main() -> None:
    """Try everything; an exception ends it."""
    print(*(f"{name} {version(name)}" for name in ("torch", "torchvision", "timm", "numpy", "accelerate")))
    for decoder in unetzoo.list_decoders():
        attempt(f"{decoder}: one graph", partial(compile_network, decoder, "eager", trains=False))
    attempt("unet: inductor, inference", partial(compile_network, "unet", "inductor", trains=False))
    attempt("unet: inductor, training", partial(compile_network, "unet", "inductor", trains=True))
    attempt("timm, optimize, save and load", keep)


def attempt(name: str, action: Callable[[], None]) -> None:
    """Run one action and print the seconds that it takes."""
    start = time.monotonic()
    action()
    print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)


def compile_network(decoder: str, backend: str, *, trains: bool) -> None:
    """Compile a network to one graph, and compare logits and gradients."""
    torch._dynamo.reset()
    torch.manual_seed(0)
    model = unetzoo.create(decoder, **ENCODER).train(trains)
    compiled = torch.compile(copy.deepcopy(model), fullgraph=True, backend=backend)
    image = torch.randn(2, 3, 64, 64)
    with torch.set_grad_enabled(trains):
        actual, expected = compiled(image), model(image)
    torch.testing.assert_close(actual, expected, rtol=1e-3, atol=1e-5)
    if trains:
        for logits in (actual, expected):
            logits.square().mean().backward()
        largest = max(float(parameter.grad.abs().max()) for parameter in model.parameters())
        for ours, theirs in zip(compiled.parameters(), model.parameters(), strict=True):
            torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-3, atol=largest * 1e-4)


@torch.no_grad()
def keep() -> None:
    """Save a network, load it again, and compare."""
    model = unetzoo.create("unet", encoder="resnet18").eval()
    again = unetzoo.load(unetzoo.save(model, "model"))
    image = torch.randn(1, 3, 64, 64)
    assert torch.equal(again.eval()(image), model(image))
    torch.testing.assert_close(unetzoo.optimize(model)(image), model(image), rtol=1e-3, atol=1e-4)


if __name__ == "__main__":
    main()
