"""Stages: in order, each an ordinary run, resumed where they were; and the pyramid they chain."""

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
from gan_jax.errors import InputError
from gan_jax.game import Net
from gan_jax.objectives.gan import gan
from gan_jax.pairs import hinge
from gan_jax.step import Game

KEY = jax.random.key(0)


def staged(**changes):
  """Two stages on the digits, the second of which starts from the first's generator."""
  adam = dict(name='adam', learning_rate=1e-3)
  config = dict(
    driver='stages.run',
    order=('one', 'two'),
    stages=dict(
      one=dict(rounds=4),
      two=dict(rounds=2, seed=5, start=dict(stage='one', weights={'G': 'G'})),
    ),
    data=dict(name='digits', split='train'),
    transform=(dict(name='scale'),),
    prior=dict(name='normal', dim=4),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(8,), output='tanh'),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(8,)),
    ),
    objective=dict(name='gan', pair='nonsaturating'),
    players=dict(D=dict(tx=adam), G=dict(tx=adam)),
    play='alternating',
    batch=8,
    devices=1,
    log_every=2,
    rounds_per_call=2,
    checkpoint=dict(every=2, keep=5),
    finish=(),
  )
  return {**config, **changes}


def test_what_is_a_stages_own_is_laid_over_what_they_share():
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
  ('changes', 'message'),
  [
    (dict(order=('one',)), r'order=\(one\) must name each of the stages once'),
    (dict(order=('one', 'one', 'two')), 'must name each'),
    (dict(order=('two', 'one')), r"stage two refers to stage 'one', but those before it are none"),
    (dict(whole=dict(evals=dict(a=dict(name='figures.grids.samples')))), 'must say its name'),
    (dict(whole=dict(samplers='x')), "did you mean 'sampler'"),
    (dict(roundz=3), 'roundz'),
  ],
)
def test_what_does_not_fit_is_a_sentence_before_anything_is_played(changes, message, tmp_path):
  with pytest.raises(InputError, match=message):
    stages.run(staged(**changes), tmp_path)
  assert not list(tmp_path.iterdir())


def test_a_population_of_staged_experiments_is_refused(tmp_path):
  with pytest.raises(InputError, match='cannot be varied'):
    stages.run(staged(), tmp_path, {'seed': range(2)})


def same(a, b):
  jax.tree.map(np.testing.assert_array_equal, a, b)


def test_stages_are_ordinary_runs_and_go_on_where_they_were(tmp_path):
  looked = dict(evals=dict(samples=dict(name='figures.grids.samples', every=1, rows=2)))
  state = stages.run(staged(whole=looked), tmp_path / 'a')
  one, two = wholes.folders(tmp_path / 'a')
  assert (runs.load(one).round, runs.load(two).round) == (4, 2)
  assert list((tmp_path / 'a' / 'samples').glob('*.png'))

  # By hand: the first half of the first stage alone, then the whole experiment in the same folder.
  first = stages.split(staged(), tmp_path / 'b')['one']
  train.run({**first, 'rounds': 2}, tmp_path / 'b' / 'one')
  same(stages.run(staged(), tmp_path / 'b'), state)
  assert [e['step'] for e in log.read(tmp_path / 'b' / 'one')] == [2, 4]
  same(stages.run(staged(), tmp_path / 'b'), state)  # and there is nothing left to play

  sampler = runs.sampler(tmp_path / 'a')  # of the last stage
  assert sampler.round == 2
  np.testing.assert_array_equal(sampler.draw(KEY, 3), runs.sampler(two).draw(KEY, 3))


def test_the_second_starts_from_the_first(tmp_path, monkeypatch):
  started = []
  original = train.runs.graft

  def keep(state, spec):
    out = original(state, spec)
    started.append(jax.tree.map(lambda a: np.array(a), out.params))
    return out

  monkeypatch.setattr(train.runs, 'graft', keep)
  stages.run(staged(), tmp_path)
  same(started[0]['G'], runs.load(tmp_path / 'one').state.params['G'])


def test_a_folder_of_one_run_is_none_of_several(tmp_path):
  with pytest.raises(InputError, match='no experiment of several runs'):
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


def test_a_chain_doubles_what_the_level_before_drew_and_adds_to_it():
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


def test_a_chain_in_the_wrong_order_is_refused():
  coarse, fine = pyramid()
  with pytest.raises(InputError, match='a chain begins with'):
    chained([fine, coarse])
