"""Figures 1 and 12 to 15 of the paper, and what each layer does, from any trained checkpoint: `zoo figure`."""
