"""Populations: every member is what its run alone would be, whatever becomes of the others.

Covers: parallel.py, summary.py.
"""

import contextlib
import io
import json
import runpy
import shutil
import signal
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import assemble, log, parallel, population, runs, summary, train
from gan_jax.errors import Diverged
from gan_jax.game import Objective
from tests import commands
from tests.configs import file_of, little, perceptrons
from tests.messages import refused, says
from tests.runs import assert_close, assert_same, numbers, rounds_saved

RATE = 'players.*.tx.learning_rate'
WEIGHT = 'objective.penalties.0.weight'
SEEDS = {'seed': [3, 0]}


def bare(**changes):
  """The same with one move a round, and nothing looked at: sooner compiled."""
  return little(**{'play': 'simultaneous', 'evals': {}, **changes})


def alone(config, workdir, values):
  """The run of one member by itself."""
  return train.run(population.put(assemble.complete(config), values), workdir)


def member(state, i):
  return jax.tree.map(lambda a: np.asarray(a)[i], state)


@pytest.fixture
def played_as(monkeypatch):
  """way -> populations are from now on played in that way on a device."""
  together = parallel.together

  def choose(over):
    monkeypatch.setattr(parallel, 'together', lambda n, devices: together(n, devices, over))

  return choose


@pytest.fixture(scope='module')
def seeds(tmp_path_factory):
  """Two seeds as one program: (workdir, state, what was printed). To be copied before writing."""
  workdir = tmp_path_factory.mktemp('seeds')
  with contextlib.redirect_stdout(io.StringIO()) as said:
    state = train.run(little(), workdir, vary=SEEDS)
  return workdir, state, said.getvalue()


@pytest.fixture(scope='module')
def zero(trained):
  """The run of seed 0 alone: (workdir, state)."""
  return trained('perceptron'), jax.device_get(runs.load(trained('perceptron')).state)


# --- a member is a run ---------------------------------------------------------------------------


def test_run_of_a_seed_in_a_population_is_bit_for_bit_that_alone(seeds, zero):
  assert_same(member(seeds[1], 1), zero[1])
  assert numbers(seeds[0] / 'seed=0') == numbers(zero[0])
  assert rounds_saved(seeds[0] / 'seed=0') == rounds_saved(zero[0]) == [4, 8]
  for file in ('config.json', 'facts.json'):
    assert (seeds[0] / 'seed=0' / file).read_text() == (zero[0] / file).read_text()


# In turn from a resident feed is what the test above does, bit for bit, by default on a CPU.
@pytest.mark.parametrize(
  ('over', 'resident_mb'),
  [
    (parallel.side_by_side, 2048),
    (parallel.in_turn, 0),
    pytest.param(parallel.side_by_side, 0, marks=pytest.mark.slow),
    pytest.param(parallel.in_turn, 2048, marks=pytest.mark.slow),
  ],
)
def test_run_is_the_same_side_by_side_or_in_turn_from_either_feed(
  zero, tmp_path, over, resident_mb, played_as
):
  played_as(over)
  state = train.run(little(resident_mb=resident_mb), tmp_path, vary=SEEDS)
  assert_close(member(state, 1), zero[1])
  for ours, its in zip(numbers(tmp_path / 'seed=0'), numbers(zero[0]), strict=True):
    assert_close(ours, its, rtol=1e-3)


VARIED = {RATE: (1e-2, 3e-2), WEIGHT: (0.1, 1), 'objective.d_weight': [0.5], 'seed': [5]}


@pytest.fixture(scope='module')
def singles(tmp_path_factory):
  """Two of those that VARIED makes, that have no number but the seed in common, each alone."""
  folder = tmp_path_factory.mktemp('singles')
  chosen = population.members(assemble.complete(bare()), folder, VARIED)[1:3]
  return folder, [jax.device_get(alone(bare(), m.workdir, m.values)) for m in chosen]


def test_members_are_labelled_by_the_product_of_what_varies(tmp_path):
  found = population.members(assemble.complete(little()), tmp_path, VARIED)
  assert [m.label for m in found] == [
    f'learning_rate={rate}-weight={weight}-d_weight=0.5-seed=5'
    for rate in (0.01, 0.03)
    for weight in (0.1, 1.0)
  ]
  assert [m.workdir for m in found] == [tmp_path / m.label for m in found]


