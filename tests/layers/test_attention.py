import torch
from segmentation_models_pytorch.base.modules import SCSEModule

from unetzoo.layers.attention import SCSE


def test_it_gives_what_segmentation_models_pytorchs_module_gives_with_its_weights():
    gate, peer = SCSE(32), SCSEModule(32)
    names = {"cSE": "channel", "sSE": "spatial"}
    state = peer.state_dict()
    gate.load_state_dict({f"{names[key.split('.')[0]]}.{key.split('.', 1)[1]}": state[key] for key in state})
    features = torch.randn(2, 32, 5, 6)
    torch.testing.assert_close(gate(features), peer(features))


def test_gates_that_are_half_open_leave_the_map_as_it_is():
    gate = SCSE(4)
    for parameter in gate.parameters():
        torch.nn.init.zeros_(parameter)  # sigmoid(0) = 1/2 for each of the two gates
    features = torch.randn(1, 4, 3, 3)
    torch.testing.assert_close(gate(features), features)
