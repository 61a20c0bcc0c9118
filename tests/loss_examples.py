"""Logits and targets with which losses are compared: random ones, and those that are hard."""

import warnings

import torch

KINDS = ("random", "empty", "one class", "one class absent", "partly ignored", "wholly ignored")
IGNORED = 255


def example(mode, kind="random", *, seed=0, shape=(2, 5, 6)):
    """Logits (float64), a target and its ignore_index, for images of a shape (b, h, w)."""
    generator = torch.Generator().manual_seed(seed)
    classes = 1 if mode == "binary" else 3
    logits = torch.randn(shape[0], classes, *shape[1:], generator=generator, dtype=torch.float64) * 3
    of_target = logits.shape if mode == "multilabel" else shape
    target = torch.randint(3 if mode == "multiclass" else 2, of_target, generator=generator)
    if kind == "empty":
        target = torch.zeros_like(target)
    elif kind == "one class":
        target = torch.ones_like(target)
    elif kind == "one class absent" and mode == "multiclass":
        target = target.clamp(max=1)
    elif kind == "one class absent" and mode == "multilabel":
        target[:, 2] = 0
    elif kind == "partly ignored":
        target[..., 1:3] = IGNORED
    elif kind == "wholly ignored":
        target = torch.full_like(target, IGNORED)
    return logits, target, IGNORED if "ignored" in kind else None


def assert_same(ours, theirs, logits, tolerance=1e-6, of_gradient=1e-6):
    """Compare two losses of logits, and their gradients; the tolerances are relative, to the largest gradient."""
    values, gradients = [], []
    for loss in (ours, theirs):
        scores = logits.detach().clone().requires_grad_()
        value = loss(scores)
        values.append(value.detach())
        gradients.append(torch.autograd.grad(value, scores)[0] if value.requires_grad else torch.zeros_like(scores))
    torch.testing.assert_close(values[0], values[1], rtol=tolerance, atol=1e-12)
    largest = gradients[1].abs().max().item()
    torch.testing.assert_close(gradients[0], gradients[1], rtol=of_gradient, atol=of_gradient * largest)


def monai_losses():
    """MONAI's losses; it imports what warns of itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        import monai.losses
    return monai.losses
