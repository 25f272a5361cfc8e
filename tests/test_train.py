"""The loop: resuming, refusing, stopping, and what is left on disk when something goes wrong.

Covers: checkpoint.py, loop.py, program.py, runs.py, sessions.py.
"""

import gc
import json
import pathlib
import resource
import shutil
import signal
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import assemble, checkpoint, command, log, population, program, runs, sessions, train
from gan_jax import step as steps
from gan_jax.errors import Diverged
from gan_jax.game import Objective
from tests import commands
from tests.configs import file_of, little, perceptrons, small
from tests.messages import refused, says
from tests.runs import assert_same, numbers, rounds_saved


@pytest.fixture(scope='module')
def whole(trained):
  """A run that was never stopped: (workdir, state)."""
  return trained('dcgan'), runs.load(trained('dcgan')).state


@pytest.fixture(scope='module')
def cheap(trained):
  """The same of the kind that is soonest compiled."""
  return trained('digits'), runs.load(trained('digits')).state


@pytest.fixture(scope='module')
def plane(trained):
  """The same of one with dropout, a penalty and two moves of D a round."""
  return trained('perceptron'), runs.load(trained('perceptron')).state


# --- what a run comes to -------------------------------------------------------------------------


def test_run_resumed_is_bit_identical_to_never_stopped(whole, tmp_path):
  workdir, state = whole
  half = train.run(small(rounds=4), tmp_path)
  # Twice over it is the same run ...
  assert_same(half, runs.load(workdir, step=4).state)
  assert numbers(tmp_path) == [e for e in numbers(workdir) if e['step'] <= 4]
  # ... and stopped in its midst it comes to the same end.
  assert_same(train.run(small(), tmp_path), state)
  assert numbers(tmp_path) == numbers(workdir)
  assert [one['round'] for one in sessions.read(tmp_path)] == [0, 4]


def test_run_of_another_seed_is_another(cheap, tmp_path):
  state, other = train.run(perceptrons(seed=1), tmp_path), cheap[1]
  for net in ('D', 'G'):
    kernels = [leaf for leaf in jax.tree.leaves(state.params[net]) if leaf.ndim > 1]
    others = [leaf for leaf in jax.tree.leaves(other.params[net]) if leaf.ndim > 1]
    assert kernels
    assert not any(np.array_equal(*pair) for pair in zip(kernels, others, strict=True))


def test_run_that_is_finished_is_left_as_it_is(cheap, tmp_path):
  workdir = shutil.copytree(cheap[0], tmp_path / 'run')
  before = (workdir / log.FILE).read_bytes()
  assert_same(cheap[1], train.run(perceptrons(), workdir))
  assert (workdir / log.FILE).read_bytes() == before


def test_run_of_streamed_data_is_that_of_resident_data(plane, tmp_path):
  state = train.run(little(resident_mb=0), tmp_path)
  assert_same(plane[1], state)
  assert numbers(tmp_path) == numbers(plane[0])


# Of convolutions and BatchNorm on four devices tests/test_hosts.py, of 50 rounds, and test_step.py.
def test_run_goes_on_with_fewer_devices_the_same_to_rounding(plane, tmp_path):
  """From nothing on four, and from there on one: the same as on one throughout."""
  train.run(little(devices=4, rounds=4), tmp_path)
  state = train.run(little(), tmp_path)
  assert int(state.step) == 8
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4),
    state.params['G'],
    plane[1].params['G'],
  )


@pytest.mark.slow  # two programs
def test_run_goes_on_with_more_devices(tmp_path):
  train.run(little(rounds=4), tmp_path)
  assert int(train.run(little(devices=4), tmp_path).step) == 8


@pytest.mark.slow  # a program of its own, of convolutions
def test_run_of_convolutions_goes_on_with_fewer_devices(whole, tmp_path):
  train.run(small(devices=4, rounds=4), tmp_path)
  state = train.run(small(), tmp_path)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4),
    state.params['G'],
    whole[1].params['G'],
  )


def test_run_in_bfloat16_has_float32_weights(cheap, tmp_path):
  state = train.run(perceptrons(precision='bfloat16'), tmp_path)
  assert {leaf.dtype for leaf in jax.tree.leaves((state.params, state.ema))} == {jnp.dtype('f4')}
  last, first = numbers(tmp_path)[-1], numbers(cheap[0])[-1]
  assert last['D/loss'] != first['D/loss']
  assert abs(last['D/loss'] - first['D/loss']) < 0.05 * first['D/loss']


