"""The networks in PyTorch, as its users write them, for either layout of images.

WGAN-GP's 5x5 convolutions have padding 2 (and output padding 1), where TensorFlow's 'SAME' pads 1
before and 2 after: that is the mirror image of the same network, without a copy for the padding.
The projection and the head are Linear, which is faster here than convolutions of a 1x1 image.
"""

import cases
import torch
from torch import nn


class Generator(nn.Module):
  """DCGAN's (k=4) or, with k=5, that of WGAN-GP, whose first BatchNorm is per unit."""

  def __init__(self, z, base, widths, channels, k, last):
    super().__init__()
    wgan, (h, w), top = k == 5, base, widths[0]
    self.project = nn.Linear(z, h * w * top, bias=wgan)
    self.before = nn.BatchNorm1d(h * w * top) if wgan else nn.Identity()
    self.shape, self.last = (h, w, top) if last else (top, h, w), last
    layers = [nn.Identity() if wgan else nn.BatchNorm2d(top)]
    for i, o in zip(widths, [*widths[1:], channels], strict=True):
      up = nn.ConvTranspose2d(i, o, k, 2, (k - 1) // 2, k % 2, bias=wgan)
      layers += [nn.ReLU(inplace=True), up, nn.BatchNorm2d(o)]
    self.up = nn.Sequential(*layers[:-1], nn.Tanh())

  def forward(self, z):
    """z f32[B,Z] -> image [B,C,H,W] in [-1, 1]."""
    x = self.before(self.project(z)).view(-1, *self.shape)
    return self.up(x.permute(0, 3, 1, 2) if self.last else x)


class Discriminator(nn.Module):
  """DCGAN's with BatchNorm (k=4), or the critic of WGAN-GP (k=5), with biases instead."""

  def __init__(self, base, widths, channels, k, last):
    super().__init__()
    wgan, self.last = k == 5, last
    layers = []
    for i, o in zip([channels, *widths[:-1]], widths, strict=True):
      norm = nn.Identity() if wgan or not layers else nn.BatchNorm2d(o)
      layers += [nn.Conv2d(i, o, k, 2, (k - 1) // 2, bias=wgan), norm]
      # In place it saves memory traffic, but the slope's derivative needs what it overwrites.
      layers += [nn.LeakyReLU(0.2, inplace=not wgan)]
    self.down = nn.Sequential(*layers)
    self.head = nn.Linear(base[0] * base[1] * widths[-1], 1, bias=wgan)

  def forward(self, x):
    """image f32[B,C,H,W] -> logit [B]."""
    x = self.down(x)
    return self.head((x.permute(0, 2, 3, 1) if self.last else x).flatten(1))[:, 0]


class MlpGenerator(nn.Sequential):
  """The generator of 2014: z f32[B,Z] -> image [B,H*W*C] in [0, 1]."""

  def __init__(self, z, hidden, pixels):
    super().__init__(
      nn.Linear(z, hidden),
      nn.ReLU(inplace=True),
      nn.Linear(hidden, hidden),
      nn.ReLU(inplace=True),
      nn.Linear(hidden, pixels),
      nn.Sigmoid(),
    )


class Maxout(nn.Linear):
  """The maximum over 5 linear maps, whose units stand O apart (so it vectorises)."""

  def __init__(self, inputs, outputs, pieces=5):
    super().__init__(inputs, outputs * pieces)
    self.pieces = pieces

  def forward(self, x):
    """x [B,I] -> [B,O]."""
    return super().forward(x).unflatten(-1, (self.pieces, -1)).amax(1)


class MlpDiscriminator(nn.Sequential):
  """Two maxout layers with dropout: image [B,H*W*C] -> logit [B]."""

  def __init__(self, pixels, hidden):
    super().__init__(
      nn.Dropout(0.2),
      Maxout(pixels, hidden),
      nn.Dropout(0.5),
      Maxout(hidden, hidden),
      nn.Dropout(0.5),
      nn.Linear(hidden, 1),
      nn.Flatten(0),
    )


def of(job: cases.Job, last: bool) -> tuple[nn.Module, nn.Module]:
  """(G, D) of a job, initialised, on the CPU; `last` says whether images are channels-last."""
  h, w, c = job.shape
  if job.game == 'mlp':
    G = MlpGenerator(job.z, 5 * job.width, h * w * c)
    D = MlpDiscriminator(h * w * c, job.width)
    initialise(G, lambda weight: nn.init.uniform_(weight, -0.05, 0.05))
    initialise(D, lambda weight: nn.init.uniform_(weight, -0.005, 0.005))
    return G, D
  sizes, widths = cases.pyramid(job)
  k = 5 if job.game == 'wgan_gp' else 4
  G = Generator(job.z, sizes[-1], widths[::-1], c, k, last)
  D = Discriminator(sizes[-1], widths, c, k, last)
  for net in (G, D):
    initialise(net, lambda weight: nn.init.normal_(weight, 0.0, 0.02))
    if last:
      net.to(memory_format=torch.channels_last)
  return G, D


def initialise(net: nn.Module, draw) -> None:
  """Weights by `draw`, biases 0, BatchNorm's gains ~ N(1, .02)."""
  for module in net.modules():
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
      nn.init.normal_(module.weight, 1.0, 0.02)
    elif getattr(module, 'weight', None) is not None:
      draw(module.weight)
    if getattr(module, 'bias', None) is not None:
      nn.init.zeros_(module.bias)
