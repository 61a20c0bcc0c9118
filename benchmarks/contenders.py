"""The contenders of a timed case: this project's and its peers', each as it comes and at its best."""

import copy
from collections.abc import Callable, Iterator

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from benchmarks.memory import saved_bytes
from unetzoo.assembly import create
from unetzoo.bench.case import Case
from unetzoo.bench.contenders import Contender, Contenders, ways
from unetzoo.interop.smp import from_smp
from unetzoo.nn.segmenter import Segmenter

SMP = "smp"
_SMP_CLASSES = {"unet": smp.Unet, "unetpp": smp.UnetPlusPlus}
_MONAI_NAMES = {"resnet18": "resnet18", "resnet34": "resnet34", "efficientnet_b0": "efficientnet-b0"}
_PLAIN_RESNETS = ("resnet18", "resnet34")  # smp's own, whose keys are timm's
_SAME_GRAPH = (2, 4, 8, 16, 32)  # the reductions of pyramids that both libraries decode alike


def network(case: Case) -> Segmenter:
    """This project's network of a case, with a head as segmentation_models_pytorch's."""
    return create(case.decoder, encoder=case.encoder, head_kernel_size=3)


def all_ways(case: Case) -> Iterator[Contender]:
    """Those of a case; the first is the reference, segmentation_models_pytorch as it comes."""
    ours, same, peers = networks(case)
    for name, peer in peers.items():
        yield from _peer(case, name, peer.to(case.device), same_weights=name == SMP)
    yield from ways(case, ours, same_weights=same)


def networks(case: Case) -> tuple[Segmenter, bool, dict[str, nn.Module]]:
    """This project's network, whether it has the weights of smp's, and the networks of the peers, smp's first."""
    torch.manual_seed(case.seed)
    peer_name = case.encoder if case.encoder in _PLAIN_RESNETS else f"tu-{case.encoder}"
    peer = _SMP_CLASSES[case.decoder](peer_name, encoder_weights=None)
    ours = network(case)
    same = ours.encoder.features.reductions == _SAME_GRAPH
    if same:
        ours.load_state_dict(from_smp(peer.state_dict()))
    return ours, same, {SMP: peer, **dict(_monai(case))}


def _peer(case: Case, name: str, peer: nn.Module, *, same_weights: bool) -> Iterator[Contender]:
    yield from _both_orders(case, name, peer, same_weights=same_weights)
    if case.compile and case.task == "inference":
        last = copy.deepcopy(peer).to(memory_format=torch.channels_last)
        yield Contender(f"{name}, compiled and frozen", _compiled(last, case), (), same_weights, channels_last=True)


def _both_orders(case: Case, name: str, peer: nn.Module, *, same_weights: bool = False) -> Iterator[Contender]:
    """A peer as it comes, and in the order `torch.channels_last`."""
    training = case.task == "training"
    peer.train(training).requires_grad_(training)
    last = copy.deepcopy(peer).to(memory_format=torch.channels_last)
    yield Contender(name, peer, _trained(peer), same_weights)
    yield Contender(f"{name}, channels_last", last, _trained(last), same_weights, channels_last=True)


def _trained(peer: nn.Module) -> tuple[nn.Parameter, ...]:
    return tuple(parameter for parameter in peer.parameters() if parameter.requires_grad)


def _monai(case: Case) -> Iterator[tuple[str, nn.Module]]:
    """MONAI's nearest network: `FlexibleUNet` for U-Net, `BasicUNetPlusPlus` (which takes no backbone) for U-Net++."""
    from monai.networks.nets.basic_unetplusplus import BasicUNetPlusPlus
    from monai.networks.nets.flexible_unet import FlexibleUNet

    if case.decoder == "unetpp":
        network: nn.Module = _First(BasicUNetPlusPlus(2, in_channels=3, out_channels=1))
        yield "MONAI BasicUNetPlusPlus", network
    elif case.encoder in _MONAI_NAMES:
        network = FlexibleUNet(3, 1, _MONAI_NAMES[case.encoder], pretrained=False)
        yield "MONAI FlexibleUNet", network


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
    compiled: Callable[[Tensor], Tensor] = torch.compile(network, options=options)
    return compiled


ALL = Contenders(all_ways, network, saved_bytes)
"""This project and its peers."""