# Both ways on numbers alone; that a seed varies in either is shown above.
@pytest.mark.parametrize(
  'over', [parallel.side_by_side, pytest.param(parallel.in_turn, marks=pytest.mark.slow)]
)
def test_run_varies_numbers_of_the_game_as_from_run_to_run(singles, tmp_path, over, played_as):
  played_as(over)
  both = population.members(assemble.complete(bare()), tmp_path, VARIED)[1:3]
  state = train.run(bare(), tmp_path, vary=both)
  for i, single in enumerate(singles[1]):
    assert_close(member(state, i), single)
    its = numbers(singles[0] / both[i].label)
    for mine, own in zip(numbers(both[i].workdir), its, strict=True):
      assert_close(mine, own, rtol=1e-3)
  first, second = (np.asarray(jax.tree.leaves(member(state, i).params)[0]) for i in range(2))
  assert not np.array_equal(first, second)


def scaled(shape, factor):
  """A generator whose output is multiplied by a number that is only calculated with."""
  from flax import linen as nn

  class Scaled(nn.Module):
    factor: float

    @nn.compact
    def __call__(self, z):
      return nn.Dense(shape[0])(z) * self.factor

  return Scaled(factor)


def test_run_draws_with_what_varies_in_the_generator(tmp_path):
  G = dict(name='tests.test_population.scaled', inputs=('z',), factor=1.0)
  looked = dict(modes=dict(name='metrics.modes.modes', every=4, n=32))
  config = bare(nets__G=G, rounds=4, evals=looked)
  train.run(config, tmp_path / 'all', vary={'nets.G.factor': (1.0, 3.0)})
  alone(config, tmp_path / 'one', {'nets.G.factor': 3.0})
  assert numbers(tmp_path / 'all' / 'factor=3.0') == numbers(tmp_path / 'one')


def test_run_goes_on_with_a_member_as_with_any_run(seeds, zero, tmp_path):
  sampler = runs.sampler(seeds[0] / 'seed=0')
  assert sampler.round == 8
  assert sampler.draw(jax.random.key(0), 3).shape == (3, 2)
  for name, folder in (('member', seeds[0] / 'seed=0'), ('alone', zero[0])):
    shutil.copytree(folder, tmp_path / name)
  longer = train.run(little(rounds=12), tmp_path / 'member')
  assert int(longer.step) == 12
  assert_same(longer, train.run(little(rounds=12), tmp_path / 'alone'))
  assert numbers(tmp_path / 'member') == numbers(tmp_path / 'alone')


# --- stopped, killed, finished -------------------------------------------------------------------


def test_restore_together_takes_the_newest_round_that_all_have(seeds, tmp_path, capsys):
  workdir = shutil.copytree(seeds[0], tmp_path / 'all')
  shutil.rmtree(workdir / 'seed=3' / 'checkpoints' / '8')  # as if killed between two saves
  state = train.run(little(), workdir, vary=SEEDS)
  says(capsys.readouterr().out, 'resuming after 4')
  assert_same(state, seeds[1])
  for label in ('seed=3', 'seed=0'):
    assert numbers(workdir / label) == numbers(seeds[0] / label)
    assert rounds_saved(workdir / label) == [4, 8]


def test_restore_together_begins_anew_if_killed_in_the_first_save(seeds, tmp_path):
  workdir = shutil.copytree(seeds[0], tmp_path / 'all')
  for label, rounds in (('seed=3', '8'), ('seed=0', '84')):
    for round_ in rounds:
      shutil.rmtree(workdir / label / 'checkpoints' / round_)
  assert_same(train.run(little(), workdir, vary=SEEDS), seeds[1])
  assert numbers(workdir / 'seed=0') == numbers(seeds[0] / 'seed=0')


def test_restore_together_refuses_runs_without_a_round_in_common(seeds, tmp_path):
  workdir = shutil.copytree(seeds[0], tmp_path / 'all')
  shutil.rmtree(workdir / 'seed=0' / 'checkpoints' / '8')
  shutil.rmtree(workdir / 'seed=3' / 'checkpoints' / '4')
  with refused('2 runs', 'in common'):
    train.run(little(), workdir, vary=SEEDS)


