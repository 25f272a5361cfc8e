"""The Wasserstein distance that a critic of its own finds (Danihelka et al. 2017, section 3).

The critic is trained after the fact, on half of the images, so that no generator was trained
against it; what it says of the other half is no worse than what it learnt. A small net finds less
than the whole distance: numbers are to be compared at the same protocol only.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax import penalties
from gan_jax.errors import InputError
from gan_jax.game import Array, Key, Params
from gan_jax.metrics.look import look
from gan_jax.sampling import Sampler, in_chunks


class Distance(NamedTuple):
  """What a critic says of images that it was not trained on, in units of the features."""

  held: float  # E f(real) - E f(fake), over the slope
  stderr: float  # of it, given the critic: over the held-out images
  learnt: float  # the same of the half that it was trained on; far above `held` it is overfitted
  slope: float  # root mean square of |grad f| between held-out pairs, before the division


def critic(
  real: np.ndarray,
  fake: np.ndarray,
  key: Key,
  *,
  steps: int = 1000,
  width: int = 128,
  batch: int = 128,
  learning_rate: float = 1e-3,
  penalty: float = 10.0,
) -> Distance:
  """Features real f[N,D], fake f[M,D] -> the distance, by a net with two hidden layers of `width`.

  It is trained by Adam at a rate that falls to 0 along a cosine, on half of each set. Slopes above
  1 are penalised (Petzka et al. 2018: those below cost nothing, so that a critic that starts the
  wrong way round is free to turn) and come out at 1 + c / (2 `penalty`) for sets that lie c apart;
  so verdicts are divided by what the slope is on the held-out half, if that is above 1. Features
  are first brought to a deviation of 1 by one number for all, which the distance is multiplied by.
  Raises InputError for fewer than 4 of either, or features that are nan or inf.
  """
  _check(real, fake)
  k_order, k_init, k_train, k_held = jax.random.split(key, 4)
  rng = np.random.default_rng(np.asarray(jax.random.key_data(k_order)))
  middle = np.mean(real, axis=0, dtype=np.float64).astype(np.float32)
  unit = float(np.std(real - middle, dtype=np.float64)) or 1.0
  both = [(x, _halves(x, rng)) for x in (real, fake)]
  # Scaled as they are taken, so that sets in files stay there.
  scaled = lambda x, rows: (np.asarray(x[rows], np.float32) - middle) / np.float32(unit)
  move, start = _moves(steps, learning_rate, penalty)
  state = start(k_init, real.shape[1], width)
  for i in range(steps):
    drawn = (scaled(x, rng.choice(known, batch)) for x, (known, _) in both)
    state = move(state, *drawn, k_train, i)
  params = state[0]

  def verdicts(half: int) -> list[np.ndarray]:
    """f of the images of that half, f64: of real ones, and of fakes."""
    of = lambda x, rows: in_chunks(lambda i: _score(params, scaled(x, i)), 1024, rows)
    return [of(x, halves[half]).astype(np.float64) for x, halves in both]

  slope = _slope(params, *(scaled(x, held[:4096]) for x, (_, held) in both), key=k_held)
  per = unit / max(slope, 1.0)
  known, held = verdicts(0), verdicts(1)
  return Distance(
    held=float(per * (held[0].mean() - held[1].mean())),
    stderr=float(per * np.sqrt(sum(v.var(ddof=1) / len(v) for v in held))),
    learnt=float(per * (known[0].mean() - known[1].mean())),
    slope=slope,
  )


def critic_distance(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'pixels',
  n: int = 10_000,
  split: str = 'test',
  steps: int = 1000,
  width: int = 128,
) -> Mapping[str, Any]:
  """The eval {'critic_distance', 'stderr', 'learnt', 'slope'}: on n samples and n of a split.

  Or on as many images as the split has. On held-out images of a split that G never saw, it also
  falls behind where G has learnt images by heart.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  found = critic(a.real.features, a.fake.features, key, steps=steps, width=width)
  protocol = {**a.protocol, 'critic': f'2 x {width}, {steps} steps, slopes above 1 penalised'}
  return {'critic_distance': found.held, 'stderr': found.stderr, 'learnt': found.learnt,
          'slope': found.slope, 'protocol': protocol}  # fmt: skip


def _check(real: np.ndarray, fake: np.ndarray) -> None:
  if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1]:
    raise InputError(
      f'a critic looks at features [N,D] and [M,D], not at {real.shape} and {fake.shape}.'
    )
  if min(len(real), len(fake)) < 4:
    raise InputError(f'{len(real)} images and {len(fake)} samples are too few for two halves.')
  if not (np.all(np.isfinite(real)) and np.all(np.isfinite(fake))):
    raise InputError('a critic was given features among which are nan or inf.')


def _halves(x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
  """The rows to learn from and those held out."""
  order = rng.permutation(len(x))
  return order[: len(x) // 2], order[len(x) // 2 :]


def _init(key: Key, inputs: int, width: int) -> Params:
  """Weights and biases of three layers, He et al.'s."""
  sizes = [inputs, width, width, 1]
  keys = jax.random.split(key, 3)
  return [
    (jax.random.normal(k, (a, b)) * jnp.sqrt(2 / a), jnp.zeros((1, b)))
    for k, a, b in zip(keys, sizes[:-1], sizes[1:], strict=True)
  ]


def _verdict(params: Params, x: Array) -> Array:
  """f32[B,D] -> f32[B]; ELUs, whose slope is smooth, as a penalty of slopes wants it."""
  *hidden, (w, b) = params
  for v, c in hidden:
    x = jax.nn.elu(x @ v + c)
  return (x @ w + b)[:, 0]


_score = jax.jit(_verdict)


@lru_cache(4)
def _moves(steps: int, learning_rate: float, weight: float) -> tuple[Callable, Callable]:
  """(move: (state, real, fake, key) -> state, start: (key, inputs, width) -> state)."""
  tx = optax.adam(optax.cosine_decay_schedule(learning_rate, steps), b1=0.5, b2=0.9)
  term = penalties.wgan_lp(weight=weight)

  def cost(params: Params, real: Array, fake: Array, key: Key) -> Array:
    D = partial(_verdict, params)
    return jnp.mean(D(fake)) - jnp.mean(D(real)) + weight * term.value(D, real, fake, key)

  @jax.jit
  def move(state: Any, real: Array, fake: Array, key: Key, i: Array) -> Any:
    params, opt = state
    slope = jax.grad(cost)(params, real, fake, jax.random.fold_in(key, i))
    updates, opt = tx.update(slope, opt)
    return optax.apply_updates(params, updates), opt

  def start(key: Key, inputs: int, width: int) -> Any:
    params = _init(key, inputs, width)
    return params, tx.init(params)

  return move, start


def _slope(params: Params, real: np.ndarray, fake: np.ndarray, *, key: Key) -> float:
  """The root mean square of |grad f| between pairs of held-out images."""
  n = min(len(real), len(fake))
  at = penalties.between(jnp.asarray(real[:n]), jnp.asarray(fake[:n]), key)
  return float(np.sqrt(np.mean(penalties.slopes(partial(_verdict, params), at))))
