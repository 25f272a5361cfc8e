"""How a config becomes objects: `dict(name='r1', weight=5.0)` is `penalties.r1(weight=5.0)`.

A name is looked up in the room (the part of this package) that its place in the config says, and
then as an absolute dotted name, so `name='my_lab.my_gan.loss'` needs no registration. What is left
of the dict are the function's keyword arguments: a misspelt one is refused, with the nearest right
one, before anything is compiled.
"""

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import ml_collections

from gan_jax.errors import InputError

# Keys whose values are themselves built, and the room in which their names are looked up.
ROOMS = {
  'augmentations': 'augmentations',
  'likelihood': 'likelihoods',
  'pair': 'pairs',
  'penalties': 'penalties',
  'prior': 'priors',
  'reparam': 'nets',
  'tx': 'optim',
}
# Keys whose values are left as they are described: the function builds them itself, as data sources
# do that are made of another source, at whatever split they are asked for.
UNBUILT = ('of',)
# A room whose vocabulary goes on in another library.
ANNEXES = {
  'optim': ('optax', 'optax.contrib'),
  # wrappers of a file of their own, and schedules
  'objectives.wrappers': ('gan_jax.objectives', 'gan_jax.optim', 'optax'),
  'penalties': ('gan_jax.optim', 'optax'),
}


# What every config has, and says only if it differs.
DEFAULTS = dict(
  seed=0,
  start=None,
  prior=None,
  transform=(),
  wrappers=(),
  precision='float32',
  ema={},
  evals={},
  devices=None,
  parallel='jitted',
  rounds_per_call=1,
  accumulate=1,
  resident_mb=2048,
  resident_parts=1,
  log_every=100,
  watch=None,
  checkpoint=dict(every=1000, keep=2),
  finish=('figures.timelapse.timelapse', 'figures.curves.curves'),
)


class Later(NamedTuple):
  """Something `build` can offer that is costly: made only if it is taken."""

  make: Callable[[], Any]


def resolve(name: str, room: str) -> Callable:
  """The function called `name` in gan_jax.<room>, in the room's annexe, or anywhere by its path.

  'hinge' in 'pairs' is gan_jax.pairs.hinge; 'dcgan.Generator' in 'nets' is
  gan_jax.nets.dcgan.Generator; a bare 'mnist' in 'data' is gan_jax.data.mnist.mnist. Raises
  InputError with the nearest names if there is none.
  """
  base = f'gan_jax.{room}' if room else 'gan_jax'
  places = [f'{base}.{name}', f'{base}.{name}.{name}']
  annexes = ANNEXES.get(room, ())
  places += [f'{annexe}.{path}' for annexe in annexes for path in (name, f'{name}.{name}')]
  for path in [*places, name]:
    module, _, attribute = path.rpartition('.')
    found = getattr(_module(module), attribute, None) if module else None
    # What a module of ours merely imported is none of its vocabulary.
    if callable(found) and (path not in places[:2] or _is_ours(found, base)):
      return found
  words = [*_names_in(base), *(n for annexe in ANNEXES.get(room, ()) for n in dir(_module(annexe)))]
  near = difflib.get_close_matches(name, words, n=3)
  hint = f' Did you mean {_or(near)}?' if near else ''
  raise InputError(f'{base} has nothing called {name!r}, and it is no path of its own.{hint}')


def build(spec: str | Mapping[str, Any], room: str, **given: Any) -> Any:
  """What `spec`, a name or dict(name=..., **keyword arguments), stands for in that room.

  `given` are arguments that the program has to offer, e.g. the shape of an image: each goes in if
  the function takes it and the config does not say otherwise, and, where the function has a
  default of its own, not at all. Raises InputError for an unknown name or argument, or one missing.
  """
  spec = plain(spec) if isinstance(spec, ml_collections.ConfigDict) else spec
  if not isinstance(spec, (str, Mapping)):
    return spec  # already what it stands for: the functions serve without configs too
  options = {'name': spec} if isinstance(spec, str) else dict(spec)
  if 'name' not in options:
    raise InputError(f'a {room} entry must say its name=...; this one says {_or(options)}.')
  name = options.pop('name')
  function = resolve(name, room)
  parameters = inspect.signature(function).parameters
  if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
    refuse_strangers(options, parameters, f'{room}.{name}')
  for key, value in given.items():
    required = key in parameters and parameters[key].default is inspect.Parameter.empty
    if required and key not in options:
      options[key] = value.make() if isinstance(value, Later) else value
  missing = [
    n for n, p in parameters.items()
    if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    and options.get(n) is None  # absent, or a placeholder that nobody filled
  ]  # fmt: skip
  if missing:
    raise InputError(
      f'{room}.{name} needs {_or(missing, "and")}, which the config leaves open: '
      f'give --config.{room}.{missing[0]}=..., or write it into the file.'
    )
  arguments = {key: _value(key, value, room) for key, value in options.items()}
  try:
    return function(**arguments)
  except TypeError as error:
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):  # it handed on a wrong keyword
      raise InputError(f'{room}.{name}: {error}.') from error
    raise


def _value(key: str, value: Any, room: str) -> Any:
  """An argument, built if it is itself a description."""
  if key in UNBUILT:
    return value
  inner = ROOMS.get(key, room)
  described = isinstance(value, Mapping) and 'name' in value
  if described or (key in ROOMS and isinstance(value, str)):
    return build(value, inner)
  if type(value) in (tuple, list):  # not a NamedTuple, which is an object already
    return tuple(_value(key, v, room) for v in value)
  return value


