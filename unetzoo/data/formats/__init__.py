"""Files of images and masks: what a file holds, and how it is read within limits."""
