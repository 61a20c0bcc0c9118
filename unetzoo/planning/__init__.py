"""Plan a training by the data and the memory: spacing, patch, network, batch and normalization."""
