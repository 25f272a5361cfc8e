"""The loop: resuming, refusing, stopping, and what is left on disk when something goes wrong."""

import gc
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import config as configs
from gan_jax import log, runs, train
from gan_jax.errors import Diverged, InputError
from gan_jax.game import Objective

ROOT = pathlib.Path(__file__).parents[1]


def small(**changes):
  """A small run on the embedded digits; `changes` are dotted keys, dots as double underscores."""
  adam = dict(name='adam', learning_rate=1e-3, b1=0.5)
  config = dict(
    data=dict(name='digits', split='train'),
    transform=(dict(name='scale'),),
    prior=dict(name='normal', dim=4),
    nets=dict(
      G=dict(name='dcgan.Generator', inputs=('z',), width=4),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(16,), keep=0.8),
    ),
    objective=dict(name='gan', pair='nonsaturating', penalties=(dict(name='r1', weight=0.1),)),
    players=dict(D=dict(tx=adam), G=dict(tx=adam)),
    play=dict(name='alternating', schedule=('D', 'D', 'G')),
    ema=dict(G=0.9),
    evals=dict(samples=dict(name='figures.grids.samples', every=4, rows=2, columns=2)),
    rounds=8,
    batch=8,
    devices=1,
    rounds_per_call=2,
    log_every=2,
    checkpoint=dict(every=4, keep=3),
    finish=(),
  )
  return configs.tiny(config, **{'rounds': 8, 'checkpoint': config['checkpoint'], **changes})


def numbers(workdir):
  """The log without what depends on the clock."""
  return [{k: v for k, v in e.items() if k != 'images_per_second'} for e in log.read(workdir)]


def assert_same(a, b):
  jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
  """A run that was never stopped: (workdir, state)."""
  workdir = tmp_path_factory.mktemp('whole')
  return workdir, train.run(small(), workdir)


def test_stopped_and_resumed_is_bit_identical_to_never_stopped(whole, tmp_path):
  workdir, state = whole
  train.run(small(rounds=4), tmp_path)
  again = train.run(small(), tmp_path)
  assert_same(state, again)
  assert [e for e in numbers(tmp_path) if e['step'] > 4] == [
    e for e in numbers(workdir) if e['step'] > 4
  ]


def test_a_run_twice_over_is_the_same_run(whole, tmp_path):
  assert_same(whole[1], train.run(small(), tmp_path))


def test_another_seed_is_another_run(whole, tmp_path):
  state = train.run(small(seed=1), tmp_path)
  assert not np.array_equal(
    jax.tree.leaves(state.params['G'])[0], jax.tree.leaves(whole[1].params['G'])[0]
  )


def test_a_finished_run_is_left_as_it_is(whole):
  workdir, state = whole
  before = (workdir / log.FILE).read_bytes()
  assert_same(state, train.run(small(), workdir))
  assert (workdir / log.FILE).read_bytes() == before


def test_streamed_data_give_the_same_run_as_resident_data(whole, tmp_path):
  assert_same(whole[1], train.run(small(resident_mb=0), tmp_path))


def test_more_devices_give_the_same_run_to_rounding(whole, tmp_path):
  state = train.run(small(devices=4), tmp_path)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4),
    state.params['G'],
    whole[1].params['G'],
  )


def test_bfloat16_is_a_key_of_the_config_and_trains_float32_weights(whole, tmp_path):
  state = train.run(small(precision='bfloat16'), tmp_path)
  assert {leaf.dtype for leaf in jax.tree.leaves((state.params, state.ema))} == {jnp.dtype('f4')}
  last, first = numbers(tmp_path)[-1], numbers(whole[0])[-1]
  assert last['D/loss'] != first['D/loss']
  assert abs(last['D/loss'] - first['D/loss']) < 0.05 * first['D/loss']


def test_pmapped_trains_on_several_devices(tmp_path):
  state = train.run(small(devices=2, parallel='pmapped'), tmp_path)
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.params))


def test_resumes_on_another_number_of_devices(tmp_path):
  train.run(small(rounds=4, devices=1), tmp_path)
  assert int(train.run(small(devices=2), tmp_path).step) == 8


def test_the_pictures_are_there_and_the_generator_loads(whole):
  workdir, _ = whole
  assert {p.name for p in (workdir / 'samples').iterdir()} == {
    f'samples_{r:08d}.png' for r in (0, 4, 8)
  }
  sampler = runs.sampler(workdir)
  assert sampler.round == 8
  images = sampler.display(sampler.draw(jax.random.key(0), 3))
  assert images.shape == (3, 8, 8, 1)
  assert images.dtype == np.uint8
  older = runs.sampler(workdir, step=4)
  assert older.round == 4


