"""What is measured: the cases, their sizes, and the pictures that all contenders train on.

A `Job` is one measurement's whole description. It holds numbers and names only, so that it crosses
to a worker as JSON, and every contender builds the same game from it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np


class Case(NamedTuple):
  """A row of the table below; `game` names what contenders implement, in their `GAMES`."""

  game: str  # 'dcgan', 'mlp', 'wgan_gp' or 'sampling'
  experiment: str  # experiments/NAME.py, whose game it is
  shape: tuple[int, int, int]  # of an image, H W C
  z: int
  width: int  # of the layers next to the image; of each maxout layer
  batches: tuple[int, ...]
  images: int  # in the resident set
  step: str  # what one step is, in words


CASES = {
  'dcgan64': Case(
    'dcgan', 'dcgan_folder', (64, 64, 3), 100, 64, (16, 64), 10_000, 'one D move and one G move'
  ),
  'dcgan28': Case(
    'dcgan', 'dcgan_mnist', (28, 28, 1), 100, 64, (64,), 60_000, 'one D move and one G move'
  ),
  'mlp': Case(
    'mlp', 'gan_mnist', (28, 28, 1), 100, 240, (100,), 50_000, 'one simultaneous move of both'
  ),
  'wgan_gp': Case(
    'wgan_gp', 'wgan_gp_cifar10', (32, 32, 3), 128, 128, (64,), 50_000,
    'five critic moves with gradient penalty and one G move',
  ),
  'sampling': Case(
    'sampling', 'dcgan_folder', (64, 64, 3), 100, 64, (100,), 1_000,
    'one batch of images, from z to float32 on the host',
  ),
}  # fmt: skip

PRECISIONS = ('float32', 'bfloat16')
CRITIC_MOVES = 5


class Job(NamedTuple):
  """One measurement: a case at one batch and precision."""

  case: str
  game: str
  experiment: str
  shape: tuple[int, int, int]
  z: int
  width: int
  batch: int
  images: int
  precision: str  # 'float32', or 'bfloat16': products of bfloat16 operands, weights float32
  tiny: bool

  @property
  def title(self) -> str:
    """What the table is headed by."""
    return f'{self.case}, batch {self.batch}, {self.precision}'


def jobs(
  names: Sequence[str], precisions: Sequence[str], batches: Sequence[int] = (), tiny: bool = False
) -> list[Job]:
  """All jobs of these cases; `batches` replaces the cases' own. KeyError for an unknown case."""
  return [
    Job(
      name, case.game, case.experiment, case.shape, case.z,
      4 if tiny else case.width, 4 if tiny else batch, 64 if tiny else case.images, precision, tiny,
    )
    for name in names
    for case in [CASES[name]]
    for batch in (batches or (case.batches[:1] if tiny else case.batches))
    for precision in precisions
  ]  # fmt: skip


def pyramid(job: Job) -> tuple[list[tuple[int, int]], list[int]]:
  """The sizes of a convolutional game's images, from the whole one down, and D's widths below it.

  64 -> ([64, 32, 16, 8, 4], [64, 128, 256, 512]): a size is halved while 3 or more are left.
  """
  sizes, widths = [job.shape[:2]], list[int]()
  while min(sizes[-1]) >= 6 and not any(n % 2 for n in sizes[-1]):
    sizes.append((sizes[-1][0] // 2, sizes[-1][1] // 2))
    widths.append(job.width << len(widths))
  return sizes, widths


def images(job: Job) -> np.ndarray:
  """uint8[N,H,W,C]: 1024 drawn discs and bars, over and over; structured, unlike noise."""
  from gan_jax.data.synthetic import synthetic

  drawn = synthetic(shape=job.shape, n=min(job.images, 1024)).arrays['image']
  return drawn[np.arange(job.images) % len(drawn)]


class Bench(NamedTuple):
  """What a contender hands to the worker.

  advance: n -> plays at least n steps (or generates n batches), waits until they are done, and
           returns how many it played.
  counts:  network -> its number of weights.
  device:  the name of what it ran on.
  """

  advance: Callable[[int], int]
  counts: dict[str, int]
  device: str


class LeftOut(Exception):
  """A contender has nothing to run in this job; the message is the reason, a clause."""
