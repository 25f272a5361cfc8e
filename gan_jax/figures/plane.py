"""Points of the plane: the samples over the data, and what D thinks of the land between."""

from collections.abc import Callable, Mapping

import jax
import numpy as np

from gan_jax import canvas
from gan_jax.errors import InputError
from gan_jax.sampling import Sampler


def points(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 2000,
  extent: float = 0.0,
  pixels: int = 480,
) -> Mapping[str, np.ndarray]:
  """{'points': uint8[H,W,3]}: data in grey, samples in colour, D's output as contours beneath.

  The picture spans [-extent, extent] both ways; 0 chooses it from the data.
  """
  data = np.asarray(source().arrays['image'])[:n]
  if data.shape[1:] != (2,):
    raise InputError(f'points of the plane are f32[N,2]; these data are {data.dtype}{data.shape}.')
  fake = sampler.draw(key, n)
  reach = extent or 1.3 * float(np.abs(data).max())
  figure = canvas.blank(pixels / 100, pixels / 100, layout='none')
  axes = figure.add_axes((0, 0, 1, 1))
  if sampler.critic:
    line = np.linspace(-reach, reach, 60, dtype=np.float32)
    land = np.stack(np.meshgrid(line, line), -1)
    field = sampler.critic(land.reshape(-1, 2)).reshape(60, 60)
    axes.contourf(line, line, field, levels=20, cmap='Greys', alpha=0.35)
  axes.scatter(data[:, 0], data[:, 1], s=3, color='0.35', linewidths=0)
  axes.scatter(fake[:, 0], fake[:, 1], s=4, color='tab:red', alpha=0.5, linewidths=0)
  axes.set_xlim(-reach, reach)
  axes.set_ylim(-reach, reach)
  axes.set_axis_off()
  axes.text(0.02, 0.02, f'round {sampler.round:,}', transform=axes.transAxes, fontsize=8)
  return {'points': canvas.pixels(figure)}
