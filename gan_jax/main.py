"""Trains what a config describes.

  python -m gan_jax.main --config=experiments/gan_digits.py
  python -m gan_jax.main --config=experiments/dcgan_mnist.py:pair=hinge --workdir=runs/hinge
  python -m gan_jax.main --config=experiments/dcgan_folder.py --config.data.path=photos
  python -m gan_jax.main --config=experiments/gan_mixture.py --vary=seed=0:8

The same command goes on from the last checkpoint if it was stopped. A config may name its `driver`,
an outer loop that calls `train.run` (stages.run, boosting.run): the command is the same.

On several hosts the same command is given on each, with --coordinator (see hosts.py).
"""

import os
import pathlib
import re
import sys
from collections.abc import Sequence

from absl import app, flags
from ml_collections import config_flags

from gan_jax import command
from gan_jax import config as configs
from gan_jax.errors import InputError

_CONFIG = config_flags.DEFINE_config_file('config', None, 'The experiment: a file, as FILE.py:ARG.')
_WORKDIR = flags.DEFINE_string(
  'workdir', None, 'Where the run lives. By default runs/ and a name that says what was asked for.'
)
_VARY = flags.DEFINE_multi_string(
  'vary',
  [],
  'Trains a population as one program: KEY=FROM:TO or KEY=VALUE,VALUE, a key of the config and the '
  'values that it takes; given several times, every combination. A * stands for every key there.',
)
_DRY_RUN = flags.DEFINE_bool('dry_run', False, 'Only says what the run would take.')
_COORDINATOR = flags.DEFINE_string(
  'coordinator', None, 'Of several hosts that play one run: HOST:PORT of the first one, or auto.'
)
_PROCESSES = flags.DEFINE_integer('processes', None, 'How many hosts there are.')
_PROCESS = flags.DEFINE_integer('process', None, 'Which of them this is, from 0.')


def default_workdir(
  path: str, overrides: dict[str, object], vary: Sequence[str] = ()
) -> pathlib.Path:
  """runs/dcgan_mnist-pair=hinge-seed=3: the config's file, its argument, what else was asked."""
  file, _, arg = path.partition(':')
  words = [pathlib.Path(file).stem, *arg.split(',')]
  words += [f'{key.split(".")[-1]}={value}' for key, value in sorted(overrides.items())]
  words += [re.sub(r'^[^=]*\.', '', word) for word in vary]
  return pathlib.Path('runs') / '-'.join(re.sub(r'[^\w.=+]+', '_', w) for w in words if w)


def main(argv: list[str]) -> int:
  """Parses nothing more: absl has read the flags."""
  if len(argv) > 1:
    raise app.UsageError(f'{argv[1]!r} is no flag; options are written --config.key=value')
  from gan_jax import costs, hosts, population, runs  # here, so that --help need not wait for jax

  if _COORDINATOR.value:
    hosts.connect(_COORDINATOR.value, _PROCESSES.value, _PROCESS.value)
    if not hosts.first():
      sys.stdout = open(os.devnull, 'w')  # noqa: SIM115 - to the end; one of them speaks
  try:
    config = _CONFIG.value
  except OSError as error:  # with the whole story of where it was looked for; its end says what
    raise InputError(f'the config cannot be read: {str(error).splitlines()[-1].strip()}') from error
  overrides = configs.plain(config_flags.get_override_values(flags.FLAGS['config']))
  path = config_flags.get_config_filename(flags.FLAGS['config'])
  telling = {k: v for k, v in overrides.items() if k.split('.')[0] not in runs.FREE}
  workdir = _WORKDIR.value or default_workdir(path, telling, _VARY.value)
  print(f'workdir  {workdir}')
  vary = population.parse(_VARY.value) or None
  if vary:
    population.a_device_for_each_core()
  driver = config.get('driver', 'train.run')
  if _DRY_RUN.value:
    if driver != 'train.run':
      raise InputError(
        f'--dry_run is for one run; {driver} plays several, each with its own costs.'
      )
    for line in costs.lines(config, workdir, vary):
      print(line)
    return 0
  configs.resolve(driver, '')(config, workdir, vary)
  return 0


if __name__ == '__main__':
  flags.mark_flag_as_required('config')
  command.start(main)
