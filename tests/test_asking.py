import pytest

from gan_jax import asking
from gan_jax.errors import InputError
from gan_jax.figures import curves
from gan_jax.loop import Eval
from gan_jax.metrics import parzen, two_sample


def test_what_is_asked_for_is_written_like_calls():
  one, two = asking.asked('two_sample(n=50, split=test), parzen.parzen', n=7, limit=None)
  assert one == Eval('two_sample', 1, two_sample.two_sample, dict(n=50, split='test'))
  assert two == Eval('parzen.parzen', 1, parzen.parzen, dict(n=7))


def test_an_option_may_be_a_description_of_its_own():
  (one,) = asking.asked('two_sample(split=net(size=3, of=pixels, at=[1, 2]))')
  assert one.options == dict(split=dict(name='net', size=3, of='pixels', at=[1, 2]))


def test_a_word_may_have_a_sign():
  (one,) = asking.asked('arithmetic(a=slant, b=-slant, c=-3)', 'figures')
  assert one.options == dict(a='slant', b='-slant', c=-3)


def test_common_options_go_to_those_that_take_them():
  common = dict(n=5, split='test', folds=3)
  one, two = asking.asked('two_sample, parzen_folds', **common)
  assert one.options == dict(n=5, split='test')
  assert two.options == dict(n=5, folds=3)


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('two_sampel', 'Did you mean two_sample'),
    ('two_sample(m=3)', "takes no argument 'm'"),
    ('two_sample(3)', 'given by name'),
    ('two_sample(', 'metrics are asked for like'),
    ('1 + 1', '1 \\+ 1 is no name'),
  ],
)
def test_what_makes_no_sense_is_refused(text, message):
  with pytest.raises(InputError, match=message):
    asking.asked(text)


@pytest.mark.parametrize(
  ('room', 'some'),
  [('metrics', {'parzen', 'two_sample', 'modes'}), ('figures', {'grids', 'curves', 'walks'})],
)
def test_whatever_can_be_asked_for_is_found_by_its_name(room, some):
  files = asking.vocabulary(room)
  assert some <= files.keys()
  for file, names in files.items():
    for name in names:
      function = asking.find(f'{file}.{name}', room)
      assert callable(function)
      assert asking.said(function), f'{file}.{name} says nothing of itself'


def test_figures_of_a_whole_run_are_asked_for_in_the_same_way():
  (one,) = asking.asked('curves', 'figures', n=7)
  assert one == Eval('curves', 1, curves.curves, {})
  assert asking.is_of_folder(one.function)
  assert not asking.is_eval(one.function)


def test_what_must_be_given_is_asked_for_in_a_sentence():
  with pytest.raises(InputError, match=r'jobset must be given claim, as jobset\(claim=...\)'):
    asking.call('jobset(image=i)', 'executors')