def test_another_config_is_refused_with_the_keys_that_differ(whole):
  workdir, _ = whole
  with pytest.raises(InputError, match=r'objective\.pair was .nonsaturating., is now .hinge.'):
    train.run(small(objective__pair='hinge'), workdir)


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    (dict(rounds=7), r'rounds=7 must be a positive multiple of rounds_per_call=2'),
    (dict(batch=9, devices=4), r'a batch of 9 cannot be split among 4 devices'),
    (dict(devices=64), r'devices=64, but there are 4'),
    (dict(objective__pair='hinges'), r"'hinges'.*hinge"),
    (dict(nets__G__widht=3), r"'widht'.*'width'"),
    (dict(nets__G__output='sigmoid'), r'nets.G ends in sigmoid'),
    (dict(nets__D__inputs=('picture',)), r'nets.D must say its inputs'),
    (dict(play__schedule=('D', 'E')), r'schedule names E'),
    (dict(ema=dict(H=0.9)), r'ema averages H'),
    (dict(evals__samples__colums=3), r"'colums'.*'columns'"),
    (dict(evals__samples=dict(every=2)), r'evals.samples must say its name'),
    (dict(precision='float16'), r"precision='float16' is neither"),
    (dict(play__noise='same'), r"noise='same' is neither"),
    (dict(sede=1), r"the config takes no argument 'sede'"),
    (
      dict(players=dict(D=dict(tx=dict(name='sgd', learning_rate=1)))),
      r'players are D, but .* losses for D, G',
    ),
  ],
)
def test_bad_configs_are_refused_in_a_sentence_before_anything_runs(changes, message, tmp_path):
  config = small()
  for key, value in changes.items():
    *path, last = key.split('__')
    at = config
    for part in path:
      at = at[part]
    at[last] = value
  with pytest.raises(InputError, match=message):
    train.run(config, tmp_path / 'run')
  assert not (tmp_path / 'run' / 'checkpoints').exists()


def poisoned(prior, *, after: int) -> Objective:
  """A game whose D comes upon a NaN after `after` rounds; a config names it by its path."""

  def d_loss(nets, batch, key, rounds):
    bad = jnp.where(rounds >= after, jnp.nan, 0.0)
    return jnp.mean(nets.D(batch['image'], key=key) ** 2) + bad, {'trouble': bad}

  def g_loss(nets, batch, key, rounds):
    return jnp.mean(nets.D(nets.G(prior(key, 4)), key=key) ** 2), {}

  return Objective(
    {'D': d_loss, 'G': g_loss}, lambda: jnp.zeros((), jnp.int32), lambda rounds, scalars: rounds + 1
  )


def test_nan_stops_the_run_and_says_which_term_and_player_and_what_was_healthy(tmp_path):
  objective = dict(name='tests.test_train.poisoned', after=5)
  with pytest.raises(Diverged) as stop:
    train.run(small(objective=objective), tmp_path)
  text = str(stop.value)
  assert text.startswith('round 6: ')
  assert 'D/trouble is nan' in text
  assert 'in the move of D' in text
  assert 'Round 5 was the last healthy one' in text
  assert 'The newest checkpoint is 4' in text
  assert sorted(p.name for p in (tmp_path / 'checkpoints').iterdir()) == ['4']


# --- damaged, cut short, killed ------------------------------------------------------------------


def largest_file(folder: pathlib.Path) -> pathlib.Path:
  return max((p for p in folder.rglob('*') if p.is_file()), key=lambda p: p.stat().st_size)


