"""The command that reads a data set once, packs it, and shows what it is.

  python -m gan_jax.prepare folder path=photos size=64
  python -m gan_jax.prepare lsun path=/data/bedroom_train_lmdb size=64 processes=4
  python -m gan_jax.prepare mnist split=train+test --verify
  python -m gan_jax.prepare folder path=photos size=64 --distinct

The keys are the arguments of the reader, gan_jax/data/<name>.py. Training reads the same pack. With
--distinct near-duplicates are left out, and a second sheet shows them beside what is kept for them.
"""

import ast
import importlib
import inspect
import pathlib
import pkgutil
import shlex
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from absl import flags

from gan_jax import command, config
from gan_jax.data.source import Source
from gan_jax.errors import InputError


def prepare(spec: Mapping[str, Any], out: str | None = None, verify: bool = False) -> str:
  """What the command prints of dict(name=..., **arguments of the reader).

  Writes the packed set (if it is of that kind) and a contact sheet. Raises InputError.
  """
  from gan_jax.data import cache, pack
  from gan_jax.data.describe import describe
  from gan_jax.data.sheet import write_sheet

  source = config.build(dict(spec), 'data')
  lines = [describe(source)]
  if verify:
    where = source.meta.get('where', {})
    folders = [where] if isinstance(where, str) else list(where.values())
    total = sum(pack.verify(folder) for folder in folders)
    lines.append(
      f'  verified       {total / 1e6:,.1f} MB, as they were packed'
      if folders
      else '  verified       nothing is packed: it is read, and checked, anew each time'
    )
  folder = pathlib.Path(out).expanduser() if out else cache.root() / 'sheets'
  at = source.meta.get('where')
  title = pathlib.Path(at).name if isinstance(at, str) else source.meta['name']
  name = f'{title}-{source.meta["split"]}'
  plain = ''.join(c if c.isalnum() or c in '.+-_' else '_' for c in name)
  lines.append(f'  contact sheet  {write_sheet(source, folder / f"{plain}.png")}')
  lines += _removed(spec, source, folder / f'{plain}-removed.png')
  return '\n'.join([*lines, *_how_to_train(spec)])


def arguments(words: Sequence[str]) -> dict[str, Any]:
  """['folder', 'size=64'] -> dict(name='folder', size=64). InputError for any other form."""
  usage = 'python -m gan_jax.prepare NAME [key=value ...]'
  if not words or '=' in words[0]:
    raise InputError(f'say which data set: {usage}; there are {", ".join(readers())}')
  if odd := [w for w in words[1:] if not w.partition('=')[0].isidentifier() or '=' not in w]:
    raise InputError(f'{odd[0]!r} is not of the form key=value: {usage}')
  name, _, dataset = words[0].partition(':')  # tfds:mnist, as a config has it
  spec: dict[str, Any] = {'name': name, **({'dataset': dataset} if dataset else {})}
  takes = inspect.signature(config.resolve(name, 'data')).parameters
  given = {key: text for key, _, text in (w.partition('=') for w in words[1:])}
  config.refuse_strangers(given, takes, f'data.{name}')
  return spec | {key: _value(key, text, takes[key].annotation) for key, text in given.items()}


def readers() -> list[str]:
  """The names that a config may give: every function of gan_jax.data that reads a split."""
  from gan_jax import data

  return sorted(
    module if function == module else f'{module}.{function}'
    for module in (m.name for m in pkgutil.iter_modules(data.__path__))
    for function in _reading(module)
  )


def _reading(module: str) -> Iterator[str]:
  loaded = importlib.import_module(f'gan_jax.data.{module}')
  for name, function in vars(loaded).items():
    if inspect.isfunction(function) and function.__module__ == loaded.__name__ and name[0] != '_':
      split = inspect.signature(function).parameters.get('split')
      if split and split.default is not split.empty:
        yield name


def _value(key: str, text: str, kind: Any) -> Any:
  """The text as a value of the annotated kind: a number, a tuple, None, or else the text itself."""
  kinds = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
  classes = tuple(typing.get_origin(k) or k for k in kinds)
  try:
    value = ast.literal_eval(text)
  except (ValueError, SyntaxError):  # a path, a split: text without quotes
    value = text
  if str in classes and value is not None:  # a folder may be called 2024
    return text
  allowed = (*classes, int) if float in classes else classes
  if isinstance(value, allowed) and not isinstance(value, str):  # text is a Sequence too
    return value
  wanted = kind.__name__ if isinstance(kind, type) else str(kind).replace('collections.abc.', '')
  raise InputError(f'{key}={text} is not what it takes: {wanted}')


def _removed(spec: Mapping[str, Any], source: Source, sheet: pathlib.Path) -> Iterator[str]:
  """What was left out, and a sheet of it: each image beside the one that is kept for it."""
  from gan_jax.data import distinct
  from gan_jax.figures import grids

  found = source.meta.get('removed') or {}
  parts = {'train': found} if 'count' in found else {k: v for k, v in found.items() if v}
  for name, removed in parts.items():
    yield f'  removed        {removed["count"]:,} of {removed["of"]:,} near-duplicates'
    if removed['count']:
      path = sheet.with_stem(sheet.stem + ('' if len(parts) == 1 else f'-{name}'))
      grids.save(path, distinct.side_by_side(spec['of'], removed, name), columns=10)
      yield f'  removed sheet  {path}, each beside the one that is kept'


def _how_to_train(spec: Mapping[str, Any]) -> Iterator[str]:
  """The lines to put into a config, and the command where an experiment is of this kind."""
  given = ', '.join(f'{key}={value!r}' for key, value in spec.items())
  yield '\nTo train on it, in a config:'
  yield f'  data=dict({given})'
  stem = str(spec['name']).partition('.')[0]
  known = sorted(pathlib.Path('experiments').glob(f'*_{stem}.py'))
  if stem == 'folder' or known:
    path = known[0] if known else pathlib.Path('experiments/dcgan_folder.py')
    keys = ''.join(
      f' --config.data.{k}={shlex.quote(str(v))}'
      for k, v in spec.items()
      if (k, v) != ('name', stem)
    )
    yield 'or from the command line:'
    yield f'  python -m gan_jax.main --config={path}{keys} --workdir=runs/{path.stem}'


def main(argv: Sequence[str]) -> None:
  """Prints what `prepare` says of the words of the command line."""
  spec = arguments(argv[1:])
  if flags.FLAGS.distinct:
    spec = dict(name='distinct', of=spec, **({'split': spec['split']} if 'split' in spec else {}))
  print(prepare(spec, flags.FLAGS.out, flags.FLAGS.verify))


if __name__ == '__main__':
  flags.DEFINE_bool('verify', False, 'Read the packed set whole and compare its digests.')
  flags.DEFINE_bool('distinct', False, 'Leave out near-duplicates, by data.distinct.')
  flags.DEFINE_string('out', None, 'Folder for the contact sheet; in the cache by default.')
  flags.FLAGS.set_gnu_getopt(True)  # flags may stand after the words
  command.start(main)
