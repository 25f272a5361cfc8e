"""Table 1: whose numbers share it and whose do not; what is not recorded is measured."""

import numpy as np
import pytest

from gan_jax import assemble, runs
from gan_jax.data.source import in_memory
from gan_jax.figures import parzen_table
from gan_jax.metrics import parzen
from gan_jax.sampling import still
from tests import commands
from tests.messages import refused, says

PROTOCOL = dict(
  real='mnist', n_fake=10_000, sigma_on='the first 1,000 of train[50000:]', test='test',
  weights='averaged',
)  # fmt: skip


@pytest.fixture
def run(tmp_path):
  """A maker of folders of runs that have recorded estimates: round -> mean."""

  def make(name, estimates=(), data='mnist', digest='a', **protocol):
    folder = tmp_path / name
    runs.write_json(folder / 'facts.json', {'meta': {'name': data, 'sha256': {'image': digest}}})
    for round_, mean in dict(estimates).items():
      values = dict(parzen=mean, stderr=1.25, sigma=0.2, centres=10_000)
      metric = dict(values=values, protocol={**PROTOCOL, **protocol})
      other = dict(values={'fid': 3.0}, protocol={})
      entry = dict(of={'round': round_}, metrics={'fid': other, 'parzen': metric})
      runs.write_json(folder / 'evaluations' / f'{round_:08d}.json', entry)
    return folder

  return make


def test_table_has_the_newest_estimates_beneath_those_of_the_paper(run):
  rows, notes = parzen_table.table(
    {'A': run('a', {500: 90.0, 1500: 101.26}), 'B': run('b', {7: 2})}
  )
  assert rows[0] == ['model', 'log-likelihood', 'round']
  assert rows[1] == ['DBN (in the paper)', '138 ± 2', '']
  assert rows[4] == ['Adversarial nets (in the paper)', '225 ± 2', '']
  assert rows[5:] == [['A', '101.3 ± 1.2', '1,500'], ['B', '2.0 ± 1.2', '7']]
  told = '\n'.join(notes)
  says(
    told, 'test images', 'n_fake 10000', 'sigma_on the first 1,000 of train[50000:]', 'test test'
  )
  assert 'not recorded' not in told


def test_table_of_tfd_has_the_papers_other_column(run):
  folds = dict(sigma_on='valid', test='test, 5 folds', real='tfd')
  rows, notes = parzen_table.table({'A': run('a', {1: 2000}, data='tfd', **folds)})
  assert [row[1] for row in rows[1:]] == [
    '1909 ± 66', '2110 ± 50', '1890 ± 29', '2057 ± 26', '2000.0 ± 1.2',
  ]  # fmt: skip
  says(notes[0], 'folds')


@pytest.mark.parametrize(
  ('other', 'facts'),
  [
    (
      dict(digest='b'),
      ('data', *(parzen_table._told({'name': 'mnist', 'sha256': {'image': d}}) for d in 'ab')),
    ),
    (dict(data='kmnist', real='kmnist'), ('data', 'real', "'mnist'", "'kmnist'")),
    (dict(n_fake=1000), ('n_fake', 10000, 1000)),
    (dict(weights='of the round'), ('weights', "'averaged'", "'of the round'")),
    (dict(statistics='of 16 x 64 draws'), ('statistics', "'unsaid'", "'of 16 x 64 draws'")),
  ],
)
def test_table_refuses_unlike_runs(run, other, facts):
  both = {'A': run('a', {1: 2}), 'B': run('b', {1: 2}, **other)}
  with refused('Parzen', ' A', ' B', *facts):
    parzen_table.table(both)


def test_table_tells_beneath_what_may_differ(run):
  both = {'A': run('a', {1: 2}), 'B': run('b', {1: 2}, weights='of the round')}
  _, notes = parzen_table.table(both, but=['weights'])
  assert 'weights: A averaged; B of the round.' in notes
  assert 'weights' not in notes[1]


def test_table_has_the_papers_rows_beside_what_is_measured_alike(run):
  rows, notes = parzen_table.table({'A': run('a', {1: 2}, n_fake=500)})
  assert [row[0] for row in rows] == ['model', 'A']
  says(notes[-1], 'n_fake', 10000, 500)
  rows, notes = parzen_table.table({'A': run('b', {1: 2}, data='digits')})
  assert len(rows) == 2
  says(notes[-1], 'paper', 'digits')


def test_table_measures_what_is_not_recorded_and_does_not_keep_it(run, monkeypatch):
  draw = lambda n, seed: np.random.default_rng(seed).integers(0, 256, (n, 3, 3, 1), np.uint8)
  folder = run('a', data='made')
  sets = {'valid': draw(20, 1), 'test': draw(30, 2), None: draw(5, 3), 'train': draw(5, 3)}
  open_source = lambda config, split=None: in_memory({'image': sets[split]}, name='made')
  sampler = still(draw(50, 0))
  monkeypatch.setattr(runs, 'config', lambda workdir: {'seed': 3, 'data': {}})
  monkeypatch.setattr(runs, 'sampler', lambda workdir: sampler)
  monkeypatch.setattr(assemble, 'open_source', open_source)
  rows, notes = parzen_table.table({'A': folder}, metric='parzen(n=50, valid=valid)')
  unit = lambda x: x.reshape(len(x), -1) / 255
  wanted = parzen.estimate(unit(draw(50, 0)), unit(sets['valid']), unit(sets['test']))
  assert rows[1] == ['A', f'{wanted.mean:.1f} ± {wanted.stderr:.1f}', '0']
  assert any('not recorded' in note and note.endswith(' A.') for note in notes)
  assert not (folder / 'evaluations').exists()


def test_estimate_of_a_folder_of_several_runs_has_the_last_ones_data(run, tmp_path):
  run('stages/1', data='other')
  run('stages/2', {1: 3})
  runs.write_json(tmp_path / 'stages' / runs.WHOLE, {'runs': ['1', '2'], 'sampler': 'x'})
  (tmp_path / 'stages' / 'evaluations').mkdir()
  written = (tmp_path / 'stages/2/evaluations/00000001.json').read_text()
  (tmp_path / 'stages/evaluations/1.json').write_text(written)
  assert parzen_table.estimate(tmp_path / 'stages').data == 'mnist'


def test_named_reads_captions_and_runs(tmp_path):
  (tmp_path / 'lr=0.1').mkdir()
  words = [f'{tmp_path}/lr=0.1', 'runs/a', 'B=runs/lr=2']
  expected = {'lr=0.1': f'{tmp_path}/lr=0.1', 'a': 'runs/a', 'B': 'runs/lr=2'}
  assert parzen_table.named(words) == expected
  for words in ([], ['=runs/a'], ['A='], ['a/x', 'b/x']):
    with refused('CAPTION=RUN'):
      parzen_table.named(words)


def test_table_refuses_a_folder_without_a_run(tmp_path):
  with refused(tmp_path, 'facts.json'):
    parzen_table.table({'A': tmp_path})


def test_parzen_table_prints_the_table_and_writes_markdown(run, tmp_path):
  out = tmp_path / 'made' / 'table.md'
  words = [f'A|B={run("a", {1: 2})}', str(run('b', {3: 4})), f'--out={out}']
  done = commands.run('gan_jax.figures.parzen_table', *words)
  assert done.status == 0, done
  says(done.out, 'Adversarial nets (in the paper)         225 ± 2')
  lines = out.read_text(encoding='utf-8').splitlines()
  assert lines[:2] == ['| model | log-likelihood | round |', '| --- | ---: | ---: |']
  assert r'| A\|B | 2.0 ± 1.2 | 1 |' in lines
