import pytest
import torch

import unetzoo
from unetzoo.training.distributed import synchronize_batch_norm


@pytest.mark.parametrize("encoder", ["resnet10t", "efficientnet_b0", "resnetv2_18", "plain"])
@pytest.mark.parametrize("mode", [True, False], ids=["train", "eval"])
def test_a_synchronized_network_is_the_same_function_in_one_process(encoder, mode):
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder=encoder, classes=2)
    images = torch.rand(2, 3, 64, 64)
    for _ in range(2):
        model.train()(images)  # statistics that are not those of the start
    torch.manual_seed(1)
    expected = model.train(mode)(images)
    synchronize_batch_norm(model)
    assert any("Sync" in type(module).__name__ for module in model.modules())
    torch.manual_seed(1)
    torch.testing.assert_close(model.train(mode)(images), expected, rtol=1e-4, atol=1e-5)
