"""Training of a network: options, data, optimization, the loop and the folder of a run; accelerate is the engine."""