def test_run_leaves_a_finished_population_and_draws_what_is_asked(seeds, tmp_path, capsys):
  workdir = shutil.copytree(seeds[0], tmp_path / 'all')
  before = {m: (workdir / m / log.FILE).read_bytes() for m in ('seed=0', 'seed=3')}
  config = little(finish=('figures.curves.curves',))
  assert_same(train.run(config, workdir, vary=SEEDS), seeds[1])
  assert before == {m: (workdir / m / log.FILE).read_bytes() for m in before}
  assert (workdir / 'curves.png').exists()
  assert (workdir / 'seed=0' / 'curves.png').exists()
  says(capsys.readouterr().out, workdir / 'seed=0', 'curves.png')


# --- numbers that are none -----------------------------------------------------------------------


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


@pytest.fixture(scope='module')
def healthy(tmp_path_factory):
  """The run alone of the member that does not diverge: (workdir, state)."""
  workdir = tmp_path_factory.mktemp('healthy')
  return workdir, train.run(bare(**MINED), workdir)


def test_run_lets_none_that_diverges_take_another_with_it(healthy, tmp_path, capsys):
  vary = {'objective.fuse': (0.0, 6.0, 1.0)}
  for _ in range(2):  # and the same command comes to the same end
    with refused('2 of 3', 'fuse=6.0', 'fuse=1.0', summary.FILE, error=Diverged):
      train.run(bare(**MINED), tmp_path, vary=vary)
  out = capsys.readouterr().out
  (line,) = [line for line in out.splitlines() if line.startswith('fuse=6.0 diverged')]
  says(line, 'round 6', 'D/loss is nan', 'Round 5', 'checkpoint is 4')
  assert out.count('nothing is left to play') == 1
  kept = tmp_path / 'fuse=0.0'
  assert numbers(kept) == numbers(healthy[0])
  assert_same(runs.load(kept).state, healthy[1])
  assert rounds_saved(kept) == [4, 8]
  assert rounds_saved(tmp_path / 'fuse=6.0') == [4]
  assert rounds_saved(tmp_path / 'fuse=1.0') == []
  assert log.read(tmp_path / 'fuse=6.0')[-1]['step'] == 4
  told = json.loads((tmp_path / summary.FILE).read_text())
  assert [g['values'] for g in told['groups']] == [{'objective.fuse': 0.0}]
  says(told['members']['fuse=6.0']['diverged'], 'round 6')
  assert told['members']['fuse=0.0']['diverged'] is None


def test_run_goes_on_later_with_those_that_did_not_diverge(healthy, tmp_path):
  vary = {'objective.fuse': (0.0, 2.0, 3.0)}  # three, which is the program of the test above
  for rounds in (4, 8):
    with refused('2 of 3', error=Diverged):
      train.run(bare(**MINED, rounds=rounds), tmp_path, vary=vary)
  assert numbers(tmp_path / 'fuse=0.0') == numbers(healthy[0])


def test_run_stops_when_all_diverge(tmp_path):
  with refused('all 3', 'fuse=3.0', 'round 3', error=Diverged):
    train.run(bare(**MINED), tmp_path, vary={'objective.fuse': (1.0, 2.0, 3.0)})
  assert rounds_saved(tmp_path / 'fuse=3.0') == []


# --- what is refused -----------------------------------------------------------------------------


SHAPE = 'decides the shape of the program'


@pytest.mark.parametrize(
  ('vary', 'facts'),
  [
    ({'seed': []}, ('seed', 'no values')),
    ({}, ('what varies',)),
    ({'seed': (1, 2, 1)}, ('seed=1', 'twice')),
    ({'seed': (1, 0.5)}, ('seed', '0.5')),
    ({'sede': (1, 2)}, ('sede', 'mean seed?')),
    ({'players.D.learning_rate': (1.0,)}, ('mean players.D.tx.learning_rate',)),
    ({'players.D.tx.learning_rat': (1.0,)}, ("'learning_rate'",)),
    ({'objective.penalties.1.weight': (1.0,)}, ('mean objective.penalties.0.weight?',)),
    ({'batch': (8, 16)}, ('batch cannot vary', SHAPE, 'separate runs')),
    ({'play.schedule': (1, 2)}, ('play.schedule cannot vary',)),
    ({'data.n': (64, 32)}, ('data.n cannot vary',)),
    ({'rounds': (4, 8)}, ('rounds cannot vary',)),
    ({'prior.dim': (2, 3)}, ('prior.dim cannot vary', SHAPE)),
    ({'nets.G.hidden.0': (4, 8)}, ('nets.G.hidden.0 cannot vary',)),
    ({'nets.D.keep': (0.5, 0.8)}, ('nets.D.keep cannot vary',)),
    ({'objective.pair': ('hinge', 'lsgan')}, ('objective.pair cannot vary',)),
    ({'objective.penalties.0.every': (1, 2)}, ('objective.penalties.0.every cannot vary',)),
    ({'objective.d_weight': (True, False)}, ('objective.d_weight cannot vary',)),
  ],
  ids=lambda value: next(iter(value), 'nothing') if isinstance(value, dict) else '',
)
def test_run_refuses_what_cannot_vary_before_it_writes(vary, facts, tmp_path):
  with refused(*facts):
    train.run(little(), tmp_path / 'run', vary=vary)
  assert not (tmp_path / 'run').exists()