def flip(path):
  data = bytearray(path.read_bytes())
  data[len(data) // 2] ^= 1
  path.write_bytes(bytes(data))


def cut(path):
  path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.fixture
def swept():
  """Orbax leaves coroutines behind it when it fails: they are collected before the next test."""
  yield
  gc.collect()


left_behind = pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning')


@left_behind
@pytest.mark.usefixtures('swept')
@pytest.mark.parametrize('damage', [flip, cut, pathlib.Path.unlink])
def test_a_damaged_checkpoint_is_noticed_and_the_one_before_it_used(
  whole, tmp_path, damage, capsys
):
  workdir = tmp_path / 'run'
  shutil.copytree(whole[0], workdir)
  damage(largest_file(workdir / 'checkpoints' / '8' / 'state'))
  state = train.run(small(), workdir)
  assert 'checkpoint 8 is damaged' in capsys.readouterr().out
  assert_same(whole[1], state)  # rounds 5 to 8 were played again, to the same end
  assert numbers(workdir) == numbers(whole[0])
  assert (workdir / 'checkpoints' / 'damaged-8').is_dir()


@left_behind
@pytest.mark.usefixtures('swept')
def test_without_any_whole_checkpoint_the_run_does_not_begin_anew_in_silence(whole, tmp_path):
  workdir = tmp_path / 'run'
  shutil.copytree(whole[0], workdir)
  for step in ('4', '8'):
    flip(largest_file(workdir / 'checkpoints' / step / 'state'))
  with pytest.raises(InputError, match=r'none of the checkpoints in .* is whole'):
    train.run(small(), workdir)


def command(workdir, *more, config='', **environment):
  """A run of the command in a process of its own, on the digits."""
  call = [
    sys.executable, '-m', 'gan_jax.main', f'--config={ROOT}/experiments/gan_digits.py{config}',
    f'--workdir={workdir}', '--config.rounds_per_call=2', '--config.log_every=2',
    '--config.checkpoint.every=2', '--config.evals.samples.every=1000', '--config.devices=1',
    *more,
  ]  # fmt: skip
  return subprocess.Popen(
    call,
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
    cwd=ROOT,
    env={**os.environ, 'JAX_PLATFORMS': 'cpu', **environment},
  )


def wait_for(condition, process, seconds=240):
  end = time.time() + seconds
  while time.time() < end:
    if condition():
      return
    assert process.poll() is None, process.communicate()[0]
    time.sleep(0.02)
  process.kill()
  raise AssertionError(f'nothing happened in {seconds} s: {process.communicate()[0]}')


def rounds_saved(workdir):
  folder = workdir / 'checkpoints'
  return (
    sorted(int(p.name) for p in folder.iterdir() if p.name.isdigit()) if folder.exists() else []
  )


@pytest.mark.timeout(900)
def test_sigterm_saves_and_kill_9_loses_nothing_but_the_rounds_since_the_last_save(tmp_path):
  steps = ['--config.rounds=1000000']
  first = command(tmp_path, *steps)
  wait_for(lambda: rounds_saved(tmp_path), first)
  first.send_signal(signal.SIGTERM)
  text, _ = first.communicate(timeout=120)
  assert first.returncode == 128 + signal.SIGTERM
  assert 'stopped by SIGTERM after round' in text
  assert 'Traceback' not in text
  last = log.read(tmp_path)[-1]['step']
  assert rounds_saved(tmp_path)[-1] == last

  second = command(tmp_path, *steps)  # saves at every call, so that a kill is likely to hit a save
  temporary = lambda: any('tmp' in p.name for p in (tmp_path / 'checkpoints').iterdir())
  wait_for(lambda: rounds_saved(tmp_path)[-1] > last + 10 and temporary(), second)
  second.kill()
  second.communicate()

  end = (rounds_saved(tmp_path)[-1] // 2 + 3) * 2
  third = command(tmp_path, f'--config.rounds={end}')
  text, _ = third.communicate(timeout=240)
  assert third.returncode == 0, text
  logged = [e['step'] for e in log.read(tmp_path) if 'D/loss' in e]
  assert logged == list(range(2, end + 1, 2)), 'no round is missing, and none stands twice'

  never = tmp_path / 'never_stopped'
  fourth = command(never, f'--config.rounds={end}')
  text, _ = fourth.communicate(timeout=240)
  assert fourth.returncode == 0, text
  assert numbers(never) == [e for e in numbers(tmp_path) if e['step'] <= end]


FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from gan_jax import checkpoint, command
def main(argv):
  from gan_jax import train
  from tests.test_train import small
  save = checkpoint.save
  def full(manager, round_, state):
    if round_ == 8:  # from here on no file may grow beyond 4 kB: a disk that is full
      resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    save(manager, round_, state)
  checkpoint.save = full
  train.run(small(), sys.argv[1])
sys.argv, path = sys.argv[:1], sys.argv[1]
sys.argv = ['main', path]
command.start(main)
"""


def test_a_full_disk_is_one_line_and_the_older_checkpoint_stays(tmp_path, whole):
  done = subprocess.run(
    [sys.executable, '-c', FULL_DISK, str(tmp_path)],
    capture_output=True,
    text=True,
    cwd=ROOT,
    check=False,
    env={**os.environ, 'JAX_PLATFORMS': 'cpu', 'JAX_COMPILATION_CACHE_DIR': ''},
  )
  assert done.returncode == 1, done.stdout + done.stderr
  assert 'the checkpoint of round 8 could not be written' in done.stderr
  assert 'the newest good one is of round 4' in done.stderr
  assert 'Traceback' not in done.stderr
  assert rounds_saved(tmp_path) == [4]
  assert_same(whole[1].params, train.run(small(), tmp_path).params)


def test_config_and_facts_are_written_for_people_too(whole):
  config = json.loads((whole[0] / 'config.json').read_text())
  assert config['nets']['G'] == {'name': 'dcgan.Generator', 'inputs': ['z'], 'width': 4}
  facts = json.loads((whole[0] / 'facts.json').read_text())
  assert facts['shape'] == [8, 8, 1]
  assert facts['meta']['name'] == 'digits'
