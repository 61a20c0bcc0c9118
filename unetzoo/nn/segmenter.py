"""The `Segmenter`, which joins an encoder, a decoder and heads."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.errors import OptionError, UnetzooError, WeightsError
from unetzoo.features import Factor, along_axes
from unetzoo.layers.axes import at_the_end, of_last_axes
from unetzoo.layers.checkpoint import set_checkpointing
from unetzoo.layers.graph import is_recorded
from unetzoo.layers.resize import enlarge
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.contracts import Decoder, Encoder
from unetzoo.nn.misfit import check_axes, check_fits
from unetzoo.nn.unwrap import unwrapped
from unetzoo.specs import lazy

if TYPE_CHECKING:
    from torch.nn.modules.module import _IncompatibleKeys

# a network knows by name what lies above it, for the methods that users of the Hub know
_SAVE, _LOAD = lazy("unetzoo.weights.folder:save"), lazy("unetzoo.weights.folder:load")
_PUSH, _PULL = lazy("unetzoo.weights.hub:push"), lazy("unetzoo.weights.hub:pull")

__all__ = ["Decoder", "Encoder", "Segmenter", "freeze", "unfreeze"]


class Segmenter(nn.Module):
    """A segmentation network: an encoder, a decoder and a head for each output of the decoder.

    Args:
        encoder: computes the pyramid of features.
        decoder: is built for that pyramid.
        heads: each computes logits (b, classes, ...) from one output of the decoder.
        config: rebuilds this network; `unetzoo.create` fills it in.
        aux_head: computes logits (b, aux_classes) from the encoder's deepest features; None disables it.

    Attributes:
        is_trained: whether it has weights that were loaded, if only those of its encoder; `unetzoo.fit` then takes
            smaller steps.
    """

    def __init__(
        self,
        encoder: Encoder,
        decoder: Decoder,
        heads: Sequence[nn.Module],
        config: ModelConfig,
        aux_head: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.heads = nn.ModuleList(heads)
        self.config = config
        self.aux_head = aux_head
        self.is_trained = False

    def forward(self, image: Tensor) -> Tensor:
        """Logits (b, classes, h, w) of the best output for images (b, c, h, w), with any h, w >= 1.

        A network with `spatial_dims=3` takes volumes (b, c, d, h, w), and gives logits (b, classes, d, h, w).

        A network with `padding="valid"`, as in the U-Net of 2015, returns logits of the center of the image only.

        Raises:
            ShapeError: the image has other axes or another number of channels.
            OptionError: the image has another dtype or device than the weights.
        """
        return self._logits_of_best(image, self._features(image))

    def with_class_logits(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """As `forward`, and the logits (b, aux_classes) of whole images, from one run of the encoder.

        Raises:
            ShapeError: as `forward`.
            OptionError: as `forward`, and if the network has no auxiliary head.
        """
        if self.aux_head is None:
            raise OptionError("this network has no logits of whole images; create it with aux_classes=...")
        features = self._features(image)
        return self._logits_of_best(image, features), self.aux_head(features[-1])

    def all_logits(self, image: Tensor) -> list[Tensor]:
        """Logits (b, classes, h, w) of every output of the decoder, the best last, for deep supervision.

        Raises:
            ShapeError, OptionError: as `forward`.
        """
        outputs = self.decoder(self._features(image))
        parts = zip(self.heads, outputs, self.decoder.reductions, strict=True)
        return [self._at_size_of(image, head(output), reduction) for head, output, reduction in parts]

    def native_logits(self, image: Tensor) -> list[Tensor]:
        """Logits of every output of the decoder at its own resolution, the best last.

        Returns:
            One (b, classes, ceil(h / reduction), ceil(w / reduction)) for each of `decoder.reductions`.

        Raises:
            ShapeError, OptionError: as `forward`.
        """
        outputs = self.decoder(self._features(image))
        parts = zip(self.heads, outputs, self.decoder.reductions, strict=True)
        return [_cut(head(output), image.shape[2:], reduction) for head, output, reduction in parts]

    def checkpoint_activations(self, enabled: bool = True) -> None:
        """Save memory in training: blocks are recomputed in the backward pass (arXiv:1604.06174).

        Gradients stay the same and a step takes longer. Batch norms of timm's backbones see each batch twice, so their
        running statistics follow the data faster.

        Raises:
            OptionError: the encoder does not support it; `set_checkpointing(model.decoder, True)` may.
        """
        self.encoder.checkpoint_activations(enabled)
        set_checkpointing(self.decoder, enabled)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> "_IncompatibleKeys":
        """As torch's, but without the prefix of a wrapper before all names, such as `_orig_mod.` or `module.`.

        Raises:
            WeightsError: shapes differ, or, with `strict`, names are missing or unexpected.
        """
        from unetzoo.nn.state import prefix_before, shortened

        prefix = prefix_before(state_dict.keys(), self.state_dict().keys())
        bare = {name.removeprefix(prefix): value for name, value in state_dict.items()} if prefix else state_dict
        try:
            report: _IncompatibleKeys = super().load_state_dict(bare, strict=strict, assign=assign)
        except RuntimeError as error:
            raise WeightsError(f"these are not the tensors of this network: {shortened(error)}") from None
        self.is_trained = True
        return report

    def save_pretrained(
        self, save_directory: str | Path, *, repo_id: str | None = None, push_to_hub: bool = False
    ) -> str | None:
        """`unetzoo.save` under the name, and with the arguments, that users of the Hub know.

        Args:
            save_directory: the folder.
            repo_id: name of the repository, with `push_to_hub`; None: the folder's name.
            push_to_hub: also push the folder.

        Returns:
            The URL of the commit, with `push_to_hub`.
        """
        folder = _SAVE.resolve()(self, save_directory)
        return _PUSH.resolve()(folder, repo_id or folder.name) if push_to_hub else None

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str | None = None,
        private: bool | None = None,
        token: str | bool | None = None,
        branch: str | None = None,
        create_pr: bool = False,
    ) -> str:
        """`unetzoo.push` under the name, and with the arguments, that users of the Hub know."""
        address: str = _PUSH.resolve()(
            self,
            repo_id,
            private=private,
            revision=branch,
            commit_message=commit_message,
            token=token,
            create_pr=create_pr,
        )
        return address

    @staticmethod
    def from_pretrained(
        pretrained_model_name_or_path: str | Path,
        *,
        force_download: bool = False,
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        revision: str | None = None,
    ) -> "Segmenter":
        """`unetzoo.load` if a folder of that name exists, otherwise `unetzoo.pull`."""
        model: Segmenter
        if Path(pretrained_model_name_or_path).is_dir():
            model = _LOAD.resolve()(pretrained_model_name_or_path)
        else:
            model = _PULL.resolve()(
                str(pretrained_model_name_or_path),
                revision=revision,
                token=token,
                cache_dir=cache_dir,
                local_files_only=local_files_only,
                force_download=force_download,
            )
        return model

    def _logits_of_best(self, image: Tensor, features: list[Tensor]) -> Tensor:
        best = self.decoder(features)[-1]
        return self._at_size_of(image, self.heads[-1](best), self.decoder.reductions[-1])

    def _features(self, image: Tensor) -> list[Tensor]:
        """The encoder's features of the padded image; an image that does not fit is one clear error."""
        if torch.compiler.is_compiling():
            features: list[Tensor] = self.encoder(self._padded(image))
            return features
        try:
            features = self.encoder(self._padded(image))
        except (AttributeError, RuntimeError, TypeError) as error:
            if not isinstance(error, UnetzooError):
                check_fits(image, self)
            raise
        return features

    def _padded(self, image: Tensor) -> Tensor:
        """The image with repeated last rows and columns, so that the deepest reduction divides h and w."""
        check_axes(image, self.config)
        if self.encoder.valid_padding:
            return image
        reductions = self.encoder.features.axis_reductions[-1]
        missing = [-side % reduction for side, reduction in zip(image.shape[2:], reductions, strict=True)]
        if is_recorded() or any(missing):  # an exported graph must hold for every size
            image = F.pad(image, at_the_end(missing), mode="replicate")
        return image

    def _at_size_of(self, image: Tensor, logits: Tensor, reduction: Factor) -> Tensor:
        """Logits at the image's resolution, without the padding."""
        logits = enlarge(logits, reduction, align_corners=self.decoder.align_corners)
        if self.encoder.valid_padding:
            return logits
        missing = [side - padded for side, padded in zip(image.shape[2:], logits.shape[2:], strict=True)]
        if is_recorded() or any(missing):
            logits = F.pad(logits, at_the_end(missing))  # slicing would tie an exported graph to padded sizes
        return logits


