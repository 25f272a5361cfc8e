"""Inception-v3 against torch-fidelity's, with the same random weights, and what it is fed.

Covers: nets/inception.py.
"""

import contextlib

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.data.download import sha256
from gan_jax.features import inception as kit
from gan_jax.features.inception import folded, inception, pytorch_fid
from gan_jax.features.resize import tf1_bilinear
from gan_jax.nets.inception import Inception
from tests.messages import refused
from tests.precision import float64

IMAGES = np.random.default_rng(7).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
SEEN = jax.jit(kit._seen)  # compiled once for all of this file


@pytest.fixture(scope='module')
def state():
  """Random weights by PyTorch's names, with which activations neither die out nor blow up.

  Variances are small, so that what is added to them counts.
  """
  rng = np.random.default_rng(0)
  normal = lambda *shape: rng.standard_normal(shape, np.float32)
  example = jax.ShapeDtypeStruct((1, 299, 299, 3), jnp.float32)
  shapes = jax.eval_shape(Inception().init, jax.random.key(0), example)['params']
  found = {}
  for name, leaf in sorted(flax.traverse_util.flatten_dict(shapes, sep='.').items()):
    if name.endswith('.kernel') and name != 'fc.kernel':
      layer, (kh, kw, i, o) = name.removesuffix('.kernel'), leaf.shape
      kernel = normal(o, i, kh, kw) * np.float32((2.9 / (kh * kw * i)) ** 0.5)
      # What all inputs have in common would drown in what tells them apart: so it is taken out.
      found[f'{layer}.conv.weight'] = kernel - kernel.mean((1, 2, 3), keepdims=True)
      found[f'{layer}.bn.weight'] = 0.1 * (1 + 0.2 * normal(o))
      found[f'{layer}.bn.bias'] = 0.03 * normal(o)
      found[f'{layer}.bn.running_mean'] = 0.03 * normal(o)
      found[f'{layer}.bn.running_var'] = np.float32(0.01) * rng.uniform(0.5, 1.5, o).astype('f4')
  found['fc.weight'] = normal(1008, 2048) * np.float32(2048**-0.5)
  found['fc.bias'] = normal(1008)
  return found


@pytest.fixture(scope='module')
def params(state):
  return folded(state)


@pytest.fixture(scope='module')
def seen(params):
  """What metrics look at of IMAGES."""
  return jax.device_get(SEEN(params, IMAGES))


@pytest.fixture(scope='module')
def trusted(torch_fidelity, state):
  """torch-fidelity's network with these weights, in double precision."""
  import torch
  from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

  outputs = ['64', '192', '768', '2048', 'logits_unbiased']
  tensors = {name: torch.tensor(array) for name, array in state.items()}
  for name in [n for n in state if n.endswith('.running_var')]:
    tensors[name.replace('running_var', 'num_batches_tracked')] = torch.tensor(0)
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(torch, 'load', lambda *_, **__: tensors)
    net = FeatureExtractorInceptionV3('trusted', outputs, feature_extractor_weights_path='none')
  net.feature_extractor_internal_dtype = torch.float64
  threads = torch.get_num_threads()
  torch.set_num_threads(1)  # several would wait for each other where other tests run as well
  yield net.double().eval()
  torch.set_num_threads(threads)


def outputs_of(net, images=IMAGES):
  """{'64', '192', '768', 'features', 'logits', 'spatial'} in the precision of the network.

  torch-fidelity rounds what it returns; so they are taken where they arise.
  """
  import torch

  kept = {}
  taps = dict(features=net.AvgPool, spatial=net.Mixed_6d.branch1x1)
  taps |= {'64': net.MaxPool_1, '192': net.MaxPool_2, '768': net.Mixed_6e}
  hooks = [
    layer.register_forward_hook(lambda _, __, out, name=name: kept.update({name: out}))
    for name, layer in taps.items()
  ]
  with torch.no_grad():
    net(torch.tensor(images).permute(0, 3, 1, 2))
  for hook in hooks:
    hook.remove()
  found = {name: out.permute(0, 2, 3, 1).numpy() for name, out in kept.items()}
  spatial = found.pop('spatial')[..., :7].reshape(len(images), -1)
  found = {name: array.mean((1, 2)) for name, array in found.items()}
  logits = found['features'] @ net.fc.weight.detach().numpy().T
  return {**found, 'spatial': spatial, 'logits': logits}


