"""Which parts there are: the hooks, the plugins that implement them, and the names of what they provide."""
