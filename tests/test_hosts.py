"""One run on 1, 2 and 4 devices, and on two real processes of two devices each, over loopback."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from functools import cache

import jax
import numpy as np
import pytest

from gan_jax import config as configs
from gan_jax import hosts, log, runs, train
from gan_jax.errors import InputError

ROOT = pathlib.Path(__file__).parents[1]
ROUNDS = 50

ADAM = dict(name='adam', learning_rate=2e-4, b1=0.5)
KINDS = {
  'mlp': dict(
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(32,), output='tanh'),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(32,)),
    ),
    objective=dict(name='gan', pair='nonsaturating'),
  ),
  'dcgan': dict(
    evals=dict(samples=dict(name='figures.grids.samples', every=25, rows=2, columns=2)),
    nets=dict(
      G=dict(name='dcgan.Generator', inputs=('z',), width=4),
      D=dict(name='dcgan.Discriminator', inputs=('image',), width=4),
    ),
    objective=dict(name='gan', pair='nonsaturating'),
  ),
  'wgan_gp': dict(
    nets=dict(
      G=dict(name='dcgan.Generator', inputs=('z',), width=4),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(32,)),
    ),
    objective=dict(name='gan', pair='wasserstein', penalties=(dict(name='wgan_gp', weight=10.0),)),
    play=dict(name='alternating', schedule=('D', 'D', 'G')),
  ),
  'began': dict(
    data=dict(name='synthetic', split='train', shape=(16, 16, 1), n=64),
    nets=dict(
      G=dict(name='began.Generator', inputs=('z',), width=4),
      D=dict(name='began.autoencoder', inputs=('image',), width=4, dim=8),
    ),
    objective=dict(name='began'),
  ),
}


def config(kind, **changes):
  whole = dict(
    data=dict(name='digits', split='train'),
    transform=(dict(name='scale'),),
    prior=dict(name='normal', dim=8),
    players=dict(D=dict(owns=('D',), tx=ADAM), G=dict(owns=('G',), tx=ADAM)),
    play=dict(name='alternating', schedule=('D', 'G')),
    ema=dict(G=0.99),
    rounds=ROUNDS,
    batch=16,
    log_every=1,
    checkpoint=dict(every=10, keep=2),
    finish=(),
  )
  return configs.plain({**whole, **KINDS[kind], **changes})


PROCESS = """
import json, sys
import jax
jax.config.update('jax_num_cpu_devices', 2)
jax.config.update('jax_numpy_rank_promotion', 'raise')
from gan_jax import command, hosts, train

def main(argv):
  port, process, plays = argv[1:]
  hosts.connect(f'127.0.0.1:{port}', 2, int(process), patience=10)
  for config, workdir in json.loads(plays):
    train.run(config, workdir.replace('PROCESS', process))

