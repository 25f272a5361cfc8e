"""A classifier of the reference's own classes, trained here: features that need no download.

It learns from nine of ten images of a labelled split; how often it is right about the tenth is part
of its name, since what it sees is worth no more than that. It is kept in the cache, by the images,
their labels and all that is said of the training, and so is trained once.
"""

import pathlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import flax.serialization
import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax.data import cache
from gan_jax.data.bar import bar
from gan_jax.data.source import Source, digest
from gan_jax.errors import InputError
from gan_jax.features.extractor import Extractor, named
from gan_jax.game import Array, Net, Params
from gan_jax.nets.classifier import Classifier
from gan_jax.nets.layers import net
from gan_jax.sampling import calibrate, in_chunks

DECAY = 0.01  # of the weights, times the learning rate
FEWEST = 20  # images to learn from
MOST_HELD_OUT = 10_000
SLOW = 300  # steps from which on a bar is shown


class Recipe(NamedTuple):
  """All that decides the weights, with the images and their labels."""

  width: int = 32  # of the first layers
  shown: int = 200_000  # images, each as often as it comes to
  batch: int = 64
  learning_rate: float = 1e-2  # at most; up and down again in one cycle
  shift: float = 0.125  # of a side, by which images are moved at random
  seed: int = 0
  version: int = 1  # of the code below and of the network


def classifier(
  source: Callable[..., Source],
  *,
  split: str = 'train',
  width: int | None = None,
  shown: int | None = None,
  seed: int = 0,
) -> Extractor:
  """'features' f32[B,128], the layer before the last, >= 0, and 'logits' f32[B,K], not calibrated.

  Its name is like 'classifier:mnist train:acc .991:0f3a91c2'.

  Args:
    source: split -> the data.
    split: what it learns from, and is tried on where it did not.
    width: of the first layers; unsaid, 16 for images of one channel and 32 for others.
    shown: images in training; unsaid, 200,000, in colour 300,000: on two CPU cores seconds for 8x8
      digits, about a minute for MNIST (.993 of its test images right, learnt from all 60,000), and
      by reckoning four for CIFAR-10.
    seed: another one, another classifier.

  Raises:
    InputError: there are no labels, or too few images or classes.
  """
  data = source(split)
  image, label, classes = _labelled(data, split)
  grey = image.shape[-1] == 1
  recipe = Recipe(width or (16 if grey else 32), shown or (200_000 if grey else 300_000), seed=seed)
  of = {'image': digest(image), 'label': digest(label), 'shape': list(image.shape)}
  kept = cache.place('classifier', {**of, **recipe._asdict()}).with_suffix('.msgpack')
  with cache.lock(kept):
    if not kept.exists():
      title = f'training a classifier on {data.meta.get("name")} {split}'
      _keep(kept, _learnt(image, label, classes, recipe, title))
  found = flax.serialization.msgpack_restore(kept.read_bytes())
  accuracy = f'{found["accuracy"]:.3f}'.removeprefix('0')
  name = named(f'classifier:{data.meta.get("name")} {split}:acc {accuracy}', found['weights'])
  return Extractor(name, found['weights'], machine(image.shape[1:], classes, recipe.width).apply)


class Machine(NamedTuple):
  """A classifier of images of one shape, compiled once for all weights."""

  net: Net
  apply: Callable[[Params, Array], dict[str, Array]]  # (weights, uint8[B,H,W,C]) -> both outputs
  logits: Callable[[Params, Array], Array]  # the same, compiled, and only the logits
  tx: optax.GradientTransformation
  step: Callable[..., tuple[Params, Any, Array]]
  calibrate: Callable[[Params, Array], Params]  # the statistics of f32[n,B,H,W,C] put in


@lru_cache(8)
def machine(shape: tuple[int, ...], classes: int, width: int) -> Machine:
  """The network, and how it moves: Adam with weights that decay (Loshchilov & Hutter 2019)."""
  made = net(Classifier(classes, width), jax.ShapeDtypeStruct((2, *shape), jnp.float32))
  tx = optax.chain(optax.scale_by_adam(), optax.add_decayed_weights(DECAY))

  def apply(params: Params, images: Array) -> dict[str, Array]:
    if images.shape[1:] != shape:
      raise InputError(
        f'this classifier was trained on {shape}; the images are {images.shape[1:]}.'
      )
    with jax.default_matmul_precision('highest'):
      return made.apply(params, images.astype(jnp.float32) / 127.5 - 1)

  def cost(params: Params, images: Array, label: Array) -> Array:
    logits = apply(params, images)['logits']
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, label))

  def step(
    params: Params, opt: Any, images: Array, label: Array, rate: Array
  ) -> tuple[Params, Any, Array]:
    loss, slope = jax.value_and_grad(cost)(params, images, label)
    updates, opt = tx.update(slope, opt, params)
    return jax.tree.map(lambda p, u: p - rate * u, params, updates), opt, loss

  logits = jax.jit(lambda params, images: apply(params, images)['logits'])
  settle = jax.jit(lambda params, batches: calibrate(made, params, batches))
  return Machine(made, apply, logits, tx, jax.jit(step, donate_argnums=(0, 1)), settle)


