"""Stages: in order, each an ordinary run, resumed where they were; and the pyramid they chain.

Covers: chain.py, whole.py.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import config as configs
from gan_jax import log, runs, sampling, stages, train
from gan_jax import step as steps
from gan_jax import whole as wholes
from gan_jax.chain import Level, chained
from gan_jax.data import transforms
from gan_jax.data.pyramid import doubled
from gan_jax.game import Net
from gan_jax.objectives.gan import gan
from gan_jax.pairs import hinge
from gan_jax.step import Game
from tests.configs import perceptrons
from tests.messages import refused
from tests.runs import assert_same

KEY = jax.random.key(0)


def staged(**changes):
  """Two stages on the digits, the second of which starts from the first's generator."""
  order = dict(
    driver='stages.run',
    order=('one', 'two'),
    stages=dict(
      one=dict(rounds=4),
      two=dict(rounds=2, seed=5, start=dict(stage='one', weights={'G': 'G'})),
    ),
    checkpoint=dict(every=2, keep=5),
  )
  return {**perceptrons(), **order, **changes}


def test_split_lays_what_is_a_stages_own_over_what_they_share():
  each = stages.split(staged(), 'there')
  assert list(each) == ['one', 'two']
  assert [c['rounds'] for c in each.values()] == [4, 2]
  assert each['two']['start'] == {'weights': {'G': 'G'}, 'workdir': 'there/one'}
  assert 'start' not in each['one']
  assert each['one']['nets'] == each['two']['nets'] == configs.plain(staged()['nets'])
  assert not set(stages.OWN) & set(each['one'])
  deep = staged(stages=dict(one=dict(nets=dict(G=dict(hidden=(3,))), rounds=2), two=dict(rounds=2)))
  G = stages.split(deep, '')['one']['nets']['G']
  assert (G['name'], G['hidden']) == ('plain.Generator', [3])


@pytest.mark.parametrize(
  ('changes', 'facts'),
  [
    (dict(order=('one',)), ('order=(one)', 'one, two')),
    (dict(order=('one', 'one', 'two')), ('order=(one, one, two)', 'once')),
    (dict(order=('two', 'one')), ('stage two', "'one'")),
    (dict(whole=dict(evals=dict(a=dict(name='figures.grids.samples')))), ('evals.a', 'every')),
    (dict(whole=dict(samplers='x')), ("'samplers'", "'sampler'")),
    (dict(roundz=3), ('roundz',)),
  ],
)
def test_run_refuses_what_does_not_fit_before_it_is_played(changes, facts, tmp_path):
  with refused(*facts):
    stages.run(staged(**changes), tmp_path)
  assert not list(tmp_path.iterdir())


def test_run_refuses_a_population(tmp_path):
  with refused('varied'):
    stages.run(staged(), tmp_path, {'seed': range(2)})


class Staged(NamedTuple):
  """An experiment that was never stopped."""

  workdir: object
  state: object
  started: list  # the weights that each `start` came to


@pytest.fixture(scope='module')
def played(tmp_path_factory):
  workdir, started = tmp_path_factory.mktemp('staged'), []
  original = runs.graft

  def keep(state, spec):
    out = original(state, spec)
    started.append(jax.tree.map(np.array, out.params))
    return out

  looked = dict(evals=dict(samples=dict(name='figures.grids.samples', every=1, rows=2)))
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(runs, 'graft', keep)
    return Staged(workdir, stages.run(staged(whole=looked), workdir), started)


def test_run_plays_ordinary_runs_that_are_sampled_as_the_last(played):
  one, two = wholes.folders(played.workdir)
  assert (runs.load(one).round, runs.load(two).round) == (4, 2)
  assert_same(runs.load(two).state, played.state)
  assert list((played.workdir / 'samples').glob('*.png'))
  sampler = runs.sampler(played.workdir)  # of the last stage
  assert sampler.round == 2
  np.testing.assert_array_equal(sampler.draw(KEY, 3), runs.sampler(two).draw(KEY, 3))


def test_run_goes_on_in_the_stage_where_it_was(played, tmp_path):
  # By hand: the first half of the first stage alone, then the whole experiment in the same folder.
  first = stages.split(staged(), tmp_path)['one']
  train.run({**first, 'rounds': 2}, tmp_path / 'one')
  assert_same(stages.run(staged(), tmp_path), played.state)
  assert [e['step'] for e in log.read(tmp_path / 'one')] == [2, 4]
  assert_same(stages.run(staged(), tmp_path), played.state)  # and there is nothing left to play


def test_run_starts_the_second_stage_from_the_first(played):
  (started,) = played.started
  assert_same(started['G'], runs.load(played.workdir / 'one').state.params['G'])


def test_folders_refuses_a_folder_of_one_run(tmp_path):
  with refused(tmp_path, runs.WHOLE):
    wholes.folders(tmp_path)


# --- the pyramid ----------------------------------------------------------------------------------


def drawing(G, inputs, examples=None, classes=0):
  """A sampler of a game whose G is that function of its inputs."""
  net = Net(lambda key: (), lambda p, *a, key=None: G(*a))
  game = Game({'G': net}, {}, gan(None, pair=hinge()), {})
  prior = lambda key, n: jax.random.uniform(key, (n, 4))
  make = sampling.make_sampler(
    game, prior, transforms.scale(), inputs=inputs, examples=examples, classes=classes, batch=4
  )
  return Level(make(steps.init(game, KEY)), inputs)


def pyramid():
  flat = lambda z, y: (z / 2 + y[:, None] / 10).reshape(-1, 2, 2, 1)
  coarse = drawing(flat, ('z', 'label'), classes=3)
  added = lambda z, x, y: x + (z.reshape(-1, 2, 2, 1).repeat(2, 1).repeat(2, 2) - 0.5) / 4
  given = {'source': np.zeros((2, 4, 4, 1), np.uint8)}
  return [coarse, drawing(added, ('z', 'source', 'label'), given, classes=3)]


def test_chained_doubles_what_the_level_before_drew_and_adds_to_it():
  coarse, fine = pyramid()
  whole = chained([coarse, fine])
  z0, y0, z1, y1 = whole.fill(KEY, 6)
  np.testing.assert_array_equal(y0, [0, 1, 2, 0, 1, 2])
  np.testing.assert_array_equal(y0, y1)
  assert not np.array_equal(z0, z1)
  small = coarse.sampler.display(coarse.sampler.generate(z0, y0))
  seen = doubled(small) / 127.5 - 1
  wanted = fine.sampler.generate(z1, jnp.float32(seen), y1)
  np.testing.assert_allclose(whole.generate(z0, y0, z1, y1), wanted, atol=1e-5)
  np.testing.assert_array_equal(whole.draw(KEY, 6), whole.generate(z0, y0, z1, y1))
  assert whole.draw(KEY, 6).shape == (6, 4, 4, 1)


def test_chained_refuses_the_wrong_order():
  coarse, fine = pyramid()
  with refused('z, source, label; z, label'):
    chained([fine, coarse])
