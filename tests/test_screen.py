"""What is seen of a run: in a kernel that is asked as a notebook asks it, and in a file.

Covers: errors.py.
"""

import nbformat
import pytest
from nbclient import NotebookClient

CODE = """
import pathlib
import numpy as np
from gan_jax import log, screen
from gan_jax.errors import InputError
from gan_jax.progress import progress

assert screen.in_notebook()
with progress(100, 0) as shown:
  for round_ in (50, 100):
    shown.advance(round_)
    shown.report(round_, {'D/loss': 0.5}, 64)
    for i in range(9):
      shown.say(f'look {i} < {round_}')
    for name in ('samples', 'data'):
      pixels = np.full((4, 4, 1), round_, np.uint8)
      shown.picture(log.save_picture(pathlib.Path(f'{name}_{round_:08d}'), pixels))
"""


@pytest.fixture(scope='module')
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
  cells = [nbformat.v4.new_code_cell(text) for text in (CODE, 'raise InputError("no such file")')]
  book = nbformat.v4.new_notebook(cells=cells)
  folder = tmp_path_factory.mktemp('notebook')
  resources = {'metadata': {'path': str(folder)}}
  NotebookClient(book, timeout=120, allow_errors=True, resources=resources).execute()
  return [cell.outputs for cell in book.cells]


def test_notebook_keeps_bar_and_pictures_in_their_places(outputs: list) -> None:
  bar, *pictures = outputs[0]
  assert bar['data']['text/plain'].startswith('round 100 of 100  D/loss 0.500')
  assert bar['data']['text/plain'].splitlines()[1:] == [f'look {i} < 100' for i in range(1, 9)]
  assert 'value="100" max="100"' in bar['data']['text/html']
  assert len(pictures) == 2
  assert pictures[0]['data']['image/png'] == pictures[1]['data']['image/png']


def test_told_comes_without_a_traceback_in_a_notebook(outputs: list) -> None:
  (told,) = outputs[1]
  assert told['traceback'] == ['InputError: no such file']
