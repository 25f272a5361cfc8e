"""What every test runs under: four CPU devices, strict broadcasting, folders of its own.

tests/budget.py counts processor time, tests/store.py keeps compiled programs, tests/runs.py holds
small trained runs, tests/configs.py their configs, tests/commands.py starts commands.
"""

import os

# Before NumPy is there: each worker has one core, where threads that wait for one another burn it.
os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')
os.environ.setdefault('OMP_NUM_THREADS', '1')

import ctypes
import functools
import gc
import inspect
import itertools
import pathlib
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator
from types import ModuleType

import jax
import numpy as np
import pytest

from tests import budget, commands, runs, store
from tests.configs import use_native
from tests.precision import float64

os.environ.setdefault('MPLBACKEND', 'Agg')
# Compiling is most of what the tests do; unoptimised, in one piece, with nothing inlined it takes
# a fraction of the time, and half of that without XLA's newer way to write loops, where it can
# still be declined.
FLAGS = [
  '--xla_backend_optimization_level=0',
  '--xla_cpu_parallel_codegen_split_count=1',
  '--xla_llvm_force_inline_before_split=false',
]
if jax.__version_info__ < (0, 11):
  FLAGS.append('--xla_cpu_use_fusion_emitters=false')
os.environ['XLA_FLAGS'] = ' '.join([os.environ.get('XLA_FLAGS', ''), *FLAGS])
os.environ['JAX_PLATFORMS'] = 'cpu'
jax.config.update('jax_platforms', 'cpu')
jax.config.update('jax_num_cpu_devices', 4)
jax.config.update('jax_numpy_rank_promotion', 'raise')
gc.set_threshold(50_000, 20, 20)  # traces are millions of objects, of which few are garbage

_COUNT = itertools.count()
HELD = 1_200  # MiB of a worker, from which on compiled programs are let go


def pytest_configure(config: pytest.Config) -> None:
  """Programs are kept, those that compile in no time too: there are thousands of them."""
  config.pluginmanager.register(budget)
  if config.getoption('numprocesses', None) and not hasattr(config, 'workerinput'):
    return  # the process that hands out the tests runs none
  own = store.begin()
  config.add_cleanup(lambda: store.end(own))
  for name, value in (
    ('jax_compilation_cache_dir', str(own)),
    ('jax_persistent_cache_min_compile_time_secs', 0.0),
    ('jax_persistent_cache_min_entry_size_bytes', 0),
    ('jax_persistent_cache_enable_xla_caches', 'none'),  # whose folder would be part of every key
  ):
    jax.config.update(name, value)
    os.environ[name.upper()] = str(value)  # for commands


@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish(nodeid: str) -> None:
  """A worker that has grown lets go of what it has compiled; the folder still has it."""
  if budget.resident() > HELD:
    jax.clear_caches()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


@pytest.fixture(scope='session', autouse=True)
def _caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pathlib.Path]:
  """What is packed, trained and looked at in tests is kept out of the user's cache."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setenv('GAN_JAX_DATA', str(tmp_path_factory.mktemp('cache')))
    yield pathlib.Path(os.environ['GAN_JAX_DATA'])


@pytest.fixture(autouse=True)
def _own_cache(_caches: pathlib.Path) -> Iterator[None]:
  """And in one test is not there for another, whatever ran before it."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setenv('GAN_JAX_DATA', str(_caches / str(next(_COUNT))))
    yield


@pytest.fixture(autouse=True)
def _own_commands() -> Iterator[None]:
  """A test that fails leaves no command behind."""
  yield
  commands.end()


@functools.cache
def _generators(module: ModuleType) -> list[tuple[np.random.Generator, dict]]:
  """The generators of a test's module and of those whose functions it uses, as each begins."""
  lenders = {f.__module__ for f in vars(module).values() if inspect.isfunction(f)}
  return [
    (value, dict(np.random.PCG64(zlib.crc32(name.encode())).state))
    for name in sorted({module.__name__, *lenders}) if name.startswith('tests.')
    for value in vars(sys.modules[name]).values() if isinstance(value, np.random.Generator)
  ]  # fmt: skip


@pytest.fixture(autouse=True)
def _draws_of_its_own(request: pytest.FixtureRequest) -> None:
  """Generators of modules begin anew, so that no test draws what others left; by the module's name.

  A fixture for many tests is made before, and brings a generator of its own.
  """
  for generator, begin in _generators(request.module):
    generator.bit_generator.state = begin


@pytest.fixture(scope='session')
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], pathlib.Path]]:
  """kind -> the folder of a small run of that kind (tests/runs.py), which is only to be read."""
  folder = tmp_path_factory.getbasetemp()
  if 'PYTEST_XDIST_WORKER' in os.environ:
    folder = folder.parent  # of all workers
  folder /= 'trained'
  folder.mkdir(exist_ok=True)
  yield lambda kind: runs.trained(kind, folder)
  written = runs.changed(folder)
  assert not written, f'a test has written into what is shared: {", ".join(written)}'


@pytest.fixture
def native_convolutions(monkeypatch: pytest.MonkeyPatch) -> None:
  """Convolutions as XLA's own single operations, which compile several times faster.

  For tests of what is built of convolutions. That the forms used otherwise on CPU are equal to
  these, in value and both gradients, is proved in tests/ops.
  """
  use_native(monkeypatch.setattr)


@pytest.fixture
def double() -> Iterator[None]:
  """Float64 throughout."""
  with float64():
    yield


@pytest.fixture(scope='session')
def real_data() -> pathlib.Path:
  """The folder of real images that may lie beside the repository; skips the test without it."""
  folder = pathlib.Path(__file__).parents[2] / 'shared' / 'data'
  if not folder.is_dir():
    pytest.skip('no real images beside the repository')
  return folder


@pytest.fixture(scope='session')
def torch_fidelity():
  """The package torch-fidelity: FID, KID, IS, precision/recall and Inception as they are known.

  Skips the test where it is not installed.
  """
  torch = pytest.importorskip('torch')
  with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    if not hasattr(torch.ops.torchvision, 'nms'):
      # torchvision asks for its compiled operators, which a CPU build of torch cannot load.
      library = torch.library.Library('torchvision', 'DEF')
      for name in ('nms', 'qnms'):
        library.define(f'{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')
    return pytest.importorskip('torch_fidelity')
