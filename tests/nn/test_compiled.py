"""How often `torch.compile` compiles a network: once for the first size, once more for all others."""

import torch
from torch._dynamo.testing import CompileCounterWithBackend

import unetzoo

SIZES = [(2, 32, 32), (3, 48, 64), (2, 64, 48), (4, 96, 80)]  # images; multiples of the deepest reduction


@torch.no_grad()
def test_two_graphs_serve_all_batches_and_sizes():
    torch._dynamo.reset()  # what other tests compiled counts for its limit
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 4, 4)}).eval()
    counter = CompileCounterWithBackend("eager")
    compiled = torch.compile(model, backend=counter, fullgraph=True)
    for batch, height, width in SIZES:
        image = torch.randn(batch, 3, height, width)
        torch.testing.assert_close(compiled(image), model(image), rtol=1e-3, atol=1e-4)
    assert counter.frame_count == 2
