"""Benchmarks: this project beside its peers, in one run, with the same weights and the outputs compared."""
