"""Where a run is watched: a bar on a terminal, bar and pictures in a notebook, lines elsewhere."""

import html
import pathlib
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

PAUSE = 0.5  # seconds at least between two states of a notebook's bar
KEPT = 8  # lines that are shown below it


class Screen(NamedTuple):
  """What can be shown."""

  advance: Callable[[int], None]  # the rounds played so far
  tell: Callable[[int, str, str], None]  # round, what it comes to, how long it will take yet
  say: Callable[[str], None]  # a line that does not disturb the bar
  picture: Callable[[pathlib.Path], None]  # STEM_00001000.png or .gif, that was just written
  close: Callable[[], None]


def screen(total: int, start: int) -> Screen:
  """The screen that there is, for a run from round `start` to round `total`."""
  if sys.stderr.isatty():
    return terminal(total, start)
  return notebook(total, start) if in_notebook() else lines(total)


def terminal(total: int, start: int) -> Screen:
  """A bar, which tqdm draws."""
  from tqdm import tqdm

  bar = tqdm(total=total, initial=start, unit=' rounds', dynamic_ncols=True)
  return Screen(
    advance=lambda round_: bar.update(round_ - bar.n) and None,
    tell=lambda round_, text, left: bar.set_postfix_str(text),
    say=lambda line: tqdm.write(line, file=sys.stderr),
    picture=lambda path: None,
    close=bar.close,
  )


def lines(total: int) -> Screen:
  """A line for each thing that is told."""
  return Screen(
    advance=lambda round_: None,
    tell=lambda *told: print(_told(total, *told), flush=True),
    say=partial(print, flush=True),
    picture=lambda path: None,
    close=lambda: None,
  )


def in_notebook() -> bool:
  """Whether this is the kernel of a notebook (Jupyter's, Colab's), where pictures can be shown."""
  ipython = sys.modules.get('IPython')  # there is no kernel without it
  shell = ipython.get_ipython() if ipython else None
  return hasattr(shell, 'kernel')


def notebook(total: int, start: int) -> Screen:
  """A bar, below it the newest lines, and the newest picture of each kind, each in its place."""
  from IPython.display import Image, display

  at: dict[str, Any] = {'round': start, 'line': f'round {start:,} of {total:,}', 'drawn': -PAUSE}
  said: deque[str] = deque(maxlen=KEPT)
  bar = display(_cell(total, start, [at['line']]), raw=True, display_id=True)
  pictures: dict[str, Any] = {}

  def draw() -> None:
    at['drawn'] = time.monotonic()
    bar.update(_cell(total, at['round'], [at['line'], *said]), raw=True)

  def advance(round_: int) -> None:
    at['round'] = round_
    if time.monotonic() - at['drawn'] >= PAUSE:
      draw()

  def tell(*told: Any) -> None:
    at['line'] = _told(total, *told)
    draw()

  def say(line: str) -> None:
    said.append(line)
    draw()

  def picture(path: pathlib.Path) -> None:
    if not path.name:  # written nowhere
      return
    name, image = path.stem.rpartition('_')[0], Image(filename=str(path))
    if name in pictures:
      pictures[name].update(image)
    else:
      pictures[name] = display(image, display_id=True)

  return Screen(advance, tell, say, picture, draw)


def _told(total: int, round_: int, text: str, left: str) -> str:
  return f'round {round_:,} of {total:,}  {text}  {left} to go'


def _cell(total: int, round_: int, lines: Sequence[str]) -> dict[str, str]:
  text = '\n'.join(lines)
  bar = f'<progress value="{round_}" max="{total}" style="width:30em"></progress>'
  return {'text/plain': text, 'text/html': f'{bar}<pre>{html.escape(text)}</pre>'}
