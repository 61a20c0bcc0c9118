"""Prove which of timm's backbones may be inflated to volumes, and write the classes that they consist of.

`python tests/prove_inflation.py prove LOG [NAMES]` appends a line for each backbone that is not in the log yet, all of
them in hours; `python tests/prove_inflation.py write LOGS` writes `unetzoo/encoders/inflatable.json`.
"""

import copy
import json
import sys
import warnings
from pathlib import Path

import timm
import torch
from torch.nn import functional as F  # noqa: N812 - the field's name for it
from torch.overrides import TorchFunctionMode

from unetzoo.encoders.inflate import classes_of, inflate
from unetzoo.encoders.timm_build import Request, build_backbone, build_on_meta, run_backbone

TOLERANCE = 1e-5
MOST_PARAMETERS = 120e6
TABLE = Path(__file__).parents[1] / "unetzoo" / "encoders" / "inflatable.json"
SIZES = ((32, 40), (32, 64), (64, 64), (96, 96))  # depth, and height and width: the next where a backbone takes none


class DepthGoesOn(TorchFunctionMode):
    """Replaces the padding of layers along the depth by copies of the first and last slice, as if a volume went on."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        name = getattr(function, "__name__", "")
        if name == "conv3d":
            return _convolve(function, *args, **kwargs)
        if name == "avg_pool3d":
            return _mean(function, *args, **kwargs)
        if name == "pad" and args[0].ndim == 5 and len(args[1]) == 6 and kwargs.get("mode", "constant") == "constant":
            image, padding = args[0], args[1]
            image = F.pad(image, (0, 0, 0, 0, *padding[4:]), mode="replicate") if any(padding[4:]) else image
            return function(image, [*padding[:4], 0, 0], *args[2:], **kwargs)
        return function(*args, **kwargs)


def _convolve(function, image, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if padding == "same":
        padding = [rate * (side - 1) // 2 for side, rate in zip(weight.shape[2:], dilation, strict=True)]
    elif padding == "valid":
        padding = 0
    image, padding = _longer(image, padding)
    return function(image, weight, bias, stride, padding, dilation, groups)


def _mean(function, image, kernel, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor=None):
    image, padding = _longer(image, padding)
    return function(image, kernel, stride, padding, ceil_mode, count_include_pad, divisor)


def _longer(image, padding):
    depth, *others = (padding,) * 3 if isinstance(padding, int) else padding
    if depth:
        image = F.pad(image, (0, 0, 0, 0, depth, depth), mode="replicate")
    return image, (0, *others)


def backbone_of(name):
    """With random values where timm begins with 0 or 1, so that no branch is silent."""
    torch.manual_seed(0)
    backbone = build_backbone(Request(name, 3, False))
    with torch.no_grad():
        for key, values in (*backbone.named_parameters(), *backbone.named_buffers()):
            if values.is_floating_point() and values.numel() == max(values.shape, default=1):
                is_mean = key.endswith("running_mean")  # near 0, or very deep backbones amplify rounding errors to 1
                values.uniform_(-0.1, 0.1) if is_mean else values.uniform_(0.5, 1.5)
    return backbone.eval()


def inflated(backbone):
    volumetric = copy.deepcopy(backbone)
    inflate(volumetric)
    return volumetric


@torch.no_grad()
def error_of_equal_slices(backbone, volumetric, size):
    """The largest difference of maps from those of a slice, of the largest value; the volume seems endless."""
    depth, side = size
    image = _noise(backbone, side, side)
    maps = run_backbone(backbone, image)
    with DepthGoesOn():
        levels = run_backbone(volumetric, image.unsqueeze(2).expand(-1, -1, depth, -1, -1))
    for level, expected in zip(levels, maps, strict=True):
        assert level.shape[3:] == expected.shape[2:], f"maps of {[*level.shape]} for {[*expected.shape]}"
    return max(_difference(level, expected.unsqueeze(2)) for level, expected in zip(levels, maps, strict=True))


def error_of_turned_axes(volumetric, size):
    """The same for a volume with its axes turned and a network with its kernels turned; gradients must be finite."""
    depth, side = size
    volume = _noise(volumetric, depth, side, depth)
    levels = run_backbone(volumetric, volume)
    sum(level.square().mean() for level in levels).backward()
    gradients = [weight.grad for weight in volumetric.parameters() if weight.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients), "gradients are not finite"
    turned = copy.deepcopy(volumetric)
    with torch.no_grad():
        for weight in turned.parameters():
            if weight.ndim == 5:
                weight.copy_(_turn(weight).clone())
        others = run_backbone(turned, _turn(volume))
        return max(_difference(_turn(level), other) for level, other in zip(levels, others, strict=True))


def prove(name, dtype=torch.float64):
    """The larger of both errors.

    Raises:
        RuntimeError: the backbone takes no volumes, or no images.
    """
    backbone = backbone_of(name).to(dtype)
    volumetric = inflated(backbone)
    problems = []
    for size in SIZES:
        try:
            error = error_of_equal_slices(backbone, volumetric, size)
            return error if error > TOLERANCE else max(error, error_of_turned_axes(volumetric, size))
        except AssertionError:
            raise
        except Exception as problem:  # of any kind, since timm's layers see shapes that they do not expect
            problems.append(problem)
    raise RuntimeError(f"it runs at no size: {problems[0]}")


def _noise(backbone, *sides):
    dtype = next(backbone.parameters()).dtype
    return torch.randn(1, 3, *sides, generator=torch.Generator().manual_seed(0)).to(dtype)


def _turn(volume):
    return volume.permute(0, 1, 4, 2, 3)


def _difference(level, expected):
    return ((level - expected).abs().max() / expected.abs().max()).item()


def _line(name):
    entry = {"name": name}
    try:
        sketch = build_on_meta(Request(name, 3, False))
        entry["parameters"] = sum(weight.numel() for weight in sketch.parameters())
        entry["classes"] = sorted(classes_of(sketch))
        if entry["parameters"] > MOST_PARAMETERS:
            return entry | {"left_out": True}
        entry["error"] = prove(name, torch.float32)  # many times faster, and exact enough for most
        if entry["error"] > TOLERANCE:
            entry["error"] = prove(name)
    except Exception as problem:
        entry["problem"] = f"{type(problem).__name__}: {problem}"[:200]
    return entry


def _proved(entry):
    return entry.get("error", 1) < TOLERANCE


def _entries(path):
    lines = Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []
    return [json.loads(line) for line in lines]


def write(entries):
    classes = {kind for entry in entries if _proved(entry) for kind in entry["classes"]}
    failed = [entry for entry in entries if not _proved(entry) and not entry.get("left_out")]
    refused = sorted(entry["name"] for entry in failed if "classes" in entry and classes.issuperset(entry["classes"]))
    table = {"timm": timm.__version__, "classes": sorted(classes), "refused": refused}
    TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    command, log, *names = sys.argv[1:]
    if command == "prove":
        done = {entry["name"] for entry in _entries(log)}
        for name in [name for name in names or timm.list_models() if name not in done]:
            with Path(log).open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(_line(name)) + "\n")
    else:
        write([entry for path in (log, *names) for entry in _entries(path)])
