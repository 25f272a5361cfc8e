"""Populations: N runs that differ in a seed or in numbers of their game, played as one program.

What varies is written `--vary=seed=0:8 --vary=players.*.tx.learning_rate=1e-4,2e-4`, or in Python
`train.run(config, workdir, vary={'seed': range(8)})`; of several keys every combination is a
member, and a `*` stands for every key in its place. Each member is an ordinary run in a folder of
its own, which says what is its own: `runs/x/seed=3-learning_rate=0.0001`.

Inside the program the numbers that vary are arguments: whatever a builder only calculates with can.
They are float32 there, so that what a run alone computes of them in double precision is rounded:
Adam's 1 - b2 by 5e-5 of itself at b2 = 0.999. Members that differ in their seed alone have no such
difference, nor has a learning rate or a weight.
"""

import copy
import difflib
import itertools
import os
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.errors import InputError
from gan_jax.game import Array, Key

GAME = ('prior', 'nets', 'objective', 'wrappers', 'players', 'ema')
Values = Mapping[str, Any]  # key as in `vary` -> number, or inside a program its tracer


class Member(NamedTuple):
  """One of the runs that a program plays."""

  label: str  # '' for a run alone
  workdir: pathlib.Path
  config: dict[str, Any]  # a whole one, with the member's own values
  values: dict[str, float]  # what of it varies


Vary = Mapping[str, Iterable[float]] | Sequence[Member]  # what varies, or who is to be played


class Own(NamedTuple):
  """What a member is handed by a program beside its state."""

  key: Key  # of its steps
  seed: Array  # uint32[], of its data's order
  values: dict[str, Array]  # of what else varies


def parse(words: Sequence[str]) -> dict[str, list[float]]:
  """['seed=0:8', 'objective.d_weight=0.5,1'] -> the values of each key; raises InputError."""
  vary: dict[str, list[float]] = {}
  for word in words:
    key, equals, text = word.partition('=')
    if not (key and equals and text):
      raise InputError(f'--vary={word} is not --vary=KEY=FROM:TO or --vary=KEY=VALUE,VALUE.')
    if key in vary:
      raise InputError(f'--vary names {key} twice; give its values in one list.')
    first, colon, end = text.partition(':')
    try:
      one = lambda t: int(t) if t.strip().lstrip('+-').isdigit() else float(t)
      vary[key] = list(range(int(first), int(end))) if colon else [*map(one, text.split(','))]
    except ValueError:
      raise InputError(f'--vary={word}: {_static(key)}') from None
  return vary


def members(config: Mapping[str, Any], workdir: pathlib.Path, vary: Vary | None) -> list[Member]:
  """The runs of a population, in the order of the product; of no `vary` at all the one run.

  `config` is complete and plain. Members that were made elsewhere, each with a whole config of its
  own, are taken as they are. Raises InputError for what is not there, cannot vary inside one
  program as far as its name and type say, or is given twice.
  """
  if vary is None:
    return [Member('', workdir, dict(config), {})]
  if not isinstance(vary, Mapping):
    return list(vary)
  lists = {key: _checked(config, key, list(values)) for key, values in vary.items()}
  if not lists:
    raise InputError('a population must say what varies.')
  ends = [key.split('.')[-1] for key in lists]
  short = {key: end if ends.count(end) == 1 else key for key, end in zip(lists, ends, strict=True)}
  out = []
  for row in itertools.product(*lists.values()):
    values = dict(zip(lists, row, strict=True))
    label = '-'.join(f'{short[key].replace("*", "all")}={value!r}' for key, value in values.items())
    out.append(Member(label, workdir / label, put(config, values), values))
  return out


def put(config: Mapping[str, Any], values: Values) -> dict[str, Any]:
  """The config with each value in its place, or places; what was there is not looked at."""
  out: dict[str, Any] = copy.deepcopy(dict(config))
  for key, value in values.items():
    for at, last in _places(out, key):
      at[last] = value
  return out


def a_device_for_each_core() -> None:
  """Members of a population are divided among devices; on CPU let these be the cores."""
  said = getattr(jax.config, 'jax_num_cpu_devices', -1) > 0
  if not said and 'device_count' not in os.environ.get('XLA_FLAGS', ''):
    allowed = getattr(os, 'sched_getaffinity', None)  # which macOS has not
    cores = len(allowed(0)) if allowed else os.cpu_count() or 1
    jax.config.update('jax_num_cpu_devices', cores)


