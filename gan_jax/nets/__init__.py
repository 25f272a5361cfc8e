"""Networks: Linen modules without modes, and `layers.net`, which makes them pure functions."""
