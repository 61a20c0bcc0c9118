"""Try the engines of a machine with a trained network, and keep the fastest that is good enough."""
