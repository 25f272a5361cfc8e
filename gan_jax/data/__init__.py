"""Data: readers of what people have, the packed form, and batches as functions of (seed, step)."""
