"""Layers: the blocks that decoders and encoders share."""
