"""Each test draws numbers of its own: the same whatever ran before it, in whichever process."""

import sys
import zlib

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _draws_of_its_own(request: pytest.FixtureRequest) -> None:
  """Starts the module's generator anew, from the test's name, and those of what it imports."""
  of = {name: m for name, m in sys.modules.items() if name.startswith('tests.metrics.')}
  for name, module in {**of, request.module.__name__: request.module}.items():
    for rng in (getattr(module, 'RNG', None), getattr(module, 'rng', None)):
      if isinstance(rng, np.random.Generator):
        seed = [zlib.crc32(text.encode()) for text in (name, request.node.name)]
        rng.bit_generator.state = np.random.default_rng(seed).bit_generator.state
