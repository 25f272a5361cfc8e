"""Checkpoints: the TrainState, digests of its arrays, and the round; written whole or not at all.

Orbax writes to a temporary folder and renames it, so a killed save leaves nothing that is taken for
a checkpoint. It does not notice a flipped bit in an array that it reads back, so every array's
SHA-256 is stored beside it, and a checkpoint that does not match is passed over for an older one.
"""

import hashlib
import logging
import pathlib
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np
from absl import logging as absl_logging

from gan_jax import hosts
from gan_jax.errors import InputError

FOLDER = 'checkpoints'


def open_manager(workdir: str | pathlib.Path, keep: int = 2, together: bool = True) -> Any:
  """An orbax CheckpointManager over <workdir>/checkpoints that keeps the newest `keep`.

  Where several processes play, all of them save and restore together, or process 0 alone.
  """
  import orbax.checkpoint as ocp

  absl_logging.get_absl_logger().addFilter(_worth_telling)
  folder = pathlib.Path(workdir).absolute() / FOLDER
  if not together:
    folder.mkdir(parents=True, exist_ok=True)  # which orbax does only where all are there
  who = ocp.options.MultiprocessingOptions(active_processes=None if together else {0})
  options = ocp.CheckpointManagerOptions(
    create=together,
    max_to_keep=keep,
    cleanup_tmp_directories=together,
    enable_async_checkpointing=False,
    multiprocessing_options=who,
  )
  return ocp.CheckpointManager(folder, options=options, item_names=('state', 'digests'))


def _worth_telling(record: logging.LogRecord) -> bool:
  """All but what orbax tells of every barrier that it passes."""
  return record.levelno >= logging.ERROR or 'orbax' not in record.pathname


def save(manager: Any, round_: int, state: Any) -> None:
  """Writes `state` as the checkpoint of that round; does nothing if that is there already.

  Raises InputError if it cannot be written (a full disk, say); what was there before stays.
  """
  import orbax.checkpoint as ocp

  if round_ in manager.all_steps():
    return
  host = jax.tree.map(lambda a: np.array(a), state)  # a copy: the step will donate the original
  items = ocp.args.Composite(
    state=ocp.args.StandardSave(host), digests=ocp.args.JsonSave(digests(host))
  )
  try:
    with _quiet():
      try:
        manager.save(round_, args=items, force=True)
        manager.wait_until_finished()
      except Exception:
        time.sleep(1)  # let tensorstore's threads say what they have to while nobody listens
        raise
  except Exception as error:  # tensorstore has its own kinds for a full disk, and orbax wraps them
    left = max(manager.all_steps(read=True), default=None)
    newest = 'there is none yet' if left is None else f'the newest good one is of round {left}'
    raise InputError(
      f'the checkpoint of round {round_} could not be written to {manager.directory}: '
      f'{_first_line(error)}; {newest}. Make room there and run the same command to go on.'
    ) from error


def restore(manager: Any, like: Any, step: int | None = None) -> tuple[int, Any] | None:
  """(round, state) of the newest checkpoint that is whole, or None if there is none at all.

  `like` has the shapes and dtypes (and the shardings, if any) of the state. One that is damaged is
  reported in a line and moved aside, so that its round can be saved again. Raises InputError if
  there are checkpoints but none is whole, or if `step` is asked for and is not there.
  """
  rounds = sorted(manager.all_steps(), reverse=True)
  if step is not None:
    if step not in rounds:
      raise InputError(f'{manager.directory} has no checkpoint of round {step}; it has {rounds}.')
    rounds = [step]
  for round_ in rounds:
    if found := _tried(manager, round_, like):
      return round_, found[0]
  if rounds:
    raise InputError(
      f'none of the checkpoints in {manager.directory} is whole; all were set aside.'
    )
  return None


def restore_together(managers: Sequence[Any], like: Any) -> tuple[int, list[Any]] | None:
  """(round, states) of the newest round of which all of these runs have a whole checkpoint.

  None if there is none because the first save of all was cut short. Raises InputError if the runs
  have been further, but have no whole round in common. One run alone is restored as by `restore`.
  """
  if len(managers) == 1:
    one = restore(managers[0], like)
    return one and (one[0], [one[1]])
  held = [set(manager.all_steps()) for manager in managers]
  common = sorted(set.intersection(*held), reverse=True)
  for round_ in common:
    states: list[Any] = []
    for manager in managers:
      if not (found := _tried(manager, round_, like)):
        break
      states += found
    else:
      return round_, states
  if common or (any(held) and (all(held) or max(map(len, held)) > 1)):
    raise InputError(
      f'the {len(managers)} runs beside {managers[0].directory.parent} have no whole checkpoint of '
      'one round in common; go on with each alone, or give another --workdir.'
    )
  return None


def forget_after(manager: Any, round_: int) -> None:
  """Drops the checkpoints of later rounds, which are about to be played again."""
  for later in [r for r in manager.all_steps() if r > round_]:
    manager.delete(later)


def _tried(manager: Any, round_: int, like: Any) -> tuple[Any] | None:
  """(the state of that round,), or None, and a line, if it is damaged; it is then set aside."""
  try:
    found, reason = (_read(manager, round_, like),), ''
  except Exception as error:  # whatever is wrong with it, an older one may do
    found, reason = None, _first_line(error)
  if hosts.agreed(found is not None):
    return found
  reason = reason or 'as another process sees it'
  print(f'checkpoint {round_} is damaged ({reason}); trying the one before it', flush=True)
  hosts.told(lambda: _set_aside(manager, round_))
  manager.reload()
  return None


def digests(tree: Any) -> dict[str, str]:
  """path of a leaf -> SHA-256 of its dtype, shape and bytes."""
  out = {}
  for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
    array = np.asarray(leaf)
    head = f'{array.dtype.str}{array.shape}'.encode()
    body = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    out[jax.tree_util.keystr(path)] = hashlib.sha256(head + body.tobytes()).hexdigest()
  return out


def _read(manager: Any, round_: int, like: Any) -> Any:
  """The state of that round. Raises ValueError, or what orbax does, if it is not whole."""
  import orbax.checkpoint as ocp

  items = ocp.args.Composite(state=ocp.args.StandardRestore(like), digests=ocp.args.JsonRestore())
  with _quiet():
    found = manager.restore(round_, args=items)
  expected, actual = found['digests'], digests(found['state'])
  wrong = sorted(p for p in expected.keys() | actual.keys() if expected.get(p) != actual.get(p))
  if wrong:
    raise ValueError(f'{len(wrong)} arrays differ from their digests, the first is {wrong[0]}')
  return found['state']


def _set_aside(manager: Any, round_: int) -> None:
  folder = pathlib.Path(str(manager.directory)) / str(round_)
  aside = folder.with_name(f'damaged-{round_}')
  if folder.exists() and not aside.exists():
    folder.rename(aside)


def _first_line(error: BaseException) -> str:
  text = str(error).strip() or type(error).__name__
  return text.splitlines()[0][:200]


@contextmanager
def _quiet() -> Iterator[None]:
  """Keeps orbax's and asyncio's own error reports off the screen: they are told in one line."""
  names = ('absl', 'asyncio')
  hooks = sys.excepthook, sys.unraisablehook
  sys.excepthook, sys.unraisablehook = (lambda *told: None), (lambda told: None)
  levels = {name: logging.getLogger(name).level for name in names}
  for name in names:
    logging.getLogger(name).setLevel(logging.CRITICAL)
  try:
    yield
  finally:
    sys.excepthook, sys.unraisablehook = hooks
    for name, level in levels.items():
      logging.getLogger(name).setLevel(level)
