"""What is asked for on a command line, written like calls."""

import pytest

from gan_jax import asking
from gan_jax.figures import curves
from gan_jax.loop import Eval
from gan_jax.metrics import parzen, two_sample
from tests.messages import refused


def test_asked_reads_what_is_written_like_calls():
  one, two = asking.asked('two_sample(n=50, split=test), parzen.parzen', n=7, limit=None)
  assert one == Eval('two_sample', 1, two_sample.two_sample, dict(n=50, split='test'))
  assert two == Eval('parzen.parzen', 1, parzen.parzen, dict(n=7))


def test_asked_takes_descriptions_for_options():
  (one,) = asking.asked('two_sample(split=net(size=3, of=pixels, at=[1, 2]))')
  assert one.options == dict(split=dict(name='net', size=3, of='pixels', at=[1, 2]))


def test_asked_takes_words_with_a_sign():
  (one,) = asking.asked('arithmetic(a=slant, b=-slant, c=-3)', 'figures')
  assert one.options == dict(a='slant', b='-slant', c=-3)


def test_asked_gives_common_options_to_those_that_take_them():
  common = dict(n=5, split='test', folds=3)
  one, two = asking.asked('two_sample, parzen_folds', **common)
  assert one.options == dict(n=5, split='test')
  assert two.options == dict(n=5, folds=3)


@pytest.mark.parametrize(
  ('text', 'facts'),
  [
    ('two_sampel', ('two_sampel', 'two_sample')),
    ('two_sample(m=3)', ("'m'", 'two_sample')),
    ('two_sample(3)', ('two_sample',)),
    ('two_sample(', ('two_sample(', 'metrics')),
    ('1 + 1', ('1 + 1',)),
  ],
)
def test_asked_refuses_what_makes_no_sense(text, facts):
  with refused(*facts):
    asking.asked(text)


@pytest.mark.parametrize(
  ('room', 'some'),
  [('metrics', {'parzen', 'two_sample', 'modes'}), ('figures', {'grids', 'curves', 'walks'})],
)
def test_find_finds_whatever_can_be_asked_for_by_its_name(room, some):
  files = asking.vocabulary(room)
  assert some <= files.keys()
  for file, names in files.items():
    for name in names:
      function = asking.find(f'{file}.{name}', room)
      assert callable(function)
      assert asking.said(function), f'{file}.{name} says nothing of itself'


def test_asked_takes_figures_of_a_whole_run_in_the_same_way():
  (one,) = asking.asked('curves', 'figures', n=7)
  assert one == Eval('curves', 1, curves.curves, {})
  assert asking.is_of_folder(one.function)
  assert not asking.is_eval(one.function)


def test_call_names_what_must_be_given():
  with refused('jobset', 'claim', 'jobset(claim=...)'):
    asking.call('jobset(image=i)', 'executors')
