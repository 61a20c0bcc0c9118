"""Interop: weights that other libraries have trained."""
