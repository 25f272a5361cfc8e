"""Parameter counts of the papers' networks, to the last digit (shared/reference/papers.md, 24).

Covers: nets/conv2014.py, nets/dcgan.py, nets/dcgan_authors.py, nets/mlp.py, nets/resnet.py,
nets/tfd.py, nets/unrolled.py, nets/wgan_gp.py, nets/wgan_gp_resnet.py.
"""

import numpy as np
import pytest

from gan_jax.nets import (
  conv2014,
  dcgan,
  mlp,
  resnet,
  tfd,
  unrolled,
  wgan_gp,
  wgan_gp_resnet,
)
from tests.nets.drawn import shapes, size, spec

FACE = (48, 48, 1)
CIFAR = (32, 32, 3)
CIFAR_FC = {
  'shape': CIFAR,
  'hidden': (8000, 8000),
  'activations': ('relu', 'sigmoid'),
  'output': 'linear',
  'iranges': (0.05, 0.05, 0.5),
}

COUNTS = {
  'mnist G': (mlp.Generator((28, 28, 1)), (100,), 2_503_984),
  'mnist D': (mlp.Discriminator(), (28, 28, 1), 1_231_441),
  'tfd pretrain G': (tfd.pretrain_generator(FACE, np.full(FACE, 0.5)), (100,), 83_250_304),
  'tfd G': (tfd.generator(FACE, np.full(FACE, 0.5)), (100,), 84_858_404),
  'tfd D': (mlp.Discriminator((1200, 1200)), FACE, 21_037_201),
  'cifar fc G': (mlp.Generator(**CIFAR_FC), (100,), 89_395_072),
  'cifar fc D': (mlp.Discriminator((1600, 1600)), CIFAR, 37_393_601),
  'cifar conv G': (conv2014.Generator(CIFAR), (100,), 64_825_072),
  'cifar conv D': (conv2014.Discriminator(), CIFAR, 12_454_073),
  'authors faces G': (dcgan.AuthorsGenerator((64, 64, 3)), (100,), 18_885_760),
  'authors faces D': (dcgan.AuthorsDiscriminator(), (64, 64, 3), 17_232_768),
  'authors svhn G': (dcgan.AuthorsGenerator(CIFAR, width=64), (100,), 1_446_976),
  'authors svhn D': (dcgan.AuthorsDiscriminator(width=64), CIFAR, 1_033_664),
  'torch G': (dcgan.Generator((64, 64, 3)), (100,), 3_576_704),
  'torch D': (dcgan.Discriminator(), (64, 64, 3), 2_765_568),
  'wgan-gp cifar G': (wgan_gp.Generator(CIFAR), (128,), 5_179_907),
  'wgan-gp cifar D': (wgan_gp.Discriminator(), CIFAR, 4_114_689),
  'wgan-gp mnist G': (
    wgan_gp.Generator((28, 28, 1), width=64, norm='none', output='sigmoid'),
    (128,),
    1_554_177,
  ),
  'wgan-gp mnist D': (wgan_gp.Discriminator(width=64), (28, 28, 1), 1_030_145),
  'sngan G': (resnet.Generator(CIFAR), (128,), 4_276_739),
  'unrolled G': (unrolled.Generator((2,)), (256,), 49_666),
  'unrolled D': (unrolled.Discriminator(), (2,), 17_025),
  'sngan D': (resnet.Discriminator(), CIFAR, 1_053_824),
  'wgan-gp resnet G': (wgan_gp_resnet.Generator(CIFAR), (128,), 1_204_483),
  'wgan-gp resnet D': (wgan_gp_resnet.Discriminator(), CIFAR, 1_053_825),
}


@pytest.mark.parametrize('name', COUNTS)
def test_net_has_as_many_weights_as_in_its_paper(name):
  module, shape, count = COUNTS[name]
  assert size(shapes(module, spec((2, *shape)))) == count
