"""The array operations that networks spend their time in."""
