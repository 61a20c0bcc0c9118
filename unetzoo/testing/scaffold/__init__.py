"""A new plugin: the distribution that `unetzoo new-plugin` writes."""
