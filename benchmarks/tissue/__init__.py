"""Networks of volumes and of slices beside nnU-Net's trainer, on the tissues of a head, for equally many seconds."""
