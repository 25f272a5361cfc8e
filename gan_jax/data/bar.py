"""The progress bar of long work, kept short where nobody watches it move."""

import sys
from typing import Any

import tqdm

from gan_jax import screen


def bar(*over: Any, **options: Any) -> tqdm.tqdm:
  """tqdm with rate and ETA: ten times a second on a terminal, twice a minute in a log file.

  In a notebook it is part of a cell's output, where what is on stderr looks like a fault.
  """
  file = sys.stdout if screen.in_notebook() else sys.stderr
  every = 0.1 if sys.stderr.isatty() else 30
  return tqdm.tqdm(*over, file=file, mininterval=every, **options)