@pytest.fixture(scope='module')
def expected(trusted):
  return outputs_of(trusted)


def apart(found, expected):
  """The largest difference, by the largest number there is."""
  return float(np.abs(np.asarray(found) - expected).max() / np.abs(expected).max())


@pytest.mark.slow  # a whole Inception, compiled once more in float64
def test_inception_is_torch_fidelitys_in_double_precision(state, expected):
  params = folded({name: array.astype(np.float64) for name, array in state.items()})
  with float64():

    @jax.jit
    def outputs(params, images):
      x = tf1_bilinear(images.astype(jnp.float64), (299, 299))
      return Inception().apply({'params': params}, (x - 128) / 128)

    found = jax.device_get(outputs(params, IMAGES))
  assert set(found) == set(expected)
  for name, values in expected.items():
    assert found[name].dtype == np.float64
    assert apart(found[name], values) < 1e-10, name


@pytest.mark.slow  # needs what PyTorch computes, a whole Inception
def test_inception_is_torch_fidelitys_in_single_precision(seen, expected):
  found = seen
  shapes = {name: array.shape for name, array in found.items()}
  assert shapes == {'features': (2, 2048), 'logits': (2, 1008), 'spatial': (2, 2023)}
  for name, values in found.items():
    assert values.dtype == np.float32
    assert apart(values, expected[name]) < 2e-3, name


def test_inception_gives_the_numbers_of_when_it_was_checked(seen):
  """The same as above where there is no PyTorch: numbers of the run that agreed to 1e-13."""
  found = seen
  means = {name: float(np.mean(array)) for name, array in found.items()}
  assert means == pytest.approx(
    dict(features=0.39662, logits=-0.025239, spatial=0.166572), rel=1e-3
  )
  features = [[0.26123, 0.01245, 0.61422], [0.20353, 0.12138, 0.53462]]
  np.testing.assert_allclose(found['features'][:, 100:103], features, atol=2e-3)
  logits = [[1.14162, -0.00102, 0.07287], [0.99419, -0.06998, 0.00664]]
  np.testing.assert_allclose(found['logits'][:, :3], logits, atol=2e-3)


def test_inception_tells_images_apart_and_shows_grey_ones_as_colour(params, seen):
  grey = SEEN(params, np.repeat(IMAGES[..., :1], 3, -1))
  assert apart(seen['features'][1], np.asarray(grey['features'][1])) > 0.01
  look = jax.eval_shape(kit._seen, params, jax.ShapeDtypeStruct((5, 28, 28, 1), jnp.uint8))
  assert look['features'].shape == (5, 2048)
  with refused('1 or 3 channels', '4'):
    kit._seen(params, np.zeros((1, 8, 8, 4), np.uint8))


@contextlib.contextmanager
def padded_averages(net):
  import torch.nn.functional as F

  plain = F.avg_pool2d
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(F, 'avg_pool2d', lambda x, **o: plain(x, **{**o, 'count_include_pad': True}))
    yield


@contextlib.contextmanager
def an_average_in_the_last_block(net):
  import torch.nn.functional as F

  plain = F.max_pool2d
  average = lambda x, **o: F.avg_pool2d(x, **o, count_include_pad=False)
  changed = lambda x, *a, **o: average(x, **o) if o.get('padding') else plain(x, *a, **o)
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(F, 'max_pool2d', changed)
    yield


@contextlib.contextmanager
def another_epsilon(net):
  import torch

  norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
  for norm in norms:
    norm.eps = 1e-5
  yield
  for norm in norms:
    norm.eps = 1e-3


@contextlib.contextmanager
def resized(by):
  from torch_fidelity import feature_extractor_inceptionv3 as module

  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(module, 'interpolate_bilinear_2d_like_tensorflow1x', by)
    yield


