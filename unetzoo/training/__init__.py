"""Train a network: accelerate runs the loop on one process or many; here is what segmentation needs beside it."""
