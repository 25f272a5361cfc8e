"""Every config of experiments/ is a claim that runs: traced whole as it stands, and trained tiny.

Whole: at full size, from the data's shapes alone, nothing is compiled. Tiny: a run of seconds; of
each kind one in the default run (`trained` in tests/conftest.py, and KINDS here), all as slow ones.
"""

import inspect
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import assemble, boosting, log, runs, stages, train
from gan_jax import config as configs
from gan_jax import step as steps
from gan_jax.accumulation import accumulated
from gan_jax.data.source import Source, is_picture
from tests.configs import EXPERIMENTS, experiment

NAMES = sorted(path.stem for path in EXPERIMENTS.glob('*.py'))
# Trained tiny in the default run, beside the kinds of tests/runs.py: README's first, one with a
# likelihood, one with a gradient penalty.
KINDS = ('gan_digits', 'vae_mnist', 'wgan_gp_mnist')


def play(config, workdir: pathlib.Path):
  """What main does: the config is played by the driver that it names, or is a run."""
  return configs.resolve(config.get('driver', 'train.run'), '')(config, workdir)


def parts(config) -> list[dict]:
  """The configs of the runs that an experiment is made of: mostly itself."""
  config = configs.plain(config)
  if 'stages' in config:
    return list(stages.split(config, 'runs').values())
  return [{k: v for k, v in config.items() if k not in boosting.OWN}]


# --- whole, from shapes ---------------------------------------------------------------------------

STORED = {'mnist': (28, 28, 1), 'cifar10': (32, 32, 3), 'tfd': (48, 48, 1)}  # image by data set


