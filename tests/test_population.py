"""Populations: every member is what its run alone would be, whatever becomes of the others."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import assemble, log, parallel, population, runs, summary, train
from gan_jax import config as configs
from gan_jax.errors import Diverged, InputError
from gan_jax.game import Objective
from tests.test_train import assert_same, command, numbers, rounds_saved, wait_for

ROOT = pathlib.Path(__file__).parents[1]
RATE = 'players.*.tx.learning_rate'
WEIGHT = 'objective.penalties.0.weight'


def little(**changes):
  """A run on the plane, of perceptrons of four units; `changes` are dotted keys, __ for dots."""
  adam = dict(name='adam', learning_rate=1e-2, b1=0.5)
  config = dict(
    data=dict(name='mixture.ring', n=64),
    prior=dict(name='normal', dim=2),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(4,)),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(4,), keep=0.8),
    ),
    objective=dict(name='gan', pair='nonsaturating', penalties=(dict(name='r1', weight=0.1),)),
    players=dict(D=dict(tx=adam), G=dict(tx=adam)),
    play=dict(name='alternating', schedule=('D', 'D', 'G')),
    ema=dict(G=0.9),
    evals=dict(modes=dict(name='metrics.modes.modes', every=4, n=32)),
    finish=(),
  )
  own = {'rounds': 8, 'devices': 1, 'checkpoint': dict(every=4, keep=3)}
  return configs.tiny(config, **{**own, **changes})


def alone(workdir, values, **changes):
  """The run of one member by itself."""
  return train.run(population.put(assemble.complete(little(**changes)), values), workdir)


def member(state, i):
  return jax.tree.map(lambda a: np.asarray(a)[i], state)


def assert_close(a, b, rtol=2e-4, atol=2e-6):
  jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol, atol), a, b)


@pytest.fixture(scope='module')
def seeds(tmp_path_factory):
  """Three seeds as one program: (workdir, state)."""
  workdir = tmp_path_factory.mktemp('seeds')
  return workdir, train.run(little(), workdir, vary={'seed': [0, 3, 7]})


@pytest.fixture(scope='module')
def third(tmp_path_factory):
  """The run of seed 7 alone."""
  workdir = tmp_path_factory.mktemp('third')
  return workdir, alone(workdir, {'seed': 7})


def test_a_seed_of_a_population_is_bit_for_bit_the_run_of_that_seed(seeds, third):
  assert_same(member(seeds[1], 2), third[1])
  assert numbers(seeds[0] / 'seed=7') == numbers(third[0])
  assert rounds_saved(seeds[0] / 'seed=7') == rounds_saved(third[0]) == [4, 8]
  for file in ('config.json', 'facts.json'):
    assert (seeds[0] / 'seed=7' / file).read_text() == (third[0] / file).read_text()


@pytest.mark.parametrize('over', [parallel.side_by_side, parallel.in_turn])
@pytest.mark.parametrize('streamed', [False, True])
def test_side_by_side_or_in_turn_from_either_feed_it_is_the_same_run(
  third, tmp_path, over, streamed, monkeypatch
):
  together = parallel.together
  monkeypatch.setattr(parallel, 'together', lambda n, devices: together(n, devices, over))
  config = little(resident_mb=0 if streamed else 2048)
  state = train.run(config, tmp_path, vary={'seed': (3, 7)})
  assert_close(member(state, 1), jax.tree.map(np.asarray, third[1]))
  for ours, its in zip(numbers(tmp_path / 'seed=7'), numbers(third[0]), strict=True):
    assert_close(ours, its, rtol=1e-3)


@pytest.mark.parametrize('over', [parallel.side_by_side, parallel.in_turn])
def test_numbers_of_the_game_vary_as_they_would_from_run_to_run(tmp_path, over, monkeypatch):
  together = parallel.together
  monkeypatch.setattr(parallel, 'together', lambda n, devices: together(n, devices, over))
  vary = {RATE: (1e-2, 3e-2), WEIGHT: (0.1, 1), 'objective.d_weight': [0.5], 'seed': [5]}
  state = train.run(little(), tmp_path / 'all', vary=vary)
  runs_ = population.members(assemble.complete(little()), tmp_path / 'all', vary)
  assert [m.label for m in runs_] == [
    f'learning_rate={rate}-weight={weight}-d_weight=0.5-seed=5'
    for rate in (0.01, 0.03)
    for weight in (0.1, 1.0)
  ]
  for i in (1, 2):
    single = alone(tmp_path / str(i), runs_[i].values)
    assert_close(member(state, i), jax.tree.map(np.asarray, single))
    for ours, its in zip(numbers(runs_[i].workdir), numbers(tmp_path / str(i)), strict=True):
      assert_close(ours, its, rtol=1e-3)
  differ = [np.asarray(jax.tree.leaves(member(state, i).params)[0]).tolist() for i in range(4)]
  assert len({str(d) for d in differ}) == 4


def test_what_varies_in_the_generator_is_drawn_with(tmp_path):
  config = little(nets__G=dict(name='tests.test_population.scaled', inputs=('z',), factor=1.0))
  train.run(config, tmp_path / 'all', vary={'nets.G.factor': (1.0, 3.0)})
  alone_ = population.put(assemble.complete(config), {'nets.G.factor': 3.0})
  train.run(alone_, tmp_path / 'one')
  assert numbers(tmp_path / 'all' / 'factor=3.0') == numbers(tmp_path / 'one')


def scaled(shape, factor):
  """A generator whose output is multiplied by a number that is only calculated with."""
  from flax import linen as nn

  class Scaled(nn.Module):
    factor: float

    @nn.compact
    def __call__(self, z):
      return nn.Dense(shape[0])(z) * self.factor

  return Scaled(factor)


def test_a_member_is_a_run_like_any_other(seeds, tmp_path):
  workdir = tmp_path / 'member'
  shutil.copytree(seeds[0] / 'seed=3', workdir)
  sampler = runs.sampler(workdir)
  assert sampler.round == 8
  assert sampler.draw(jax.random.key(0), 3).shape == (3, 2)
  longer = alone(workdir, {'seed': 3}, rounds=12)  # it goes on by itself
  assert int(longer.step) == 12
  assert_same(longer, alone(tmp_path / 'never', {'seed': 3}, rounds=12))


def test_stopped_and_resumed_from_the_newest_round_that_all_have(seeds, tmp_path, capsys):
  workdir = tmp_path / 'all'
  shutil.copytree(seeds[0], workdir)
  shutil.rmtree(workdir / 'seed=3' / 'checkpoints' / '8')  # as if killed between two saves
  state = train.run(little(), workdir, vary={'seed': [0, 3, 7]})
  assert 'resuming after 4' in capsys.readouterr().out
  assert_same(state, seeds[1])
  for label in ('seed=0', 'seed=3', 'seed=7'):
    assert numbers(workdir / label) == numbers(seeds[0] / label)
    assert rounds_saved(workdir / label) == [4, 8]


def test_killed_in_the_first_save_it_begins_anew(seeds, tmp_path):
  workdir = tmp_path / 'all'
  shutil.copytree(seeds[0], workdir)
  for label, rounds in (('seed=0', '8'), ('seed=3', '84'), ('seed=7', '84')):
    for round_ in rounds:
      shutil.rmtree(workdir / label / 'checkpoints' / round_)
  assert_same(train.run(little(), workdir, vary={'seed': [0, 3, 7]}), seeds[1])
  assert numbers(workdir / 'seed=0') == numbers(seeds[0] / 'seed=0')


def test_without_a_round_in_common_it_does_not_begin_anew_in_silence(seeds, tmp_path):
  workdir = tmp_path / 'all'
  shutil.copytree(seeds[0], workdir)
  shutil.rmtree(workdir / 'seed=0' / 'checkpoints' / '8')
  shutil.rmtree(workdir / 'seed=3' / 'checkpoints' / '4')
  with pytest.raises(InputError, match='no whole checkpoint of one round in common'):
    train.run(little(), workdir, vary={'seed': [0, 3, 7]})


def test_a_finished_population_is_left_as_it_is(seeds):
  before = {m: (seeds[0] / m / log.FILE).read_bytes() for m in ('seed=0', 'seed=7')}
  assert_same(train.run(little(), seeds[0], vary={'seed': [0, 3, 7]}), seeds[1])
  assert before == {m: (seeds[0] / m / log.FILE).read_bytes() for m in before}


def mined(prior, *, fuse: float) -> Objective:
  """A game whose D comes upon a NaN in the round that `fuse` says; 0: never."""

  def d_loss(nets, batch, key, rounds):
    bad = jnp.where((fuse > 0) & (rounds + 1 >= fuse), jnp.nan, 0.0)
    return jnp.mean(nets.D(batch['image'], key=key) ** 2) + bad, {'trouble': bad}

  def g_loss(nets, batch, key, rounds):
    return jnp.mean(nets.D(nets.G(prior(key, 4)), key=key) ** 2), {}

  return Objective(
    {'D': d_loss, 'G': g_loss}, lambda: jnp.zeros((), jnp.int32), lambda rounds, scalars: rounds + 1
  )


MINED = dict(objective=dict(name='tests.test_population.mined', fuse=0.0))


def test_one_that_diverges_takes_no_other_with_it(tmp_path, capsys):
  vary = {'objective.fuse': (0.0, 6.0, 1.0)}
  for _ in range(2):  # and the same command comes to the same end
    with pytest.raises(Diverged, match=r'2 of 3 members diverged: fuse=\S+, fuse=\S+; .* whole'):
      train.run(little(**MINED), tmp_path / 'all', vary=vary)
  out = capsys.readouterr().out
  assert 'fuse=6.0 diverged: round 6: D/loss is nan' in out
  assert 'Round 5 was the last healthy one. The newest checkpoint is 4' in out
  assert out.count('fuse=6.0 diverged') == 1
  assert out.count('nothing is left to play') == 1
  single = alone(tmp_path / 'one', {}, **MINED)
  healthy = tmp_path / 'all' / 'fuse=0.0'
  assert numbers(healthy) == numbers(tmp_path / 'one')
  assert_same(runs.load(healthy).state.params, single.params)
  assert rounds_saved(healthy) == [4, 8]
  assert rounds_saved(tmp_path / 'all' / 'fuse=6.0') == [4]
  assert rounds_saved(tmp_path / 'all' / 'fuse=1.0') == []
  assert log.read(tmp_path / 'all' / 'fuse=6.0')[-1]['step'] == 4
  told = json.loads((tmp_path / 'all' / summary.FILE).read_text())
  assert [g['values'] for g in told['groups']] == [{'objective.fuse': 0.0}]
  assert told['members']['fuse=6.0']['diverged'].startswith('round 6: ')
  assert told['members']['fuse=0.0']['diverged'] is None


def test_where_some_fell_the_others_go_on_later(tmp_path):
  vary = {'objective.fuse': (0.0, 2.0)}
  for rounds in (4, 8):
    with pytest.raises(Diverged, match='1 of 2 members'):
      train.run(little(**MINED, rounds=rounds), tmp_path / 'all', vary=vary)
  alone(tmp_path / 'one', {}, **MINED)
  ours = [e for e in numbers(tmp_path / 'all' / 'fuse=0.0') if 'D/loss' in e]
  assert ours == [e for e in numbers(tmp_path / 'one') if 'D/loss' in e]


def test_when_all_diverge_it_stops(tmp_path):
  with pytest.raises(Diverged, match=r'all 2 members diverged; the last was fuse=3.0: round 3: '):
    train.run(little(**MINED), tmp_path, vary={'objective.fuse': (2.0, 3.0)})
  assert rounds_saved(tmp_path / 'fuse=3.0') == []


@pytest.mark.parametrize(
  ('vary', 'message'),
  [
    ({'seed': []}, 'seed is given no values'),
    ({}, 'must say what varies'),
    ({'seed': (1, 2, 1)}, 'seed=1 is given twice'),
    ({'seed': (1, 0.5)}, 'a seed is a whole number'),
    ({'sede': (1, 2)}, 'the config has no number at sede. Did you mean seed?'),
    ({'players.D.learning_rate': (1.0,)}, 'Did you mean players.D.tx.learning_rate'),
    ({'players.D.tx.learning_rat': (1.0,)}, "did you mean 'learning_rate'"),
    ({'objective.penalties.1.weight': (1.0,)}, 'Did you mean objective.penalties.0.weight'),
    ({'batch': (8, 16)}, 'batch cannot vary .* decides the shape of the program .* separate runs'),
    ({'play.schedule': (1, 2)}, 'play.schedule cannot vary'),
    ({'data.n': (64, 32)}, 'data.n cannot vary'),
    ({'rounds': (4, 8)}, 'rounds cannot vary'),
    ({'prior.dim': (2, 3)}, 'prior.dim cannot vary .* decides the shape of the program'),
    ({'nets.G.hidden.0': (4, 8)}, 'nets.G.hidden.0 cannot vary'),
    ({'nets.D.keep': (0.5, 0.8)}, 'nets.D.keep cannot vary'),
    ({'objective.pair': ('hinge', 'lsgan')}, 'objective.pair cannot vary'),
    ({'objective.penalties.0.every': (1, 2)}, 'objective.penalties.0.every cannot vary'),
    ({'objective.d_weight': (True, False)}, 'objective.d_weight cannot vary'),
  ],
)
def test_what_cannot_vary_is_refused_in_a_sentence_before_anything_is_written(
  vary, message, tmp_path
):
  with pytest.raises(InputError, match=message):
    train.run(little(), tmp_path / 'run', vary=vary)
  assert not (tmp_path / 'run').exists()


def test_folders_of_something_else_are_refused(seeds, third, tmp_path):
  with pytest.raises(InputError, match=r'holds a population of seed=0, seed=3, seed=7; this one'):
    train.run(little(), seeds[0], vary={'seed': (0, 3)})
  with pytest.raises(InputError, match='holds a run; give the population a --workdir of its own'):
    train.run(little(), third[0], vary={'seed': (0, 3)})
  alone(tmp_path / 'seed=3', {'seed': 3}, rounds=4)
  with pytest.raises(InputError, match='seed=3 holds a run already'):
    train.run(little(), tmp_path, vary={'seed': (0, 3)})
  with pytest.raises(InputError, match=r'players.D.tx.b1 was 0.5, is now 0.0'):
    train.run(little(players__D__tx__b1=0.0), seeds[0], vary={'seed': [0, 3, 7]})


def test_members_are_divided_among_devices(third, tmp_path):
  state = train.run(little(devices=2), tmp_path, vary={'seed': (3, 5, 7, 9)})
  leaf = jax.tree.leaves(state)[0]
  assert [s.data.shape[0] for s in leaf.addressable_shards] == [2, 2]
  assert_close(member(state, 2), jax.tree.map(np.asarray, third[1]))
  with pytest.raises(InputError, match='4 members cannot be divided among 3 devices; 1, 2, 4 can'):
    parallel.together(4, 3)
  with pytest.raises(InputError, match='devices=64, but there are 4'):
    parallel.together(64, 64)
  assert parallel.together(6).mesh.size == 3
  assert parallel.together(5).mesh.size == 1
  with pytest.raises(InputError, match='a population is divided by its members'):
    train.run(little(parallel='pmapped'), tmp_path / 'p', vary={'seed': (3, 5)})


def test_the_table_is_of_means_over_seeds_for_each_of_the_rest(tmp_path, capsys):
  config = little(finish=('figures.curves.curves',))
  vary = {'seed': range(2), 'players.G.tx.learning_rate': (0.01, 0.02)}
  train.run(config, tmp_path, vary=vary)
  told = json.loads((tmp_path / summary.FILE).read_text())
  assert [g['values'] for g in told['groups']] == [
    {'players.G.tx.learning_rate': 0.01},
    {'players.G.tx.learning_rate': 0.02},
  ]
  last = [
    next(e['D/loss'] for e in reversed(log.read(tmp_path / f'seed={s}-learning_rate=0.02'))
         if 'D/loss' in e) for s in (0, 1)
  ]  # fmt: skip
  of = told['groups'][1]['numbers']['D/loss']
  assert of == pytest.approx({'mean': np.mean(last), 'sd': np.std(last, ddof=1), 'n': 2})
  assert set(told['groups'][0]['numbers']) >= {'D/loss', 'G/loss', 'modes', 'modes/high_quality'}
  assert told['members']['seed=1-learning_rate=0.02']['round'] == 8
  out = capsys.readouterr().out
  assert ' ± ' in next(line for line in out.splitlines() if line.startswith('round 2 of 8'))
  header, first, _ = out[out.index('\n    ') + 1 :].splitlines()[:3]
  assert header.split()[:3] == ['members', 'D/loss', 'G/loss']
  assert first.startswith('players.G.tx.learning_rate=0.01  2')
  assert (tmp_path / 'curves.png').exists()
  assert (tmp_path / 'seed=0-learning_rate=0.01' / 'curves.png').exists()


@pytest.mark.parametrize(
  ('words', 'vary'),
  [
    (['seed=0:3'], {'seed': [0, 1, 2]}),
    (['seed=5,6', 'players.D.tx.b1=0,5e-1'], {'seed': [5, 6], 'players.D.tx.b1': [0, 0.5]}),
    ([], {}),
  ],
)
def test_what_varies_as_a_person_writes_it(words, vary):
  assert population.parse(words) == vary


@pytest.mark.parametrize(
  ('words', 'message'),
  [
    (['seed'], '--vary=seed is not --vary=KEY='),
    (['objective.pair=hinge,lsgan'], 'objective.pair cannot vary'),
    (['seed=0:2', 'seed=3'], 'names seed twice'),
    (['seed=0.5:2'], 'seed cannot vary|whole'),
  ],
)
def test_what_is_no_list_of_numbers_is_refused(words, message):
  with pytest.raises(InputError, match=message):
    population.parse(words)


@pytest.mark.timeout(600)
def test_the_command_on_two_devices_is_killed_and_goes_on(tmp_path):
  more = ('--vary=seed=0:2', '--config.evals.samples.every=1000')
  there = dict(JAX_NUM_CPU_DEVICES='2')
  workdir, member_ = tmp_path / 'all', tmp_path / 'all' / 'seed=1'
  small = ':tiny'
  devices = '--config.devices=2'
  first = command(workdir, *more, devices, '--config.rounds=1000000', config=small, **there)
  wait_for(lambda: rounds_saved(member_)[-3:], first)
  first.send_signal(signal.SIGTERM)
  text, _ = first.communicate(timeout=120)
  assert first.returncode == 128 + signal.SIGTERM, text
  assert 'on 2 cpu devices' in text
  assert 'Traceback' not in text
  assert rounds_saved(workdir / 'seed=0')[-1] == rounds_saved(member_)[-1]

  second = command(workdir, *more, devices, '--config.rounds=1000000', config=small, **there)
  last = rounds_saved(member_)[-1]
  wait_for(lambda: rounds_saved(member_)[-1] > last, second)
  second.kill()
  second.communicate()

  end = (max(rounds_saved(workdir / f'seed={s}')[-1] for s in (0, 1)) // 2 + 2) * 2
  rounds = f'--config.rounds={end}'
  third_ = command(workdir, *more, devices, rounds, config=small, **there)
  text, _ = third_.communicate(timeout=240)
  assert third_.returncode == 0, text
  assert 'Traceback' not in text
  assert summary.FILE in text
  single = command(tmp_path / 'one', rounds, '--config.seed=1', *more[1:], config=small)
  text, _ = single.communicate(timeout=240)
  assert single.returncode == 0, text
  for ours, its in zip(
    [e for e in numbers(member_) if 'D/loss' in e],
    [e for e in numbers(tmp_path / 'one') if 'D/loss' in e],
    strict=True,
  ):
    assert_close(ours, its, rtol=1e-3)

  drawn = subprocess.run(
    [sys.executable, '-m', 'gan_jax.sample', f'--workdir={member_}', f'--out={tmp_path}/grid.png'],
    capture_output=True,
    text=True,
    cwd=ROOT,
    check=False,
    env={**os.environ, 'JAX_PLATFORMS': 'cpu'},
  )
  assert drawn.returncode == 0, drawn.stderr