def test_claim_refuses_folders_of_something_else(seeds, zero, tmp_path):
  workdir = shutil.copytree(seeds[0], tmp_path / 'all')
  with refused(workdir, 'seed=3, seed=0', 'seed=0, seed=5'):
    train.run(little(), workdir, vary={'seed': (0, 5)})
  with refused('players.D.tx.b1', '0.5', '0.0'):
    train.run(little(players__D__tx__b1=0.0), workdir, vary=SEEDS)
  for folder in (tmp_path / 'run', tmp_path / 'more' / 'seed=3'):
    folder.mkdir(parents=True)
    shutil.copy(zero[0] / 'config.json', folder)
  with refused(tmp_path / 'run', 'population'):
    train.run(little(), tmp_path / 'run', vary=SEEDS)
  with refused(tmp_path / 'more' / 'seed=3'):
    train.run(little(), tmp_path / 'more', vary=SEEDS)


# --- on several devices --------------------------------------------------------------------------


def test_together_divides_members_among_devices(zero, tmp_path):
  state = train.run(little(devices=2), tmp_path, vary={'seed': (3, 5, 0, 9)})
  leaf = jax.tree.leaves(state)[0]
  assert [s.data.shape[0] for s in leaf.addressable_shards] == [2, 2]
  assert_close(member(state, 2), zero[1])


def test_together_refuses_devices_that_do_not_divide_the_members(tmp_path):
  with refused('4 members', '3 devices', '1, 2, 4'):
    parallel.together(4, 3)
  with refused('devices=64', 'there are 4'):
    parallel.together(64, 64)
  assert parallel.together(6).mesh.size == 3
  assert parallel.together(5).mesh.size == 1
  with refused("parallel='pmapped'", "parallel='jitted'"):
    train.run(little(parallel='pmapped'), tmp_path / 'p', vary=SEEDS)


# --- what it comes to ----------------------------------------------------------------------------


def test_close_tables_means_over_seeds_for_each_of_the_rest(tmp_path, capsys):
  """Of runs that were only written: what is asked is how their numbers are put together."""
  rate = 'players.G.tx.learning_rate'
  config = assemble.complete(little())
  found = population.members(config, tmp_path, {'seed': range(2), rate: (0.01, 0.02)})
  assert summary.claim(tmp_path, found) == {}
  for i, one in enumerate(found):
    written = log.open_log(one.workdir)
    written.write(4, {'D/loss': 9.0, 'G/loss': 1.0, 'modes': 3.0, 'D/fake': 0.5})
    written.write(8, {'D/loss': float(i), 'modes/high_quality': 0.5, 'images_per_second': 7.0})
    written.close()
  folders = summary.close(tmp_path, found, {})
  assert list(folders.values()) == [[found[0].workdir, found[2].workdir],
                                    [found[1].workdir, found[3].workdir]]  # fmt: skip
  told = json.loads((tmp_path / summary.FILE).read_text())
  assert told['vary'] == {'seed': [0, 1], rate: [0.01, 0.02]}
  assert [g['values'] for g in told['groups']] == [{rate: 0.01}, {rate: 0.02}]
  of = told['groups'][1]['numbers']['D/loss']
  assert of == pytest.approx({'mean': 2.0, 'sd': np.std([1.0, 3.0], ddof=1), 'n': 2})
  assert set(told['groups'][0]['numbers']) == {'D/loss', 'G/loss', 'modes', 'modes/high_quality'}
  assert told['members']['seed=1-learning_rate=0.02']['round'] == 8
  header, first, _ = capsys.readouterr().out.splitlines()[:3]
  assert header.split()[:3] == ['members', 'D/loss', 'G/loss']
  assert first.startswith(f'{rate}=0.01  2')
  says(first, '1 ± 1.4')