def stored(data: Mapping[str, Any]) -> tuple[int, ...] | None:
  """The shape of one image as that data set stores it; None where the tiny form has it right."""
  if data['name'] in STORED:
    return STORED[data['name']]
  if data['name'] in ('folder', 'lsun', 'shapes'):
    size = data['size']
    return (size, size, 3) if isinstance(size, int) else (*size, 3)
  if data['name'] == 'domains':
    return stored(data['of']['digit'])
  if data['name'] in ('paired', 'labelled', 'stacked') and isinstance(data['of'], Mapping):
    height, width, channels = stored(data['of'])
    return {
      'paired': (height, width // 2, channels),
      'labelled': (height, width, channels),
      'stacked': (height, width, 3),
    }[data['name']]
  return None


def stand_in(whole: Mapping[str, Any], tiny: Mapping[str, Any]) -> Source:
  """The columns of the tiny form's data, with black images of the size that the whole ones have."""
  source, shape = assemble.open_source(tiny), stored(whole['data'])
  resized = lambda a: np.broadcast_to(np.zeros((), a.dtype), (len(a), *(shape or a.shape[1:])))
  arrays = {n: resized(a) if is_picture(n, a) else a for n, a in source.arrays.items()}
  return Source(arrays, source.meta)


def traced(whole: Mapping[str, Any], tiny: Mapping[str, Any]):
  """(state before, state after, log) of one round of the whole config, as shapes."""
  whole, tiny = assemble.complete(whole), assemble.complete(tiny)
  seen = assemble.transform(whole)
  known = assemble.facts(stand_in(whole, tiny), seen)
  parted = accumulated(whole)
  grey = np.full(known.shape, 0.5, np.float32)
  some = lambda n: {c: np.ones((n, *shape), dtype) for c, (shape, dtype) in known.columns.items()}
  game = assemble.game(parted, known, lambda: grey, some)
  moves, options = assemble.play(parted)
  k = steps.minibatches(moves, **options)
  batches = {
    n: jax.ShapeDtypeStruct((k, parted['batch'], *shape), dtype)
    for n, (shape, dtype) in known.columns.items()
  }
  state = jax.eval_shape(lambda key: steps.init(game, key), jax.random.key(0))
  return state, *jax.eval_shape(moves(game, **options), state, batches, jax.random.key(0))


@pytest.mark.parametrize('name', NAMES)
def test_get_config_is_traced_whole(name: str, native_convolutions) -> None:
  module = experiment(name)
  for whole, tiny in zip(
    parts(module.get_config('')), parts(module.get_config('tiny')), strict=True
  ):
    before, after, log_ = traced(whole, tiny)
    form = lambda tree: jax.tree.map(lambda a: (a.shape, a.dtype), tree)
    assert form(after) == form(before), 'a round must hand on a state of the same form'
    losses = {n: v for n, v in log_.items() if n.endswith('/loss')}
    assert losses.keys() == {f'{player}/loss' for player in whole['players']}
    assert all(v.shape == () and v.dtype == jnp.float32 for v in losses.values())
    complete = assemble.complete(whole)
    train.check_cadences(complete, train.evals_of(complete['evals']))


@pytest.mark.parametrize('name', NAMES)
def test_get_config_says_its_command_and_takes_another_pair(name: str) -> None:
  module = experiment(name)
  text = inspect.getdoc(module) or ''
  assert f'--config=experiments/{name}.py' in text, 'the docstring must hold the command'
  for config in parts(module.get_config('')):
    assert 0 < config['rounds'] < 10_000_000, 'every budget is finite'
    assemble.complete(config)
  if 'pair' in config['objective']:
    for config in parts(module.get_config('pair=hinge')):
      assert config['objective']['pair']['name'] == 'hinge'
      assemble.complete(config)


COUNTS = {  # papers.md, section 24
  'gan_mnist': (28, 28, 1, 2_503_984, 1_231_441),
  'gan_tfd': (48, 48, 1, 83_250_304, 21_037_201),
  'gan_cifar10_fc': (32, 32, 3, 89_395_072, 37_393_601),
  'gan_cifar10_conv': (32, 32, 3, 64_825_072, 12_454_073),
  'dcgan_faces': (64, 64, 3, 18_885_760, 17_232_768),
  'dcgan_lsun': (64, 64, 3, 18_885_760, 17_232_768),
  'wgan_lsun': (64, 64, 3, 3_576_704, 2_765_568),
  'dcgan_folder': (64, 64, 3, 3_576_704, 2_765_568),
  'wgan_gp_mnist': (28, 28, 1, 1_554_177, 1_030_145),
  'wgan_gp_cifar10': (32, 32, 3, 5_179_907, 4_114_689),
  'sngan_cifar10': (32, 32, 3, 4_276_739, 1_053_824),
  'wgan_gp_resnet_cifar10': (32, 32, 3, 1_204_483, 1_053_825),
  'began_faces': (64, 64, 3, 1_716_611, 13_405_379),
  'infogan_mnist': (28, 28, 1, 6_652_481, 6_558_144 + 1_025 + 133_262),
  'dcgan_conditional_mnist': (28, 28, 1, 6_820_538, 6_688_202),
}


@pytest.mark.parametrize('name', sorted(COUNTS))
def test_get_config_has_exactly_the_papers_networks(name: str) -> None:
  *shape, g, d = COUNTS[name]
  game = of_shape(name, tuple(shape))
  for net, count in (('G', g), ('D', d)):
    params = jax.eval_shape(game.nets[net].init, jax.random.key(0))
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == count


def of_shape(name: str, shape: tuple[int, ...]):
  """The game of the whole config on images of that shape, with no data and nothing allocated."""
  config = assemble.complete(parts(experiment(name).get_config(''))[0])
  seen = assemble.transform(config)
  columns = {'image': (shape, 'float32'), 'label': ((), 'int32')}
  known = assemble.Facts(shape, columns, 10, seen.range, {})
  return assemble.game(config, known, lambda: np.full(shape, 0.5, np.float32))


# --- tiny, trained --------------------------------------------------------------------------------


def on_one_device(config):
  """The tiny config on one device, and without the figures that every run ends with.

  With both, and other convolutions, some are trained below.
  """
  given = configs.plain(config)
  usual = tuple(configs.DEFAULTS['finish'])
  for own in (given, *given.get('stages', {}).values()):
    own |= {'devices': 1, 'finish': [f for f in own.get('finish', ()) if f not in usual]}
  return given


def assert_trains(name: str, workdir: pathlib.Path) -> None:
  """The tiny form is played to its end, and what it leaves is a run that draws."""
  config = on_one_device(experiment(name).get_config('tiny'))
  state = play(config, workdir)
  assert int(state.step) == 4
  folders = [path.parent for path in sorted(workdir.rglob('config.json'))]
  assert len(folders) >= len(parts(config))
  for folder in folders:
    assert_is_a_run(folder)
  if workdir not in folders:  # several runs, sampled as one
    assert np.isfinite(runs.sampler(workdir).draw(jax.random.key(3), 5)).all()


def assert_is_a_run(workdir: pathlib.Path) -> None:
  entries = log.read(workdir)
  assert [e['step'] for e in entries if any(k.endswith('/loss') for k in e)] == [2, 4]
  assert all(np.isfinite(v) for e in entries for k, v in e.items() if not k.endswith('/kl'))
  assert list((workdir / 'samples').glob('*.png'))
  sampler = runs.sampler(workdir)
  drawn = sampler.draw(jax.random.key(3), 5)
  shape = json.loads((workdir / 'facts.json').read_text())['shape']
  assert drawn.shape == (5, *shape)
  assert np.isfinite(drawn).all()


@pytest.mark.parametrize('name', KINDS)
def test_get_config_tiny_trains_and_draws(
  name: str, tmp_path: pathlib.Path, native_convolutions
) -> None:
  assert_trains(name, tmp_path)


@pytest.mark.slow  # a program each
@pytest.mark.parametrize('name', [n for n in NAMES if n not in KINDS])
def test_get_config_tiny_of_all_trains(
  name: str, tmp_path: pathlib.Path, native_convolutions
) -> None:
  assert_trains(name, tmp_path)


# Of each family of networks one as a user has it: on all devices, with the convolutions of
# `ops/matrix` and the figures that a run ends with.
@pytest.mark.slow  # figures, and programs for all devices
@pytest.mark.parametrize(
  'name',
  [
    'gan_digits',
    'dcgan_mnist',
    'sngan_cifar10',
    'unrolled_ring',
    'vaegan_mnist',
    'improved_digits',
  ],
)
def test_get_config_tiny_trains_on_all_devices_with_its_figures(
  name: str, tmp_path: pathlib.Path
) -> None:
  play(experiment(name).get_config('tiny'), tmp_path)
  assert_is_a_run(tmp_path)
  assert (tmp_path / 'curves.png').exists()
  assert list(tmp_path.glob('*.gif')), 'the timelapse of what it draws'


@pytest.mark.slow  # two programs of one network on another
def test_get_config_of_gan_tfd_begins_its_second_stage_from_one(tmp_path, monkeypatch) -> None:
  module = experiment('gan_tfd')
  first, second = tmp_path / 'first', tmp_path / 'second'
  state = train.run(on_one_device(module.get_config('tiny,stage=pretrain')), first)
  config = module.get_config(f'tiny,stage=train,from_workdir={first}')
  start = {}
  original = train.runs.graft

  def keep(state, spec):
    start['state'] = jax.tree.map(lambda a: jnp.array(a, copy=True), original(state, spec))
    return jax.tree.map(lambda a: jnp.array(a, copy=True), start['state'])

  monkeypatch.setattr(train.runs, 'graft', keep)
  train.run(on_one_device(config), second)
  jax.tree.map(np.testing.assert_array_equal, start['state'].params['G']['tail'], state.params['G'])
