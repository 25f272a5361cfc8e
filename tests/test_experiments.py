"""Every config of experiments/ is a claim that runs: built whole, and trained in its tiny form."""

import importlib.util
import inspect
import json
import pathlib
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import assemble, boosting, log, runs, stages, train
from gan_jax import config as configs

FOLDER = pathlib.Path(__file__).parents[1] / 'experiments'
NAMES = sorted(path.stem for path in FOLDER.glob('*.py'))


def load(name: str) -> ModuleType:
  spec = importlib.util.spec_from_file_location(f'experiments.{name}', FOLDER / f'{name}.py')
  assert spec
  assert spec.loader
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


def play(config, workdir: pathlib.Path):
  """What main does: the config is played by the driver that it names, or is a run."""
  return configs.resolve(config.get('driver', 'train.run'), '')(config, workdir)


def parts(config) -> list[dict]:
  """The configs of the runs that an experiment is made of: mostly itself."""
  config = configs.plain(config)
  if 'stages' in config:
    return list(stages.split(config, 'runs').values())
  return [{k: v for k, v in config.items() if k not in boosting.OWN}]


@pytest.mark.parametrize('name', NAMES)
def test_tiny_trains_saves_samples_and_comes_back(name: str, tmp_path: pathlib.Path) -> None:
  config = load(name).get_config('tiny')
  state = play(config, tmp_path)
  assert int(state.step) == 4
  folders = [path.parent for path in sorted(tmp_path.rglob('config.json'))]
  assert len(folders) >= len(parts(config))
  for folder in folders:
    assert_is_a_run(folder)
  if tmp_path not in folders:  # several runs, sampled as one
    assert np.isfinite(runs.sampler(tmp_path).draw(jax.random.key(3), 5)).all()


def assert_is_a_run(tmp_path: pathlib.Path) -> None:
  entries = log.read(tmp_path)
  assert [e['step'] for e in entries if any(k.endswith('/loss') for k in e)] == [2, 4]
  assert all(np.isfinite(v) for e in entries for k, v in e.items() if not k.endswith('/kl'))
  assert list((tmp_path / 'samples').glob('*.png'))
  sampler = runs.sampler(tmp_path)
  drawn = sampler.draw(jax.random.key(3), 5)
  shape = json.loads((tmp_path / 'facts.json').read_text())['shape']
  assert drawn.shape == (5, *shape)
  assert np.isfinite(drawn).all()


@pytest.mark.parametrize('name', NAMES)
def test_whole_config_says_what_it_claims_and_takes_another_pair(name: str) -> None:
  module = load(name)
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
def test_config_builds_exactly_the_papers_networks(name: str) -> None:
  *shape, g, d = COUNTS[name]
  game = of_shape(name, tuple(shape))
  for net, count in (('G', g), ('D', d)):
    params = jax.eval_shape(game.nets[net].init, jax.random.key(0))
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == count


def of_shape(name: str, shape: tuple[int, ...]):
  """The game of the whole config on images of that shape, with no data and nothing allocated."""
  config = assemble.complete(parts(load(name).get_config(''))[0])
  seen = assemble.transform(config)
  columns = {'image': (shape, 'float32'), 'label': ((), 'int32')}
  known = assemble.Facts(shape, columns, 10, seen.range, {})
  return assemble.game(config, known, lambda: np.full(shape, 0.5, np.float32))


def test_second_stage_of_tfd_starts_from_the_first(tmp_path: pathlib.Path) -> None:
  module = load('gan_tfd')
  first, second = tmp_path / 'first', tmp_path / 'second'
  state = train.run(module.get_config('tiny,stage=pretrain'), first)
  config = module.get_config(f'tiny,stage=train,from_workdir={first}')
  start = {}
  original = train.runs.graft

  def keep(state, spec):
    start['state'] = jax.tree.map(lambda a: jnp.array(a, copy=True), original(state, spec))
    return jax.tree.map(lambda a: jnp.array(a, copy=True), start['state'])

  train.runs.graft = keep
  try:
    train.run(config, second)
  finally:
    train.runs.graft = original
  jax.tree.map(np.testing.assert_array_equal, start['state'].params['G']['tail'], state.params['G'])