def parse_arg(arg: str | None, **defaults: Any) -> ml_collections.ConfigDict:
  """The text after the colon of `--config=file.py:tiny,size=32`, typed by the defaults.

  A bare word sets a bool to True. Raises InputError for a word that the config does not take.
  """
  out = dict(defaults)
  for word in filter(None, (arg or '').split(',')):
    key, _, text = word.partition('=')
    if key not in defaults:
      raise InputError(f'this config takes {_or(defaults, "and")} after the colon, not {key!r}.')
    out[key] = _typed(key, text, defaults[key])
  return ml_collections.ConfigDict(out)


def _typed(key: str, text: str, default: Any) -> Any:
  if isinstance(default, bool):
    if text.lower() in ('', 'true', '1', 'false', '0'):
      return text.lower() in ('', 'true', '1')
    raise InputError(f'{key} is true or false, not {text!r}.')
  try:
    return type(default)(text)
  except ValueError:
    raise InputError(f'{key} is of type {type(default).__name__}; {text!r} is not.') from None


def experiment(config: Mapping[str, Any]) -> ml_collections.ConfigDict:
  """What a config file returns: its entries and the defaults, all open to --config.key=value."""
  entries = {**DEFAULTS, **config}
  if entries['devices'] is None:  # all there are; None itself could not be overridden
    entries['devices'] = ml_collections.config_dict.placeholder(int)
  return ml_collections.ConfigDict(entries)


def tiny(
  config: Mapping[str, Any], shape: Sequence[int] | None = None, **changes: Any
) -> dict[str, Any]:
  """The config cut down to a run of seconds: four rounds of few examples, each eval once or twice.

  With a `shape` (H, W, C) the data are made up, so that it runs where there are none. `changes` are
  dotted keys with dots as double underscores (nets__G__width=4), for what is big in this config.
  The game itself stays what it is.
  """
  out = plain(config)
  short = dict(rounds=4, rounds_per_call=2, batch=8, log_every=2, checkpoint=dict(every=2, keep=2))
  out |= short
  for name, own in out.get('stages', {}).items():
    out['stages'][name] = {key: value for key, value in own.items() if key not in short}
  out['evals'] = {name: {**spec, 'every': 4} for name, spec in out.get('evals', {}).items()}
  if shape:
    out['data'] = dict(name='synthetic', split='train', shape=tuple(shape), n=64)
  for key, value in changes.items():
    *path, last = key.split('__')
    at = out
    for part in path:
      at = at[part]
    at[last] = value
  return out


def overlay(common: Any, own: Any) -> Any:
  """`own` laid over `common`: dicts are joined, key by key; of all else `own` is taken."""
  if not (isinstance(common, Mapping) and isinstance(own, Mapping)):
    return own
  both = {k: overlay(common[k], own[k]) for k in own if k in common}
  return {**common, **own, **both}


def plain(config: Any) -> Any:
  """The config as dicts, lists, strings and numbers, as JSON would give it back."""
  if isinstance(config, ml_collections.FieldReference):  # a placeholder that was not filled: None
    config = config.get()
  if isinstance(config, ml_collections.ConfigDict):
    config = config.to_dict()
  if isinstance(config, Mapping):
    return {str(k): plain(v) for k, v in config.items()}
  if isinstance(config, (tuple, list)):
    return [plain(v) for v in config]
  if hasattr(config, 'item'):
    return config.item()
  return config


def differences(old: Any, new: Any, at: str = '') -> dict[str, tuple[Any, Any]]:
  """Dotted key -> (old, new) wherever two plain configs differ; a missing value is '(absent)'."""
  if isinstance(old, dict) and isinstance(new, dict):
    out: dict[str, tuple[Any, Any]] = {}
    for key in sorted(set(old) | set(new)):
      path = f'{at}.{key}' if at else key
      out |= differences(old.get(key, '(absent)'), new.get(key, '(absent)'), path)
    return out
  return {} if old == new else {at: (old, new)}


def refuse_strangers(options: Iterable[str], parameters: Iterable[str], where: str) -> None:
  """Raises InputError for an option that is not among the parameters, with the nearest that is."""
  parameters = list(parameters)
  for key in options:
    if key not in parameters:
      near = difflib.get_close_matches(key, parameters, n=1)
      hint = f'did you mean {near[0]!r}?' if near else f'it takes {_or(parameters, "and")}.'
      raise InputError(f'{where} takes no argument {key!r}; {hint}')


def _module(name: str) -> Any:
  """The module of that dotted name, or None if there is none; errors inside one come through."""
  try:
    return importlib.import_module(name)
  except ModuleNotFoundError as error:
    missing = error.name or ''
    if name == missing or name.startswith(missing + '.'):
      return None
    raise


def _names_in(base: str) -> list[str]:
  """The public functions of a room, those of its modules with the module's name before them."""
  module = _module(base)
  names = _vocabulary(module, base)
  for info in pkgutil.iter_modules(getattr(module, '__path__', [])):
    inner = _vocabulary(_module(f'{base}.{info.name}'), base)
    names += [info.name if n == info.name else f'{info.name}.{n}' for n in inner]
  return names


def _vocabulary(module: Any, base: str) -> list[str]:
  return [n for n, v in vars(module).items() if _is_ours(v, base) and not n.startswith('_')]


def _is_ours(value: Any, base: str) -> bool:
  return callable(value) and (getattr(value, '__module__', None) or '').startswith(base)


def _or(names: Any, word: str = 'or') -> str:
  names = [str(n) for n in names]
  return f' {word} '.join([', '.join(names[:-1]), names[-1]]) if len(names) > 1 else ''.join(names)
