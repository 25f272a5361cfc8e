"""One run on 1, 2 and 4 devices, and on two real processes of two devices each, over loopback."""

import contextlib
import json
import shutil
import signal
import socket
import sys

import jax
import pytest

from gan_jax import command, hosts, log, runs, sessions, train
from gan_jax import config as configs
from tests import budget, commands
from tests.configs import use_native
from tests.messages import refused, says
from tests.runs import assert_same, numbers

pytestmark = pytest.mark.usefixtures('native_convolutions')
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
  # Its state between rounds is what is its own here; convolutions are those of 'dcgan'.
  'began': dict(
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(32,), output='tanh'),
      D=dict(name='autoencoder.perceptron', inputs=('image',), hidden=(16,), dim=4),
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


def host(port: int, process: str, plays: str, patience: int) -> None:
  """One of two processes, of two devices, that play these one after another."""
  jax.config.update('jax_num_cpu_devices', 2)
  jax.config.update('jax_numpy_rank_promotion', 'raise')
  hosts.VISIBLE = 1.0  # on one machine a file is seen at once
  use_native()

  def main(argv):
    hosts.connect(f'127.0.0.1:{port}', 2, int(process), patience)
    for config, workdir in json.loads(plays):
      train.run(config, workdir.replace('PROCESS', process))

  sys.argv = ['host']
  command.start(main)


@contextlib.contextmanager
def two(plays, cache=None, patience=300):
  """Two processes that play these, [(config, workdir)], one after another.

  What they compile they keep in `cache`, a folder each, if they are given one. `patience`: seconds
  that one may be silent, as it is where others have all cores.
  """
  with socket.socket() as held:
    # The port stays ours until it is over: jax too takes it as one that is shared.
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind(('127.0.0.1', 0))
    port, told = held.getsockname()[1], json.dumps([[c, str(w)] for c, w in plays])
    kept = [f'{cache}_{i}' if cache else '' for i in range(2)]
    yield [
      commands.call(host, port, str(i), told, patience, **{commands.CACHE: kept[i]})
      for i in range(2)
    ]


def ended(plays, cache=None):
  """How two processes ended that played these."""
  with two(plays, cache) as processes:
    return [one.ended() for one in processes]


def last_line(done):
  return done.err.strip().splitlines()[-1]


def assert_agree(a, b, rounds):
  assert len(a) == len(b) == rounds
  for x, y in zip(a, b, strict=True):
    assert x.keys() == y.keys()
    for name in x:
      if name.endswith('/loss'):
        assert abs(x[name] - y[name]) < 1e-4, (x['step'], name, x[name], y[name])


@pytest.fixture(scope='module')
def ones(tmp_path_factory):
  """kind -> the folder of its run on one device of this process, played when first asked for."""
  folder = tmp_path_factory.mktemp('ones')

  def played(kind):
    if not (folder / kind).exists():
      with budget.apart(f'tests/test_hosts.py::ones of {kind}'):
        train.run(config(kind, devices=1), folder / kind)
    return folder / kind

  return played


@pytest.fixture(scope='module')
def short(tmp_path_factory):
  """A run of few rounds on one device: (its config, workdir)."""
  workdir = tmp_path_factory.mktemp('short')
  told = config('mlp', rounds=10, play='simultaneous')
  train.run({**told, 'devices': 1}, workdir)
  return told, workdir


# Fewer rounds, the kind that is soonest compiled; all kinds, and all rounds, are below.
@pytest.mark.parametrize('devices', [2, 4])
def test_run_logs_the_same_losses_on_several_devices(short, tmp_path, devices):
  told, workdir = short
  train.run({**told, 'devices': devices}, tmp_path)
  assert_agree(numbers(workdir), numbers(tmp_path), rounds=10)


@pytest.mark.slow  # two processes, each of which compiles
def test_run_of_two_processes_logs_the_same_and_is_written_once(short, tmp_path):
  told, one = short
  workdir = tmp_path / 'two'
  samples = dict(samples=dict(name='figures.grids.samples', every=10, rows=2, columns=2))
  both = ended([({**told, 'evals': samples}, workdir)])
  assert [done.status for done in both] == [0, 0], both
  assert_agree(numbers(one), numbers(workdir), rounds=10)

  (only,) = sessions.read(workdir)
  assert only['how'] == 'finished'
  assert len((workdir / sessions.FILE).read_text().splitlines()) == 2
  assert len(list((workdir / 'tensorboard').iterdir())) == 1
  assert len(list((workdir / 'samples').iterdir())) == 2
  drawn = runs.sampler(workdir).draw(jax.random.key(0), 3)
  assert drawn.shape == (3, 8, 8, 1)