def test_build_keeps_weights_in_float32_in_bfloat16(tmp_path):
  """The same of convolutions and BatchNorm, without compiling them."""
  config = assemble.complete(small(precision='bfloat16'))
  parts = program.build(config, population.members(config, tmp_path, None))
  state = jax.eval_shape(lambda key: steps.init(parts.game({}), key), jax.random.key(0))
  image = jax.ShapeDtypeStruct((3, 8, 8, 8, 1), 'f4')
  play = lambda state, image: parts.step({})(state, {'image': image}, jax.random.key(0))
  traced, (after, _) = jax.make_jaxpr(play, return_shape=True)(state, image)
  assert {leaf.dtype for leaf in jax.tree.leaves((after.params, after.ema))} == {jnp.dtype('f4')}
  says(str(traced), 'bf16')


def test_run_pmapped_trains_on_several_devices(tmp_path):
  state = train.run(perceptrons(devices=2, parallel='pmapped', rounds=4), tmp_path)
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.params))


@pytest.mark.slow  # a program of its own, of convolutions
def test_run_pmapped_trains_convolutions_and_batch_norm(tmp_path):
  state = train.run(small(devices=2, parallel='pmapped'), tmp_path)
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.params))


# --- what it leaves on disk ----------------------------------------------------------------------


def test_run_leaves_pictures_and_a_generator_that_loads(whole):
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


def test_claim_writes_config_and_facts_for_people(whole):
  config = json.loads((whole[0] / 'config.json').read_text())
  assert config['nets']['G'] == {'name': 'dcgan.Generator', 'inputs': ['z'], 'width': 4}
  facts = json.loads((whole[0] / 'facts.json').read_text())
  assert facts['shape'] == [8, 8, 1]
  assert facts['meta']['name'] == 'digits'


def test_session_says_when_how_and_on_what_a_run_was_played(whole):
  (only,) = sessions.read(whole[0])
  assert only['began'] <= only['ended']
  assert (only['round'], only['how']) == (0, 'finished')
  says(only['device'], 'cpu')


# --- what is refused -----------------------------------------------------------------------------


def test_run_refuses_another_config_with_the_keys_that_differ(whole, tmp_path):
  shutil.copy(whole[0] / 'config.json', tmp_path)
  with refused(tmp_path, 'objective.pair', "'nonsaturating'", "'hinge'"):
    train.run(small(objective__pair='hinge'), tmp_path)


@pytest.mark.parametrize(
  ('changes', 'facts'),
  [
    (dict(rounds=7), ('rounds=7', 'rounds_per_call=2')),
    (dict(batch=9, devices=4), ('batch of 9', '4 devices')),
    (dict(devices=64), ('devices=64', 'there are 4')),
    (dict(objective__pair='hinges'), ("'hinges'", ' hinge')),
    (dict(nets__G__widht=3), ("'widht'", "'width'")),
    (dict(nets__G__output='sigmoid'), ('nets.G', 'sigmoid')),
    (dict(nets__D__inputs=('picture',)), ('nets.D', 'inputs')),
    (dict(play__schedule=('D', 'E')), ('schedule', ' E')),
    (dict(ema=dict(H=0.9)), ('ema', ' H')),
    (dict(evals__samples__colums=3), ("'colums'", "'columns'")),
    (dict(evals__samples=dict(every=2)), ('evals.samples', 'name')),
    (dict(precision='float16'), ("precision='float16'",)),
    (dict(play__noise='same'), ("noise='same'",)),
    (dict(sede=1), ("'sede'",)),
    (
      dict(players=dict(D=dict(tx=dict(name='sgd', learning_rate=1)))),
      ('players', 'losses', 'D, G'),
    ),
  ],
  ids=lambda value: next(iter(value)) if isinstance(value, dict) else '',
)
def test_run_refuses_what_does_not_fit_before_anything_runs(changes, facts, tmp_path):
  config = small()
  for key, value in changes.items():
    *path, last = key.split('__')
    at = config
    for part in path:
      at = at[part]
    at[last] = value
  with refused(*facts):
    train.run(config, tmp_path / 'run')
  assert not (tmp_path / 'run' / 'checkpoints').exists()


# --- numbers that are none -----------------------------------------------------------------------


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


