"""Trials that are played as one program, and come to what they come to alone.

Covers: executors/together.py.
"""

import json
import pathlib
import signal

import numpy as np
import pytest

from gan_jax import log, runs, train
from gan_jax import sweep as command
from gan_jax.errors import Diverged, InputError
from gan_jax.executors import population, together
from gan_jax.executors.job import OUTPUT, Ended, Started
from gan_jax.sweeps import book, results
from gan_jax.sweeps.trials import product, resolved
from tests import commands
from tests.messages import refused, says

ROOT = pathlib.Path(__file__).parents[2]
MIXTURE = 'experiments/gan_mixture.py:tiny'
RATE = 'players.G.tx.learning_rate'


@pytest.fixture(autouse=True)
def here(monkeypatch):
  monkeypatch.chdir(ROOT)


BARE = dict(
  rounds=4,
  evals={},
  objective=dict(name='gan', pair='nonsaturating'),
  play='simultaneous',
  nets__D=dict(name='plain.Discriminator', inputs=('image',), hidden=(4,)),
)


def file_of(folder, *lines):
  """The file of a config that only trains, with some lines of Python about it."""
  file = folder / 'file_of_trials.py'
  file.write_text(
    'from gan_jax.config import experiment\nfrom tests.configs import little\n'
    f"def get_config(arg=''):\n  c = experiment(little(**{BARE}))\n"
    + ''.join(f'  {line}\n' for line in lines)
    + '  return c\n'
  )
  return str(file)


def inside(queue):
  """The executor `local`, but for its processes: each job is played in this one."""
  while queue:
    job = queue.popleft()
    yield Started(job, '')
    status = 0
    try:
      if 'gan_jax.executors.together' in job.command:
        together.main(['together', job.command[-1]])
      else:
        train.run(job.config, job.workdir)
    except (InputError, Diverged) as error:
      (job.workdir / OUTPUT).write_text(f'gan_jax: {error}\n')
      status = 1
    yield Ended(job, status)


INSIDE = f'{__name__}.inside'


def played(workdir, asked, executor=f"population(over='{INSIDE}')"):
  book.claim(workdir, asked)
  command.play(workdir, asked, executor)
  return {name: book.standing(workdir, name) for name in asked.trials}


def numbers(folder):
  return [e for e in log.read(folder) if 'D/loss' in e]


def test_population_plays_together_what_it_can_as_it_would_be_alone(tmp_path):
  trials = [*product({RATE: (1e-3, 2e-3, 1e30), 'seed': (0, 5)}), {'batch': 4, 'seed': 0}]
  asked = book.read(dict(config=file_of(tmp_path), trials=trials, metric='D/loss'))
  told = played(tmp_path / 'all', asked)
  assert [one['state'] for one in told.values()] == 4 * ['done'] + 2 * ['failed'] + ['done']
  where = [one['attempts'][0]['where'] for one in told.values()]
  assert where == ['a program of 6'] * 6 + ['']
  said = told['learning_rate=1e+30-seed=5']['attempts'][0]['said']
  assert 'nan' in said or 'inf' in said

  name = 'learning_rate=0.002-seed=5'
  played(tmp_path / 'one', asked._replace(trials={name: asked.trials[name]}), INSIDE)
  ours, its = (numbers(tmp_path / each / book.FOLDER / name) for each in ('all', 'one'))
  assert len(ours) == 2
  for mine, own in zip(ours, its, strict=True):
    for key in ('step', 'D/loss', 'G/loss'):
      np.testing.assert_allclose(mine[key], own[key], rtol=1e-4)
  assert runs.sampler(tmp_path / 'all' / book.FOLDER / name).round == 4
  says('\n'.join(results.close(tmp_path / 'all', asked)), '5 done', '2 failed')


def test_population_plays_alone_what_needs_a_program_of_its_own(tmp_path):
  nets = dict(name=f'{__name__}.shaped', inputs=('z',), share=1.0)
  file = file_of(tmp_path, f'c.nets.G = {nets}')
  asked = book.read(dict(config=file, trials=product({'nets.G.share': (1.0, 2.0)})))
  told = played(tmp_path / 'all', asked)
  assert [(t['state'], t['attempts'][0]['where']) for t in told.values()] == [
    ('done', 'a program of 2'), ('done', 'a program of 2'),
  ]  # fmt: skip
  assert [len(t['attempts']) for t in told.values()] == [2, 2]  # and then alone


def shaped(shape, share):
  """A generator whose width is a float: of no program but its own."""
  from flax import linen as nn

  class Shaped(nn.Module):
    share: float

    @nn.compact
    def __call__(self, z):
      return nn.Dense(shape[0])(nn.Dense(int(4 * self.share))(z))

  return Shaped(share)


def test_kind_is_what_trials_have_in_common():
  dotted = lambda told: {key.replace('__', '.'): value for key, value in told.items()}
  kind = lambda **told: together.kind(resolved(MIXTURE, dotted(told)))
  assert kind() == kind(seed=3) == kind(players__G__tx__learning_rate=0.1)
  assert kind() == kind(objective__penalties=(dict(name='r1', weight=9.0),))
  assert kind() != kind(batch=4)
  assert kind() != kind(prior__dim=3)
  assert kind() != kind(objective__pair__name='hinge')


def test_population_refuses_a_program_of_one():
  with refused('members=1', ' 2 '):
    list(population.population(None, members=1))


@pytest.mark.slow  # a sweep that is killed, and another process goes on with its program
def test_population_that_is_killed_goes_on_as_one(tmp_path):
  # Seconds are left when the first checkpoints are there. A group goes on with the rounds that it
  # began with, so they cannot be endless first and fewer then.
  often = {'rounds': 20_000, 'log_every': 2000, 'checkpoint.every': 2000}
  file = tmp_path / 'seeds.py'
  file.write_text(
    f"def get_sweep():\n  return dict(config='{file_of(tmp_path)}', metric='D/loss', "
    f"trials=[{{'seed': s, **{often}}} for s in range(3)])\n"
  )
  words = f'--sweep={file}', f'--workdir={tmp_path}/sweep', '--executor=population'
  saved = lambda: [p for p in tmp_path.glob('sweep/trials/*/checkpoints/*') if p.name.isdigit()]
  one = commands.start('gan_jax.sweep', *words)
  one.until(lambda: len(saved()) >= 3)
  one.send(signal.SIGKILL)
  one.ended()
  again = commands.start('gan_jax.sweep', *words).ended()  # at once: the runs are still saving
  assert again.status == 0, again
  says(again.out, '3 done')
  for folder in (tmp_path / 'sweep' / book.FOLDER).iterdir():
    assert [e['step'] for e in numbers(folder)] == list(range(2000, 20_001, 2000))
    assert len(json.loads((folder / book.TRIAL).read_text())['attempts']) == 2
