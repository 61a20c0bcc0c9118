"""Pictures with known truth, each drawn from random numbers: `scene(random)` gives an image (h, w, c) and its mask."""