@pytest.mark.slow  # two programs, both of them compiled
@pytest.mark.parametrize('kind', KINDS)
def test_run_logs_the_same_losses_on_several_devices_by_kind(ones, tmp_path, kind):
  """On four; that two are no other case is seen above, and of processes below."""
  train.run(config(kind, devices=4), tmp_path)
  assert_agree(numbers(ones(kind)), numbers(tmp_path), rounds=ROUNDS)


@pytest.mark.slow  # two processes, each of which compiles; of mlp below
@pytest.mark.parametrize('kind', [kind for kind in KINDS if kind != 'mlp'])
def test_run_of_two_processes_logs_the_same_losses_by_kind(ones, tmp_path, kind):
  told = ended([(config(kind), tmp_path)])
  assert [done.status for done in told] == [0, 0], told
  assert_agree(numbers(ones(kind)), numbers(tmp_path), rounds=ROUNDS)
  assert len(sessions.read(tmp_path)) == 1


def logged(workdir, round_):
  return lambda: any(e['step'] >= round_ for e in log.read(workdir))


@pytest.mark.slow  # two processes, each of which compiles
def test_run_stops_on_all_at_one_round_and_goes_on_with_one(tmp_path):
  long = dict(rounds=1_000_000, resident_parts=4)
  with two([(config('mlp', **long), tmp_path)]) as processes:
    processes[0].until(logged(tmp_path, 5))
    processes[1].send(signal.SIGTERM)
    told = [one.ended() for one in processes]
  assert [done.status for done in told] == [143, 143], told
  first, second = map(last_line, told)
  assert first == second
  at = max(runs.rounds(tmp_path))
  says(first, 'gan_jax: ', 'SIGTERM', f'round {at:,}')
  state = train.run(config('mlp', **{**long, 'rounds': at + 4, 'devices': 1}), tmp_path)
  assert int(state.step) == at + 4


@pytest.mark.slow  # three times two processes, each of which compiles
def test_together_ends_all_when_one_is_killed_and_all_go_on(ones, tmp_path):
  straight, killed, cache = (tmp_path / name for name in ('straight', 'killed', 'cache'))
  # Long enough that it is not at its end when the kill comes, however fast the machine is.
  endless = config('mlp', rounds=1_000_000, resident_mb=0)
  with two([(endless, killed)], cache, patience=100) as processes:
    processes[0].until(logged(killed, 25))
    processes[1].send(signal.SIGKILL)
    statuses = [one.ended().status for one in processes]
  assert statuses[0] != 0
  assert statuses[1] == -signal.SIGKILL
  end = log.read(killed)[-1]['step'] // 10 * 10 + 40
  long = config('mlp', rounds=end, resident_mb=0)
  for workdir in (killed, straight):
    assert [done.status for done in ended([(long, workdir)], cache)] == [0, 0]
  assert numbers(killed) == numbers(straight)
  assert_same(runs.load(killed).state, runs.load(straight).state)
  assert_agree(numbers(ones('mlp')), numbers(straight)[:ROUNDS], rounds=ROUNDS)


def test_told_lets_all_say_what_is_wrong_and_none_waits(short, tmp_path):
  shutil.copy(short[1] / 'config.json', tmp_path)
  told = ended([({**short[0], 'batch': 32}, tmp_path)])
  assert [done.status for done in told] == [1, 1], told
  for done in told:
    says(last_line(done), tmp_path, 'batch', '16', '32')


def test_sharing_refuses_a_workdir_that_is_not_shared(tmp_path):
  told = ended([(config('mlp'), tmp_path / 'PROCESS-apart')])
  assert [done.status for done in told] == [1, 1], told
  for done in told:
    says(last_line(done), 'process 1 of 2', tmp_path / '0-apart', '--workdir')
  assert not list((tmp_path / '0-apart').glob('*.json'))


def test_connect_refuses_hosts_that_are_not_told_apart():
  with refused('--processes', '--process,'):
    hosts.connect('10.0.0.1:8476', 2)
  with refused('--process=2', '0 to 1'):
    hosts.connect('10.0.0.1:8476', 2, 2)
