"""A network that was saved and loaded, or pushed and pulled, computes what the created one does, bit for bit."""

import pytest
import torch

import unetzoo

NETWORKS = {
    "convolutions": ("unetpp", "plain", {}),
    "residual blocks": ("linknet", "resnet10t", {}),
    "a ViT": ("dpt", "test_vit", {"decoder_options": {"width": 32}}),
    "a ConvNeXt": ("upernet", "convnext_atto", {"decoder_options": {"width": 32}}),
    "depthwise 1x1 kernels": ("segformer", "mobileone_s0", {"decoder_options": {"width": 32}}),
    "kernels of one channel": ("unet", "plain", {"in_channels": 1, "head_kernel_size": 3}),
}
_FORMATS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}


def _create(kind):
    torch.manual_seed(0)
    decoder, encoder, options = NETWORKS[kind]
    model = unetzoo.create(decoder, encoder=encoder, **options)
    for name, buffer in model.named_buffers():
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
    return model.eval()


@pytest.fixture(scope="module", params=NETWORKS)
def pair(request, tmp_path_factory):
    """A created network, and the same one from its folder."""
    created = _create(request.param)
    return created, unetzoo.load(unetzoo.save(created, tmp_path_factory.mktemp("saved")))


@torch.no_grad()
def _assert_same_logits(first, second):
    image = torch.randn(2, second.config.in_channels, 64, 96, generator=torch.Generator().manual_seed(0))
    for memory_format in _FORMATS.values():
        ordered = image.to(memory_format=memory_format)
        assert torch.equal(first(ordered), second(ordered))


def test_a_loaded_network_has_the_logits_bit_for_bit(pair):
    created, loaded = pair
    _assert_same_logits(loaded, created)


def test_a_loaded_network_has_its_tensors_in_the_same_order_in_memory(pair):
    created, loaded = ({name: tensor.stride() for name, tensor in model.state_dict().items()} for model in pair)
    assert loaded == created


def test_kernels_are_channels_last(pair):
    for model in pair:
        kernels = [weight for weight in model.parameters() if weight.ndim == 4]
        assert kernels
        assert all(weight.stride(1) == 1 for weight in kernels)


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # of the client's own calls
def test_a_pulled_network_has_the_logits_bit_for_bit(hub_address, tmp_path):
    created = _create("kernels of one channel")
    unetzoo.push(created, "alice/bit-for-bit", token="hf_alice")
    pulled = unetzoo.pull("alice/bit-for-bit", cache_dir=tmp_path)
    _assert_same_logits(pulled, created)