def own(member: Member) -> Own:
  """What the program is handed for this member; equal to what it would be handed alone."""
  seed = member.config['seed']
  return Own(
    key=jax.random.fold_in(jax.random.key(seed), 1),
    seed=jnp.asarray(np.uint32(seed & 0xFFFFFFFF)),
    values={k: jnp.asarray(v) for k, v in member.values.items() if k != 'seed'},  # weakly typed
  )


def refuse_static(traced: Callable[[Values], Any], member: Member) -> None:
  """Raises InputError, naming it, if something that varies decides what the program is.

  `traced` assembles and plays a round, abstractly, with some of the values as arguments of a
  program and the others as the config has them.
  """
  if not (values := own(member).values):
    return
  try:
    _abstractly(traced, values)
  except Exception as error:  # whichever: jax, numpy and math have each their own
    _abstractly(traced, {})  # if this fails too, the reason is no matter of what varies
    for key, value in values.items():
      try:
        _abstractly(traced, {key: value})
      except Exception as alone:
        raise InputError(_static(key)) from alone
    raise InputError(_static(' with '.join(values))) from error


def _abstractly(traced: Callable[[Values], Any], values: Values) -> None:
  jax.eval_shape(lambda v: traced(v), values)


def _checked(config: Mapping[str, Any], key: str, values: list[Any]) -> list[float]:
  """The values of one key as plain numbers, all int or all float."""
  top = key.split('.')[0]
  if top not in (*GAME, 'seed') and top in config:
    raise InputError(_static(key))
  if not values:
    raise InputError(f'{key} is given no values.')
  values = [v.item() if hasattr(v, 'item') else v for v in values]
  there = [at[last] for at, last in _places(config, key) if _holds(at, last)]
  if any(isinstance(v, bool) or not isinstance(v, int | float) for v in [*values, *there]):
    raise InputError(_static(key))
  if any(isinstance(v, float) for v in [*values, *there]):
    if key == 'seed':
      raise InputError(f'a seed is a whole number; {values} are not all.')
    values = [float(v) for v in values]
  if twice := [v for v in values if values.count(v) > 1]:
    raise InputError(f'{key}={twice[0]!r} is given twice.')
  return values


def _static(key: str) -> str:
  return (
    f'{key} cannot vary inside one program: its value is no number that is only calculated with, '
    'but decides the shape of the program (or its branches, or its data). Make separate runs of it.'
  )


def _places(config: Any, key: str) -> list[tuple[Any, Any]]:
  """Where the key's values stand: [(dict or list, key or index in it)]; raises InputError.

  The last word may be new where it would be an argument of something with a name.
  """
  at = [config]
  *path, last = key.split('.')
  for word in path:
    at = [inner for outer in at for inner in _inside(outer, word)]
  found = [(outer, _index(outer, last)) for outer in at if _takes(outer, last)]
  if last == '*' or not found:
    known = list(_keys(config))
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    same = [k for k in known if k.split('.')[-1] == last and last != '*']
    hint = f' Did you mean {" or ".join((same or near)[:3])}?' if same or near else ''
    raise InputError(f'the config has no number at {key}.{hint}')
  return found


def _inside(outer: Any, word: str) -> list[Any]:
  if word == '*':
    return list(outer.values()) if isinstance(outer, dict) else list(outer)
  return [outer[_index(outer, word)]] if _holds(outer, _index(outer, word)) else []


def _index(outer: Any, word: Any) -> Any:
  return int(word) if isinstance(outer, list) and str(word).isdigit() else word


def _holds(outer: Any, at: Any) -> bool:
  if isinstance(outer, list):
    return isinstance(at, int) and at < len(outer)
  return isinstance(outer, dict) and at in outer


def _takes(outer: Any, word: str) -> bool:
  named = isinstance(outer, dict) and 'name' in outer and word != 'name'
  return named or _holds(outer, _index(outer, word))


def _keys(config: Any, at: str = '') -> Iterable[str]:
  """The dotted key of every number of the config's game, and 'seed'."""
  if isinstance(config, dict | list):
    pairs = config.items() if isinstance(config, dict) else enumerate(config)
    for word, value in pairs:
      if at or word in (*GAME, 'seed'):
        yield from _keys(value, f'{at}.{word}' if at else str(word))
  elif isinstance(config, int | float) and not isinstance(config, bool):
    yield at
