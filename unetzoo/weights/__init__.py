"""Weights: saved, loaded, pushed and pulled, without ever running code that comes with them."""
