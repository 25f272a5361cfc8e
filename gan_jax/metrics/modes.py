"""Modes: how many of them the samples find, and how evenly; of a mixture, of stacked digits."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import rel_entr

from gan_jax.data.opening import opened
from gan_jax.data.stacked import CHANNELS
from gan_jax.errors import InputError
from gan_jax.features.extractor import Extractor
from gan_jax.game import Array
from gan_jax.metrics.look import built, look
from gan_jax.sampling import Sampler


def coverage(points: np.ndarray, centres: np.ndarray, sigma: float) -> dict[str, float]:
  """Which modes were found: points f32[N,D], centres f32[K,D] -> numbers.

  A sample is of high quality if it lies within 3 sigma of the nearest mode; a mode is found if it
  has such a sample (Srivastava et al. 2017, section 4.1). 'kl' is KL(share of the high-quality
  samples in each mode || uniform), in nats.
  """
  distance = np.linalg.norm(points[:, None] - centres[None], axis=-1)
  nearest = np.argmin(distance, axis=1)
  good = np.min(distance, axis=1) <= 3 * sigma
  counts = np.bincount(nearest[good], minlength=len(centres))
  share = counts / max(counts.sum(), 1)
  kl = float(np.sum(share[share > 0] * np.log(share[share > 0] * len(centres))))
  return {
    'modes': float(np.sum(counts > 0)),
    'high_quality': float(np.mean(good)),
    'kl': kl if counts.sum() else float('inf'),
  }


def modes(
  sampler: Sampler, source: Callable, key: jax.Array, *, n: int = 2500
) -> Mapping[str, float]:
  """The eval, on n samples, for sources whose sidecar gives 'centres' and 'sigma'."""
  meta = source().meta
  if 'centres' not in meta:
    raise InputError(f'{meta.get("name")} has no modes to count: its sidecar names no centres.')
  return coverage(sampler.draw(key, n), np.asarray(meta['centres']), float(meta['sigma']))


def recovered(mode: np.ndarray, share: np.ndarray) -> tuple[int, float]:
  """The mode of each sample i[N], the data's share f[M] of each -> (modes hit, KL).

  KL(samples || data) in nats: 0 at best, inf if a sample is of a mode that the data have not. Of N
  draws of the data themselves it is (M - 1) / 2N on average.
  """
  counts = np.bincount(mode, minlength=len(share))
  if len(counts) > len(share):
    raise InputError(f'{len(share)} modes have shares, but a sample is of mode {len(counts) - 1}.')
  return int(np.sum(counts > 0)), float(np.sum(rel_entr(counts / len(mode), share)))


def stacked_modes(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 26_000,
  features: Any = 'classifier',
  split: str = 'train',
) -> Mapping[str, Any]:
  """The eval {'stacked_modes', 'kl'} for `data.stacked`: how many of the K³ modes n samples hit.

  The digit in each channel is read by a classifier of single ones, `features`, that is trained on
  the source they are from (Che et al. 2017; 26,000 samples as in Srivastava et al. 2017, section
  4.2). The data's shares are the products of those of single digits. 'modes_real' and 'kl_real' are
  of up to n real images, read by the same classifier, and so what is within reach.
  """
  meta = source(split).meta
  if 'stacked' not in meta:
    raise InputError(f'{meta.get("name")} is not stacked: ask for `modes` of mixtures.')
  single = lru_cache(partial(_single, meta['stacked']))
  reader = built(features, single)
  label = single(split).arrays['label']
  classes = round(len(meta['classes']) ** (1 / CHANNELS))
  found = look(sampler, source, key, features=_by_channel(reader), n=n, split=split)
  if found.fake.logits is None or found.fake.logits.shape[1] != CHANNELS * classes:
    raise InputError(f'{reader.name} does not tell the {classes} classes of {meta["stacked"]}.')
  share = np.bincount(label, minlength=classes) / len(label)
  shares = np.einsum('a,b,c->abc', share, share, share).ravel()
  of = {
    ending: recovered(_read(logits, classes), shares)
    for ending, logits in (('', found.fake.logits), ('_real', found.real.logits))
  }
  return {
    'stacked_modes': of[''][0],
    'kl': of[''][1],
    'modes_real': of['_real'][0],
    'kl_real': of['_real'][1],
    'protocol': {**found.protocol, 'modes': classes**CHANNELS, 'kl': 'of samples || data, nats'},
  }


def _single(of: Mapping[str, Any], split: str = 'train') -> Any:
  return opened(of, split=split)


def _read(logits: Any, classes: int) -> np.ndarray:
  """Logits f32[N,3K] -> the mode that they say, i[N]."""
  digit = np.argmax(np.asarray(logits).reshape(-1, CHANNELS, classes), axis=-1)
  return digit @ classes ** np.arange(CHANNELS - 1, -1, -1)


def _by_channel(of: Extractor) -> Extractor:
  """The extractor of images of one channel, on each of three: features and logits side by side."""
  return Extractor(f'{of.name}, by channel', of.weights, _each(of.apply))


@lru_cache(4)  # so that it is compiled once
def _each(apply: Callable[[Any, Array], dict[str, Array]]) -> Callable:
  def each(weights: Any, images: Array) -> dict[str, Array]:
    """(weights, uint8[B,H,W,3]) -> f32[B,3D] by name."""
    alone = jnp.moveaxis(images, -1, 1).reshape(-1, *images.shape[1:3], 1)
    out = {name: a for name, a in apply(weights, alone).items() if name != 'spatial'}
    return {name: a.reshape(len(images), -1) for name, a in out.items()}

  return each
