"""Notebooks run from first cell to last, and what Colab opens is made of its source."""

import importlib.util
import json
import pathlib
import re
import tomllib

import nbformat
import pytest

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = ROOT / 'experiments' / 'notebooks'
spec = importlib.util.spec_from_file_location('execute', FOLDER / 'execute.py')
assert spec
assert spec.loader
execute = importlib.util.module_from_spec(spec)
spec.loader.exec_module(execute)
NAMES = [source.stem for source in execute.SOURCES]
PROJECT = tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']
OWNER = PROJECT['urls']['Repository'].removeprefix('https://github.com/')


@pytest.mark.parametrize('name', NAMES)
def test_tiny_runs_and_has_nothing_to_complain_of(
  name: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.setenv('GAN_JAX_TINY', '1')
  book = execute.execute(FOLDER / f'{name}.py', tmp_path)
  assert_clean(book)
  assert any('image/png' in output.get('data', {}) for output in execute.outputs(book))


@pytest.mark.parametrize('name', NAMES)
def test_what_is_opened_is_made_of_its_source_and_fit_to_be_shown(name: str) -> None:
  path = FOLDER / f'{name}.ipynb'
  book, source = nbformat.read(path, 4), execute.read(FOLDER / f'{name}.py')
  nbformat.validate(book)
  pairs = zip(book.cells, source.cells, strict=True)
  assert all((a.cell_type, a.source) == (b.cell_type, b.source) for a, b in pairs)
  assert book.metadata == source.metadata
  assert_clean(book)
  assert path.stat().st_size <= execute.MOST
  assert all(cell.outputs or cell.execution_count for cell in book.cells if 'outputs' in cell)
  counts = [cell.execution_count for cell in book.cells if 'outputs' in cell]
  assert counts == [*range(1, len(counts) + 1)], 'executed once, in order'


def assert_clean(book: nbformat.NotebookNode) -> None:
  """No error, no warning, and no folder of the machine that it was made on."""
  outputs = execute.outputs(book)
  assert not [o for o in outputs if o.output_type == 'error' or o.get('name') == 'stderr']
  said = json.dumps([[o.get('text', ''), o.get('data', {}).get('text/plain', '')] for o in outputs])
  assert not re.search(r'/(home|root|tmp|work|Users)/', said)


def test_badges_and_first_cells_name_one_repository() -> None:
  books = [(FOLDER / f'{name}.py').read_text() for name in NAMES]
  texts = [(ROOT / 'README.md').read_text(), *books]
  for name, text in zip(NAMES, books, strict=True):
    badge = f'colab.research.google.com/github/{OWNER}/blob/main/experiments/notebooks/{name}.ipynb'
    assert badge in text
    assert badge in texts[0]
  named = [re.findall(r'github(?:\.com)?/([\w-]+/gan_jax)\b', text) for text in texts]
  assert {one for each in named for one in each} == {OWNER}
