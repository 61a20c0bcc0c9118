"""A sound engine, and for each rule of the battery one that breaks it."""

import copy
import pickle
import threading
import time
from dataclasses import replace

import torch
from safetensors.torch import load, save

import unetzoo


def _convert(model, sizes, dtype, calibration):
    return {"weights.safetensors": save({name: tensor.contiguous() for name, tensor in model.state_dict().items()})}


def _start(model, files, dtype):
    network = copy.deepcopy(model)
    network.load_state_dict(load(files["weights.safetensors"]))
    return torch.no_grad()(network)


def _started(change):
    """The sound engine, with another function of images."""

    def start(model, files, dtype):
        return change(_start(model, files, dtype))

    return replace(Sound, start=start)


def _convert_to_pickle(model, sizes, dtype, calibration):
    return {**_convert(model, sizes, dtype, calibration), "more": pickle.dumps(model.config.to_dict())}


def _without_padding(run):
    return lambda image: run(image[..., : image.shape[2] // 4 * 4 or 1, :])


def _coarse_in_bfloat16(model, files, dtype):
    run = _start(model, files, dtype)
    return run if dtype == "float32" else lambda image: run(image * 1.5)


def _keeping_one_result(run):
    kept = {}

    def call(image):
        logits = run(image)
        return kept.setdefault(logits.shape, logits).copy_(logits)

    return call


_STARTS = []


def _start_worse_each_time(model, files, dtype):
    _STARTS.append(0)
    run, factor = _start(model, files, dtype), 1 + 1e-4 * len(_STARTS)
    return lambda image: run(image) * factor


def _with_one_place_for_images(run):
    place = threading.local.__new__(type("Place", (), {}))

    def call(image):
        place.image = image
        time.sleep(0.002)
        return run(place.image)

    return call


Sound = unetzoo.EngineSpec(name="sound", convert=_convert, start=_start, summary="the network as it is")
BREAKERS = {
    "converts_to_data": replace(Sound, convert=_convert_to_pickle),
    "gives_the_logits": _started(_without_padding),
    "computes_in_each_dtype": replace(Sound, start=_coarse_in_bfloat16, dtypes=("float32", "bfloat16")),
    "keeps_its_inputs": _started(_keeping_one_result),
    "starts_again": replace(Sound, start=_start_worse_each_time),
    "serves_several_threads": _started(_with_one_place_for_images),
}
