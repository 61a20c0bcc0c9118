"""Benchmarks: time a network, train a grid of combinations, and draw the results."""
