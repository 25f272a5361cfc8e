"""What the numbers were taken on."""

import importlib.metadata
import os
import pathlib
import platform
import shutil
import subprocess

FLAGS = ('avx2', 'avx512f', 'avx512_bf16', 'amx_tile', 'amx_bf16')
PACKAGES = ('gan_jax', 'jax', 'jaxlib', 'flax', 'optax', 'torch')


def described() -> str:
  """A Markdown list: processor, cores, instruction sets, memory, GPU, versions, revision, load."""
  cpu = _cpuinfo()
  flags = [flag for flag in FLAGS if flag in cpu.get('flags', '').split()]
  lines = {
    'CPU': f'{cpu.get("model name", platform.processor() or platform.machine())}, {cores()} cores',
    'instruction sets': ', '.join(flags) or 'unknown',
    'memory': f'{_memory() / 2**30:.1f} GiB',
    'GPU': _output('nvidia-smi', '--query-gpu=name,driver_version', '--format=csv,noheader')
    or 'none',
    'system': f'{platform.system()} {platform.release()}, Python {platform.python_version()}',
    'versions': ', '.join(f'{name} {_version(name)}' for name in PACKAGES),
    'revision': _revision(),
    'load at the start': f'{os.getloadavg()[0]:.2f}' if hasattr(os, 'getloadavg') else 'unknown',
  }
  return '\n'.join(f'- {name}: {value}' for name, value in lines.items())


def cores() -> int:
  """How many cores this process may use."""
  if hasattr(os, 'sched_getaffinity'):
    return len(os.sched_getaffinity(0))
  return os.cpu_count() or 1


def _cpuinfo() -> dict[str, str]:
  path = pathlib.Path('/proc/cpuinfo')
  if not path.exists():
    return {}
  first = path.read_text().split('\n\n')[0]
  pairs = [line.partition(':') for line in first.splitlines()]
  return {name.strip(): value.strip() for name, _, value in pairs}


def _memory() -> int:
  try:
    return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
  except (ValueError, AttributeError):  # not on this system
    return 0


def _version(package: str) -> str:
  try:
    return importlib.metadata.version(package)
  except importlib.metadata.PackageNotFoundError:
    return '(not installed)'


def _revision() -> str:
  here = str(pathlib.Path(__file__).parent)
  revision = _output('git', '-C', here, 'rev-parse', '--short', 'HEAD')
  changed = _output('git', '-C', here, 'status', '--porcelain')
  return (revision or 'unknown') + (', with changes not committed' if changed else '')


def _output(*command: str) -> str:
  """What the command prints, on one line; '' where there is no such command or it fails."""
  if not shutil.which(command[0]):
    return ''
  done = subprocess.run(command, capture_output=True, text=True, check=False)
  return '; '.join(done.stdout.strip().splitlines()) if done.returncode == 0 else ''