def _cut(logits: Tensor, size: Sequence[int], reduction: Factor) -> Tensor:
    """Logits at a lower resolution, without what lies beyond an image of that size."""
    steps = along_axes(reduction, len(size))
    return logits[of_last_axes(slice((side + step - 1) // step) for side, step in zip(size, steps, strict=True))]


def freeze(encoder: Encoder) -> None:
    """Exclude an encoder from training: no gradients, and evaluation mode (batch norm, dropout) even in training."""
    encoder = _encoder(encoder)
    if not encoder.frozen:
        encoder.fixed = frozenset(name for name, weight in encoder.named_parameters() if not weight.requires_grad)
    encoder.frozen = True
    encoder.requires_grad_(False).train(False)


def unfreeze(encoder: Encoder) -> None:
    """Undo `freeze`: weights that had gradients before it have them again."""
    encoder = _encoder(encoder)
    if encoder.frozen:
        for name, weight in encoder.named_parameters():
            weight.requires_grad_(name not in encoder.fixed)
    encoder.frozen = False
    encoder.train(True)


def _encoder(module: object) -> Encoder:
    """The encoder in `module`, which may be compiled or parallel; OptionError for anything else."""
    encoder = unwrapped(module, Encoder) if isinstance(module, nn.Module) else module
    if not isinstance(encoder, Encoder):
        raise OptionError(f"this takes an encoder, such as model.encoder, got {type(encoder).__name__}")
    return encoder