def test_run_reports_means_of_all_and_tables_them_at_the_end(seeds):
  workdir, _, out = seeds
  says(next(line for line in out.splitlines() if line.startswith('round 2 of 8')), ' ± ')
  told = json.loads((workdir / summary.FILE).read_text())
  (group,) = told['groups']
  assert (group['values'], group['members']) == ({}, 2)
  assert set(group['numbers']) >= {'D/loss', 'G/loss', 'modes', 'modes/high_quality'}
  last = [
    next(e['D/loss'] for e in reversed(log.read(workdir / label)) if 'D/loss' in e)
    for label in ('seed=3', 'seed=0')
  ]
  wanted = {'mean': np.mean(last), 'sd': np.std(last, ddof=1), 'n': 2}
  assert group['numbers']['D/loss'] == pytest.approx(wanted)
  assert told['members']['seed=0']['round'] == 8
  heads = [line.split()[:3] for line in out.splitlines()]
  assert heads.count(['members', 'D/loss', 'G/loss']) == 1


# --- as a person writes it -----------------------------------------------------------------------


@pytest.mark.parametrize(
  ('words', 'vary'),
  [
    (['seed=0:3'], {'seed': [0, 1, 2]}),
    (['seed=5,6', 'players.D.tx.b1=0,5e-1'], {'seed': [5, 6], 'players.D.tx.b1': [0, 0.5]}),
    ([], {}),
  ],
)
def test_parse_reads_what_varies_as_a_person_writes_it(words, vary):
  assert population.parse(words) == vary


@pytest.mark.parametrize(
  ('words', 'facts'),
  [
    (['seed'], ('--vary=seed', '--vary=KEY=')),
    (['objective.pair=hinge,lsgan'], ('objective.pair cannot vary',)),
    (['seed=0:2', 'seed=3'], ('seed', 'twice')),
    (['seed=0.5:2'], ('--vary=seed=0.5:2', 'seed cannot vary')),
  ],
)
def test_parse_refuses_what_is_no_list_of_numbers(words, facts):
  with refused(*facts):
    population.parse(words)


def on_two_devices(*words: str) -> None:
  """The command on a machine that has two devices."""
  jax.config.update('jax_num_cpu_devices', 2)
  sys.argv = ['main', *words]
  runpy.run_module('gan_jax.main', run_name='__main__', alter_sys=True)


@pytest.mark.slow  # three processes, each of which compiles
def test_main_plays_a_population_that_is_killed_and_goes_on(tmp_path):
  workdir, one = tmp_path / 'all', tmp_path / 'all' / 'seed=1'
  often = dict(checkpoint=dict(every=2, keep=3))
  file = file_of('perceptrons', tmp_path, **often)
  words = (f'--config={file}', f'--workdir={workdir}', '--vary=seed=0:2', '--config.devices=2')
  # Compiled once: none of them is killed while it compiles.
  cache = dict(JAX_COMPILATION_CACHE_DIR=str(tmp_path / 'cache'))
  begin = lambda n: commands.call(on_two_devices, *words, f'--config.rounds={n}', **cache)
  first = begin(1_000_000)
  first.until(lambda: rounds_saved(one)[-3:])
  first.send(signal.SIGTERM)
  done = first.ended()
  assert done.status == 128 + signal.SIGTERM, done
  says(done.out, '2 cpu devices')
  assert 'Traceback' not in done.out + done.err
  last = rounds_saved(one)[-1]
  assert rounds_saved(workdir / 'seed=0')[-1] == last

  second = begin(1_000_000)
  second.until(lambda: max(rounds_saved(one), default=0) > last)
  second.send(signal.SIGKILL)
  assert second.ended().status == -signal.SIGKILL

  end = (max(rounds_saved(workdir / f'seed={s}')[-1] for s in (0, 1)) // 2 + 2) * 2
  done = begin(end).ended()
  assert done.status == 0, done
  says(done.out, summary.FILE)
  assert 'Traceback' not in done.out + done.err
  train.run(perceptrons(**often, rounds=end, seed=1), tmp_path / 'one')
  for ours, its in zip(numbers(one), numbers(tmp_path / 'one'), strict=True):
    assert_close(ours, its, rtol=1e-3)

  picture = tmp_path / 'samples.png'
  drawn = commands.run('gan_jax.sample', f'--workdir={one}', f'--out={picture}')
  assert drawn.status == 0, drawn
  assert picture.exists()
