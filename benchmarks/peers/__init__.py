"""What this project, segmentation_models_pytorch and MONAI offer, counted by building and running it."""