def test_run_stops_at_nan_and_says_which_player_and_what_was_healthy(tmp_path):
  objective = dict(name='tests.test_train.poisoned', after=5)
  facts = ('round 6', 'D/trouble is nan', 'move of D', 'Round 5', 'checkpoint is 4')
  with refused(*facts, error=Diverged):
    train.run(perceptrons(objective=objective), tmp_path)
  assert rounds_saved(tmp_path) == [4]
  says(sessions.read(tmp_path)[-1]['how'], 'Diverged', 'round 6')


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
def test_restore_notices_damage_and_takes_the_one_before(cheap, tmp_path, damage, capsys):
  workdir = shutil.copytree(cheap[0], tmp_path / 'run')
  damage(largest_file(workdir / 'checkpoints' / '8' / 'state'))
  state = train.run(perceptrons(), workdir)
  says(capsys.readouterr().out, 'checkpoint 8 is damaged', 'resuming after 4')
  assert_same(cheap[1], state)  # rounds 5 to 8 were played again, to the same end
  assert numbers(workdir) == numbers(cheap[0])
  assert (workdir / 'checkpoints' / 'damaged-8').is_dir()


@left_behind
@pytest.mark.usefixtures('swept')
def test_restore_does_not_begin_anew_in_silence_if_none_is_whole(cheap, tmp_path):
  workdir = shutil.copytree(cheap[0], tmp_path / 'run')
  for step in ('4', '8'):
    flip(largest_file(workdir / 'checkpoints' / step / 'state'))
  with refused(workdir / 'checkpoints', 'none'):
    train.run(perceptrons(), workdir)


OFTEN = dict(checkpoint=dict(every=2, keep=3))  # so that a kill is likely to hit a save
ENDLESS = '--config.rounds=1000000'


@pytest.mark.slow  # three processes, each of which compiles
def test_main_saves_at_sigterm_and_loses_no_saved_round_at_kill_9(tmp_path):
  workdir = tmp_path / 'run'
  words = [f'--config={file_of("perceptrons", tmp_path, **OFTEN)}', f'--workdir={workdir}']
  # Compiled once: none of them is killed while it compiles.
  cache = dict(JAX_COMPILATION_CACHE_DIR=str(tmp_path / 'cache'))
  begin = lambda *more: commands.start('gan_jax.main', *words, *more, **cache)

  first = begin(ENDLESS)
  first.until(lambda: rounds_saved(workdir))
  first.send(signal.SIGTERM)
  done = first.ended()
  assert done.status == 128 + signal.SIGTERM, done
  last = log.read(workdir)[-1]['step']
  says(done.err, 'SIGTERM', f'round {last:,}')
  assert 'Traceback' not in done.out + done.err
  assert rounds_saved(workdir)[-1] == last

  second = begin(ENDLESS)
  saving = lambda: any('tmp' in p.name for p in (workdir / 'checkpoints').iterdir())
  second.until(lambda: rounds_saved(workdir)[-1] > last + 10 and saving())
  second.send(signal.SIGKILL)
  assert second.ended().status == -signal.SIGKILL

  end = (rounds_saved(workdir)[-1] // 2 + 3) * 2
  done = begin(f'--config.rounds={end}').ended()
  assert done.status == 0, done
  logged = [e['step'] for e in log.read(workdir) if 'D/loss' in e]
  assert logged == list(range(2, end + 1, 2)), 'no round is missing, and none stands twice'

  straight = train.run(perceptrons(**OFTEN, rounds=end), tmp_path / 'never_stopped')
  assert numbers(tmp_path / 'never_stopped') == numbers(workdir)
  assert_same(straight, runs.load(workdir).state)


def full_disk(folder: str) -> None:
  """A command that plays the run of `cheap` and has no room for the checkpoint of round 8."""
  signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
  save = checkpoint.save

  def full(manager, round_, state):
    if round_ == 8:  # from here on no file may grow beyond 4 kB: a disk that is full
      resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    save(manager, round_, state)

  def main(argv):
    train.run(perceptrons(), folder)

  checkpoint.save = full
  sys.argv = ['main']
  command.start(main)


def test_save_on_a_full_disk_is_one_line_and_keeps_the_older(cheap, tmp_path):
  done = commands.call(full_disk, str(tmp_path)).ended()
  assert done.status == 1, done
  says(done.err, 'round 8', 'round 4', tmp_path / 'checkpoints')
  assert 'Traceback' not in done.err
  assert len(done.err.strip().splitlines()) == 1
  assert rounds_saved(tmp_path) == [4]
  assert_same(cheap[1], train.run(perceptrons(), tmp_path))
