"""The sizes that an image goes through when it is halved and halved again."""

from collections.abc import Sequence

from gan_jax.errors import InputError

# The shorter side where a pyramid may end: 48 = 3·2⁴, 28 = 7·2², 64 = 4·2⁴.
SMALLEST, LARGEST = 3, 8


def halvings(shape: Sequence[int], stages: int | None = None) -> tuple[tuple[int, int], int]:
  """Image shape (H,W,C) -> ((h,w), stages) with H = h·2^stages and W = w·2^stages.

  Without `stages`, as many as leave a shorter side of 3 or more: 64 -> (4, 4), 28 -> (7, 2).
  Raises InputError for sides that cannot be reached by doubling, and names some that can.
  """
  if len(shape) != 3:
    raise InputError(f'a convolutional network makes images (H, W, C); this data has {shape}.')
  h, w = shape[:2]
  n = 0
  while n != stages and h % 2 == w % 2 == 0 and (stages is not None or min(h, w) // 2 >= SMALLEST):
    h, w, n = h // 2, w // 2, n + 1
  if n == 0 or n != (n if stages is None else stages) or (stages is None and min(h, w) > LARGEST):
    side = min(shape[:2])
    sizes = sorted({b << s for b in range(SMALLEST, LARGEST + 1) for s in range(1, 8)})
    below = max((s for s in sizes if s <= side), default=sizes[0])
    above = min((s for s in sizes if s >= side), default=sizes[-1])
    wanted = 'a few' if stages is None else str(stages)
    near = f'{below} or {above}' if below != above else f'{below}'
    raise InputError(
      f'an image of {shape[0]}x{shape[1]} cannot be halved {wanted} times: resize it to {near}, '
      'or name another number of stages.'
    )
  return (h, w), n


def ceil_halvings(shape: Sequence[int]) -> list[tuple[int, int]]:
  """Image shape (H,W,C) -> its sizes from at most 4 a side up, each half of the next, rounded up.

  28 -> 4, 7, 14, 28: what 'SAME' strided convolutions make of any size.
  """
  if len(shape) != 3:
    raise InputError(f'a convolutional network makes images (H, W, C); this data has {shape}.')
  sizes = [(shape[0], shape[1])]
  while max(sizes[0]) > 4:
    sizes.insert(0, (-(-sizes[0][0] // 2), -(-sizes[0][1] // 2)))
  return sizes
