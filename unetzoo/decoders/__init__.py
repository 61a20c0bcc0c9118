"""Decoders: each turns a pyramid of features into maps that heads make logits of."""
