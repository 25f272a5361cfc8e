"""Notebooks run from first cell to last, and what Colab opens is made of its source."""

import ast
import importlib
import importlib.util
import inspect
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

# What the kernel does first: classifiers, whose features are looked at, learn for a moment only,
# and convolutions are XLA's own, as by the fixture `native_convolutions`.
BRIEFLY = """
from gan_jax.features import classifier as _classifier
from tests import configs as _configs

_Recipe = _classifier.Recipe
_classifier.Recipe = lambda width, shown, seed: _Recipe(width, 640, seed=seed)
_configs.use_native()
"""


@pytest.mark.slow  # a process each, which starts, and compiles all that the notebook shows
@pytest.mark.parametrize('name', NAMES)
def test_execute_runs_each_notebook_with_nothing_to_complain_of(
  name: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  startup = tmp_path / 'ipython' / 'profile_default' / 'startup'
  startup.mkdir(parents=True)
  (startup / 'briefly.py').write_text(BRIEFLY)
  monkeypatch.setenv('IPYTHONDIR', str(tmp_path / 'ipython'))
  monkeypatch.setenv('GAN_JAX_TINY', '1')
  (tmp_path / 'book').mkdir()
  book = execute.execute(FOLDER / f'{name}.py', tmp_path / 'book')
  assert_clean(book)
  assert any('image/png' in output.get('data', {}) for output in execute.outputs(book))


SMALL = """# %% [markdown]
# # A title

# %%
import sys

import numpy as np
from PIL import Image

print('said')
Image.fromarray(np.zeros((8, 8, 3), np.uint8))

# %%
{last}
"""


def test_execute_keeps_what_cells_put_out(tmp_path: pathlib.Path) -> None:
  source = tmp_path / 'small.py'
  source.write_text(SMALL.format(last="print('loud', file=sys.stderr)"))
  book = execute.execute(source, tmp_path)
  out = execute.outputs(book)
  assert [o.get('text') for o in out if o.get('name') == 'stdout'] == ['said\n']
  (picture,) = [o for o in out if 'image/png' in o.get('data', {})]
  assert 'image/jpeg' not in picture['data']
  assert [cell.execution_count for cell in book.cells if 'outputs' in cell] == [1, 2]
  assert 'language_info' not in book.metadata
  with pytest.raises(AssertionError):
    assert_clean(book)
  book.cells.pop()
  assert_clean(book)


@pytest.mark.parametrize('name', NAMES)
def test_read_of_each_notebook_names_only_what_there_is(name: str) -> None:
  """Its cells compile; what they take from modules is there; functions take what they are told."""
  cells = execute.read(FOLDER / f'{name}.py').cells
  code = [cell.source for cell in cells if cell.cell_type == 'code']
  for cell in code:
    compile(cell, name, 'exec')
  tree = ast.parse('\n'.join(code))
  known = dict(imported(tree))
  assert {'train', 'canvas'} <= known.keys()
  for node in ast.walk(tree):
    if isinstance(node, ast.Attribute) and (module := of(node.value, known)) is not None:
      assert not inspect.ismodule(module) or hasattr(module, node.attr), ast.unparse(node)
    if isinstance(node, ast.Call) and inspect.isfunction(function := of(node.func, known)):
      if any(isinstance(arg, ast.Starred) for arg in node.args):
        continue
      told = {k.arg: k for k in node.keywords if k.arg}
      inspect.signature(function).bind_partial(*node.args, **told)


def imported(tree: ast.AST):
  """(name, module or what of it) of all imports, but of what only Colab has."""
  for node in ast.walk(tree):
    if isinstance(node, ast.Import):
      for alias in node.names:
        module, top = importlib.import_module(alias.name), alias.name.partition('.')[0]
        yield (alias.asname, module) if alias.asname else (top, importlib.import_module(top))
    elif isinstance(node, ast.ImportFrom) and node.module != 'google.colab':
      module = importlib.import_module(node.module or '')
      for alias in node.names:
        if not hasattr(module, alias.name):
          importlib.import_module(f'{node.module}.{alias.name}')
        yield alias.asname or alias.name, getattr(module, alias.name)


def of(node: ast.AST, known: dict):
  """What an expression like a.b.c is, if it begins with something imported; else None."""
  if isinstance(node, ast.Name):
    return known.get(node.id)
  if isinstance(node, ast.Attribute):
    return getattr(of(node.value, known), node.attr, None)
  return None


@pytest.mark.parametrize('name', NAMES)
def test_read_of_each_source_is_what_is_opened_and_fit_to_be_shown(name: str) -> None:
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


def test_execute_has_sources_that_name_one_repository() -> None:
  books = [(FOLDER / f'{name}.py').read_text() for name in NAMES]
  texts = [(ROOT / 'README.md').read_text(), *books]
  for name, text in zip(NAMES, books, strict=True):
    badge = f'colab.research.google.com/github/{OWNER}/blob/main/experiments/notebooks/{name}.ipynb'
    assert badge in text
    assert badge in texts[0]
  named = [re.findall(r'github(?:\.com)?/([\w-]+/gan_jax)\b', text) for text in texts]
  assert {one for each in named for one in each} == {OWNER}
