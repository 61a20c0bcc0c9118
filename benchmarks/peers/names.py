"""What the count calls its parts; the page reads them, and loads no library for it."""

RUNS = "runs"  # the outcome, and the ability of an architecture to give logits at all
OURS, SMP, SMP_DPT = "unetzoo unet", "smp Unet tu-", "smp DPT tu-, where Unet does not run"
OURS_OTHERS, SMP_OWN, MONAI = "unetzoo unet, not of timm", "smp Unet, its own names", "MONAI FlexibleUNet"
