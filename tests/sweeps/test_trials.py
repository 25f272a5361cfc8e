"""What a sweep tries, and what each trial is called."""

import numpy as np

from gan_jax.sweeps import trials
from gan_jax.sweeps.trials import crossed, product, sampled, zipped
from tests.messages import refused

DIGITS = 'experiments/gan_digits.py'


def test_product_is_every_combination():
  found = product({'a': (1, 2), 'b': ['x', 'y']})
  assert found == [dict(a=1, b='x'), dict(a=1, b='y'), dict(a=2, b='x'), dict(a=2, b='y')]


def test_zipped_values_go_together():
  assert zipped({'a': (1, 2), 'b': (3, 4)}) == [dict(a=1, b=3), dict(a=2, b=4)]
  with refused('2 of a', '1 of b'):
    zipped({'a': (1, 2), 'b': (3,)})


def test_crossed_parts_may_not_give_one_key_twice():
  found = crossed(zipped({'a': (1, 2), 'b': (3, 4)}), product({'seed': range(2)}))
  assert found[1] == dict(a=1, b=3, seed=1)
  assert len(found) == 4
  with refused('give a'):
    crossed(product({'a': (1,)}), product({'a': (2,)}))


def test_sampled_is_the_same_for_a_seed_and_more_go_on_from_fewer():
  values = dict(
    rate=trials.log_uniform(1e-5, 1e-2), width=trials.integers(8, 64), pair=trials.choice('a', 'b'),
    weight=trials.uniform(0, 1),
  )  # fmt: skip
  few, many = sampled(5, values, seed=3), sampled(400, values, seed=3)
  assert many[:5] == few
  assert few != sampled(5, values, seed=4)
  logs = np.log10([one['rate'] for one in many])
  assert logs.min() >= -5
  assert logs.max() <= -2
  assert abs(logs.mean() + 3.5) < 4 * 3 / np.sqrt(12 * 400)
  assert {one['pair'] for one in many} == {'a', 'b'}
  assert {type(one['width']) for one in many} == {int}


def test_name_says_what_is_tried_and_depends_on_nothing_else():
  assert trials.name({'objective.pair.name': 'hinge', 'seed': 3}) == 'pair=hinge-seed=3'
  assert trials.name({':width': 16, 'players.D.tx.learning_rate': 1e-4}) == (
    'width=16-learning_rate=0.0001'
  )
  both = {'players.D.tx.b1': 0.0, 'players.G.tx.b1': 0.5}
  assert trials.name(both) == 'players.D.tx.b1=0.0-players.G.tx.b1=0.5'
  assert trials.name({'data.path': '/a b/c'}) == 'path=_a_b_c'
  assert trials.name({}) == 'as_it_is'
  long = [trials.name({'data.path': 'x' * 300 + end}) for end in 'ab']
  assert all(len(name) <= trials.LONGEST for name in long)
  assert long[0] != long[1]


def test_named_refuses_one_trial_twice_and_none():
  with refused('seed=1'):
    trials.named([dict(seed=1), dict(seed=1)])
  with refused('no trials'):
    trials.named([])
  with refused('pair', "'hinge'"):
    product({'pair': 'hinge'})


def test_arguments_are_the_flags_that_ask_for_a_trial():
  found = trials.arguments(f'{DIGITS}:tiny', {':pair': 'hinge', 'seed': 1, 'rounds': 8})
  assert found == [f'--config={DIGITS}:tiny,pair=hinge', '--config.seed=1', '--config.rounds=8']


def test_resolved_is_the_config_of_a_trial_or_names_what_is_wrong():
  found = trials.resolved(DIGITS, {':pair': 'hinge', 'players.D.tx.learning_rate': 1e-5})
  assert found['objective']['pair']['name'] == 'hinge'
  assert found['players']['D']['tx']['learning_rate'] == 1e-5
  for wrong, fact in (
    ({'players.D.tx.learning_rat': 1e-5}, 'learning_rat'),
    ({'rounds': 'many'}, 'rounds=many'),
    ({':pear': 'hinge'}, "'pear'"),
  ):
    with refused(fact):
      trials.resolved(DIGITS, wrong)
  with refused('nowhere.py'):
    trials.resolved('nowhere.py', {})
