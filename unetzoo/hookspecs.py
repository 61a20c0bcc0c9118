"""The hooks of unetzoo.

A plugin is one module that implements any of them and names itself in its `pyproject.toml`:

```toml
[project.entry-points.unetzoo]
cells = "unetzoo_cells"
```

The hooks only declare: they are called when names are first looked up, so nothing heavy belongs into them, and they
must not look names up themselves. What is built sits behind `unetzoo.lazy`.
"""

from collections.abc import Iterable

import pluggy

from unetzoo.specs import DecoderSpec, EncoderFamily, EncoderSpec, LossSpec

PROJECT = "unetzoo"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plugin as the implementation of the hook that has its name."""


@hookspec
def unetzoo_encoders() -> Iterable[EncoderSpec | EncoderFamily]:  # type: ignore[empty-body] # a hook's declaration
    """Yield the encoders that the plugin provides.

    A complete plugin, `unetzoo_cells.py`:
    ```python
    import torch
    import unetzoo

    @unetzoo.hookimpl
    def unetzoo_encoders():
        yield unetzoo.EncoderSpec(name="tiny", build=unetzoo.lazy("unetzoo_cells:Tiny"), summary="two convolutions")

    class Tiny(unetzoo.Encoder):
        def __init__(self, *, in_channels=3, pretrained=False, width=8):
            super().__init__(unetzoo.FeatureInfo((width, 2 * width), (1, 2)))
            self.shallow = torch.nn.Conv2d(in_channels, width, 3, padding=1)
            self.deep = torch.nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)

        def forward(self, x):
            shallow = self.shallow(x).relu()
            return [shallow, self.deep(shallow).relu()]
    ```
    """


@hookspec
def unetzoo_decoders() -> Iterable[DecoderSpec]:  # type: ignore[empty-body] # a hook's declaration
    """Yield the decoders that the plugin provides.

    A complete plugin, `unetzoo_cells.py`:
    ```python
    import torch
    import unetzoo

    @unetzoo.hookimpl
    def unetzoo_decoders():
        yield unetzoo.DecoderSpec(name="lookup", build=unetzoo.lazy("unetzoo_cells:Lookup"), summary="a 1x1 sum")

    class Lookup(unetzoo.Decoder):
        def __init__(self, features, *, width=16):
            super().__init__(out_channels=(width,), reductions=(features.reductions[0],))
            self.project = torch.nn.ModuleList(torch.nn.Conv2d(c, width, 1) for c in features.channels)

        def forward(self, features):
            size = features[0].shape[2:]
            maps = [project(level) for project, level in zip(self.project, features)]
            return [sum(torch.nn.functional.interpolate(level, size=size) for level in maps).relu()]
    ```
    """


@hookspec
def unetzoo_losses() -> Iterable[LossSpec]:  # type: ignore[empty-body] # a hook's declaration
    """Yield the losses that the plugin provides.

    A complete plugin, `unetzoo_cells.py`:
    ```python
    import torch
    import unetzoo

    @unetzoo.hookimpl
    def unetzoo_losses():
        yield unetzoo.LossSpec(name="brier", build=unetzoo.lazy("unetzoo_cells:Brier"), summary="squared error")

    class Brier(torch.nn.Module):
        def forward(self, logits, target):
            return (logits[:, 0].sigmoid() - target).square().mean()
    ```
    """
