"""The collapse watch: which signs it sees in a log, and when."""

import pytest

from gan_jax import log as logs
from gan_jax.watch import Watch, symptoms, watch
from tests import commands
from tests.messages import refused, says

LIMITS = Watch(every=100)


def log(**courses):
  """{'D/real': [...]} -> the entries of a log."""
  n = max(map(len, courses.values()))
  named = {name.replace('__', '/'): values for name, values in courses.items()}
  return [{'step': i, **{k: v[i] for k, v in named.items() if i < len(v)}} for i in range(n)]


def test_symptoms_are_none_of_a_healthy_run():
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
  ('courses', 'facts'),
  [
    (dict(health__diversity=[0.9, 0.1, 0.05]), ('alike', '0.05')),
    (dict(health=[50, 10, 40, 90]), ('worse', '90', '10')),
    (dict(D__real=[1.0, 30.0, 40.0], D__fake=[-1.0, -9.0, -20.0]), ('D ', '60')),
    (dict(G__gradient_norm=[1.0, 2.0, 1e-5, 1e-5]), ('G ', 'gradient', '1e-05')),
    (dict(D__gradient_norm=[1.0, 2.0, 1e7, 1e8]), ('gradient', ' D ', '1e+08')),
  ],
)
def test_symptoms_are_seen_when_they_last_and_not_before(courses, facts):
  entries = log(**courses)
  (sentence,) = symptoms(entries, LIMITS)
  says(sentence, *facts)
  assert symptoms(entries[:-1], LIMITS) == []


def test_symptoms_are_not_a_gap_between_outputs_while_d_errs():
  entries = log(D__real=[90.0, 90.0], D__fake=[-9.0, -9.0], D__sign=[0.5, 0.4])
  assert symptoms(entries, LIMITS) == []


def test_watch_refuses_what_it_does_not_take():
  assert watch(None) is None
  assert watch(dict(every=5, act='stop')) == Watch(5, 'stop')
  with refused("'patiense'", "'patience'"):
    watch(dict(every=5, patiense=2))
  with refused('every='):
    watch(dict(act='warn'))
  with refused("'warn', 'stop', 'back'"):
    watch(dict(every=5, act='panic'))


def test_main_of_watch_reads_the_log_of_a_run(tmp_path):
  """Each sign once, at the round in which it begins, and how it stood in the end."""
  written = logs.open_log(tmp_path)
  for i, alike in enumerate([0.9, 0.1, 0.05, 0.05, 0.9]):
    written.write(100 * i, {'health/diversity': alike})
  written.close()
  done = commands.run('gan_jax.watch', f'--workdir={tmp_path}')
  assert done.status == 0, done.err
  first, last = done.out.splitlines()
  says(first, 'round 200', 'alike', '0.05')
  says(last, '5 ', 'healthy')
  with (tmp_path / 'log.jsonl').open('a') as file:
    file.write('{"step": 500, "health/diversity": 0.1}\n{"step": 600, "health/diversity": 0.1}\n')
  done = commands.run('gan_jax.watch', f'--workdir={tmp_path}')
  says(done.out.splitlines()[-1], '7 ', 'sick')
  done = commands.run('gan_jax.watch', f'--workdir={tmp_path}/none')
  assert done.status == 1
  says(done.err, 'gan_jax: ', tmp_path / 'none')
