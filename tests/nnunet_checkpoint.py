"""Checkpoints as nnU-Net writes them, of networks of the package that it builds them with."""

import numpy as np
import pytest
import torch
from torch import nn

WIDTHS = [4, 6, 8, 10]
STRIDES = [1, 2, 2, 2]


def peer_network(dims=3, **options):
    """nnU-Net's network with random weights, biases far from 0 included."""
    unet = pytest.importorskip("dynamic_network_architectures.architectures.unet")
    torch.manual_seed(0)
    usual = {
        "kernel_sizes": 3,
        "strides": STRIDES,
        "conv_bias": True,
        "norm_op": (nn.InstanceNorm2d, nn.InstanceNorm3d)[dims - 2],
        "norm_op_kwargs": {"eps": 1e-5, "affine": True},
        "nonlin": nn.LeakyReLU,
        "nonlin_kwargs": {"inplace": True},
        "n_conv_per_stage": 2,
        "n_conv_per_stage_decoder": 2,
    } | options
    conv = (nn.Conv2d, nn.Conv3d)[dims - 2]
    peer = unet.PlainConvUNet(2, 4, WIDTHS, conv, num_classes=3, **usual)
    for weight in peer.parameters():
        nn.init.normal_(weight, mean=0.1, std=0.4)
    for module in peer.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.8, 1.2)
    return peer.eval()


def init_args(dims=3, nonlin="torch.nn.LeakyReLU", **changes):
    """`init_args` as nnU-Net writes them."""
    name = {2: "2d", 3: "3d_fullres"}[dims]
    configuration = {
        "spacing": [3.0, 0.8, 0.7][-dims:],
        "normalization_schemes": ["CTNormalization", "ZScoreNormalization"],
        "use_mask_for_norm": [False, True],
        "architecture": {
            "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
            "arch_kwargs": {
                "nonlin": nonlin,
                "nonlin_kwargs": {"inplace": True},
                "norm_op_kwargs": {"eps": 1e-05, "affine": True},
            },
        },
    }
    ct = {"mean": 99.5, "std": 37.0, "percentile_00_5": -17.0, "percentile_99_5": 201.0, "median": 101.0}
    plans = {
        "configurations": {name: configuration | changes.pop("configuration", {})},
        "transpose_forward": [0, 1, 2],
        "original_median_shape_after_transp": [40, 200, 210],
        "foreground_intensity_properties_per_channel": {"0": ct, "1": ct},
    }
    dataset = {
        "channel_names": {"0": "CT", "1": "PET"},
        "labels": {"background": 0, "liver": 1, "tumor": 2},
        "file_ending": ".nii.gz",
    }
    dataset |= changes.pop("dataset", {})
    return {"plans": plans | changes, "configuration": name, "fold": 0, "dataset_json": dataset}


def checkpoint_of(peer, arguments):
    """What its trainer writes, with the scalars of NumPy that it logs."""
    scores = {"ema_fg_dice": [np.float64(0.25)], "train_losses": [np.float32(-0.5)], "epoch_start_timestamps": [1.5]}
    return {
        "network_weights": peer.state_dict(),
        "optimizer_state": {"state": {0: {"momentum_buffer": torch.ones(1)}}, "param_groups": [{"lr": 0.01}]},
        "logging": scores,
        "_best_ema": np.float64(0.25),
        "current_epoch": np.int64(3),
        "init_args": arguments | {"device": torch.device("cpu")},
        "trainer_name": "nnUNetTrainer",
        "inference_allowed_mirroring_axes": (0, 1, 2),
    }
