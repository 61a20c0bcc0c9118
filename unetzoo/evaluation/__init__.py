"""How good a network's masks are: scores, their uncertainty, and pictures to look at."""
