"""From a config to its parts. Every command starts here; only `train` puts them to work.

The parts of a config are: data and transform (what is learnt), prior, nets, objective, players, ema
(the game), play (how it is played), rounds, batch, accumulate, seed, devices, parallel,
resident_mb, resident_parts, rounds_per_call (how long and on what), start (weights from another
run), evals, log_every, checkpoint, finish (what is looked at and kept), precision (what is
multiplied: 'float32', or 'bfloat16').
`experiments/gan_digits.py` shows most of them.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import config as configs
from gan_jax import step as steps
from gan_jax.data import transforms
from gan_jax.data.opening import opened
from gan_jax.data.source import Source, is_picture
from gan_jax.errors import InputError
from gan_jax.game import Array
from gan_jax.nets import layers, packed
from gan_jax.sampling import Sampler, make_sampler
from gan_jax.step import Game, Player, TrainState

REQUIRED = ('data', 'nets', 'objective', 'players', 'play', 'rounds', 'batch')


class Facts(NamedTuple):
  """What the networks must know of the data; JSON-able, and kept beside the checkpoints."""

  shape: tuple[int, ...]  # of one image as the networks see it
  columns: dict[str, tuple[tuple[int, ...], str]]  # column -> (shape of one entry, dtype)
  classes: int  # 0 without labels
  range: tuple[float, float] | None  # that the values of an image lie in, if it has ends
  meta: dict[str, Any]  # the source's sidecar


def complete(config: Mapping[str, Any]) -> dict[str, Any]:
  """The config as plain dicts with its defaults filled in.

  Raises InputError for a key that no part reads, or a part that is missing.
  """
  given = configs.plain(config)
  known = {*REQUIRED, *configs.DEFAULTS}
  configs.refuse_strangers(given, known, 'the config')
  if missing := [key for key in REQUIRED if key not in given]:
    raise InputError(f'the config lacks {", ".join(missing)}.')
  return {**configs.plain(configs.DEFAULTS), **given}


def open_source(config: Mapping[str, Any], split: str | None = None, **changes: Any) -> Source:
  """The data of the config, or another split of it, or with other arguments (a fold, say)."""
  changes |= {} if split is None else {'split': split}
  return opened(config['data'], **changes)


def transform(config: Mapping[str, Any]) -> transforms.Transform:
  """From what is stored to what the networks see."""
  steps_ = [configs.build(spec, 'data.transforms') for spec in config['transform']]
  return transforms.chain(steps_)


def facts(source: Source, seen: transforms.Transform) -> Facts:
  """What the networks must know of this source."""
  one = {n: jax.ShapeDtypeStruct((1, *a.shape[1:]), a.dtype) for n, a in source.arrays.items()}
  see = lambda a: jax.eval_shape(seen.apply, a, jax.random.key(0))
  one = {name: see(a) if is_picture(name, a) else a for name, a in one.items()}
  columns = {n: (tuple(a.shape[1:]), str(a.dtype)) for n, a in one.items()}
  labels = source.arrays.get('label')
  named = len(source.meta.get('classes') or ())
  classes = 0 if labels is None else max(named, int(np.max(labels)) + 1)
  return Facts(columns['image'][0], columns, classes, seen.range, dict(source.meta))


def pixel_mean(source: Source, seen: transforms.Transform, most: int = 60_000) -> np.ndarray:
  """The mean image as the networks see it, f32[H,W,C], over at most the first 60,000."""
  images = source.arrays['image']
  n = min(len(images), most)
  apply = jax.jit(lambda x, key: jnp.sum(seen.apply(x, key), axis=0, dtype=jnp.float32))
  total = np.zeros(())
  for i in range(0, n, 1000):
    part = np.asarray(images[i : min(i + 1000, n)])
    total = total + np.asarray(apply(part, jax.random.key(i)), np.float64)
  return np.asarray(total / n, np.float32)


def shown(source: Source, seen: transforms.Transform, n: int) -> dict[str, Array]:
  """n rows of every column as the networks see them, spread evenly over the data, [n,...]."""
  rows = np.linspace(0, len(source) - 1, n).astype(int)
  look = lambda name, a: seen.apply(a, jax.random.key(0)) if is_picture(name, a) else a
  return {name: look(name, jnp.asarray(a[rows])) for name, a in source.arrays.items()}


def game(
  config: Mapping[str, Any],
  known: Facts,
  mean: Callable[[], np.ndarray],
  show: Callable[[int], Mapping[str, Array]] | None = None,
) -> Game:
  """The game that the config describes, on data of which that is known; raises InputError.

  `mean` gives the mean image and `show` so many rows of the data, to networks whose initialisation
  asks for them: where weights start is all that they decide, so a trained game does without.
  """
  prior = configs.build(config['prior'], 'priors')
  one = {n: jax.ShapeDtypeStruct((1, *shape), dtype) for n, (shape, dtype) in known.columns.items()}
  if prior:
    one['z'] = jax.eval_shape(lambda k: prior(k, 1), jax.random.key(0))

  def examples(inputs: Sequence[str], fit: int) -> list[layers.Example]:
    """Of each input, `fit` to initialise a network on; shapes alone if it is 0, or without data."""
    given = dict(show(fit)) if fit and show and set(inputs) - {'z'} else {}
    if fit and prior and 'z' in inputs:
      given['z'] = prior(jax.random.key(0), fit)
    shape = lambda a: jax.ShapeDtypeStruct((fit or 2, *a.shape[1:]), a.dtype)
    return [given.get(name, shape(one[name])) for name in inputs]

  def net(name: str):
    spec = dict(config['nets'][name])
    inputs, reparam = spec.pop('inputs', None), spec.pop('reparam', None)
    fit, pack = spec.pop('fit', 0), spec.pop('pack', 1)
    if inputs is None or (unknown := [i for i in inputs if i not in one]):
      raise InputError(
        f'nets.{name} must say its inputs=(...), each one of {", ".join(sorted(one))}'
        + (f'; it says {", ".join(unknown)}.' if inputs else '.')
      )
    if 'classes' not in spec and 'label' in inputs:
      spec['classes'] = known.classes
    module = configs.build(spec, 'nets', shape=known.shape, pixel_mean=configs.Later(mean))
    _check_range(name, module, known)
    precision = config.get('precision', 'float32')  # unsaid in runs of before there was another
    wide = [packed.widened(x, pack) for x in examples(inputs, fit)]
    out = packed.packed(layers.net(module, *wide, precision=precision), pack)
    if not reparam:
      return out
    return out._replace(**configs.build(reparam, 'nets', net=out, prior=prior, inputs=inputs))

  objective = configs.build(config['objective'], 'objectives', prior=prior, columns=known.columns)
  for wrapper in config['wrappers']:
    objective = configs.build({**wrapper, 'base': objective}, 'objectives.wrappers')
  out = Game(
    nets={name: net(name) for name in sorted(config['nets'])},
    players={n: player(n, spec) for n, spec in sorted(config['players'].items())},
    objective=objective,
    ema={n: configs.build(d, 'optim') for n, d in config['ema'].items()},
  )
  steps.check(out)
  _check_penalties(config, out)
  return out


def penalties_in(spec: Any) -> list[Any]:
  """The descriptions of penalties in that of an objective, however deep: it may be of another."""
  if not isinstance(spec, Mapping):
    return []
  deeper = [found for value in spec.values() for found in penalties_in(value)]
  return [*spec.get('penalties', ()), *deeper]


def _check_penalties(config: Mapping[str, Any], game_: Game) -> None:
  """A gradient penalty is of one example at a time, which BatchNorm does not know."""
  given = [configs.build(entry, 'penalties') for entry in penalties_in(config['objective'])]
  slopes = [p.name for p in given if p.of_slopes]
  if slopes and 'D' in game_.nets and game_.nets['D'].statistics is not None:
    raise InputError(
      f'{", ".join(slopes)} penalises the slope of D at each example, but D has BatchNorm, which '
      "ties the examples of a batch together; give nets.D norm='layer' or norm='none'."
    )


def _check_range(name: str, module: Any, known: Facts) -> None:
  """A network of images that ends in tanh cannot draw those that were scaled to [0, 1]."""
  ends = {'tanh': (-1.0, 1.0), 'sigmoid': (0.0, 1.0)}.get(getattr(module, 'output', ''))
  if hasattr(module, 'shape') and ends and known.range and tuple(known.range) != ends:
    raise InputError(
      f'nets.{name} ends in {module.output}, so it draws values in {ends}, but the transform gives '
      f'images in {tuple(known.range)}; change its output, or the scale of the transform.'
    )


def player(name: str, spec: Mapping[str, Any]) -> Player:
  """dict(owns=('D',), tx=dict(name='adam', ...)) as a Player; unsaid, it owns its namesake."""
  configs.refuse_strangers(spec, ('owns', 'tx'), f'players.{name}')
  return Player(tuple(spec.get('owns', (name,))), configs.build(spec['tx'], 'optim'))


def play(config: Mapping[str, Any]) -> tuple[Callable, dict[str, Any]]:
  """(alternating | simultaneous | extragradient, its options)."""
  spec = config['play']
  options = {'name': spec} if isinstance(spec, str) else dict(spec)
  function = configs.resolve(options.pop('name'), 'step')
  taken = set(inspect.signature(function).parameters) - {'game', 'mean'}
  configs.refuse_strangers(options, taken, f'play={function.__name__!r}')
  if 'schedule' in options:
    options['schedule'] = tuple(e if isinstance(e, str) else tuple(e) for e in options['schedule'])
  return function, options


def examples(config: Mapping[str, Any], source: Source, n: int = 64) -> dict[str, np.ndarray]:
  """The first n rows, as stored, of the columns that G takes besides z and label: often none."""
  taken = _inputs(config, 'G')
  return {name: np.asarray(a[:n]) for name, a in source.arrays.items() if name in taken
          and name != 'label'}  # fmt: skip


def sampler(
  config: Mapping[str, Any], game_: Game, known: Facts, given: Mapping[str, np.ndarray]
) -> Callable[[TrainState], Sampler]:
  """state -> Sampler, for the network called G; `given` are its `examples`."""
  judged = _inputs(config, 'D')
  alone = set(judged) <= {'image', 'label'} and config['nets'].get('D', {}).get('pack', 1) == 1
  return make_sampler(
    game_,
    configs.build(config['prior'], 'priors'),
    transform(config),
    inputs=_inputs(config, 'G'),
    examples=given,
    classes=known.classes,
    batch=min(config['batch'], 100) if game_.nets['G'].statistics else 100,
    critic='D' if judged and alone else '',
  )


def _inputs(config: Mapping[str, Any], net: str) -> tuple[str, ...]:
  """What a network takes, by name; nothing if there is no such network."""
  return tuple(config['nets'].get(net, {}).get('inputs', ()))
