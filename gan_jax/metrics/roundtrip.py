"""How much of an image comes back through its code."""

from collections.abc import Callable, Mapping

import jax
import numpy as np

from gan_jax.sampling import Sampler


def roundtrip(
  sampler: Sampler,
  open_split: Callable,
  key: jax.Array,
  *,
  net: str = 'E',
  output: str | None = 'mean',
  n: int = 1000,
) -> Mapping[str, float]:
  """{'error', 'error_shuffled'}: mean ||x - G(E(x))|| over n images of the split 'test'.

  In the range that the networks see. The second is of each image against the reconstruction of the
  one after it: what no knowledge of the image would give (EGr and EGr_b of jeffdonahue/bigan).
  """
  x = sampler.see(np.asarray(open_split('test').arrays['image'][:n]))
  back = sampler.generate(sampler.apply(net, x, output=output))
  distance = lambda a: float(np.mean(np.linalg.norm((a - back).reshape(len(a), -1), axis=1)))
  return {'error': distance(x), 'error_shuffled': distance(np.roll(x, -1, axis=0))}
