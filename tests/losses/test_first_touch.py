import torch
from processes import start
from torch.utils._python_dispatch import TorchDispatchMode

import unetzoo


class _Calls(TorchDispatchMode):
    """Says of each log1p where it is computed, and of how many negative zeros."""

    def __init__(self, say):
        super().__init__()
        self.say = say

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if function is torch.ops.aten.log1p.default:
            negative_zeros = (result == 0) & result.signbit()
            self.say((result.device.type, int(negative_zeros.sum())))
        return result


def _create_losses(say):
    with _Calls(say), torch.device("meta"):
        unetzoo.create_loss("dice + bce")
        unetzoo.create_loss("bce")


def test_the_first_loss_of_a_process_touches_the_constants_for_special_values_on_the_cpu_once():
    assert [*start(_create_losses)[1]] == [("cpu", 64)]
