"""Makes each notebook of its source: executes the .py beside this file, and writes the .ipynb.

python experiments/notebooks/execute.py
python experiments/notebooks/execute.py digits theory

A source is a script in jupytext's percent format, which is what is read, reviewed and changed;
the .ipynb is what Colab opens, with outputs. `GAN_JAX_TINY=1` in the environment makes runs of
seconds of them, for tests.
"""

import pathlib
import sys
import tempfile

import jupytext
import nbformat
from nbclient import NotebookClient

FOLDER = pathlib.Path(__file__).parent
SOURCES = sorted(path for path in FOLDER.glob('*.py') if path.name != pathlib.Path(__file__).name)
MOST = 1_500_000  # bytes of a notebook, so that it opens fast and the repository stays small


def read(source: pathlib.Path) -> nbformat.NotebookNode:
  """The notebook that a source stands for, without outputs; equal sources give equal notebooks."""
  book = jupytext.read(source, fmt='py:percent')
  book.nbformat, book.nbformat_minor = 4, 5
  book.metadata.pop('jupytext', None)
  for i, cell in enumerate(book.cells):
    cell.id = f'cell-{i:02}'
  return book


def execute(source: pathlib.Path, folder: pathlib.Path) -> nbformat.NotebookNode:
  """Executes a source in an empty folder; raises CellExecutionError if a cell fails."""
  book = read(source)
  resources = {'metadata': {'path': str(folder)}}
  quiet = ['--log-level=ERROR']
  NotebookClient(
    book, timeout=3600, record_timing=False, extra_arguments=quiet, resources=resources
  ).execute()
  book.metadata.pop('widgets', None)
  book.metadata.pop('language_info', None)  # names the release of Python
  for output in outputs(book):
    data = output.get('data', {})
    if 'image/png' in data:
      data.pop('image/jpeg', None)  # Pillow offers both
  return book


def outputs(book: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
  """Everything that its cells have put out."""
  return [output for cell in book.cells for output in cell.get('outputs', [])]


def main(names: list[str]) -> None:
  """Writes the .ipynb of the named sources, of all if none is named."""
  for source in SOURCES:
    if names and source.stem not in names:
      continue
    with tempfile.TemporaryDirectory() as folder:
      book = execute(source, pathlib.Path(folder))
    text = nbformat.writes(book, version=4) + '\n'
    size = len(text.encode())
    if size > MOST:
      sys.exit(f'{source.stem} has {size:,} bytes, more than {MOST:,}: smaller pictures would do.')
    source.with_suffix('.ipynb').write_text(text, 'utf-8')
    print(f'wrote    {source.with_suffix(".ipynb")} ({size / 1e6:.2f} MB)')


if __name__ == '__main__':
  main(sys.argv[1:])
