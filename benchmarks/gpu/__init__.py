"""What is measured on a GPU, by `benchmarks/gpu.sh`: a stage a file of results, written row by row."""
