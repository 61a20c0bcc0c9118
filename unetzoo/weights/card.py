"""The model card: what a network is, and how to use it."""

import re

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.texts import code, markdown, printable
from unetzoo.layers.axes import AXES
from unetzoo.nn.config import ModelConfig, is_sigmoid
from unetzoo.nn.info import ModelInfo, steps_for
from unetzoo.nn.normalization import is_relative, text_of
from unetzoo.nn.segmenter import Segmenter
from unetzoo.weights.files import PICTURE
from unetzoo.weights.lineage import base_model_of, begins_with_folder

_LIBRARY, _TASK = "unetzoo", "image-segmentation"


def card_of(model: Segmenter, config: ModelConfig, *, repo_id: str | None = None, has_picture: bool = False) -> str:
    """The text of README.md, which begins with metadata for the Hub.

    Args:
        model: the network.
        config: its configuration, with the license if `config.info.license` states one.
        repo_id: the repository; None: it is only in a folder.
        has_picture: whether the picture of a prediction lies beside the card.
    """
    from huggingface_hub import EvalResult, ModelCardData

    info = config.info
    results = [
        EvalResult(
            task_type=_TASK,
            dataset_type="custom",
            dataset_name="the data of its author",
            metric_type=name.lower().replace(" ", "_"),
            metric_name=name,
            metric_value=value,
        )
        for name, value in info.metrics.items()
    ]
    data = ModelCardData(
        library_name=_LIBRARY,
        pipeline_tag=_TASK,
        tags=[_LIBRARY, "instance-segmentation" if config.objects else "semantic-segmentation", config.decoder],
        license=info.license or None,
        base_model=base_model_of(info),
        model_name=f"{config.decoder} with {config.encoder}" if results else None,
        eval_results=results or None,
    )
    text = f"{_text(model, config, has_picture)}\n\n{_use(config, repo_id)}\n{_recipe(info)}"
    return f"---\n{data.to_yaml()}\n---\n\n{text}"


def _text(model: Segmenter, config: ModelConfig, has_picture: bool) -> str:
    parameters = sum(parameter.numel() for parameter in model.parameters())
    axes = AXES[config.spatial_dims].sizes
    rows = {
        "decoder": f"{code(config.decoder)}{_options(config.decoder_options)}",
        "encoder": f"{code(config.encoder)}{_options(config.encoder_options)}",
        "input": f"(b, {config.in_channels}, {axes}), any {axes.replace(', w', ' and w')}{_images(config)}",
        "objects": f"{code(config.objects)}{_options(config.objects_options)}" if config.objects else "",
        "output": f"logits (b, {config.classes}, {axes}), before any softmax or sigmoid",
        "classes": ", ".join(map(markdown, config.info.class_names)),
        "labels": _labels(config),
        "channels": ", ".join(map(markdown, config.info.channel_names)),
        "parameters": f"{parameters:,}",
        "began with": ", ".join(map(markdown, config.info.lineage)),
        "provided by": ", ".join(markdown(f"{kind}: {provider}") for kind, provider in config.providers.items()),
        **{markdown(name): f"{value:.4g}" for name, value in config.info.metrics.items()},
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items() if value)
    picture = f"![a prediction]({PICTURE})\n\n" if has_picture else ""
    return f"# {markdown(config.decoder)} with {markdown(config.encoder)}\n\n{picture}| | |\n|---|---|\n{table}"


def _labels(config: ModelConfig) -> str:
    """How classes relate, where they do not exclude one another."""
    if config.labels == "exclusive":
        return ""
    nested = " contains ".join(map(markdown, config.info.nested))
    limits = ", ".join(f"{value:.4g}" for value in config.info.thresholds) or "0.5"
    return f"may overlap: sigmoid of each logit, above {limits}{nested and '; ' + nested}"


def _recipe(info: ModelInfo) -> str:
    """The recipe of the training, in a fence that its text does not close; empty without one."""
    text = info.recipe
    if not text:
        return ""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    shown = printable(text.strip(), keep="\n")
    start = ""
    if begins_with_folder(info):
        start = f", with `--from` and the network that it began with, {markdown(info.lineage[0])}"
    return (
        "\n## Recipe\n\nThis file makes the training again, as `unetzoo train DATA --recipe recipe.toml --out run`"
        f"{start}:\n\n{fence}toml\n{shown}\n{fence}\n"
    )


def _options(options: object) -> str:
    return f" with {code(str(options))}" if options else ""


