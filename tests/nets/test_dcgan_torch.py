"""The same weights give the same images and verdicts in PyTorch, and come back as they were."""

import jax
import numpy as np
import pytest

from gan_jax.nets import dcgan, dcgan_torch
from tests.messages import refused
from tests.nets.drawn import spec

torch = pytest.importorskip('torch')
nn = torch.nn
WIDTH, Z = 8, 20


def net_g():
  """The generator of the example, for 64x64."""
  layers = [nn.ConvTranspose2d(Z, WIDTH * 8, 4, 1, 0, bias=False)]
  for i in (8, 4, 2):
    layers += [nn.BatchNorm2d(WIDTH * i), nn.ReLU(True)]
    layers += [nn.ConvTranspose2d(WIDTH * i, WIDTH * i // 2, 4, 2, 1, bias=False)]
  layers += [nn.BatchNorm2d(WIDTH), nn.ReLU(True)]
  layers += [nn.ConvTranspose2d(WIDTH, 3, 4, 2, 1, bias=False), nn.Tanh()]
  return named(layers)


def net_d():
  """The discriminator of the example, without its sigmoid."""
  layers = [nn.Conv2d(3, WIDTH, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
  for i in (1, 2, 4):
    layers += [nn.Conv2d(WIDTH * i, WIDTH * i * 2, 4, 2, 1, bias=False)]
    layers += [nn.BatchNorm2d(WIDTH * i * 2), nn.LeakyReLU(0.2, inplace=True)]
  return named([*layers, nn.Conv2d(WIDTH * 8, 1, 4, 1, 0, bias=False)])


def named(layers):
  torch.manual_seed(0)
  model = nn.Module()
  model.main = nn.Sequential(*layers)
  for module in model.main:
    if isinstance(module, nn.BatchNorm2d):  # as after training
      nn.init.normal_(module.weight, 1, 0.2)
      nn.init.normal_(module.bias, 0, 0.2)
      nn.init.normal_(module.running_mean, 0, 0.2)
      nn.init.uniform_(module.running_var, 0.5, 2)
  return model.eval()


def arrays(model):
  return {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}


def applied(module, params, x):
  return np.asarray(jax.jit(module.apply)({'params': params}, x))


def test_generator_draws_the_same_images_as_pytorch():
  model, z = net_g(), np.random.default_rng(0).normal(size=(3, Z)).astype(np.float32)
  with torch.no_grad():
    wanted = model.main(torch.from_numpy(z)[:, :, None, None]).permute(0, 2, 3, 1).numpy()
  params = dcgan_torch.generator(arrays(model))
  found = applied(dcgan.Generator((64, 64, 3), width=WIDTH), params, z)
  np.testing.assert_allclose(found, wanted, atol=2e-6)


def test_discriminator_gives_the_same_verdicts_as_pytorch():
  model, x = net_d(), np.random.default_rng(1).uniform(-1, 1, (3, 64, 64, 3)).astype(np.float32)
  with torch.no_grad():
    wanted = model.main(torch.from_numpy(x).permute(0, 3, 1, 2)).reshape(-1).numpy()
  params = dcgan_torch.discriminator({f'module.{n}': a for n, a in arrays(model).items()})
  found = applied(dcgan.Discriminator(width=WIDTH), params, x)
  np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('player', ['generator', 'discriminator'])
def test_state_comes_back_as_it_was_and_pytorch_takes_it(player):
  model = net_g() if player == 'generator' else net_d()
  params = getattr(dcgan_torch, player)(arrays(model))
  state = getattr(dcgan_torch, f'{player}_state')(params)
  wanted = {n: a for n, a in arrays(model).items() if not n.endswith('num_batches_tracked')}
  assert state.keys() == wanted.keys()
  for name, array in wanted.items():
    np.testing.assert_array_equal(state[name], array)
  tensors = {name: torch.from_numpy(array.copy()) for name, array in state.items()}
  missing, strange = model.load_state_dict(tensors, strict=False)
  assert not strange
  assert all(name.endswith('num_batches_tracked') for name in missing)


def test_generator_state_of_fresh_weights_has_the_same_layout():
  module = dcgan.Generator((64, 64, 3), width=WIDTH)
  shapes = jax.eval_shape(module.init, jax.random.key(0), spec((1, Z)))['params']
  params = jax.tree.map(lambda a: np.zeros(a.shape, a.dtype), shapes)
  state = dcgan_torch.generator_state(params)
  wanted = arrays(net_g())
  assert {n: a.shape for n, a in state.items()} == {
    n: a.shape for n, a in wanted.items() if 'running' not in n and 'tracked' not in n
  }


def test_generator_and_its_state_refuse_other_weights():
  with refused('fc.weight', 'main.0.weight', '4x4'):
    dcgan_torch.generator({'fc.weight': np.zeros((2, 2))})
  with refused('BatchNorm'):
    dcgan_torch.generator_state({'Dense_0': {'kernel': np.zeros((2, 2)), 'bias': np.zeros(2)}})
