"""A network of any parts: the contracts of encoder and decoder, the `Segmenter` that joins them, its configuration."""
