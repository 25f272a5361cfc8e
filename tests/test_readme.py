"""README.md and docs/: what they show exists, and the four snippets run as they stand.

Covers: asking.py, config.py.
"""

import importlib
import pathlib
import re
import sys
import tomllib

import numpy as np
import pytest

from gan_jax import train
from tests.configs import perceptrons

ROOT = pathlib.Path(__file__).parents[1]
TEXT = (ROOT / 'README.md').read_text()


def test_readme_names_links_and_configs_that_are_there():
  links = [link for link in re.findall(r'\]\(([^)#]+)\)', TEXT) if '://' not in link]
  configs = re.findall(r'experiments/\w+\.py', TEXT)
  assert len(links) > 20
  assert [path for path in {*links, *configs} if not (ROOT / path).exists()] == []


def test_zoo_has_links_that_are_there_and_every_name_once():
  text = (ROOT / 'docs' / 'zoo.md').read_text()
  links = re.findall(r'\]\(([^)#]+)\)', text)
  assert [path for path in links if not (ROOT / 'docs' / path).exists()] == []
  slide, _ = text.split('Beyond the slide')
  names = re.findall(r'^\| ([^|]+) \| (?:runs|combination|not here) \|', slide, re.MULTILINE)
  assert len(names) == len(set(names)) == 48


def test_gallery_has_pictures_that_are_there_and_small():
  text = (ROOT / 'docs' / 'gallery.md').read_text()
  pictures = re.findall(r'\]\((gallery/[^)]+)\)', text)
  assert len(pictures) > 10
  sizes = [(ROOT / 'docs' / path).stat().st_size for path in pictures]
  assert max(sizes) < 600_000
  assert sum(sizes) < 3_000_000


def test_metrics_page_has_every_measure_in_its_table():
  from gan_jax import asking

  text = (ROOT / 'docs' / 'metrics.md').read_text()
  links = re.findall(r'\]\(([^)#]+)\)', text)
  assert [path for path in links if not (ROOT / 'docs' / path).exists()] == []
  named = set(re.findall(r'`(\w+)', text))
  evals = {name for names in asking.vocabulary().values() for name in names}
  only_here = {'classify', 'coupling', 'residual', 'words'}  # of single experiments
  assert evals - only_here - named == set()


def test_readme_asks_for_executors_as_they_are_written():
  from gan_jax import asking

  table = TEXT[TEXT.index('| `--executor=` |') :].split('\n\n')[0]
  cells = [row.split(' | ')[0] for row in table.splitlines()[2:]]
  asked = [call for cell in cells for call in re.findall(r'`([^`]+)`', cell)]
  assert len(asked) > 8
  assert all(callable(asking.call(call, 'executors')) for call in asked)


def test_readme_names_every_loss_and_every_penalty():
  from gan_jax import config, pairs, penalties

  for room, module in (('pairs', pairs), ('penalties', penalties)):
    for name in config._vocabulary(module, f'gan_jax.{room}'):
      made = getattr(module, name)
      if not isinstance(made, type) and getattr(made, '__doc__', None) and _is_factory(made):
        assert f'`{name}`' in TEXT, f'README.md does not name {room}.{name}'


def _is_factory(function):
  try:
    return type(function()).__name__ in ('Pair', 'Penalty')
  except TypeError:
    return False


def test_readme_says_how_the_tests_are_run():
  """Its two commands together run all there is."""
  told = re.findall(r'\.venv/bin/python -m pytest\b(.*)', TEXT)
  assert [words.strip() for words in told] == ['', '-m slow']
  options = tomllib.loads((ROOT / 'pyproject.toml').read_text())['tool']['pytest']['ini_options']
  assert "-m 'not slow'" in options['addopts']
  assert [line.split(':')[0] for line in options['markers']] == ['slow']


@pytest.fixture
def lab(tmp_path, monkeypatch):
  """The folder of a package of one's own, which is gone afterwards."""
  monkeypatch.syspath_prepend(str(tmp_path))
  folder = tmp_path / 'my_lab'
  folder.mkdir()
  yield folder
  for name in [n for n in sys.modules if n.split('.')[0] == 'my_lab']:
    del sys.modules[name]


def test_readme_snippets_make_a_game_that_trains(lab, tmp_path):
  blocks = re.findall(r'```python\n(.*?)```', TEXT, re.DOTALL)
  for name, mark in (('pairs', 'def squared'), ('nets', 'class Critic'), ('gan', 'def my_gan'),
                     ('data', 'def checkers')):  # fmt: skip
    (code,) = [block for block in blocks if mark in block]
    code = code.replace('images = ...', 'images = np.zeros((n, 8, 8, 1), np.uint8)')
    (lab / f'{name}.py').write_text('import numpy as np\n' + code)
  importlib.invalidate_caches()
  own = dict(
    data=dict(name='my_lab.data.checkers', n=16),
    nets__D=dict(name='my_lab.nets.Critic', inputs=('image',), width=8),
  )
  pair = dict(name='my_lab.pairs.squared', margin=2.0)
  for i, objective in enumerate((dict(name='gan', pair=pair), dict(name='my_lab.gan.my_gan'))):
    state = train.run(perceptrons(rounds=2, objective=objective, **own), tmp_path / f'run{i}')
    assert all(np.isfinite(leaf).all() for leaf in state.params['D']['Dense_0'].values())
