"""What every test runs under: four CPU devices, strict broadcasting, caches of its own."""

import os
import pathlib
import tempfile
import warnings

import jax
import pytest

os.environ.setdefault('MPLBACKEND', 'Agg')
# Compiling is most of what the tests do; unoptimised, it takes a fraction of the time, and half of
# that without XLA's newer way to write loops, where it can still be declined.
FLAGS = ['--xla_backend_optimization_level=0']
if jax.__version_info__ < (0, 11):
  FLAGS.append('--xla_cpu_use_fusion_emitters=false')
os.environ['XLA_FLAGS'] = ' '.join([os.environ.get('XLA_FLAGS', ''), *FLAGS])
jax.config.update('jax_num_cpu_devices', 4)
jax.config.update('jax_numpy_rank_promotion', 'raise')
# One for each worker: entries are not written whole or not at all.
CACHE = f'gan_jax_test_cache_{os.environ.get("PYTEST_XDIST_WORKER", "alone")}'
jax.config.update('jax_compilation_cache_dir', os.path.join(tempfile.gettempdir(), CACHE))


@pytest.fixture(scope='session', autouse=True)
def _own_cache(tmp_path_factory):
  """What is packed, trained and looked at in tests is kept out of the user's cache."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setenv('GAN_JAX_DATA', str(tmp_path_factory.mktemp('cache')))
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
