"""Begin with the weights of a trained network, as far as they fit another one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from unetzoo._utils.texts import count_of
from unetzoo.errors import OptionError
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.unwrap import bare_names
from unetzoo.nn.wrapped import segmenter_of
from unetzoo.weights.inherit_heads import inherit_heads
from unetzoo.weights.inherit_kernels import resampled_kernels
from unetzoo.weights.inherit_stem import adapt_stem
from unetzoo.weights.lineage import lineage_of
from unetzoo.weights.rebuilt import bare_state

_SHOWN = 3
_TENSOR = "tensor"


@dataclass(frozen=True)
class Inheritance:
    """What a network has of a trained one; see `inherit`.

    Attributes:
        lineage: the trained network and those that it began with itself, the nearest first, as in `ModelInfo.lineage`.
        carried: names of the tensors that are those of the trained network.
        adapted: names of those of which a part is: rows of classes, or filters of channels; and of resampled kernels.
        fresh: names of those that are initialized as in any new network.
        dropped: names of the tensors of the trained network that have no place in the new one.
        notes: the same for people, a line for each part of the network.
    """

    lineage: tuple[str, ...]
    carried: tuple[str, ...]
    adapted: tuple[str, ...]
    fresh: tuple[str, ...]
    dropped: tuple[str, ...]
    notes: tuple[str, ...]


def inherit(
    model: Segmenter, trained: Segmenter, *, class_names: Sequence[str] = (), channel_names: Sequence[str] = ()
) -> Inheritance:
    """Give a new network the weights of a trained one, in place, as far as they fit.

    The encoder must be the same; its convolutions of the image are gathered by the names of the channels where both
    networks know them. The filter of any other channel is the mean of the trained filters, and all are scaled by the
    old number of channels over the new one, so that an image that is the same in all channels gives the same response.
    Depthwise kernels of other sides are resampled (UpKern, arXiv:2303.09975), for a MedNeXt with larger kernels.
    A decoder is carried as a whole or not at all. Of the heads, logits of classes (or maps of objects) with the same
    names are carried. Everything else stays as it is.

    Args:
        model: the new network.
        trained: what it takes over; `config.info` has the names of its classes and channels.
        class_names: of the new network: one a logit, or two for a single logit; empty: those of its `config.info`.
        channel_names: of the channels of its images; empty: those of its `config.info`.

    Raises:
        OptionError: the encoders differ, or have tensors that do not fit; nothing has changed then.
    """
    model, trained = segmenter_of(model, "trained"), segmenter_of(trained, "trained further")
    _check_encoders(model, trained)
    ours, theirs = bare_state(model), bare_state(trained)
    names = tuple(channel_names) or tuple(model.config.info.channel_names)
    encoder = adapt_stem(model.config, _part("encoder.", ours), trained.config, _part("encoder.", theirs), names)
    kernels = resampled_kernels(_part("encoder.", ours), theirs)
    values: dict[str, Tensor] = {**kernels, **encoder.values}
    _check_fits(trained, _part("encoder.", ours), _part("encoder.", theirs), values)
    adapted, notes = {*kernels, *encoder.adapted}, [encoder.note]
    if kernels:
        notes.append(f"encoder {model.config.encoder}: {count_of(len(kernels), 'depthwise kernel')} resampled")
    decoder, why_not = _decoder(model, trained, ours, theirs)
    values |= decoder
    notes.append(f"decoder {model.config.decoder}: {why_not or f'all {count_of(len(decoder), _TENSOR)} carried'}")
    if why_not:
        notes.append("heads: fresh, since the decoder is")
    else:
        heads = inherit_heads(model, trained, tuple(class_names) or tuple(model.config.info.class_names))
        values |= heads.values
        adapted |= heads.adapted
        notes.append(heads.note)
    notes += _image_head(model, trained, ours, theirs, values)
    full_names = bare_names(model)
    model.load_state_dict({full: values.get(name, ours[name]) for full, name in full_names.items()})
    return Inheritance(
        lineage=lineage_of(trained),
        carried=tuple(name for name in ours if name in values and name not in adapted),
        adapted=tuple(name for name in ours if name in adapted),
        fresh=tuple(name for name in ours if name not in values),
        dropped=tuple(name for name in theirs if name not in values),
        notes=tuple(notes),
    )


def _part(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if name.startswith(prefix)}


def _check_encoders(model: Segmenter, trained: Segmenter) -> None:
    ours, theirs = model.config.encoder, trained.config.encoder
    if ours.rpartition(":")[2] != theirs.rpartition(":")[2]:
        raise OptionError(
            f"the trained network has the encoder {theirs!r}, the new one {ours!r}: a training that begins with it "
            f"needs its encoder; create the network with encoder={theirs!r}"
        )


def _check_fits(
    trained: Segmenter, ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor], values: Mapping[str, Tensor]
) -> None:
    """Raise OptionError unless each tensor of the encoder has a value."""
    absent = [name for name in ours if name not in theirs]
    misfits = [
        f"{name} ({list(theirs[name].shape)} there, {list(tensor.shape)} here)"
        for name, tensor in ours.items()
        if name in theirs and name not in values
    ]
    if absent or misfits:
        kinds = {"missing there": absent, "of another shape": misfits}
        differences = "; ".join(f"{len(names)} {kind}: {_listed(names)}" for kind, names in kinds.items() if names)
        options = f"in_channels={trained.config.in_channels}, encoder_options={dict(trained.config.encoder_options)}"
        raise OptionError(
            f"the encoder of the trained network ({options}) has other tensors than the new one: {differences}"
        )


def _decoder(
    model: Segmenter, trained: Segmenter, ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], str]:
    """The tensors of the decoder; or none, and why."""
    mine, others = (_part("decoder.", state) for state in (ours, theirs))
    if model.config.decoder.rpartition(":")[2] != trained.config.decoder.rpartition(":")[2]:
        return {}, f"fresh; that of the trained network is {trained.config.decoder}"
    if any(name not in others or others[name].shape != tensor.shape for name, tensor in mine.items()):
        return {}, f"fresh; that of the trained network has other tensors (options {_options(trained)})"
    return {name: others[name] for name in mine}, ""


def _image_head(
    model: Segmenter,
    trained: Segmenter,
    ours: Mapping[str, Tensor],
    theirs: Mapping[str, Tensor],
    values: dict[str, Tensor],
) -> list[str]:
    """Carry the head that classifies whole images, whose classes have no names, if there is the same; say so."""
    mine, others = (_part("aux_head.", state) for state in (ours, theirs))
    if not mine:
        return []
    same = all(name in others and others[name].shape == tensor.shape for name, tensor in mine.items())
    if not same or model.config.aux_pooling != trained.config.aux_pooling:
        return ["head of whole images: fresh"]
    values |= {name: others[name] for name in mine}
    return ["head of whole images: carried, its classes in their order, since they have no names"]


def _options(trained: Segmenter) -> str:
    return str(dict(trained.config.decoder_options)) if trained.config.decoder_options else "as they come"


def _listed(names: Collection[str]) -> str:
    shown = list(names)[:_SHOWN]
    return f"{', '.join(shown)}{', ...' if len(names) > _SHOWN else ''}"
