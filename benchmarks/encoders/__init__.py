"""Which encoder: networks with one decoder over small encoders of timm, trained and timed alike."""