command.start(main)
"""


def two(plays):
  """Two processes that play these, [(config, workdir)], one after another."""
  with socket.socket() as free:
    free.bind(('127.0.0.1', 0))
    port = free.getsockname()[1]
  told = json.dumps([[c, str(w)] for c, w in plays])
  cache_ = jax.config.jax_compilation_cache_dir
  start = lambda i: subprocess.Popen(
    [sys.executable, '-c', PROCESS, str(port), str(i), told],
    cwd=ROOT,
    env={**os.environ, 'JAX_COMPILATION_CACHE_DIR': f'{cache_}_{i}'},
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
  )
  return [start(i) for i in range(2)]


def ended(processes, seconds=240):
  """[(exit status, what it printed)]; none is left behind."""
  try:
    said = [p.communicate(timeout=seconds)[0] for p in processes]
  finally:
    for p in processes:
      p.kill()
  return [(p.returncode, text) for p, text in zip(processes, said, strict=True)]


def numbers(workdir):
  return [{k: v for k, v in e.items() if k != 'images_per_second'} for e in log.read(workdir)]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  return tmp_path_factory.mktemp('hosts')


@pytest.fixture(scope='module')
def of_two(folder):
  """The runs of all kinds by two processes, and what these said."""
  plays = [(config(kind), folder / f'{kind}-two') for kind in KINDS]
  return ended(two(plays))


@pytest.fixture(scope='module')
def on(folder):
  """(kind, devices) -> the folder of that run by this process."""

  @cache
  def played(kind, devices):
    train.run(config(kind, devices=devices), folder / f'{kind}-{devices}')
    return folder / f'{kind}-{devices}'

  return played


def assert_agree(a, b):
  assert len(a) == len(b) == ROUNDS
  for x, y in zip(a, b, strict=True):
    assert x.keys() == y.keys()
    for name in x:
      if name.endswith('/loss'):
        assert abs(x[name] - y[name]) < 1e-4, (x['step'], name, x[name], y[name])


@pytest.mark.parametrize('kind', KINDS)
def test_losses_agree_on_1_2_and_4_devices(on, kind):
  for devices in (2, 4):
    assert_agree(numbers(on(kind, 1)), numbers(on(kind, devices)))


@pytest.mark.parametrize('kind', KINDS)
def test_losses_agree_with_those_of_two_processes(of_two, on, folder, kind):
  assert [status for status, _ in of_two] == [0, 0], of_two
  assert_agree(numbers(on(kind, 1)), numbers(folder / f'{kind}-two'))


def test_only_the_first_process_writes_and_what_it_leaves_is_a_run(of_two, folder):
  workdir = folder / 'dcgan-two'
  sessions = [json.loads(line) for line in (workdir / 'sessions.jsonl').read_text().splitlines()]
  assert [('began' in s, s.get('how')) for s in sessions] == [(True, None), (False, 'finished')]
  assert len(list((workdir / 'tensorboard').iterdir())) == 1
  drawn = runs.sampler(workdir).draw(jax.random.key(0), 3)
  assert drawn.shape == (3, 8, 8, 1)


def at_round(workdir, round_, processes):
  """Waits until the log is there."""
  until = time.monotonic() + 120
  while time.monotonic() < until and all(p.poll() is None for p in processes):
    if any(e['step'] >= round_ for e in log.read(workdir)):
      return
    time.sleep(0.05)
  raise AssertionError(ended(processes, 1))


def test_a_signal_to_one_stops_all_at_one_round_and_one_process_goes_on(folder):
  workdir = folder / 'signalled'
  long = dict(rounds=10_000, resident_parts=4)
  processes = two([(config('mlp', **long), workdir)])
  at_round(workdir, 5, processes)
  processes[1].send_signal(signal.SIGTERM)
  told = ended(processes)
  assert [status for status, _ in told] == [143, 143]
  (first, second) = (text.strip().splitlines()[-1] for _, text in told)
  assert first == second
  assert first.startswith('gan_jax: stopped by SIGTERM after round')
  at = max(runs.rounds(workdir))
  state = train.run(config('mlp', **{**long, 'rounds': at + 4, 'devices': 1}), workdir)
  assert int(state.step) == at + 4


def test_when_one_is_killed_the_other_ends_and_started_again_they_come_to_the_same(folder):
  straight, killed = folder / 'straight', folder / 'killed'
  long = config('mlp', rounds=150, resident_mb=0)
  assert [status for status, _ in ended(two([(long, straight)]))] == [0, 0]
  processes = two([(long, killed)])
  at_round(killed, 25, processes)
  processes[1].kill()
  statuses = [status for status, _ in ended(processes)]
  assert statuses[0] != 0
  assert statuses[1] == -signal.SIGKILL
  assert max(runs.rounds(killed)) < 150
  assert [status for status, _ in ended(two([(long, killed)]))] == [0, 0]
  assert numbers(killed) == numbers(straight)
  jax.tree.map(np.testing.assert_array_equal, runs.load(killed).state, runs.load(straight).state)


def test_what_is_wrong_is_said_by_all_and_none_waits(folder):
  workdir = folder / 'taken'
  train.run(config('mlp', rounds=2), workdir)
  told = ended(two([(config('mlp', rounds=2, batch=32), workdir)]))
  assert [status for status, _ in told] == [1, 1]
  for _, text in told:
    assert 'batch was 16, is now 32' in text.splitlines()[-1]


def test_a_workdir_that_is_not_shared_is_refused_at_once(folder):
  told = ended(two([(config('mlp'), folder / 'PROCESS-apart')]))
  assert [status for status, _ in told] == [1, 1]
  for _, text in told:
    said = f'process 1 of 2 does not see what process 0 writes into {folder}/0-apart: a --workdir'
    assert said in text.splitlines()[-1]
  assert not list((folder / '0-apart').glob('*.json'))


def test_hosts_are_told_apart_by_words():
  with pytest.raises(InputError, match='needs --processes, how many there are, and --process'):
    hosts.connect('10.0.0.1:8476', 2)
  with pytest.raises(InputError, match='--process=2 is none of 0 to 1'):
    hosts.connect('10.0.0.1:8476', 2, 2)
