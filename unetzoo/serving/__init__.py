"""A network over HTTP."""
