"""Sweeps: many runs of one experiment, what each of them is, and what they come to together."""
