"""tests/ mirrors gan_jax/: whoever looks for the proof of a module finds it by its name.

gan_jax/a/b.py is proved in tests/a/test_b.py, or where the docstring of a test file ends with

  Covers: a/b.py, a/c.py.

Covers: __init__.py.
"""

import ast
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE, TESTS = ROOT / 'gan_jax', ROOT / 'tests'
FILES = sorted(TESTS.rglob('test_*.py'))
LONGEST = 64


def covered(file: pathlib.Path) -> set[str]:
  """What a test file says that it covers."""
  text = ast.get_docstring(ast.parse(file.read_text())) or ''
  found = re.findall(r'^Covers:\s+((?:[\w/]+\.py,?\s*)+)\.?', text, re.MULTILINE)
  return {name for line in found for name in re.findall(r'[\w/]+\.py', line)}


def namesake(file: pathlib.Path) -> str:
  """The module that a test file is named after."""
  at = file.relative_to(TESTS)
  return str(at.with_name(at.name.removeprefix('test_')))


MODULES = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob('*.py')}


def test_covers_every_module():
  proved = {namesake(file) for file in FILES}.union(*map(covered, FILES))
  missing = {m for m in MODULES - proved if not m.endswith('__init__.py')}
  assert not missing, f'no test file is named after, or says that it covers, {sorted(missing)}'


def test_covers_only_what_there_is_and_each_file_a_module():
  for file in FILES:
    assert covered(file) <= MODULES, f'{file} covers {covered(file) - MODULES}, which is not there'
    folder = ROOT / namesake(file).removesuffix('.py')  # experiments/, experiments/notebooks/, ...
    known = namesake(file) in MODULES or folder.is_dir() or covered(file)
    assert known, f'{file}: of which module is this a test?'


def test_names_are_short_enough_to_read():
  names = [
    f'{file.relative_to(ROOT)}: {node.name}'
    for file in FILES
    for node in ast.walk(ast.parse(file.read_text()))
    if isinstance(node, ast.FunctionDef) and node.name.startswith('test_')
    and len(node.name) > LONGEST
  ]  # fmt: skip
  assert not names, f'{len(names)} names of tests are longer than {LONGEST}: {names}'
