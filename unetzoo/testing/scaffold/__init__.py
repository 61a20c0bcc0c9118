"""The plugin that `unetzoo new-plugin` writes."""
