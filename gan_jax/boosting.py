"""AdaGAN (Tolstikhin et al. 2017): a mixture of generators, each trained on what the others miss.

Algorithm 1: after t generators, with mixture P_g, the next is trained on the data reweighted, and
P_g becomes (1 - beta) P_g + beta P_next. Theorem 1: what to aim at is the distribution

  dQ = (1/beta) (lambda* dP_d - (1 - beta) dP_g)_+ ,

with the one lambda* that makes it sum to 1; of N examples (their eqs. 17 and 18)

  w_i = (lambda* - (1 - beta) h_i)_+ / (beta N),   h_i = (1 - D(x_i)) / D(x_i),

where D, the probability that x is real, is a classifier of data against samples of the mixture, so
that h estimates dP_g / dP_d. Here beta = 1 / (t + 1), the 'uniform' heuristic of the authors' code:
in the end all generators weigh the same.

  config = dict(driver='boosting.run', boosting=dict(generators=5), data=..., nets=..., ...)

Everything else in the config is that of each run: one in each folder 0, 1, ... of the workdir, with
the weights that it was trained on in weights_1.npy, ...; each has a seed of its own. The evals are
run on the mixture too, logged by the number of generators. The same command goes on where it was.
"""

import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np

from gan_jax import assemble, runs, train
from gan_jax import config as configs
from gan_jax import whole as wholes
from gan_jax.data.opening import opened
from gan_jax.errors import InputError
from gan_jax.game import Array, Key
from gan_jax.sampling import Sampler
from gan_jax.step import TrainState

OWN = ('driver', 'boosting')  # keys that no single run has


def run(
  config: Mapping[str, Any],
  workdir: str | pathlib.Path,
  vary: Mapping[str, Iterable[float]] | None = None,
) -> TrainState:
  """Trains boosting.generators runs, one after another; returns the last one's state.

  boosting: dict(generators=..., most=20_000): how many runs, and of how many examples of each kind
  the classifier learns. Raises as `train.run` does, and
  InputError for a population.
  """
  if vary is not None:
    raise InputError('boosting cannot be varied; vary one of its runs, with the weights it had.')
  workdir, given = pathlib.Path(workdir), configs.plain(config)
  options = {'most': 20_000, **given['boosting']}
  configs.refuse_strangers(options, ('generators', 'most'), 'boosting')
  base = assemble.complete({k: v for k, v in given.items() if k not in OWN})
  for t in range(options['generators']):
    print(f'boosting generator {t + 1} of {options["generators"]}')
    state = train.run(member(base, workdir, t, options), workdir / str(t))
    names = [str(i) for i in range(t + 1)]
    wholes.claim(workdir, 'boosting.sampler', names, weights=[1 / (t + 1)] * (t + 1))
    open_split = lru_cache(partial(assemble.open_source, base))
    wholes.look(workdir, base['evals'], sampler(workdir), open_split, base['seed'], t + 1)
  return state


def member(
  base: Mapping[str, Any], workdir: pathlib.Path, t: int, options: Mapping[str, Any]
) -> dict[str, Any]:
  """The config of the run that comes after t others; its weights are made if they are not there."""
  config = {**base, 'seed': base['seed'] + t}
  if not t:
    return config
  data = {'name': base['data']} if isinstance(base['data'], str) else dict(base['data'])
  split = {'split': data['split']} if 'split' in data else {}
  path = workdir / f'weights_{t}.npy'
  if not path.exists():
    folders = [workdir / str(i) for i in range(t)]
    images = opened(data).arrays['image']
    drawn = mixture([runs.sampler(f) for f in folders], [1 / t] * t)
    h = ratio(drawn, images, jax.random.key(config['seed']), options['most'])
    w = reweighted(h, 1 / (t + 1))
    print(f"weights  {np.mean(w == 0):.0%} of the examples are none of the next one's concern")
    beside = path.with_suffix('.tmp.npy')
    np.save(beside, w)
    beside.replace(path)
  weighted = {'weighted': data['split']} if split else {}
  config['data'] = {'name': 'reweighted', 'of': data, 'weights': str(path), **split, **weighted}
  return config


def reweighted(h: np.ndarray, beta: float) -> np.ndarray:
  """h f[N], estimates of dP_g / dP_d at the examples -> weights f64[N] that sum to 1.

  lambda* by filling up: with a = (1 - beta) h in ascending order it is
  (beta N + a_1 + ... + a_k) / k for the largest k that has a_k below it, which always exists.
  """
  n, a = len(h), (1 - beta) * np.asarray(h, np.float64)
  ascending = np.sort(a)
  levels = (beta * n + np.cumsum(ascending)) / np.arange(1, n + 1)
  k = np.flatnonzero(ascending < levels)[-1]
  w = np.maximum(levels[k] - a, 0) / (beta * n)
  return w / np.sum(w)


def ratio(sampler: Sampler, images: np.ndarray, key: Key, most: int) -> np.ndarray:
  """dP_g / dP_d at each stored image, f64[N], by a classifier of pixels: boosted trees.

  It learns from as many samples as images, at most `most` of each, and stops when the likelihood of
  a tenth that is held out no longer rises.
  """
  from sklearn.ensemble import HistGradientBoostingClassifier  # 1 s to import

  n, flat = min(len(images), most), lambda x: np.asarray(x).reshape(len(x), -1)
  seed = int(jax.random.bits(key)) % 2**31
  rows = np.random.default_rng(seed).choice(len(images), n, replace=False)
  fake, real = flat(sampler.draw(key, n)), flat(sampler.see(images[np.sort(rows)]))
  judge = HistGradientBoostingClassifier(early_stopping=True, random_state=seed)
  judge.fit(np.concatenate([real, fake]), np.repeat([1, 0], n))
  real_or_not = judge.predict_proba(flat(sampler.see(images)))[:, 1].astype(np.float64)
  return (1 - real_or_not) / np.maximum(real_or_not, 1e-8)


def sampler(workdir: str | pathlib.Path) -> Sampler:
  """The mixture of the runs in `workdir` as one sampler."""
  weights = wholes.facts(workdir)['weights']
  return mixture([runs.sampler(f) for f in wholes.folders(workdir)], weights)


def mixture(samplers: Sequence[Sampler], weights: Sequence[float]) -> Sampler:
  """A sampler of several: `fill` adds to the inputs, as the last, which of them draws, i32[n,1].

  There is no critic; the networks by name are the first's.
  """
  first = samplers[0]

  def fill(key: Key, n: int) -> tuple[Array, ...]:
    k_which, k_inputs = jax.random.split(key)
    which = jax.random.choice(k_which, len(samplers), (n, 1), p=np.asarray(weights, np.float32))
    return *first.fill(k_inputs, n), which

  def generate(*given: Any) -> np.ndarray:
    *inputs, which = (np.asarray(a) for a in given)
    rows = [np.flatnonzero(which[:, 0] == i) for i in range(len(samplers))]
    parts = [s.generate(*(a[at] for a in inputs)) for s, at in zip(samplers, rows, strict=True)]
    back = np.argsort(np.concatenate(rows), kind='stable')
    return np.concatenate(parts)[back]

  draw: Callable = lambda key, n: generate(*fill(key, n))
  return first._replace(
    generate=generate, draw=draw, fill=fill, prior=None, along=None, critic=None
  )
