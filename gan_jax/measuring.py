"""Metrics by name, their results with protocols, and the refusal to compare what is not alike.

What is asked for is written like calls, `fid, kid(n=5000, features=pixels), parzen`: the names are
those of evals in `gan_jax/metrics/`, with their file before them where two files have one of the
name, or dotted paths of your own.
"""

import ast
import importlib.metadata
import inspect
import pathlib
import pkgutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

import gan_jax
from gan_jax import config as configs
from gan_jax import metrics as room
from gan_jax.errors import InputError
from gan_jax.loop import Eval
from gan_jax.progress import moments
from gan_jax.sampling import Sampler

CORE = 'frechet, kernel_distance, class_score, prdc, two_sample'
TAKEN = ('sampler', 'key')  # the names that mark an eval's first and third parameters


class Measured(NamedTuple):
  """What a metric came to."""

  values: dict[str, float]
  pictures: dict[str, np.ndarray]  # uint8[H,W,C]
  protocol: dict[str, Any]
  seconds: float


def asked(text: str, **common: Any) -> list[Eval]:
  """'fid, kid(n=5000)' as evals, each with those of the `common` options that it takes.

  Raises InputError for a name that there is not, or an option that it does not take.
  """
  try:
    entries = ast.parse(f'[{text}]', mode='eval').body.elts  # type: ignore[attr-defined]
    calls = [(_dotted(e.func), _options(e)) if isinstance(e, ast.Call) else (_dotted(e), {})
             for e in entries]  # fmt: skip
  except (SyntaxError, ValueError) as error:
    raise InputError(
      f'metrics are written like fid, kid(n=5000, features=pixels); this is {text!r}: {error}.'
    ) from None
  return [_eval(name, options, common) for name, options in calls]


def measure(
  evals: Iterable[Eval], sampler: Sampler, source: Callable, keys: Sequence[jax.Array]
) -> Iterator[tuple[str, Measured | InputError]]:
  """Each metric as it is done, or why it cannot be had; with several keys, several draws.

  Of several draws a value is the mean, and '<value>_sd' the deviation between them.
  """
  for each in evals:
    began = time.perf_counter()
    try:
      found = [dict(each.function(sampler, source, key, **each.options)) for key in keys]
    except InputError as error:
      yield each.name, error
      continue
    protocol = dict(found[0].pop('protocol', {}))
    if len(keys) > 1:
      protocol['draws'] = len(keys)
    pictures = {name: v for name, v in found[0].items() if np.ndim(v) == 3}
    values: dict[str, float] = {}
    for name in found[0].keys() - pictures.keys():
      values[name], sd = moments([float(one[name]) for one in found])
      if sd is not None:
        values[f'{name}_sd'] = sd
    order = [n for one in found[0] for n in (one, f'{one}_sd') if n in values]
    took = time.perf_counter() - began
    yield each.name, Measured({n: values[n] for n in order}, pictures, protocol, took)


def record(of: Mapping[str, Any], found: Mapping[str, Measured]) -> dict[str, Any]:
  """JSON: what was measured, on what, by which code."""
  metrics = {
    name: dict(values=m.values, protocol=m.protocol, seconds=round(m.seconds, 2))
    for name, m in found.items()
  }
  return dict(of=dict(of), code=code(), metrics=metrics)


def code() -> dict[str, str]:
  """The revision of the code that measures, as far as it knows it, and the versions below it."""
  folder = pathlib.Path(gan_jax.__file__).parent
  git = ['git', '-C', str(folder), 'describe', '--always', '--dirty']
  try:
    revision = subprocess.run(git, capture_output=True, text=True, timeout=10).stdout.strip()
  except (OSError, subprocess.TimeoutExpired):
    revision = ''
  versions = {name: importlib.metadata.version(name) for name in ('jax', 'flax', 'numpy')}
  return dict(gan_jax=gan_jax.__version__, revision=revision or 'unknown', **versions)


