"""The facts of a run in words: what was asked for, by which code, and how far it came."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from gan_jax import assemble
from gan_jax import config as configs
from gan_jax import step as steps
from gan_jax.report.told import Told

ORDER = (
  'data', 'transform', 'prior', 'nets', 'objective', 'players', 'play', 'ema', 'wrappers', 'rounds',
  'batch', 'seed', 'precision', 'start', 'evals', 'watch', 'checkpoint',
)  # fmt: skip
NOTHING = object()  # where a config has no such key
APART = ('nets', 'players', 'evals')  # dicts whose entries have a line each


def spoken(value: Any) -> str:
  """A description as it is said: dict(name='r1', weight=.1) is r1(weight=0.1)."""
  if isinstance(value, Mapping):
    if 'name' in value:
      rest = ', '.join(f'{k}={_quoted(v)}' for k, v in value.items() if k != 'name')
      return f'{value["name"]}({rest})' if rest else str(value['name'])
    return ', '.join(f'{k}={_quoted(v)}' for k, v in value.items())
  if isinstance(value, list | tuple):
    return ', '.join(map(_quoted, value))
  return f'{value:,}' if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _quoted(value: Any) -> str:
  if isinstance(value, Mapping):
    return spoken(value) if 'name' in value else '{' + spoken(value) + '}'
  if isinstance(value, list | tuple):
    return '[' + ', '.join(map(_quoted, value)) + ']'
  return repr(value)


def asked(config: Mapping[str, Any]) -> list[tuple[str, str]]:
  """(key, what it says) of all that a config does not leave as it is by default."""
  usual = configs.plain(configs.DEFAULTS)
  out = []
  for key in [k for k in ORDER if k in config] + sorted(set(config) - set(ORDER)):
    value = config[key]
    if value == usual.get(key, '') and key != 'seed':
      continue
    if key in APART and isinstance(value, Mapping):
      out += [(f'{key}.{name}', spoken(one)) for name, one in value.items()]
    else:
      out.append((key, spoken(value)))
  return out


def differing(each: Sequence[Told]) -> list[tuple[str, list[str]]]:
  """(key, what each run has there) where their configs are not all alike, '–' for nothing.

  Descriptions of one name are compared argument by argument, those of different names as wholes.
  """
  configs_ = [{k: one[k] for k in (*ORDER, *sorted(one)) if k in one}
              for one in (run.config for run in each)]  # fmt: skip
  return [(key, [spoken(v) if v is not NOTHING else '–' for v in values])
          for key, values in _apart(configs_, '')]  # fmt: skip


def _apart(values: Sequence[Any], at: str) -> Iterator[tuple[str, Sequence[Any]]]:
  if all(value == values[0] for value in values):
    return
  names = {str(v.get('name')) if isinstance(v, Mapping) else None for v in values}
  sizes = {len(v) if isinstance(v, list) and v and isinstance(v[0], Mapping) else 0 for v in values}
  if len(names) == 1 and None not in names:
    for key in dict.fromkeys(k for value in values for k in value):
      yield from _apart([v.get(key, NOTHING) for v in values], f'{at}.{key}' if at else key)
  elif len(sizes) == 1 and 0 not in sizes:
    for i in range(len(values[0])):
      yield from _apart([v[i] for v in values], f'{at}.{i}')
  else:
    yield at, values


def parameters(told: Told) -> dict[str, int]:
  """network -> how many weights; empty if what the config names is not at hand any longer."""
  try:
    known = assemble.Facts(
      **{
        **told.known,
        'shape': tuple(told.known['shape']),
        'columns': {n: (tuple(s), d) for n, (s, d) in told.known['columns'].items()},
      }
    )
    game = assemble.game(told.config, known, lambda: np.zeros(known.shape, np.float32))
    state = jax.eval_shape(lambda key: steps.init(game, key), jax.random.key(0))
  except Exception:  # a lab's own networks, which may raise whatever they do
    return {}
  count = lambda tree: sum(leaf.size for leaf in jax.tree.leaves(tree))
  return {name: count(params) for name, params in sorted(state.params.items())}


def status(told: Told) -> str:
  """How far it came, a sentence."""
  rounds = told.config.get('rounds', 0)
  if told.diverged:
    return f'Diverged. {told.diverged}'
  if told.round >= rounds:
    return f'All {rounds:,} rounds were played.'
  far = f'{told.round:,} of {rounds:,} rounds are in the log'
  if not told.sessions:
    return f'{far}: it was still going on when this was written, or was stopped.'
  last = told.sessions[-1]
  if 'ended' not in last:
    return f'{far}: it was still going on when this was written, or was killed.'
  return f'{far}. It ended with {last["how"]}'


def data(told: Told) -> str:
  """'digits: 8x8x1, 10 classes'."""
  meta = told.known.get('meta', {})
  shape = 'x'.join(map(str, told.known.get('shape', ())))
  classes = told.known.get('classes')
  parts = [shape, f'{classes} classes' if classes else '', str(meta.get('split', ''))]
  return f'{meta.get("name", "data unknown")}: ' + ', '.join(p for p in parts if p)


def origins(told: Told) -> list[tuple[str, str]]:
  """When, by which command and code, and on what, of the last session."""
  if not told.sessions:
    return [('Command, code, device', 'not recorded by the gan_jax that trained this run')]
  last = told.sessions[-1]
  revision = last['code'].get('revision', 'unknown')
  versions = ', '.join(f'{name} {v}' for name, v in last['code'].items() if name != 'revision')
  times = f'{len(told.sessions)} sessions, the last begun ' if len(told.sessions) > 1 else ''
  return [
    ('Begun', times + time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime(last['began']))),
    ('Command', last['command']),
    ('Code', f'revision {revision}; {versions}'),
    ('Device', last['device']),
  ]
