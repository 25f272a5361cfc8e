import pytest

from gan_jax.errors import InputError
from gan_jax.watch import Watch, symptoms, watch

LIMITS = Watch(every=100)


def log(**courses):
  """{'D/real': [...]} -> the entries of a log."""
  n = max(map(len, courses.values()))
  named = {name.replace('__', '/'): values for name, values in courses.items()}
  return [{'step': i, **{k: v[i] for k, v in named.items() if i < len(v)}} for i in range(n)]


def test_a_healthy_run_has_no_symptoms():
  entries = log(
    health=[50, 30, 20, 22],
    health__diversity=[0.9, 0.8, 0.9, 1.0],
    D__real=[2.0, 1.0, 1.5, 1.2],
    D__fake=[-2.0, -1.0, -1.5, -1.2],
    G__gradient_norm=[1.0, 2.0, 0.5, 1.0],
  )
  assert all(symptoms(entries[:i], LIMITS) == [] for i in range(5))
  assert symptoms([], LIMITS) == []


@pytest.mark.parametrize(
  ('courses', 'words'),
  [
    (dict(health__diversity=[0.9, 0.1, 0.05]), 'nearly all alike: they differ 0.05 times'),
    (dict(health=[50, 10, 40, 90]), 'have become worse'),
    (dict(D__real=[1.0, 30.0, 40.0], D__fake=[-1.0, -9.0, -20.0]), 'its outputs are 60 apart'),
    (dict(G__gradient_norm=[1.0, 2.0, 1e-5, 1e-5]), 'G stands still: its gradient is 1e-05'),
    (dict(D__gradient_norm=[1.0, 2.0, 1e7, 1e8]), 'the gradient of D explodes'),
  ],
)
def test_each_sign_is_seen_when_it_lasts_and_not_before(courses, words):
  entries = log(**courses)
  (sentence,) = symptoms(entries, LIMITS)
  assert words in sentence
  assert symptoms(entries[:-1], LIMITS) == []


def test_a_gap_between_outputs_is_none_while_d_errs():
  entries = log(D__real=[90.0, 90.0], D__fake=[-9.0, -9.0], D__sign=[0.5, 0.4])
  assert symptoms(entries, LIMITS) == []


def test_a_wrong_watch_is_refused():
  assert watch(None) is None
  assert watch(dict(every=5, act='stop')) == Watch(5, 'stop')
  with pytest.raises(InputError, match="did you mean 'patience'"):
    watch(dict(every=5, patiense=2))
  with pytest.raises(InputError, match='every='):
    watch(dict(act='warn'))
  with pytest.raises(InputError, match="'warn', 'stop', 'back'"):
    watch(dict(every=5, act='panic'))
