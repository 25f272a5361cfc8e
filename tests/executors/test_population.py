"""Trials that are played as one program, and come to what they come to alone."""

import json
import pathlib
import subprocess
import sys
import time

import numpy as np
import pytest

from gan_jax import log, runs
from gan_jax import sweep as command
from gan_jax.errors import InputError
from gan_jax.executors import population, together
from gan_jax.sweeps import book, results
from gan_jax.sweeps.trials import product, resolved

ROOT = pathlib.Path(__file__).parents[2]
MIXTURE = 'experiments/gan_mixture.py:tiny'
RATE = 'players.G.tx.learning_rate'


@pytest.fixture(autouse=True)
def here(monkeypatch):
  monkeypatch.chdir(ROOT)
  monkeypatch.setenv('JAX_PLATFORMS', 'cpu')
  monkeypatch.setenv('PYTHONPATH', str(ROOT))


def little(folder, *lines):
  """The file of a config that only trains, with some lines of Python about it."""
  file = folder / 'little.py'
  file.write_text(
    'from experiments import gan_mixture\n'
    "def get_config(arg=''):\n  c = gan_mixture.get_config(','.join(filter(None, ('tiny', arg))))\n"
    '  c.finish = ()\n  c.evals = {}\n' + ''.join(f'  {line}\n' for line in lines) + '  return c\n'
  )
  return str(file)


def played(workdir, asked, executor='population', **more):
  book.claim(workdir, asked)
  command.play(workdir, asked, executor, **more)
  return {name: book.standing(workdir, name) for name in asked.trials}


def numbers(folder):
  return [e for e in log.read(folder) if 'D/loss' in e]


def test_trials_go_together_as_far_as_they_can_and_come_to_what_they_come_to_alone(tmp_path):
  trials = [*product({RATE: (1e-3, 2e-3, 1e30), 'seed': (0, 5)}), {'batch': 4, 'seed': 0}]
  asked = book.read(dict(config=little(tmp_path), trials=trials, metric='D/loss'))
  told = played(tmp_path / 'all', asked)
  assert [one['state'] for one in told.values()] == 4 * ['done'] + 2 * ['failed'] + ['done']
  where = [one['attempts'][0]['where'] for one in told.values()]
  assert where == ['a program of 6'] * 6 + ['']
  bad = 'learning_rate=1e+30-seed=5'
  assert (
    'is nan' in told[bad]['attempts'][0]['said'] or 'is inf' in told[bad]['attempts'][0]['said']
  )

  name = 'learning_rate=0.002-seed=5'
  played(tmp_path / 'one', asked._replace(trials={name: asked.trials[name]}), 'local')
  ours, its = (numbers(tmp_path / each / book.FOLDER / name) for each in ('all', 'one'))
  for mine, own in zip(ours, its, strict=True):
    for key in ('step', 'D/loss', 'G/loss'):
      np.testing.assert_allclose(mine[key], own[key], rtol=1e-4)
  assert runs.sampler(tmp_path / 'all' / book.FOLDER / name).round == 4
  assert 'trials   5 done, 2 failed' in '\n'.join(results.close(tmp_path / 'all', asked))


def test_what_turns_out_to_need_programs_of_its_own_gets_them(tmp_path):
  nets = dict(name='tests.executors.test_population.shaped', inputs=('z',), share=1.0)
  file = little(tmp_path, f'c.nets.G = {nets}')
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


def test_what_trials_have_in_common():
  dotted = lambda told: {key.replace('__', '.'): value for key, value in told.items()}
  kind = lambda **told: together.kind(resolved(MIXTURE, dotted(told)))
  assert kind() == kind(seed=3) == kind(players__G__tx__learning_rate=0.1)
  assert kind() == kind(objective__penalties=(dict(name='r1', weight=9.0),))
  assert kind() != kind(batch=4)
  assert kind() != kind(prior__dim=3)
  assert kind() != kind(objective__pair__name='hinge')
  with pytest.raises(InputError, match='2 or more'):
    list(population.population(None, members=1))


def test_a_group_that_is_killed_goes_on_as_one(tmp_path):
  often = {'rounds': 600, 'log_every': 100, 'checkpoint.every': 100}
  file = tmp_path / 'seeds.py'
  file.write_text(
    f"def get_sweep():\n  return dict(config='{little(tmp_path)}', metric='D/loss', "
    f"trials=[{{'seed': s, **{often}}} for s in range(3)])\n"
  )
  words = [sys.executable, '-m', 'gan_jax.sweep', f'--sweep={file}', f'--workdir={tmp_path}/sweep',
           '--executor=population']  # fmt: skip
  begin = lambda: subprocess.Popen(
    words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
  )
  saved = lambda: [p for p in tmp_path.glob('sweep/trials/*/checkpoints/*') if p.name.isdigit()]
  one, until = begin(), time.monotonic() + 120
  while len(saved()) < 3:
    assert time.monotonic() < until
    assert one.poll() is None, one.communicate()[0]
    time.sleep(0.1)
  one.kill()
  one.communicate()
  told, _ = (again := begin()).communicate(timeout=240)  # at once: the runs are still saving
  assert again.returncode == 0, told
  assert 'trials   3 done' in told
  for folder in (tmp_path / 'sweep' / book.FOLDER).iterdir():
    assert [e['step'] for e in numbers(folder)] == list(range(100, 601, 100))
    assert len(json.loads((folder / book.TRIAL).read_text())['attempts']) == 2