def train(
  image: np.ndarray, label: np.ndarray, classes: int, recipe: Recipe, title: str = ''
) -> Params:
  """uint8[N,H,W,C], i32[N] -> weights, with the statistics of up to 32 batches of these images.

  The same images and recipe give the same weights on the same kind of device. With a title it shows
  how far it is.
  """
  m = machine(image.shape[1:], classes, recipe.width)
  n, rng = len(image), np.random.default_rng(recipe.seed)
  size, steps = min(recipe.batch, n), -(-recipe.shown // recipe.batch)
  params = m.net.init(jax.random.key(recipe.seed))
  opt = m.tx.init(params)
  order = np.concatenate([rng.permutation(n) for _ in range(-(-steps * size // n))])
  rate = optax.cosine_onecycle_schedule(steps, recipe.learning_rate)
  rates = np.asarray(jax.vmap(rate)(jnp.arange(steps)))
  shown = bar(range(steps), desc=title, unit=' steps', disable=not title or steps < SLOW)
  for i in shown:
    rows = order[i * size : (i + 1) * size]
    moved = shifted(np.asarray(image[rows]), recipe.shift, rng)
    params, opt, loss = m.step(params, opt, moved, label[rows], rates[i])
    if i % 100 == 99:  # or the queue of batches grows
      shown.set_postfix_str(f'loss {float(loss):.3f}')
  spread = np.linspace(0, n - 1, min(32, n // size) * size).astype(int)
  batches = np.asarray(image[spread]).reshape(-1, size, *image.shape[1:])
  scaled = jnp.asarray(batches, jnp.float32) / 127.5 - 1
  return jax.device_get(m.calibrate(params, scaled))


def scores(params: Params, image: np.ndarray, classes: int, width: int) -> np.ndarray:
  """Logits f32[N,classes] of uint8[N,H,W,C], by weights of that width."""
  logits = machine(image.shape[1:], classes, width).logits
  return in_chunks(lambda part: logits(params, part), 250, image)


def shifted(images: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
  """Each image [B,H,W,C] moved by up to that share of its sides; its edge is repeated."""
  (n, h, w, _), (y, x) = images.shape, (int(share * side) for side in images.shape[1:3])
  padded = np.pad(images, [(0, 0), (y, y), (x, x), (0, 0)], mode='edge')
  windows = np.lib.stride_tricks.sliding_window_view(padded, (h, w), axis=(1, 2))
  at = np.arange(n), rng.integers(0, 2 * y + 1, n), rng.integers(0, 2 * x + 1, n)
  return np.ascontiguousarray(np.moveaxis(windows[at], 1, -1))


def _learnt(
  image: np.ndarray, label: np.ndarray, classes: int, recipe: Recipe, title: str
) -> dict[str, Any]:
  """Weights, and how often they are right about every tenth image, which they have not seen."""
  kept = np.arange(len(image)) % 10 != 9
  weights = train(image[kept], label[kept], classes, recipe, title)
  held = np.flatnonzero(~kept)
  held = held[:: -(-len(held) // MOST_HELD_OUT)]
  right = np.argmax(scores(weights, image[held], classes, recipe.width), axis=1) == label[held]
  return {'weights': weights, 'accuracy': float(np.mean(right))}


def _labelled(data: Source, split: str) -> tuple[np.ndarray, np.ndarray, int]:
  """The images whose class is told, uint8[N,H,W,C], their labels i32[N], the number of classes."""
  name, image = data.meta.get('name'), data.arrays['image']
  if 'label' not in data.arrays:
    raise InputError(
      f'{name} {split} has no labels for a classifier to learn; ask for '
      "features='random_conv' or features='inception'."
    )
  if image.dtype != np.uint8:
    raise InputError(f'a classifier looks at images uint8[N,H,W,C]; {name} has {image.dtype}.')
  label = np.asarray(data.arrays['label'], np.int32)
  if np.any(label < 0):
    told = label >= 0
    image, label = image[told], label[told]
  found = len(np.unique(label))
  if found < 2 or len(image) < FEWEST:
    raise InputError(
      f'a classifier needs {FEWEST} images of 2 classes; {name} {split} has {len(image)} of '
      f'{found} with a label.'
    )
  named_ = len(data.meta.get('classes') or ())
  return image, label, max(named_, int(label.max()) + 1)


def _keep(path: pathlib.Path, found: dict[str, Any]) -> None:
  """Written whole or not at all."""
  beside = path.with_suffix('.tmp')
  beside.write_bytes(flax.serialization.msgpack_serialize(found))
  beside.replace(path)
