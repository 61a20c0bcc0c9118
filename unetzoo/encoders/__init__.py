"""Encoders: each turns an image into a pyramid of features."""