def _images(config: ModelConfig) -> str:
    info = config.info
    if not info.value_range:
        return ", values from 0 to 1"
    types = f" ({', '.join(map(markdown, info.image_dtypes))})" if info.image_dtypes else ""
    return f", values from {info.value_range[0]:g} to {info.value_range[1]:g}{types}, normalized as below"


def _use(config: ModelConfig, repo_id: str | None) -> str:
    """How to use the network, with images and with tensors."""
    if config.objects:
        return _use_objects(config, repo_id)
    if config.spatial_dims != 2:
        channels = _channels(config)
        return f"""The probability of each class at each voxel of a volume, an array (d, h, w{channels}) of any size:

```python
import unetzoo

model = {_source(repo_id)}
probabilities = unetzoo.predict(model, volume)  # ({config.classes}, d, h, w)
```

The same for tensors `images` (b, {config.in_channels}, d, h, w), float32, without blocks:

```python
import torch

{_computed(config)}
```"""
    if config.info.slices:
        return _use_volumes(config, repo_id)
    channels = _channels(config)
    return f"""The probability of each class at each pixel of an image, a NumPy array (h, w{channels}) of any size:

```python
import unetzoo

model = {_source(repo_id)}
probabilities = unetzoo.predict(model, image)  # ({config.classes}, h, w)
```

The same for tensors `images` (b, {config.in_channels}, h, w), float32, without tiles:

```python
import torch

{_computed(config)}
```"""


def _computed(config: ModelConfig) -> str:
    """The lines that compute `probabilities` from tensors `images`."""
    activation = "sigmoid()" if is_sigmoid(config) else "softmax(1)"
    return f"""{_normalized(config)}
with torch.no_grad():
    logits = model(images)
probabilities = logits.{activation}"""


def _use_objects(config: ModelConfig, repo_id: str | None) -> str:
    """How to use a network of objects with images."""
    return f"""The objects of an image, a NumPy array (h, w{_channels(config)}) of any size:

```python
import unetzoo

model = {_source(repo_id)}
objects = unetzoo.predict_objects(model, image)  # (h, w): 1 to n, 0 where there is none
maps = unetzoo.predict(model, image)  # ({config.classes}, h, w), from which they come
```"""


def _use_volumes(config: ModelConfig, repo_id: str | None) -> str:
    """How to use a network that was trained on the slices of volumes."""
    info, channels = config.info, config.in_channels // config.info.slices
    axes = "d, h, w" if channels == 1 else f"d, h, w, {channels}"
    seen = f"{info.slices} neighboring slices" if info.slices > 1 else "each slice"
    return f"""The probability of each class at each voxel of a volume, a NumPy array ({axes}),
of which the network sees {seen} along {info.slice_axis}:

```python
import unetzoo

model = {_source(repo_id)}
probabilities = unetzoo.predict_volume(model, volume)  # ({config.classes}, d, h, w)
```"""


def _source(repo_id: str | None) -> str:
    return f'unetzoo.pull("{repo_id}")' if repo_id else 'unetzoo.load("FOLDER")'


def _channels(config: ModelConfig) -> str:
    return "" if config.in_channels == 1 else f", {config.in_channels}"


def _normalized(config: ModelConfig) -> str:
    """The line that normalizes `images`, whose values are as `value_range` says, or from 0 to 1."""
    kinds, axes = config.info.normalization, config.spatial_dims
    if {*kinds} == {"z-score"}:
        space = tuple(range(2, 2 + axes))
        return (
            f"mean, std = images.mean({space}, keepdim=True), images.std({space}, keepdim=True, correction=0)\n"
            "images = (images - mean) / std  # whole images, not parts of them"
        )
    if any(map(is_relative, kinds)):
        return f"# each channel of whole images is normalized before: {'; '.join(map(text_of, kinds))}"
    steps = steps_for(config.info, np.dtype(np.float32))
    low, high, shift, scale = (_tensor(values, axes) for values in steps)
    seen = f"images.clamp({low}, {high})" if steps.clips else "images"
    return f"images = ({seen} - {shift}) * {scale}"


def _tensor(values: NDArray[np.float64], axes: int) -> str:
    """Code for exactly these numbers as float32, one for each channel of images with so many axes."""
    numbers = ", ".join(f"{np.nan_to_num(np.float32(value)):.9g}" for value in values)
    return numbers if len(values) == 1 else f"torch.tensor([{numbers}]).view(-1{', 1' * axes})"
