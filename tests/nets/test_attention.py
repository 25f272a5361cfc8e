"""Self-attention against NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.nets import layers, sagan
from gan_jax.nets.attention import Attention
from gan_jax.nets.spectral_norm import spectral_norm
from tests.nets.drawn import spec, weights

KEY = jax.random.key(0)
X = np.random.default_rng(0).normal(size=(2, 4, 6, 16)).astype(np.float32)


def pooled(a):
  """The largest of each 2x2, [H,W,C] -> [H·W/4, C]."""
  h, w, c = a.shape
  return a.reshape(h // 2, 2, w // 2, 2, c).max((1, 3)).reshape(-1, c)


@pytest.fixture(scope='module')
def block():
  """The layer as a network, and its initial weights."""
  net = layers.net(Attention(), spec(X.shape))
  return net, net.init(KEY)


def test_attention_is_the_papers(block):
  net, params = block
  assert {n: p['kernel'].shape for n, p in params.items() if n != 'gamma'} == {
    'query': (16, 2), 'key': (16, 2), 'value': (16, 8), 'out': (8, 16),
  }  # fmt: skip
  params = {**params, 'gamma': np.float32(0.7)}
  W = {n: np.float64(p['kernel']) for n, p in params.items() if n != 'gamma'}
  found = np.asarray(jax.jit(net.apply)(params, X))
  for x, y in zip(np.float64(X), found, strict=True):
    scores = (x @ W['query']).reshape(-1, 2) @ pooled(x @ W['key']).T
    share = np.exp(scores - scores.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    o = (share @ pooled(x @ W['value']) @ W['out']).reshape(x.shape)
    np.testing.assert_allclose(y, x + 0.7 * o, rtol=1e-4, atol=1e-5)


def test_attention_is_the_identity_at_first_and_gamma_learns(block):
  net, params = block

  @jax.jit
  def slope(params):
    return net.apply(params, X), jax.grad(lambda p: jnp.sum(net.apply(p, X) ** 2))(params)

  out, slopes = slope(params)
  np.testing.assert_array_equal(out, X)
  assert slopes['gamma'] != 0


def test_attention_stands_once_where_features_have_that_size():
  z, x = spec((2, 4)), spec((2, 32, 32, 3))
  for module, example in (
    (sagan.Generator((32, 32, 3), width=8, attend=16), z),
    (sagan.Discriminator(width=8, attend=16), x),
  ):
    params = jax.eval_shape(layers.net(module, example).init, KEY)
    found = [n for n in params if n.startswith('Attention')]
    assert found == ['Attention_0']
    kernel = params['Attention_0']['out']['kernel']
    assert kernel.shape == ((8, 16) if example is z else (4, 8))


def test_attention_gives_spectral_norm_its_kernels_and_keeps_gamma():
  net = layers.net(
    sagan.Discriminator(width=8, attend=8, classes=3),
    spec((2, 16, 16, 3)), spec((2,), np.int32), **spectral_norm(),
  )  # fmt: skip
  params = weights(net)
  us = jax.eval_shape(net.reparam_init, KEY, params)
  kernels = [p for p, _ in jax.tree_util.tree_leaves_with_path(params) if p[-1].key == 'kernel']
  assert len(jax.tree.leaves(us)) == len(kernels)
  assert 'gamma' not in us['Attention_0']
