"""The hooks of unetzoo.

A plugin is one module that implements any of them and names itself in its `pyproject.toml`:

```toml
[project.entry-points.unetzoo]
cells = "unetzoo_cells"
```

Hooks only declare: they are called when a name is first looked up, so they must be fast, import nothing heavy (refer to
classes through `unetzoo.lazy`), and not look names up themselves.
"""

from collections.abc import Iterable

from unetzoo.registry.markers import hookspec
from unetzoo.specs import (
    CommandSpec,
    DatasetSpec,
    DecoderSpec,
    EncoderFamily,
    EncoderSpec,
    EngineSpec,
    FormatSpec,
    LossSpec,
    ObjectCodingSpec,
    RecipeSpec,
)


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


@hookspec
def unetzoo_objects() -> Iterable[ObjectCodingSpec]:  # type: ignore[empty-body] # a hook's declaration
    """Yield the codings of objects that the plugin provides (since version 3 of the hooks).

    A complete plugin, `unetzoo_cells.py`:
    ```python
    import numpy
    import unetzoo
    from unetzoo.objects import Fidelity, ObjectMap, label_components, maps_of, renumber, separate_objects

    UNETZOO_HOOKS = 3

    @unetzoo.hookimpl
    def unetzoo_objects():
        yield unetzoo.ObjectCodingSpec(name="blobs", build=unetzoo.lazy("unetzoo_cells:Blobs"), summary="components")

    class Blobs(unetzoo.ObjectCoding):
        maps = (ObjectMap(name="mask", channels=("mask",), activation="sigmoid", loss="bce + dice"),)
        fidelity = Fidelity(touching=False)
        tunable = {"threshold": (0.3, 0.5, 0.7)}

        def __init__(self, *, threshold=0.5):
            self.threshold = threshold

        def halo(self, largest):
            return largest + 1

        def encode(self, ids):
            return (separate_objects(ids) > 0)[None].astype(numpy.float32)

        def weights(self, ids):
            return numpy.ones((1, *ids.shape), numpy.float32)

        def decode(self, maps):
            return renumber(label_components(maps_of(self, maps)[0] > self.threshold))
    ```
    """


@hookspec
def unetzoo_datasets() -> Iterable[DatasetSpec]:  # type: ignore[empty-body] # a hook's declaration
    """Yield the data sets that the plugin provides (since version 2 of the hooks).

    A complete plugin, `unetzoo_cells.py`:
    ```python
    import numpy
    import unetzoo

    UNETZOO_HOOKS = 2

    @unetzoo.hookimpl
    def unetzoo_datasets():
        yield unetzoo.DatasetSpec(name="discs", build=unetzoo.lazy("unetzoo_cells:Discs"), summary="bright discs")

    class Discs(unetzoo.Dataset):
        def __init__(self, *, split="train", size=32):
            super().__init__(class_names=("background", "disc"))
            self.size = size
            self.radii = {"train": (4, 8, 12), "val": (6,), "test": (5, 10)}[split]

        def __len__(self):
            return len(self.radii)

        def __getitem__(self, index):
            row, column = numpy.mgrid[: self.size, : self.size] - self.size / 2
            mask = row**2 + column**2 < self.radii[index] ** 2
            image = numpy.where(mask, 200, 50).astype(numpy.uint8)[..., None]
            return unetzoo.Sample(image, mask.astype(numpy.int64), f"radius {self.radii[index]}")
    ```
    """


@hookspec
def unetzoo_formats() -> Iterable[FormatSpec]:  # type: ignore[empty-body] # a hook's declaration
    """Yield the formats of image files that the plugin reads and writes (since version 4 of the hooks).

    A complete plugin, `unetzoo_cells.py`, for files of height and width, and then gray values of 16 bits:
    ```python
    from contextlib import contextmanager
    import numpy
    import unetzoo

    UNETZOO_HOOKS = 4

    @unetzoo.hookimpl
    def unetzoo_formats():
        yield unetzoo.FormatSpec(
            name="gray",
            endings=(".gray",),
            open=unetzoo.lazy("unetzoo_cells:open_gray"),
            create=unetzoo.lazy("unetzoo_cells:write_gray"),
            summary="gray values of 16 bits",
        )

    @contextmanager
    def open_gray(content):
        content.stream.seek(0)
        height, width = numpy.frombuffer(content.stream.read(8), "<u4").tolist()
        if content.size != 8 + 2 * height * width:
            raise unetzoo.DataError(f"{content.name} does not hold the {height} x {width} values that it announces")

        def read(window):
            content.stream.seek(8)
            values = numpy.frombuffer(content.stream.read(), "<u2")
            return values.reshape(height, width, 1)[window]

        yield unetzoo.Raster(shape=(height, width, 1), dtype=numpy.dtype("<u2"), read=read)

    def write_gray(path, result):
        with path.open("wb") as file:
            file.write(numpy.array(result.shape, "<u4").tobytes())
            for _, rows in result.blocks(256):
                file.write(rows.astype("<u2").tobytes())
    ```
    """


@hookspec
def unetzoo_engines() -> Iterable[EngineSpec]:  # type: ignore[empty-body] # a hook's declaration
    """Yield the engines that the plugin provides, which compute trained networks (since version 5 of the hooks).

    A complete plugin, `unetzoo_cells.py`, whose engine is torch, on weights that it keeps as safetensors:
    ```python
    import copy
    import torch
    import unetzoo
    from safetensors.torch import load, save

    UNETZOO_HOOKS = 5

    @unetzoo.hookimpl
    def unetzoo_engines():
        yield unetzoo.EngineSpec(
            name="plain-torch",
            convert=unetzoo.lazy("unetzoo_cells:convert"),
            start=unetzoo.lazy("unetzoo_cells:start"),
            summary="the network as it is",
        )

    def convert(model, sizes, dtype, calibration):
        return {"weights.safetensors": save({name: each.contiguous() for name, each in model.state_dict().items()})}

    def start(model, files, dtype):
        network = copy.deepcopy(model)
        network.load_state_dict(load(files["weights.safetensors"]))
        return torch.no_grad()(network)
    ```
    """


@hookspec
def unetzoo_recipes() -> Iterable[RecipeSpec]:  # type: ignore[empty-body] # a hook's declaration
    """Yield the recipes that the plugin provides (since version 6 of the hooks).

    A complete plugin, `unetzoo_cells.py`:
    ```python
    from pathlib import Path
    import unetzoo

    UNETZOO_HOOKS = 6

    @unetzoo.hookimpl
    def unetzoo_recipes():
        path = Path(__file__).with_name("thin.toml")
        yield unetzoo.RecipeSpec(name="thin", path=path, summary="thin things on plain ground")
    ```
    Beside it lies `thin.toml`; `unetzoo train data/ --recipe thin --out run` trains by it:
    ```toml
    [network]
    encoder = "plain"

    [training]
    balance = 0.5
    ```
    """


@hookspec
def unetzoo_commands() -> Iterable[CommandSpec]:  # type: ignore[empty-body] # a hook's declaration
    """Yield the commands that the plugin adds to the command line (since version 2 of the hooks).

    A complete plugin, `unetzoo_cells.py`; `unetzoo count-parts decoders` then prints a number:
    ```python
    import unetzoo

    UNETZOO_HOOKS = 2

    @unetzoo.hookimpl
    def unetzoo_commands():
        yield unetzoo.CommandSpec(
            name="count-parts", build=unetzoo.lazy("unetzoo_cells:count"), summary="count the parts of a kind"
        )

    def count(kind: str, pattern: str = "*"):
        print(len(getattr(unetzoo, f"list_{kind}")(pattern)))
    ```
    """
