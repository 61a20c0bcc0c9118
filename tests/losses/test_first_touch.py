import subprocess
import sys

_PROGRAM = """
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import unetzoo

class Calls(TorchDispatchMode):
    found = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if function is torch.ops.aten.log1p.default:
            negative_zeros = (result == 0) & result.signbit()
            self.found.append((result.device.type, int(negative_zeros.sum())))
        return result

with Calls() as calls, torch.device("meta"):
    unetzoo.create_loss("dice + bce")
    unetzoo.create_loss("bce")
print(calls.found)
"""


def test_the_first_loss_of_a_process_touches_the_constants_for_special_values_on_the_cpu_once():
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[('cpu', 64)]"), done.stderr
