"""Inference: what happens to a trained network on its way to use."""
