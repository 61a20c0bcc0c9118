"""A network that is compiled, parallel or averaged is taken as the network inside; any other wrapper is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from timm.utils import ModelEmaV3
from torch.nn.parallel import DataParallel
from torch.optim.swa_utils import AveragedModel

import unetzoo
from unetzoo.inspection.dissect import dissect
from unetzoo.nn.unwrap import bare_names

IMAGE = np.random.default_rng(0).random((40, 48, 3), dtype=np.float32)


def _model(decoder="unet", **options):
    torch.manual_seed(0)
    options = {"encoder_options": {"widths": [8, 16]}, "decoder_options": {"widths": [8]}} | options
    return unetzoo.create(decoder, encoder="plain", classes=2, **options).eval()


def _compiled(model):
    return torch.compile(model, backend="eager")


WRAPPERS = {
    "compiled": _compiled,
    "parallel": DataParallel,
    "averaged": AveragedModel,
    "timm's average": ModelEmaV3,
    "both": lambda model: _compiled(DataParallel(model)),
}


@pytest.fixture(params=WRAPPERS)
def wrapped(request):
    return WRAPPERS[request.param](_model())


def test_save_writes_the_network_inside(wrapped, tmp_path):
    actual = unetzoo.load(unetzoo.save(wrapped, tmp_path))
    expected = _model().state_dict()
    assert actual.state_dict().keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in actual.state_dict().items())


def test_predict_gives_what_the_network_inside_gives(wrapped):
    np.testing.assert_allclose(unetzoo.predict(wrapped, IMAGE), unetzoo.predict(_model(), IMAGE), atol=1e-6)


def test_evaluate_takes_it(wrapped):
    class One(unetzoo.Dataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return unetzoo.Sample(IMAGE, (IMAGE[..., 0] > 0.5).astype(np.uint8), "one")

    data = One(("background", "cell"))
    assert unetzoo.evaluate(wrapped, data).mean["IoU"] == unetzoo.evaluate(_model(), data).mean["IoU"]


def test_optimize_makes_a_copy_of_the_network_inside(wrapped):
    image = torch.from_numpy(IMAGE).permute(2, 0, 1)[None]
    with torch.no_grad():
        torch.testing.assert_close(unetzoo.optimize(wrapped)(image), _model()(image), rtol=1e-4, atol=1e-5)


def test_dissect_looks_at_the_network_inside(wrapped):
    assert dissect(wrapped, (32, 32)).total == dissect(_model(), (32, 32)).total


@pytest.mark.parametrize("wrap", [_compiled, DataParallel], ids=["compiled", "parallel"])
def test_prune_takes_it(wrap):
    model = unetzoo.create("unetpp", encoder="plain", decoder_options={"deep_supervision": True})
    expected = unetzoo.prune(model, 1).state_dict()
    assert unetzoo.prune(wrap(model), 1).state_dict().keys() == expected.keys()


@pytest.mark.parametrize("wrap", [_compiled, DataParallel], ids=["compiled", "parallel"])
def test_an_encoder_of_that_kind_is_frozen(wrap):
    model = _model()
    unetzoo.freeze(wrap(model.encoder))
    assert model.encoder.frozen
    unetzoo.unfreeze(wrap(model.encoder))
    assert not model.encoder.frozen
    with pytest.raises(unetzoo.OptionError, match=r"takes an encoder, such as model\.encoder, got Segmenter"):
        unetzoo.freeze(model)


@pytest.mark.parametrize("part", ["encoder", "decoder"])
@pytest.mark.parametrize("wrap", [_compiled, DataParallel], ids=["compiled", "parallel"])
def test_a_network_with_a_compiled_or_parallel_part_comes_back(wrap, part, tmp_path):
    model = _model()
    setattr(model, part, wrap(getattr(model, part)))
    loaded = unetzoo.load(unetzoo.save(model, tmp_path))
    assert loaded.state_dict().keys() == _model().state_dict().keys() == set(bare_names(model).values())


def test_weights_with_the_prefix_of_a_wrapper_load():
    expected = _model()
    for prefix in ("_orig_mod.", "module.", "model.", "module._orig_mod."):
        state = {prefix + name: tensor + 1 for name, tensor in expected.state_dict().items()}
        model = _model()
        model.load_state_dict(state)
        assert torch.equal(model.heads[0].weight, expected.heads[0].weight + 1)


def test_weights_of_another_network_are_one_short_line():
    other = unetzoo.create("unet", encoder="resnet18").state_dict()
    with pytest.raises(
        unetzoo.WeightsError, match=r"not the tensors of this network: Missing key.*Unexpected"
    ) as caught:
        _model().load_state_dict(other)
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


class _Lightning(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.net = model
        self.loss = torch.nn.BCEWithLogitsLoss()


CALLS = {
    "save": lambda model, folder: unetzoo.save(model, folder / "net"),
    "push": lambda model, folder: unetzoo.push(model, "somebody/net"),
    "fit": lambda model, folder: unetzoo.fit(model, "nuclei", folder / "run"),
    "export": lambda model, folder: unetzoo.export(model, folder / "net.onnx"),
    "prune": lambda model, folder: unetzoo.prune(model, 1),
    "optimize": lambda model, folder: unetzoo.optimize(model),
    "predict": lambda model, folder: unetzoo.predict(model, IMAGE),
    "evaluate": lambda model, folder: unetzoo.evaluate(model, "nuclei"),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_larger_module_is_refused_with_the_place_of_the_network(call, tmp_path):
    with pytest.raises(unetzoo.OptionError, match=r"got _Lightning; give it the network inside, its attribute 'net'"):
        CALLS[call](_Lightning(_model()), tmp_path)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("call", ["save", "push", "fit", "export", "prune", "optimize"])
def test_an_optimized_network_is_refused_before_anything_is_written(call, tmp_path):
    message = "an optimized network cannot be .*the network that was passed to optimize"
    with pytest.raises(unetzoo.OptionError, match=message):
        CALLS[call](unetzoo.optimize(_model()), tmp_path)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("call", ["predict", "evaluate", "optimize", "fit", "export"])
def test_a_path_is_refused_with_the_way_to_load_it(call, tmp_path):
    with pytest.raises(unetzoo.OptionError, match=r"got str; give it unetzoo\.load\('cells'\)"):
        CALLS[call]("cells", tmp_path)


def _with_larger_head(model):
    model.heads[0] = torch.nn.Conv2d(8, 5, 1)


def _with_spectral_norm(model):
    torch.nn.utils.parametrizations.spectral_norm(model.heads[0])


@pytest.mark.parametrize("change", [_with_larger_head, _with_spectral_norm])
@pytest.mark.parametrize("call", ["save", "push", "fit"])
def test_a_network_that_its_configuration_does_not_rebuild_is_refused_at_once(call, change, tmp_path):
    model = _model()
    change(model)
    with pytest.raises(unetzoo.OptionError, match=r"was changed after it was created.*heads\.0"):
        CALLS[call](model, tmp_path)
    assert not Path(tmp_path / "net").exists()
    assert not Path(tmp_path / "run").exists()


@pytest.mark.filterwarnings("ignore")  # of tracing: it is deprecated, and takes branches for granted
@pytest.mark.parametrize("call", ["save", "fit", "export", "optimize", "predict", "evaluate"])
def test_a_traced_network_is_refused_by_name(call, tmp_path):
    traced = torch.jit.trace(_model(), torch.rand(1, 3, 32, 32))
    with pytest.raises(unetzoo.OptionError, match=r"this takes a network of unetzoo, got TopLevelTracedModule"):
        CALLS[call](traced, tmp_path)


@pytest.mark.parametrize("value", ["run", 3, None])
@pytest.mark.parametrize("change", [unetzoo.freeze, unetzoo.unfreeze])
def test_what_is_no_module_is_refused_as_an_encoder(change, value):
    with pytest.raises(unetzoo.OptionError, match=f"takes an encoder, .*got {type(value).__name__}"):
        change(value)
