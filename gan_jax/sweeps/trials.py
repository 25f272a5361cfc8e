"""What a sweep tries: lists of overrides of a config, made in plain Python.

  product({'objective.pair.name': ('hinge', 'wasserstein'), 'seed': range(3)})
  crossed(zipped({'batch': (64, 128), ':width': (16, 32)}), product({'seed': range(3)}))
  sampled(20, {'players.D.tx.learning_rate': log_uniform(1e-5, 1e-3)}, seed=1)

A trial is a dict: key of the config -> value, as `--config.key=value` would say it; a key that
begins with a colon is an argument of the config's file, as `--config=FILE.py:width=32`. Lists are
lists: `a + b` is both.
"""

import hashlib
import importlib.util
import itertools
import json
import math
import pathlib
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from ml_collections.config_flags import config_path

from gan_jax import config as configs
from gan_jax.errors import InputError

Overrides = dict[str, Any]
LONGEST = 120  # letters of a name; folders may not have many more


class Distribution(NamedTuple):
  """Where a value is drawn from: at random, or as a sampler of Optuna suggests."""

  draw: Callable[[np.random.Generator], Any]
  suggest: Callable[[Any, str], Any]  # (a trial of Optuna, the key)


def product(values: Mapping[str, Iterable[Any]]) -> list[Overrides]:
  """Every combination of the values of each key, the last key turning fastest."""
  lists = [_some(key, each) for key, each in values.items()]
  return [dict(zip(values, row, strict=True)) for row in itertools.product(*lists)]


def zipped(values: Mapping[str, Iterable[Any]]) -> list[Overrides]:
  """The first values of all keys, then the second ones; InputError if one has more than another."""
  lists = {key: _some(key, each) for key, each in values.items()}
  if len({len(each) for each in lists.values()}) > 1:
    told = ', '.join(f'{len(each)} of {key}' for key, each in lists.items())
    raise InputError(f'zipped values go together one by one, but there are {told}.')
  return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def crossed(*parts: Sequence[Overrides]) -> list[Overrides]:
  """Every combination of one trial of each part; InputError if two parts give one key."""
  out = []
  for row in itertools.product(*parts):
    keys = [key for each in row for key in each]
    if twice := {key for key in keys if keys.count(key) > 1}:
      raise InputError(f'crossed parts both give {", ".join(sorted(twice))}.')
    out.append({key: value for each in row for key, value in each.items()})
  return out


def sampled(n: int, values: Mapping[str, Distribution], seed: int = 0) -> list[Overrides]:
  """n random trials, the same ones for the same seed; of n + 1 the first n are these."""
  rng = np.random.default_rng(seed)
  return [{key: each.draw(rng) for key, each in values.items()} for _ in range(n)]


def uniform(low: float, high: float) -> Distribution:
  """A number between low and high."""
  return Distribution(
    lambda rng: float(rng.uniform(low, high)),
    lambda trial, key: _rounded(trial.suggest_float(key, low, high)),
  )


def log_uniform(low: float, high: float) -> Distribution:
  """A number above 0 whose logarithm is uniform; rounded to four digits, so that it can be read."""
  if not 0 < low < high:
    raise InputError(f'log_uniform({low}, {high}) goes from a number above 0 to a larger one.')
  return Distribution(
    lambda rng: _rounded(math.exp(rng.uniform(math.log(low), math.log(high)))),
    lambda trial, key: _rounded(trial.suggest_float(key, low, high, log=True)),
  )


def integers(low: int, high: int) -> Distribution:
  """A whole number from low up to and without high."""
  return Distribution(
    lambda rng: int(rng.integers(low, high)),
    lambda trial, key: trial.suggest_int(key, low, high - 1),
  )


def choice(*values: Any) -> Distribution:
  """One of these."""
  return Distribution(
    lambda rng: values[int(rng.integers(len(values)))],
    lambda trial, key: values[trial.suggest_categorical(key, range(len(values)))],
  )


def name(overrides: Overrides) -> str:
  """A folder's name that says what is tried, and depends on nothing else.

  Of a dotted key its end, or what stands before an end that says 'name'; of two alike, the whole.
  """
  short = {key: _short(key) for key in overrides}
  ends = list(short.values())
  words = []
  for key, value in overrides.items():
    label = short[key] if ends.count(short[key]) == 1 else key.lstrip(':')
    words.append(f'{label}={_told(value)}')
  whole = '-'.join(re.sub(r'[^\w.=+*]+', '_', word) for word in words) or 'as_it_is'
  if len(whole) <= LONGEST:
    return whole
  digest = hashlib.sha256(json.dumps(overrides, sort_keys=True, default=str).encode()).hexdigest()
  return f'{whole[: LONGEST - 9]}-{digest[:8]}'


def named(trials: Sequence[Overrides]) -> dict[str, Overrides]:
  """name -> overrides; InputError if there are none, or one twice."""
  out: dict[str, Overrides] = {}
  for overrides in trials:
    label = name(overrides)
    if label in out:
      raise InputError(f'two trials of this sweep are called {label}: each is to be tried once.')
    out[label] = dict(overrides)
  if not out:
    raise InputError('a sweep of no trials tries nothing.')
  return out


def arguments(config: str, overrides: Overrides) -> list[str]:
  """The flags of `python -m gan_jax.main` that ask for this trial."""
  own = [f'{key[1:]}={_told(value)}' for key, value in overrides.items() if key[0] == ':']
  path, _, arg = config.partition(':')
  file = ':'.join(filter(None, (path, ','.join(filter(None, (arg, *own))))))
  rest = {key: value for key, value in overrides.items() if key[0] != ':'}
  return [f'--config={file}', *(f'--config.{key}={_told(v)}' for key, v in rest.items())]


def resolved(config: str, overrides: Overrides) -> dict[str, Any]:
  """The whole config of a trial; InputError, naming it, for what the config does not take."""
  label = name(overrides)
  file = arguments(config, overrides)[0].removeprefix('--config=')
  path, _, arg = file.partition(':')
  try:
    found = load(path, 'get_config')(*([arg] if arg else []))
    for key, value in overrides.items():
      if key[0] != ':':
        config_path.set_value(key, found, value)
  except (InputError, AttributeError, KeyError, TypeError, ValueError) as error:
    text = ' '.join(str(a) for a in error.args)
    raise InputError(f'trial {label}: the config cannot take it: {text}') from error
  return configs.plain(found)


def load(path: str, function: str) -> Callable[..., Any]:
  """That function of a Python file; InputError if there is no such file, or none in it."""
  place = pathlib.Path(path)
  if not place.exists():
    raise InputError(f'there is no file {path}.')
  spec = importlib.util.spec_from_file_location(f'gan_jax_file_{place.stem}', place)
  assert spec is not None
  assert spec.loader is not None
  module = importlib.util.module_from_spec(spec)
  sys.modules[spec.name] = module
  spec.loader.exec_module(module)
  if not hasattr(module, function):
    raise InputError(f'{path} has no function {function}.')
  return getattr(module, function)


def _rounded(value: float) -> float:
  return float(f'{value:.4g}')


def _some(key: str, values: Iterable[Any]) -> list[Any]:
  if isinstance(values, str) or not (out := list(values)):
    raise InputError(f'{key} is to have a list of values, not {values!r}.')
  return out


def _short(key: str) -> str:
  words = key.lstrip(':').split('.')
  return words[-2] if words[-1] == 'name' and len(words) > 1 else words[-1]


def _told(value: Any) -> str:
  return value if isinstance(value, str) else repr(value)
