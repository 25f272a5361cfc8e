"""Ways through the space of z: along lines and arcs, and what a generator makes of them."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.sampling import Sampler

Way = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def lerp(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
  """Along the line from a to b, [N,Z] each, at t [N] in [0, 1]: f64[N,Z]."""
  a, b, t = (np.asarray(x, np.float64) for x in (a, b, t))
  return a + (b - a) * t[:, None]


def slerp(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
  """Along the arc (Shoemake 1985), which keeps |z| about what the prior's is: f64[N,Z].

  Rows that lie on one line through 0 are joined by it.
  """
  a, b, t = (np.asarray(x, np.float64) for x in (a, b, t))
  size = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
  cosine = np.sum(a * b, axis=1) / np.where(size > 0, size, 1)
  on_line = (size == 0) | (np.abs(cosine) > 1 - 1e-12)
  angle = np.where(on_line, 1, np.arccos(np.clip(cosine, -1, 1)))
  parts = [np.sin(s * angle) / np.sin(angle) for s in (1 - t, t)]
  arc = parts[0][:, None] * a + parts[1][:, None] * b
  return np.where(on_line[:, None], lerp(a, b, t), arc)


WAYS: dict[str, Way] = {'slerp': slerp, 'lerp': lerp}


def along(name: str) -> Way:
  """The way of that name; InputError if there is none."""
  if name not in WAYS:
    raise InputError(f'way={name!r}: from z to z it is {" or ".join(WAYS)}.')
  return WAYS[name]


def between(a: np.ndarray, b: np.ndarray, steps: int, way: Way = lerp) -> np.ndarray:
  """From each row of a [N,Z] to that of b in `steps` points, both ends exact: f32[N,steps,Z]."""
  path = np.stack([way(a, b, np.full(len(a), t)) for t in np.linspace(0, 1, steps)], axis=1)
  path[:, 0], path[:, -1] = a, b
  return path.astype(np.float32)


def place(sampler: Sampler) -> int:
  """Which of what G takes is z; InputError if none is."""
  if sampler.prior is None:
    raise InputError('this generator takes no z to go along.')
  if sampler.z_at is None:
    raise InputError('none of what this generator takes is the z of its prior.')
  return sampler.z_at


def inputs(sampler: Sampler, key: jax.Array, n: int) -> tuple[tuple[np.ndarray, ...], int]:
  """What G takes for n images, and which of it is z; InputError if it takes none."""
  at = place(sampler)
  return tuple(np.asarray(a) for a in sampler.fill(key, n)), at


def placed(z: Any, rest: Sequence[Any], at: int) -> list[Any]:
  """A generator's inputs: z at its place `at` among the `rest`."""
  return [*rest[:at], z, *rest[at:]]


def pictures(sampler: Sampler, given: Sequence[np.ndarray], at: int, z: np.ndarray) -> np.ndarray:
  """z f32[N,T,Z] -> uint8[N*T,H,W,C]: G's images row by row, a row's other inputs those in `given`.

  `given`, at least N of each, and `at` as `inputs` finds them. Raises InputError if G draws no
  images.
  """
  n, steps, width = z.shape
  rest = [np.repeat(a[:n], steps, axis=0) for a in [*given[:at], *given[at + 1 :]]]
  images = sampler.generate(*placed(z.reshape(-1, width), rest, at))
  if images.ndim != 4:
    raise InputError(f'this shows images; the generator draws {images.shape[1:]}.')
  return sampler.display(images)
