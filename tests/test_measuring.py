import jax
import numpy as np
import pytest

from gan_jax import measuring
from gan_jax.errors import InputError
from gan_jax.loop import Eval

KEY = jax.random.key(0)


def number(sampler, source, key, *, add=0.0):
  """A number that depends on the draw."""
  value = float(jax.random.uniform(key)) + add
  return {'number': value, 'picture': np.zeros((2, 2, 3), np.uint8), 'protocol': {'add': add}}


def impossible(sampler, source, key):
  raise InputError('it takes labels.')


def test_several_draws_have_a_mean_and_a_deviation():
  keys = [jax.random.key(i) for i in range(3)]
  evals = [Eval('number', 1, number, {'add': 2.0}), Eval('no', 1, impossible, {})]
  (_, found), (name, refused) = measuring.measure(evals, None, None, keys)
  drawn = [float(jax.random.uniform(k)) + 2 for k in keys]
  assert found.values['number'] == pytest.approx(np.mean(drawn))
  assert found.values['number_sd'] == pytest.approx(np.std(drawn, ddof=1))
  assert found.protocol == {'add': 2.0, 'draws': 3}
  assert found.pictures['picture'].shape == (2, 2, 3)
  assert (name, str(refused)) == ('no', 'it takes labels.')


def recorded(value, **protocol):
  return measuring.record({}, {'fid': measuring.Measured({'fid': value}, {}, protocol, 0.1)})


def test_records_with_one_protocol_stand_side_by_side():
  a, b = recorded(1.5, n=10, features='pixels'), recorded(2.5, n=10, features='pixels')
  assert measuring.compared({'a': a, 'b': b}) == [['', 'a', 'b'], ['fid', '1.5', '2.5']]
  assert measuring.table([['', 'a'], ['fid', '1.5']]) == '       a\nfid  1.5'


def test_records_with_two_protocols_are_not_compared_and_the_difference_is_named():
  a, b = recorded(1.5, n=10, features='pixels'), recorded(2.5, n=20, features='pixels')
  with pytest.raises(InputError, match=r'n is 10 in a and 20 in b.*--but'):
    measuring.compared({'a': a, 'b': b})
  assert len(measuring.compared({'a': a, 'b': b}, ['n'])) == 2
  missing = recorded(2.5, n=10, features='pixels', clean=True)
  with pytest.raises(InputError, match="clean is 'unsaid' in a and True in b"):
    measuring.compared({'a': a, 'b': missing}, ['n'])


def test_records_without_a_metric_in_common_are_refused():
  other = measuring.record({}, {})
  with pytest.raises(InputError, match='no metric in common'):
    measuring.compared({'a': recorded(1.0), 'b': other})


def test_a_record_says_which_code_measured():
  assert {'gan_jax', 'revision', 'jax'} <= recorded(1.0)['code'].keys()
