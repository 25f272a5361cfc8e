"""The autoencoder whose code is a hash, against NumPy."""

import jax
import numpy as np

from gan_jax.nets import layers
from gan_jax.nets.hashing import Denoising
from tests.nets.drawn import normal, spec, weights

X = normal(5, 3, 2, 1)


def test_denoising_is_one_layer_of_relus_there_and_a_linear_map_back():
  net = layers.net(Denoising(dim=4), spec(X.shape))
  params = weights(net)
  out = jax.jit(net.apply)(params, X)
  there, back = params['Dense_0'], params['Dense_1']
  code = np.maximum(X.reshape(5, 6) @ there['kernel'] + there['bias'], 0)
  np.testing.assert_allclose(out['code'], code, rtol=1e-5, atol=1e-6)
  image = (code @ back['kernel'] + back['bias']).reshape(X.shape)
  np.testing.assert_allclose(out['image'], image, rtol=1e-5, atol=1e-6)
  assert net.statistics is None


def test_denoising_drops_of_image_and_code_only_with_a_key():
  """Where nothing of the image is dropped, the code is as without a key."""
  key = jax.random.key(0)
  kept = lambda **keep: layers.net(Denoising(dim=4, **keep), spec(X.shape))
  params = weights(kept())
  still = kept().apply(params, X)
  of_code = jax.jit(kept(input_keep=1.0).apply)(params, X, key=key)
  np.testing.assert_allclose(of_code['code'], still['code'], rtol=1e-5, atol=1e-6)
  assert np.any(of_code['image'] != still['image'])
  of_image = jax.jit(kept(keep=1.0).apply)(params, X, key=key)
  assert np.any(of_image['code'] != still['code'])
  nothing = jax.jit(kept(input_keep=1.0, keep=1.0).apply)(params, X, key=key)
  np.testing.assert_allclose(nothing['image'], still['image'], rtol=1e-5, atol=1e-6)
