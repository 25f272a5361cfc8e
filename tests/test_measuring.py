"""What metrics come to: several draws, records, and which of them may be compared."""

import jax
import numpy as np
import pytest

from gan_jax import measuring
from gan_jax.errors import InputError
from gan_jax.loop import Eval
from tests.messages import refused

KEY = jax.random.key(0)


def number(sampler, source, key, *, add=0.0):
  """A number that depends on the draw."""
  value = float(jax.random.uniform(key)) + add
  return {'number': value, 'picture': np.zeros((2, 2, 3), np.uint8), 'protocol': {'add': add}}


def impossible(sampler, source, key):
  raise InputError('it takes labels.')


def test_measure_of_several_draws_is_mean_and_deviation():
  keys = [jax.random.key(i) for i in range(3)]
  evals = [Eval('number', 1, number, {'add': 2.0}), Eval('no', 1, impossible, {})]
  (_, found), (name, error) = measuring.measure(evals, None, None, keys)
  drawn = [float(jax.random.uniform(k)) + 2 for k in keys]
  assert found.values['number'] == pytest.approx(np.mean(drawn))
  assert found.values['number_sd'] == pytest.approx(np.std(drawn, ddof=1))
  assert found.protocol == {'add': 2.0, 'draws': 3}
  assert found.pictures['picture'].shape == (2, 2, 3)
  assert (name, str(error)) == ('no', 'it takes labels.')


def recorded(value, **protocol):
  return measuring.record({}, {'fid': measuring.Measured({'fid': value}, {}, protocol, 0.1)})


def test_compared_puts_records_of_one_protocol_side_by_side():
  a, b = recorded(1.5, n=10, features='pixels'), recorded(2.5, n=10, features='pixels')
  assert measuring.compared({'a': a, 'b': b}) == [['', 'a', 'b'], ['fid', '1.5', '2.5']]
  assert measuring.table([['', 'a'], ['fid', '1.5']]) == '       a\nfid  1.5'


def test_compared_refuses_two_protocols_and_names_the_difference():
  a, b = recorded(1.5, n=10, features='pixels'), recorded(2.5, n=20, features='pixels')
  with refused('fid', 'n is 10 in a', '20 in b', '--but'):
    measuring.compared({'a': a, 'b': b})
  assert len(measuring.compared({'a': a, 'b': b}, ['n'])) == 2
  missing = recorded(2.5, n=10, features='pixels', clean=True)
  with refused("clean is 'unsaid' in a", 'True in b'):
    measuring.compared({'a': a, 'b': missing}, ['n'])


def test_compared_refuses_records_without_a_metric_in_common():
  other = measuring.record({}, {})
  with refused('a, b'):
    measuring.compared({'a': recorded(1.0), 'b': other})


def test_record_says_which_code_measured():
  assert {'gan_jax', 'revision', 'jax'} <= recorded(1.0)['code'].keys()
