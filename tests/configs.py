"""Small configs that many tests share: one of each kind, and the experiments by name."""

import importlib.util
import pathlib
from collections.abc import Callable
from types import ModuleType

from gan_jax import config as configs
from gan_jax.ops import matrix, native

EXPERIMENTS = pathlib.Path(__file__).parents[1] / 'experiments'


def experiment(name: str) -> ModuleType:
  """The module of experiments/NAME.py."""
  spec = importlib.util.spec_from_file_location(
    f'experiments.{name.replace("/", ".")}', EXPERIMENTS / f'{name}.py'
  )
  assert spec
  assert spec.loader
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


def tiny(name: str, arg: str = '') -> dict:
  """The tiny form of an experiment, as one plain config."""
  return configs.plain(experiment(name).get_config(','.join(filter(None, ('tiny', arg)))))


def small(**changes):
  """A small DCGAN on the embedded digits; `changes` are dotted keys, dots as double underscores."""
  adam = dict(name='adam', learning_rate=1e-3, b1=0.5)
  config = dict(
    data=dict(name='digits', split='train'),
    transform=(dict(name='scale'),),
    prior=dict(name='normal', dim=4),
    nets=dict(
      G=dict(name='dcgan.Generator', inputs=('z',), width=4),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(16,), keep=0.8),
    ),
    objective=dict(name='gan', pair='nonsaturating', penalties=(dict(name='r1', weight=0.1),)),
    players=dict(D=dict(tx=adam), G=dict(tx=adam)),
    play=dict(name='alternating', schedule=('D', 'D', 'G')),
    ema=dict(G=0.9),
    evals=dict(samples=dict(name='figures.grids.samples', every=4, rows=2, columns=2)),
    rounds=8,
    batch=8,
    devices=1,
    rounds_per_call=2,
    log_every=2,
    checkpoint=dict(every=4, keep=3),
    finish=(),
  )
  return configs.tiny(config, **{'rounds': 8, 'checkpoint': config['checkpoint'], **changes})


def little(**changes):
  """A run on the plane, of perceptrons of four units; `changes` are dotted keys, __ for dots."""
  adam = dict(name='adam', learning_rate=1e-2, b1=0.5)
  config = dict(
    data=dict(name='mixture.ring', n=64),
    prior=dict(name='normal', dim=2),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(4,)),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(4,), keep=0.8),
    ),
    objective=dict(name='gan', pair='nonsaturating', penalties=(dict(name='r1', weight=0.1),)),
    players=dict(D=dict(tx=adam), G=dict(tx=adam)),
    play=dict(name='alternating', schedule=('D', 'D', 'G')),
    ema=dict(G=0.9),
    evals=dict(modes=dict(name='metrics.modes.modes', every=4, n=32)),
    finish=(),
  )
  own = {'rounds': 8, 'devices': 1, 'checkpoint': dict(every=4, keep=3)}
  return configs.tiny(config, **{**own, **changes})


def perceptrons(**changes):
  """The same two players as perceptrons on the digits, with no eval: the cheapest to compile."""
  hidden = dict(hidden=(8,))
  nets = dict(
    G=dict(name='plain.Generator', inputs=('z',), output='tanh', **hidden),
    D=dict(name='plain.Discriminator', inputs=('image',), **hidden),
  )
  bare = dict(objective=dict(name='gan', pair='nonsaturating'), play='simultaneous', evals={})
  return small(nets=nets, **{**bare, **changes})


def boosted(**changes):
  """Two generators of which the second learns what the first misses, on the plane."""
  config = dict(
    driver='boosting.run',
    boosting=dict(generators=2),
    data=dict(name='mixture.ring', split='train', n=200),
    prior=dict(name='normal', dim=2),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(8,)),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(8,)),
    ),
    objective=dict(name='gan', pair='nonsaturating'),
    players={n: dict(tx=dict(name='adam', learning_rate=1e-3)) for n in 'DG'},
    play='alternating',
    rounds=4,
    batch=8,
    devices=1,
    rounds_per_call=2,
    log_every=2,
    evals=dict(modes=dict(name='metrics.modes.modes', every=4, n=50)),
    checkpoint=dict(every=2, keep=2),
    finish=(),
  )
  return {**config, **changes}


def file_of(kind: str, folder: pathlib.Path, **changes) -> str:
  """The path of a config file in `folder` that says one of the above, for a command."""
  path = folder / f'{kind}.py'
  path.write_text(
    'from gan_jax import config\nfrom tests import configs\n\n\n'
    f'def get_config(arg=None):\n  return config.experiment(configs.{kind}(**{changes!r}))\n'
  )
  return str(path)


def use_native(put: Callable[..., None] = setattr) -> None:
  """Convolutions become XLA's own single operations, in this process or while `put` keeps it."""
  for form in ('down', 'up', 'taps'):
    put(matrix, form, getattr(native, form))
