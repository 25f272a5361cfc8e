"""Trusted implementations to compare with; where one is not installed its tests are skipped."""

import warnings

import pytest


@pytest.fixture(scope='session', autouse=True)
def _own_cache(tmp_path_factory):
  """Features of stand-ins are kept out of the user's cache."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setenv('GAN_JAX_DATA', str(tmp_path_factory.mktemp('cache')))
    yield


@pytest.fixture(scope='session')
def torch_fidelity():
  """The package torch-fidelity, which is FID, KID, IS and precision/recall as they are known."""
  torch = pytest.importorskip('torch')
  with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    if not hasattr(torch.ops.torchvision, 'nms'):
      # torchvision asks for its compiled operators, which a CPU build of torch cannot load.
      library = torch.library.Library('torchvision', 'DEF')
      for name in ('nms', 'qnms'):
        library.define(f'{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')
    return pytest.importorskip('torch_fidelity')
