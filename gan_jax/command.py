"""What the commands have in common: how they start, and how they end when something is wrong."""

import os
import pathlib
import sys
import threading
from collections.abc import Callable

from absl import app, logging

from gan_jax.errors import Collapsed, Diverged, InputError, Interrupted


def start(main: Callable[[list[str]], int | None]) -> None:
  """Runs an absl `main`; what is addressed to the user becomes one line on stderr and a status."""
  _keep_compiled()
  threading.excepthook = lambda failed: print(f'gan_jax: {failed.exc_value}', file=sys.stderr)

  def guarded(argv: list[str]) -> int | None:
    logging.set_verbosity(logging.WARNING)  # jax tells at length which backends are not there
    try:
      return main(argv)
    except (InputError, Diverged, Collapsed) as error:
      # What libraries that failed still have to say at the exit was said in the line below.
      sys.excepthook, sys.unraisablehook = (lambda *told: None), (lambda told: None)
      return _say(error, 1)
    except Interrupted as stop:
      return _say(stop, stop.status)
    except OSError as error:  # a full disk, a folder that went away
      return _say(f'{error.filename or "a file"}: {error.strerror or error}.', 1)
    except KeyboardInterrupt:
      return _say('stopped; what was saved before is still there.', 130)

  try:
    app.run(guarded, flags_parser=_parse)
  except InputError as error:  # a config file that was given a wrong argument
    sys.exit(_say(error, 1))


def _parse(argv: list[str]) -> list[str]:
  from absl import flags

  try:
    return flags.FLAGS(argv)
  except flags.Error as error:
    sys.exit(_say(error, 1))
  except FileNotFoundError as error:
    sys.exit(_say(f'there is no file {error.filename}.', 1))
  except (AttributeError, KeyError, TypeError, ValueError) as error:
    # ml_collections reports a wrong --config.key=value through any of these
    text = ' '.join(str(a) for a in error.args)
    sys.exit(_say(f'the config cannot take what the command line gives it: {text}', 1))


def _say(text: object, status: int) -> int:
  print(f'gan_jax: {" ".join(str(text).split())}', file=sys.stderr, flush=True)
  return status


def _keep_compiled() -> None:
  """Compiled programs are kept between runs, unless the environment says where or not to."""
  cache = (
    pathlib.Path(os.environ.get('XDG_CACHE_HOME', '~/.cache')).expanduser() / 'gan_jax' / 'xla'
  )
  os.environ.setdefault('JAX_COMPILATION_CACHE_DIR', str(cache))
