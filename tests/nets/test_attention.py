"""Self-attention against NumPy."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.nets import layers, sagan
from gan_jax.nets.attention import Attention
from gan_jax.nets.spectral_norm import spectral_norm

KEY = jax.random.key(0)
X = np.random.default_rng(0).normal(size=(2, 4, 6, 16)).astype(np.float32)


def pooled(a):
  """The largest of each 2x2, [H,W,C] -> [H·W/4, C]."""
  h, w, c = a.shape
  return a.reshape(h // 2, 2, w // 2, 2, c).max((1, 3)).reshape(-1, c)


def test_it_is_the_papers():
  block = Attention()
  params = block.init(KEY, X)['params']
  assert {n: p['kernel'].shape for n, p in params.items() if n != 'gamma'} == {
    'query': (16, 2), 'key': (16, 2), 'value': (16, 8), 'out': (8, 16),
  }  # fmt: skip
  params['gamma'] = jnp.float32(0.7)
  W = {n: np.float64(p['kernel']) for n, p in params.items() if n != 'gamma'}
  found = block.apply({'params': params}, X)
  for x, y in zip(np.float64(X), found, strict=True):
    scores = (x @ W['query']).reshape(-1, 2) @ pooled(x @ W['key']).T
    share = np.exp(scores - scores.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    o = (share @ pooled(x @ W['value']) @ W['out']).reshape(x.shape)
    np.testing.assert_allclose(y, x + 0.7 * o, rtol=1e-4, atol=1e-5)


def test_at_first_it_is_the_identity_and_gamma_learns():
  block = Attention()
  variables = block.init(KEY, X)
  np.testing.assert_array_equal(block.apply(variables, X), X)
  grads = jax.grad(lambda v: jnp.sum(block.apply(v, X) ** 2))(variables)
  assert grads['params']['gamma'] != 0


def test_it_stands_once_in_each_network_where_features_have_that_size():
  z, x = jnp.zeros((2, 4)), jnp.zeros((2, 32, 32, 3))
  for module, example in (
    (sagan.Generator((32, 32, 3), width=8, attend=16), z),
    (sagan.Discriminator(width=8, attend=16), x),
  ):
    params = jax.eval_shape(layers.net(module, example).init, KEY)
    found = [n for n in params if n.startswith('Attention')]
    assert found == ['Attention_0']
    kernel = params['Attention_0']['out']['kernel']
    assert kernel.shape == ((8, 16) if example is z else (4, 8))


def test_spectral_norm_finds_every_kernel_and_leaves_gamma():
  net = layers.net(
    sagan.Discriminator(width=8, attend=16, classes=3),
    jnp.zeros((2, 32, 32, 3)), jnp.zeros(2, jnp.int32), **spectral_norm(),
  )  # fmt: skip
  params = net.init(KEY)
  us = net.reparam_init(KEY, params)
  kernels = [p for p, _ in jax.tree_util.tree_leaves_with_path(params) if p[-1].key == 'kernel']
  assert len(jax.tree.leaves(us)) == len(kernels)
  assert 'gamma' not in us['Attention_0']
