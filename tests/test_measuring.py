import jax
import numpy as np
import pytest

from gan_jax import measuring
from gan_jax.errors import InputError
from gan_jax.loop import Eval
from gan_jax.metrics import parzen, two_sample

KEY = jax.random.key(0)


def test_what_is_asked_for_is_written_like_calls():
  one, two = measuring.asked('two_sample(n=50, split=test), parzen.parzen', n=7, limit=None)
  assert one == Eval('two_sample', 1, two_sample.two_sample, dict(n=50, split='test'))
  assert two == Eval('parzen.parzen', 1, parzen.parzen, dict(n=7))


def test_an_option_may_be_a_description_of_its_own():
  (one,) = measuring.asked('two_sample(split=net(size=3, of=pixels, at=[1, 2]))')
  assert one.options == dict(split=dict(name='net', size=3, of='pixels', at=[1, 2]))


def test_common_options_go_to_those_that_take_them():
  common = dict(n=5, split='test', folds=3)
  one, two = measuring.asked('two_sample, parzen_folds', **common)
  assert one.options == dict(n=5, split='test')
  assert two.options == dict(n=5, folds=3)


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('two_sampel', 'Did you mean two_sample'),
    ('two_sample(m=3)', "takes no argument 'm'"),
    ('two_sample(3)', 'given by name'),
    ('two_sample(', 'metrics are written like'),
    ('1 + 1', '1 \\+ 1 is no name'),
  ],
)
def test_what_makes_no_sense_is_refused(text, message):
  with pytest.raises(InputError, match=message):
    measuring.asked(text)


def test_every_eval_can_be_found_by_its_name():
  files = measuring.vocabulary()
  assert {'parzen', 'two_sample', 'modes'} <= files.keys()
  for file, names in files.items():
    for name in names:
      function = measuring.find(f'{file}.{name}')
      assert callable(function)
      assert measuring.said(function), f'{file}.{name} says nothing of itself'


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
