"""The networks that a case compares: this project's and its peers', each as it comes and at its best."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from unetzoo.assembly import create
from unetzoo.bench.case import OURS, REFERENCE, Case
from unetzoo.inference.engines.optimize import optimize
from unetzoo.interop.smp import from_smp
from unetzoo.nn.segmenter import Segmenter

_SMP_CLASSES = {"unet": smp.Unet, "unetpp": smp.UnetPlusPlus}
_MONAI_NAMES = {"resnet18": "resnet18", "resnet34": "resnet34", "efficientnet_b0": "efficientnet-b0"}
_PLAIN_RESNETS = ("resnet18", "resnet34")  # smp's own, whose keys are timm's
_SAME_GRAPH = (2, 4, 8, 16, 32)  # the reductions of pyramids that both libraries decode alike


@dataclass(frozen=True)
class Contender:
    """A way to compute a network.

    Attributes:
        name: the library, and how it is used.
        run: maps images (b, 3, h, w) to logits (b, 1, h, w).
        parameters: those that training updates; empty for inference.
        same_weights: whether its logits must be the reference's.
        channels_last: whether the images come in that order.
    """

    name: str
    run: Callable[[Tensor], Tensor]
    parameters: tuple[nn.Parameter, ...] = ()
    same_weights: bool = False
    channels_last: bool = False


def contenders(case: Case) -> Iterator[Contender]:
    """Those of a case; the first is the reference, segmentation_models_pytorch as it comes."""
    torch.manual_seed(case.seed)
    peer_name = case.encoder if case.encoder in _PLAIN_RESNETS else f"tu-{case.encoder}"
    peer = _SMP_CLASSES[case.decoder](peer_name, encoder_weights=None)
    ours = create(case.decoder, encoder=case.encoder, head_kernel_size=3)
    same = ours.encoder.features.reductions == _SAME_GRAPH
    if same:
        ours.load_state_dict(from_smp(peer.state_dict()))
    peer, ours = peer.to(case.device), ours.to(case.device)
    if case.task == "training":
        yield from _training(case, peer, ours, same=same)
    else:
        yield from _inference(case, peer, ours, same=same)


def _inference(case: Case, peer: nn.Module, ours: Segmenter, *, same: bool) -> Iterator[Contender]:
    peer, ours = peer.eval().requires_grad_(False), ours.eval()
    last = copy.deepcopy(peer).to(memory_format=torch.channels_last)
    yield Contender(REFERENCE, peer, same_weights=True)
    yield Contender("smp, channels_last", last, same_weights=True, channels_last=True)
    if case.compile:
        yield Contender("smp, compiled and frozen", _compiled(last, case), same_weights=True, channels_last=True)
    for name, network in _monai(case):
        network.eval().requires_grad_(False)
        in_order = copy.deepcopy(network).to(memory_format=torch.channels_last)
        yield Contender(name, network)
        yield Contender(f"{name}, channels_last", in_order, channels_last=True)
    yield Contender("unetzoo, as created", copy.deepcopy(ours).requires_grad_(False), same_weights=same)
    yield Contender(OURS, optimize(ours), same_weights=same, channels_last=True)
    if has_bfloat16(case.device):
        yield Contender("unetzoo, optimize(bfloat16)", optimize(ours, dtype=torch.bfloat16), channels_last=True)
    if case.compile:
        yield Contender("unetzoo, optimize(compile)", optimize(ours, compile=True), (), same, channels_last=True)


def has_bfloat16(device: str) -> bool:
    """Whether there is an arithmetic of bfloat16; processors without take a hundred times as long as for float32."""
    return device == "cuda" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _training(case: Case, peer: nn.Module, ours: Segmenter, *, same: bool) -> Iterator[Contender]:
    last = copy.deepcopy(peer).to(memory_format=torch.channels_last).train()
    yield Contender(REFERENCE, peer.train(), tuple(peer.parameters()), same_weights=True)
    yield Contender("smp, channels_last", last, tuple(last.parameters()), same_weights=True, channels_last=True)
    for name, network in _monai(case):
        in_order = copy.deepcopy(network).to(memory_format=torch.channels_last).train()
        yield Contender(name, network.train(), tuple(network.parameters()))
        yield Contender(f"{name}, channels_last", in_order, tuple(in_order.parameters()), channels_last=True)
    yield Contender("unetzoo, as created", ours.train(), tuple(ours.parameters()), same)


def _monai(case: Case) -> Iterator[tuple[str, nn.Module]]:
    """MONAI's nearest network: `FlexibleUNet` for U-Net, `BasicUNetPlusPlus` (which takes no backbone) for U-Net++."""
    from monai.networks.nets.basic_unetplusplus import BasicUNetPlusPlus
    from monai.networks.nets.flexible_unet import FlexibleUNet

    if case.decoder == "unetpp":
        network: nn.Module = _First(BasicUNetPlusPlus(2, in_channels=3, out_channels=1))
        yield "MONAI BasicUNetPlusPlus", network.to(case.device)
    elif case.encoder in _MONAI_NAMES:
        network = FlexibleUNet(3, 1, _MONAI_NAMES[case.encoder], pretrained=False)
        yield "MONAI FlexibleUNet", network.to(case.device)


class _First(nn.Module):
    """The first of a network's outputs."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.network(image)[0]
        return logits


def _compiled(network: nn.Module, case: Case) -> Callable[[Tensor], Tensor]:
    """With frozen weights, and with CUDA graphs on a GPU."""
    options: dict[str, str | int | bool | Callable[..., object]] = {"freezing": True}
    if case.device == "cuda":
        options["triton.cudagraphs"] = True
    compiled: Callable[[Tensor], Tensor] = torch.compile(copy.deepcopy(network), options=options)
    return compiled