def compared(records: Mapping[str, Mapping[str, Any]], but: Sequence[str] = ()) -> list[list[str]]:
  """Rows of a table: one for each value that all records have, one column for each record.

  records: title -> what `record` made. Raises InputError where the protocols of a metric differ,
  naming what differs; `but` are the facts that may.
  """
  titles = list(records)
  shared = [m for m in records[titles[0]]['metrics'] if _in_all(m, records)]
  if not shared:
    raise InputError(f'{", ".join(titles)} have no metric in common.')
  rows = [['', *titles]]
  for name in shared:
    of = [records[t]['metrics'][name] for t in titles]
    _check_alike(name, titles, [one['protocol'] for one in of], but)
    for value in of[0]['values']:
      label = name if value == name else f'{name}/{value}'
      rows.append([label, *(f'{one["values"].get(value, np.nan):.6g}' for one in of)])
  return rows


def table(rows: Sequence[Sequence[str]]) -> str:
  """Rows, the first of them the head, in columns that line up."""
  widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
  line = lambda row: '  '.join(
    [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
  ).rstrip()
  return '\n'.join(map(line, rows))


def _check_alike(
  name: str, titles: Sequence[str], protocols: Sequence[Mapping[str, Any]], but: Sequence[str]
) -> None:
  first = protocols[0]
  for title, other in zip(titles[1:], protocols[1:], strict=True):
    differ = [
      f'{key} is {first.get(key, "unsaid")!r} in {titles[0]} and {other.get(key, "unsaid")!r} in '
      f'{title}'
      for key in {**first, **other}
      if first.get(key) != other.get(key) and key not in but
    ]
    if differ:
      raise InputError(
        f'these two {name} are not to be compared: {"; ".join(differ)}. Measure both '
        'alike, or name what may differ in --but.'
      )


def _in_all(metric: str, records: Mapping[str, Mapping[str, Any]]) -> bool:
  return all(metric in one['metrics'] for one in records.values())


def _eval(name: str, options: dict[str, Any], common: Mapping[str, Any]) -> Eval:
  function = find(name)
  taken = list(inspect.signature(function).parameters)[3:]
  configs.refuse_strangers(options, taken, name)
  usual = {key: v for key, v in common.items() if key in taken and v is not None}
  return Eval(name, 1, function, {**usual, **options})


def find(name: str) -> Callable:
  """The eval of that name in any file of `gan_jax/metrics/`, or at a dotted path."""
  if '.' in name:
    return configs.resolve(name, 'metrics')
  having = [m for m, names in vocabulary().items() if name in names]
  if not having:
    return configs.resolve(name, 'metrics')  # which names those that are near
  if len(having) > 1:
    raise InputError(f'{name} is in {" and ".join(having)}: ask for {having[0]}.{name}.')
  return configs.resolve(f'{having[0]}.{name}', 'metrics')


def said(function: Callable) -> str:
  """The first sentence of what an eval says of itself."""
  first = (inspect.getdoc(function) or '').split('\n\n')[0]
  return ' '.join(first.split()).split('. ')[0].rstrip('.')


def vocabulary() -> dict[str, list[str]]:
  """file -> the evals in it: public functions of a sampler, a source and a key."""
  out = {}
  for info in pkgutil.iter_modules(room.__path__):
    module = importlib.import_module(f'{room.__name__}.{info.name}')
    own = [(n, f) for n, f in vars(module).items() if inspect.isfunction(f) and n[0] != '_']
    out[info.name] = [n for n, f in own if f.__module__ == module.__name__ and _is_eval(f)]
  return {file: names for file, names in out.items() if names}


def _is_eval(function: Callable) -> bool:
  first, _, third, *_ = [*inspect.signature(function).parameters, '', '', '']
  return (first, third) == TAKEN and function.__name__ not in ('images', 'look')


def _dotted(node: ast.expr) -> str:
  if isinstance(node, ast.Attribute):
    return f'{_dotted(node.value)}.{node.attr}'
  if isinstance(node, ast.Name):
    return node.id
  raise ValueError(f'{ast.unparse(node)} is no name')


def _options(call: ast.Call) -> dict[str, Any]:
  if call.args or any(k.arg is None for k in call.keywords):
    raise ValueError(f'options of {ast.unparse(call.func)} are given by name')
  return {str(k.arg): _value(k.value) for k in call.keywords}


def _value(node: ast.expr) -> Any:
  """A literal, a bare word for itself, or inception(clean=True) for dict(name='inception', ...)."""
  if isinstance(node, (ast.Name, ast.Attribute)):
    return _dotted(node)
  if isinstance(node, ast.Call):
    return {'name': _dotted(node.func), **_options(node)}
  return ast.literal_eval(node)