def half_pixels(net):
  import torch.nn.functional as F

  return resized(lambda x, size, **_: F.interpolate(x, size=size, mode='bilinear'))


def another_scale(net):
  from torch_fidelity.interpolate_compat_tensorflow import (
    interpolate_bilinear_2d_like_tensorflow1x as plain,
  )

  return resized(lambda x, **o: (plain(x, **o) - 127.5) / 127.5 * 128 + 128)


MUTATIONS = [
  padded_averages,
  an_average_in_the_last_block,
  another_epsilon,
  half_pixels,
  another_scale,
]


@pytest.mark.slow  # PyTorch computes a whole Inception for each quirk
def test_inception_of_one_other_quirk_would_be_told_apart(trusted):
  """So the equality above is one in every quirk. In single precision, which is quicker."""
  import torch

  net = trusted.float()
  net.feature_extractor_internal_dtype = torch.float32
  features = lambda: outputs_of(net, IMAGES[:1])['features']
  plain, found = features(), {}
  for mutation in MUTATIONS:
    with mutation(net):
      found[mutation.__name__] = apart(features(), plain)
  assert min(found.values()) > 0.01, found
  assert apart(features(), plain) == 0


@pytest.mark.parametrize('kind', ['plain', 'clean', 'pytorch'])
def test_inception_is_fed_as_each_program_does_it(monkeypatch, kind):
  """By what a network that returns its input is given."""
  from PIL import Image

  class Mirror:
    def apply(self, variables, x):
      return dict(features=x, logits=x, spatial=x)

  monkeypatch.setattr(kit, 'Inception', Mirror)
  params = {'fc': {'kernel': np.zeros((1, 1), np.float32)}}
  given = {'plain': kit._seen, 'clean': kit._clean, 'pytorch': kit._as_pytorch_fid}[kind]
  found = given(params, jnp.asarray(IMAGES))['features']
  if kind == 'plain':
    assert apart(found, (np.asarray(tf1_bilinear(IMAGES, (299, 299))) - 128) / 128) == 0
  elif kind == 'clean':
    planes = [Image.fromarray(IMAGES[0, ..., c].astype('f4')) for c in range(3)]
    large = [np.asarray(p.resize((299, 299), Image.Resampling.BICUBIC)) for p in planes]
    assert apart(found[0], (np.stack(large, -1).clip(0, 255) - 128) / 128) < 1e-5
  else:
    torch = pytest.importorskip('torch')
    x = torch.tensor(IMAGES).permute(0, 3, 1, 2) / 255
    x = torch.nn.functional.interpolate(x, size=(299, 299), mode='bilinear', align_corners=False)
    assert apart(found, (2 * x - 1).permute(0, 2, 3, 1).numpy()) < 1e-4


def test_inception_is_made_of_a_file_of_weights(tmp_path, monkeypatch):
  monkeypatch.setattr(kit, 'folded', lambda arrays: {'twice': 2 * arrays['w']})
  at = tmp_path / 'w.npz'
  np.savez(at, w=np.arange(3.0))
  found = inception(at)
  assert found.name == f'inception:{sha256(at)[:8]}'
  np.testing.assert_array_equal(found.weights['twice'], [0, 2, 4])
  assert found.apply is inception(at).apply  # so that it is compiled once
  monkeypatch.setenv('GAN_JAX_INCEPTION', str(at))
  assert inception(clean=True).name == f'inception_clean:{sha256(at)[:8]}'
  assert pytorch_fid().name == f'inception_pytorch_fid:{sha256(at)[:8]}'


def test_folded_refuses_other_weights(state):
  part = {name: array for name, array in state.items() if not name.startswith('Mixed_7c')}
  with refused('Inception', 'Mixed_7c/', 'not there'):
    folded(part)
  with refused('Inception', 'fc/kernel', '(2048, 1000)', '(2048, 1008)'):
    folded({**state, 'fc.weight': state['fc.weight'][:1000]})
  with refused('Inception', "'fc.weight'"):
    folded({})
