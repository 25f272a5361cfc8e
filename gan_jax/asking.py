"""Evals by name, asked for as calls are written: `fid, kid(n=5000, features=pixels), parzen`.

The names are those of evals in a room of the package, `metrics` or `figures`, with their file
before them where two files have one of the name, or dotted paths of your own. An eval is a function
of a sampler, a source and a key; in `figures` there are functions of a run's folder besides.
"""

import ast
import difflib
import importlib
import inspect
import pathlib
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from gan_jax import config as configs
from gan_jax.errors import InputError
from gan_jax.loop import Eval

SHARED = 'images', 'look'  # what evals themselves call; it has their parameters and is none


def asked(text: str, room: str = 'metrics', **common: Any) -> list[Eval]:
  """'fid, kid(n=5000)' as evals, each with those of the `common` options that it takes.

  Raises InputError for a name that there is not, or an option that it does not take.
  """
  return [_eval(name, room, options, common) for name, options in _calls(text, room)]


def call(text: str, room: str) -> Callable:
  """'local(slots=2)' as a function of its first parameter, the options filled in.

  Raises InputError for a name that is not in the room, an option that it does not take, or one that
  must be given and is not.
  """
  found = _calls(text, room)
  if len(found) != 1:
    raise InputError(f'one of the {room} is asked for, not {text!r}.')
  ((name, options),) = found
  function = configs.resolve(name, room)
  _, *taken = inspect.signature(function).parameters.values()
  configs.refuse_strangers(options, [option.name for option in taken], name)
  must = [option.name for option in taken if option.default is option.empty]
  if missing := [option for option in must if option not in options]:
    raise InputError(f'{name} must be given {" and ".join(missing)}, as {name}({missing[0]}=...).')
  return partial(function, **options)


def find(name: str, room: str = 'metrics') -> Callable:
  """The function of that name in any file of the room, or at a dotted path."""
  if '.' in name:
    return configs.resolve(name, room)
  there = vocabulary(room)
  having = [file for file, names in there.items() if name in names]
  if not having:
    near = difflib.get_close_matches(name, [n for names in there.values() for n in names], 3)
    hint = f' Did you mean {" or ".join(near)}?' if near else ' --list tells what there is.'
    raise InputError(f'none of the {room} is called {name!r}.{hint}')
  if len(having) > 1:
    raise InputError(f'{name} is in {" and ".join(having)}: ask for {having[0]}.{name}.')
  return configs.resolve(f'{having[0]}.{name}', room)


def vocabulary(room: str = 'metrics') -> dict[str, list[str]]:
  """file -> what can be asked for of it: its public evals, and functions of a run's folder."""
  out = {}
  package = importlib.import_module(f'gan_jax.{room}')
  for info in pkgutil.iter_modules(package.__path__):
    if info.name == '__main__':
      continue
    module = importlib.import_module(f'{package.__name__}.{info.name}')
    own = [(n, f) for n, f in vars(module).items() if inspect.isfunction(f) and n[0] != '_']
    own = [(n, f) for n, f in own if f.__module__ == module.__name__]
    out[info.name] = [n for n, f in own if is_eval(f) or is_of_folder(f)]
  return {file: names for file, names in out.items() if names}


def listing(room: str) -> Iterator[str]:
  """A line for each name of `vocabulary`, with what it says of itself."""
  for file, names in vocabulary(room).items():
    for name in names:
      whole = f'{file}.{name}'
      yield f'{whole:32} {said(find(whole, room))}'


def is_eval(function: Callable) -> bool:
  """Whether it takes a sampler, a source and a key."""
  first, _, third, *_ = [*inspect.signature(function).parameters, '', '', '']
  return (first, third) == ('sampler', 'key') and function.__name__ not in SHARED


def is_of_folder(function: Callable) -> bool:
  """Whether it makes files of the folder of a run, and need not be told more."""
  signature = inspect.signature(function)
  must = [n for n, p in signature.parameters.items() if p.default is p.empty]
  return must == ['workdir'] and signature.return_annotation == list[pathlib.Path]


def said(function: Callable) -> str:
  """The first sentence of what an eval says of itself, without what it returns."""
  first = ' '.join((inspect.getdoc(function) or '').split('\n\n')[0].split())
  return re.sub(r'^\{.*?\}: ', '', first).split('. ')[0].rstrip('.')


def _calls(text: str, room: str) -> list[tuple[str, dict[str, Any]]]:
  """The names, and the options of each."""
  try:
    entries = ast.parse(f'[{text}]', mode='eval').body.elts  # type: ignore[attr-defined]
    return [(_dotted(e.func), _options(e)) if isinstance(e, ast.Call) else (_dotted(e), {})
            for e in entries]  # fmt: skip
  except (SyntaxError, ValueError) as error:
    raise InputError(
      f'{room} are asked for like name, name(n=5000, features=pixels); this is {text!r}: {error}.'
    ) from None


def _eval(name: str, room: str, options: dict[str, Any], common: Mapping[str, Any]) -> Eval:
  function = find(name, room)
  taken = list(inspect.signature(function).parameters)[3 if is_eval(function) else 1 :]
  configs.refuse_strangers(options, taken, name)
  usual = {key: v for key, v in common.items() if key in taken and v is not None}
  return Eval(name, 1, function, {**usual, **options})


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
  """A literal, a bare word (or -word) for itself, or f(clean=True) for dict(name='f', ...)."""
  if isinstance(node, (ast.Name, ast.Attribute)):
    return _dotted(node)
  if isinstance(node, ast.Call):
    return {'name': _dotted(node.func), **_options(node)}
  if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Name):
    return ast.unparse(node)
  return ast.literal_eval(node)
