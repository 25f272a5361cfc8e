"""Semantic hashing: images that look alike have the same bits, learnt from the images themselves.

A denoising autoencoder with dropout and ReLUs, 3072-128-3072, of images cut to their centre and
scaled to 32x32; the bits say which of its 128 hidden units are on, an encoding that is known to
keep what matters (Srivastava et al. 2014). So the authors of DCGAN found near-duplicates among
three million bedrooms (Radford et al. 2016, section 4.1.1).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax.data.bar import bar
from gan_jax.data.images import resized
from gan_jax.game import Array, Net, Params
from gan_jax.nets.hashing import Denoising
from gan_jax.nets.layers import net
from gan_jax.sampling import in_chunks

SIDE = 32  # pixels of what is hashed
MOST = 50_000  # images to learn from, evenly spread
EPOCHS = 1000  # at most, of a small set: 39 of 40 copies among 340 images went, 33 by 200
SLOW = 300  # steps from which on a bar is shown


def semantic(
  image: np.ndarray,
  *,
  seed: int = 0,
  dim: int = 128,
  shown: int = 200_000,
  batch: int = 64,
  learning_rate: float = 3e-3,
) -> Callable[[np.ndarray], np.ndarray]:
  """image uint8[N,H,W,C] to learn from -> the hash: uint8[B,H,W,C] -> bool[B,dim].

  The same images and seed give the same bits on the same kind of device. `shown` images in
  training, none more than EPOCHS times: half a minute on two CPU cores.
  """
  rows = np.unique(np.linspace(0, len(image) - 1, min(len(image), MOST)).astype(int))
  small = thumbnails(image, rows)
  mean = small.mean(axis=0, dtype=np.float64).astype(np.float32)
  deviation = max(float(np.sqrt(np.mean((small - mean) ** 2, dtype=np.float64))), 1e-3)
  see = lambda x: (x.astype(jnp.float32) - mean[None]) / deviation
  made = net(Denoising(dim), jax.ShapeDtypeStruct((2, *small.shape[1:]), jnp.float32))
  shown = min(shown, EPOCHS * len(small))
  params = _learnt(made, see, small, seed, shown, min(batch, len(small)), learning_rate)
  on = jax.jit(lambda x: made.apply(params, see(x))['code'] > 0)
  return lambda images: in_chunks(on, 500, thumbnails(images, np.arange(len(images))))


def thumbnails(image: np.ndarray, rows: np.ndarray) -> np.ndarray:
  """Those rows of uint8[N,H,W,C], each cut to its centre and scaled: uint8[R,32,32,C]."""
  return np.stack([resized(np.asarray(image[i]), (SIDE, SIDE), 'box') for i in rows])


def _learnt(
  made: Net,
  see: Callable[[Array], Array],
  small: np.ndarray,
  seed: int,
  shown: int,
  batch: int,
  learning_rate: float,
) -> Params:
  """Weights that undo dropout, by Adam on the squared error, its rate a cosine down to 0."""
  steps = -(-shown // batch)
  tx = optax.adam(optax.cosine_decay_schedule(learning_rate, steps))
  k_init, k_noise = jax.random.split(jax.random.key(seed))
  params = made.init(k_init)

  @jax.jit
  def step(params: Params, opt: optax.OptState, images: Array, i: Array):
    def cost(params: Params) -> Array:
      x = see(images)
      back = made.apply(params, x, key=jax.random.fold_in(k_noise, i))['image']
      return jnp.mean((back - x) ** 2)

    loss, slope = jax.value_and_grad(cost)(params)
    updates, opt = tx.update(slope, opt, params)
    return optax.apply_updates(params, updates), opt, loss

  opt, rng = tx.init(params), np.random.default_rng(seed)
  watched = bar(range(steps), desc='learning to hash', unit=' steps', disable=steps < SLOW)
  for i in watched:
    params, opt, loss = step(params, opt, small[rng.integers(len(small), size=batch)], i)
    if i % 100 == 99:  # or the queue of batches grows
      watched.set_postfix_str(f'loss {float(loss):.3f}', refresh=False)
  return params
