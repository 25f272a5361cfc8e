"""Float64, for tests that prove more digits than float32 has."""

from contextlib import AbstractContextManager

import jax


def float64() -> AbstractContextManager:
  """Arrays of 64 bits within; the context manager has moved in jax 0.8."""
  if hasattr(jax, 'enable_x64'):
    return jax.enable_x64(True)
  from jax.experimental import enable_x64

  return enable_x64()
