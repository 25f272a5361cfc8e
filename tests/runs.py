"""One small run of each kind, trained once for a whole test run, for all that only needs *a* run.

All workers share them: the first to ask trains, under a lock, and from then on the folder is only
read. Who wants to change something in it copies it. Below: how runs are compared.
"""

import fcntl
import json
import math
import pathlib
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from gan_jax import config as configs
from gan_jax import log
from tests import budget
from tests.configs import boosted, little, perceptrons, small, tiny


def _bare(name: str) -> dict:
  """The tiny form of an experiment, on one device and without what it shows."""
  return {**tiny(name), 'devices': 1, 'evals': {}, 'finish': ()}


KINDS: dict[str, Callable[[], dict]] = {
  'perceptron': little,
  'digits': perceptrons,
  'dcgan': small,
  'conditional': lambda: _bare('labels_digits'),
  'translation': lambda: _bare('pix2pix_maps'),
  'encoder': lambda: _bare('codes_digits'),
  'mixture': boosted,
  'population': lambda: little(rounds=4),
}
VARY = {'population': {'seed': range(3)}}


def trained(kind: str, folder: pathlib.Path) -> pathlib.Path:
  """The run of that kind below `folder`, trained there if no worker has done it yet."""
  place, done = folder / kind, folder / f'{kind}.json'
  with (folder / f'{kind}.lock').open('w') as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    if not done.exists():
      config = KINDS[kind]()
      with budget.apart(f'tests/runs.py::{kind}'):
        configs.resolve(config.get('driver', 'train.run'), '')(config, place, VARY.get(kind))
      beside = folder / f'{kind}.part'
      beside.write_text(json.dumps(fingerprint(place)))
      beside.replace(done)  # whole, for whoever looks without the lock
  return place


def changed(folder: pathlib.Path) -> list[str]:
  """The files of runs below `folder` that somebody wrote, who should have copied them."""
  out = []
  for done in sorted(folder.glob('*.json')):
    before, now = json.loads(done.read_text()), fingerprint(folder / done.stem)
    out += [f'{done.stem}/{name}' for name in before | now if before.get(name) != now.get(name)]
  return out


def fingerprint(folder: pathlib.Path) -> dict[str, list[int]]:
  """Size and time of each file: what shows that a run was only read."""
  files = [p for p in sorted(folder.rglob('*')) if p.is_file()]
  return {str(p.relative_to(folder)): [p.stat().st_size, p.stat().st_mtime_ns] for p in files}


_NAN = float('nan')  # one, since lists and dicts take only what is the same NaN for equal


def numbers(workdir: pathlib.Path) -> list[dict[str, float]]:
  """The log without what depends on the clock; equal to that of a run that logged the same."""
  plain = lambda v: _NAN if isinstance(v, float) and math.isnan(v) else v
  entries = log.read(workdir)
  return [{k: plain(v) for k, v in e.items() if k != 'images_per_second'} for e in entries]


def rounds_saved(workdir: pathlib.Path) -> list[int]:
  """Of which rounds there are checkpoints, in order."""
  return sorted(int(p.name) for p in (workdir / 'checkpoints').glob('*') if p.name.isdigit())


def assert_same(a: Any, b: Any) -> None:
  """Two trees of arrays are the same, bit for bit."""
  jax.tree.map(np.testing.assert_array_equal, a, b)


def assert_close(a: Any, b: Any, rtol: float = 2e-4, atol: float = 2e-6) -> None:
  """Two trees of arrays are the same to rounding."""
  jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol, atol), a, b)
