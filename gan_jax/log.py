"""What a run writes as it goes: log.jsonl, TensorBoard events, pictures, protocols of numbers."""

import contextlib
import json
import os
import pathlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from gan_jax import canvas

FILE = 'log.jsonl'
PROTOCOLS = 'protocols.json'  # eval -> how its numbers come to be


class Log(NamedTuple):
  """Where numbers and pictures go; every entry belongs to a round."""

  write: Callable[[int, Mapping[str, float]], None]
  image: Callable[[int, str, np.ndarray], pathlib.Path]  # as `save_picture`
  protocol: Callable[[str, Mapping[str, Any]], None]  # an eval's name, how its numbers come to be
  read: Callable[[], list[dict[str, Any]]]  # the entries so far
  close: Callable[[], None]


NOWHERE = Log(
  lambda round_, numbers: None,
  lambda round_, name, pixels: pathlib.Path(),
  lambda name, protocol: None,
  list,
  lambda: None,
)


def open_log(workdir: str | pathlib.Path, resume_at: int = -1) -> Log:
  """A log in `workdir`; what it holds of rounds after `resume_at` (-1: anew) is dropped first.

  So a run that was killed and resumed from an older checkpoint has no round twice.
  """
  folder = pathlib.Path(workdir)
  truncate(folder / FILE, resume_at)
  events = _summary_writer()(
    str(folder / 'tensorboard'),
    purge_step=max(resume_at + 1, 0),
    max_queue=1000,
    filename_suffix=f'.{resume_at}.{os.getpid()}',  # its names tell only seconds apart
  )
  lines = (folder / FILE).open('a')

  def write(round_: int, numbers: Mapping[str, float]) -> None:
    lines.write(json.dumps({'step': round_, **numbers}) + '\n')
    lines.flush()
    for name, value in numbers.items():
      events.add_scalar(name, value, round_)

  def image(round_: int, name: str, pixels: np.ndarray) -> pathlib.Path:
    path = save_picture(folder / 'samples' / f'{name}_{round_:08d}', pixels)
    still = pixels if pixels.ndim == 3 else pixels[-1]
    events.add_image(name, still, round_, dataformats='HWC')
    return path

  def protocol(name: str, facts: Mapping[str, Any]) -> None:
    path = folder / PROTOCOLS
    known = json.loads(path.read_text()) if path.exists() else {}
    if known.get(name) != facts:
      beside = path.with_suffix('.tmp')
      beside.write_text(json.dumps({**known, name: dict(facts)}, indent=1, default=str) + '\n')
      beside.replace(path)

  def close() -> None:
    with contextlib.suppress(OSError, ValueError):  # a full disk has been told of by then
      lines.close()
      events.close()

  return Log(write, image, protocol, lambda: read(folder), close)


def _summary_writer() -> type:
  """tensorboardX's SummaryWriter, imported without PyTorch.

  Where that is installed tensorboardX would import it, three seconds, to name its type in a hint.
  """
  unseen = 'torch' not in sys.modules
  if unseen:
    sys.modules['torch'] = None  # type: ignore[assignment]  # an import of it fails, as if not there
  try:
    from tensorboardX import SummaryWriter
  finally:
    if unseen:
      del sys.modules['torch']
  return SummaryWriter


def read(workdir: str | pathlib.Path) -> list[dict[str, Any]]:
  """The entries of log.jsonl in order; a last line that a kill cut short is left out."""
  path = pathlib.Path(workdir) / FILE
  entries = []
  for line in path.read_text().splitlines() if path.exists() else []:
    try:
      entries.append(json.loads(line))
    except json.JSONDecodeError:
      break
  return entries


def truncate(path: pathlib.Path, last: int) -> None:
  """Keeps the entries of rounds up to `last`; rewritten beside and renamed, so never half."""
  if not path.exists():
    return
  kept = [entry for entry in read(path.parent) if entry['step'] <= last]
  beside = path.with_suffix('.tmp')
  beside.write_text(''.join(json.dumps(entry) + '\n' for entry in kept))
  beside.replace(path)


def save_png(path: pathlib.Path, pixels: np.ndarray) -> None:
  """Writes uint8[H,W,C] (C = 1, 3 or 4) as a PNG, whole or not at all."""
  path.parent.mkdir(parents=True, exist_ok=True)
  beside = path.with_suffix('.tmp')
  canvas.image(pixels).save(beside, format='png')
  beside.replace(path)


def save_picture(stem: pathlib.Path, pixels: np.ndarray) -> pathlib.Path:
  """Writes STEM.png of uint8[H,W,C], STEM.gif of frames uint8[T,H,W,C]; returns which."""
  if pixels.ndim == 3:
    path = stem.with_name(stem.name + '.png')
    save_png(path, pixels)
  else:
    path = stem.with_name(stem.name + '.gif')
    save_gif(path, pixels, 0.05 * len(pixels))
  return path


def save_gif(
  path: pathlib.Path, frames: Iterable[np.ndarray], seconds: float, last: float = 0.0
) -> None:
  """Writes frames uint8[H,W,1 or 3] of one size that together last so long, over and over.

  The last frame is held for `last` seconds if it would be shorter. No frame is shorter than 20 ms:
  faster ones are slowed down by those who show them.
  """
  from PIL import Image

  path.parent.mkdir(parents=True, exist_ok=True)
  shown = [Image.fromarray(np.broadcast_to(f, (*f.shape[:2], 3))).quantize(256) for f in frames]
  each = max(20, int(1000 * seconds / len(shown)))
  lasting = [each] * (len(shown) - 1) + [max(each, int(1000 * last))]
  beside = path.with_suffix('.tmp')
  shown[0].save(
    beside, format='gif', save_all=True, append_images=shown[1:], duration=lasting, loop=0
  )
  beside.replace(path)
