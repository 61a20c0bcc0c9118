"""The main job: U-Net and U-Net++, trained on a real microscopy image and judged on a part that they never saw."""
