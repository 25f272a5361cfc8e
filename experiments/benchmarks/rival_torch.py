"""PyTorch as its users write it: eager in either layout, or torch.compile; autocast for bfloat16.

Practice: fused optimisers, gradients set to None, D's weights frozen during G's move, no value read
within the loop, images resident as uint8 in the layout of the networks.
"""

import math
from functools import partial
from typing import Any, NamedTuple

import cases
import machine
import torch
from torch.nn.functional import softplus


class Kit(NamedTuple):
  """What a game is played with."""

  job: cases.Job
  device: torch.device
  G: Any  # the networks, compiled where that was asked for
  D: Any
  g: torch.nn.Module  # the same weights, never compiled
  d: torch.nn.Module
  real: Any  # () -> a minibatch, f32[B,C,H,W] (f32[B,H*W*C] for the MLP) in the networks' range
  cast: Any  # () -> the context of forward passes


BEST = {'dcgan': 'nhwc', 'mlp': 'nchw', 'wgan_gp': 'nchw', 'sampling': 'nhwc'}  # once compiled


def build(job: cases.Job, layout: str = '', compiled: bool = False) -> cases.Bench:
  """The job in channels-first ('nchw') or channels-last ('nhwc') order, or in the better one."""
  layout = layout or BEST[job.game]
  if job.game == 'mlp' and layout == 'nhwc' and not compiled:
    raise cases.LeftOut('without convolutions it is the same program as torch-nchw')
  import nets_torch  # here, so that products need no networks

  device, last = start(), layout == 'nhwc'
  g, d = (net.to(device) for net in nets_torch.of(job, last))
  mode = dict(mode='reduce-overhead') if device.type == 'cuda' else {}  # that is CUDA graphs
  G, D = (torch.compile(net, dynamic=False, **mode) if compiled else net for net in (g, d))
  cast = partial(torch.autocast, device.type, torch.bfloat16, enabled=job.precision == 'bfloat16')
  kit = Kit(job, device, G, D, g, d, minibatches(job, device, last), cast)
  weights = {n: sum(p.numel() for p in net.parameters()) for n, net in (('G', g), ('D', d))}
  return cases.Bench(GAMES[job.game](kit), weights, name(device))


def start() -> torch.device:
  """The GPU, with TF32 as JAX has it there, or all cores."""
  torch.manual_seed(0)
  if torch.cuda.is_available():
    torch.set_float32_matmul_precision('high')
    torch.backends.cudnn.benchmark = True
    return torch.device('cuda')
  torch.set_num_threads(machine.cores())
  return torch.device('cpu')


def name(device: torch.device) -> str:
  """What the device is called."""
  return torch.cuda.get_device_name() if device.type == 'cuda' else 'cpu'


def wait(device: torch.device) -> None:
  """Returns when the device has done all it was given."""
  if device.type == 'cuda':
    torch.cuda.synchronize()


def minibatches(job: cases.Job, device: torch.device, last: bool):
  """() -> a random minibatch, gathered from the resident images and scaled."""
  images = torch.from_numpy(cases.images(job)).to(device)
  if job.game == 'mlp':
    images = images.flatten(1)
  elif not last:
    images = images.permute(0, 3, 1, 2).contiguous()
  low = 0.0 if job.game == 'mlp' else -1.0

  def draw() -> torch.Tensor:
    rows = torch.randint(len(images), (job.batch,), device=device)
    x = images[rows].float().mul_((1 - low) / 255).add_(low)
    return x.permute(0, 3, 1, 2) if last and x.ndim == 4 else x

  return draw


def noise(kit: Kit) -> torch.Tensor:
  """z ~ N(0, I), f32[B,Z]."""
  return torch.randn(kit.job.batch, kit.job.z, device=kit.device)


def looping(kit: Kit, step):
  """n -> n steps, awaited at the end."""

  def advance(n: int) -> int:
    for _ in range(n):
      torch.compiler.cudagraph_mark_step_begin()
      step()
    wait(kit.device)
    return n

  return advance


def move(loss: torch.Tensor, optimiser: torch.optim.Optimizer) -> None:
  """One move along the gradient of a cost."""
  optimiser.zero_grad(set_to_none=True)
  loss.backward()
  optimiser.step()


def dcgan(kit: Kit):
  """One fake; D moves on it, then G along the moved D's opinion of the same fake."""
  g_adam, d_adam = (
    torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999), fused=True) for net in (kit.g, kit.d)
  )

  def step() -> None:
    real = kit.real()
    with kit.cast():
      fake = kit.G(noise(kit))
      r, f = kit.D(real), kit.D(fake.detach())
    move(softplus(-r.float()).mean() + softplus(f.float()).mean(), d_adam)
    kit.d.requires_grad_(False)
    with kit.cast():
      f = kit.D(fake)
    move(softplus(-f.float()).mean(), g_adam)
    kit.d.requires_grad_(True)

  return looping(kit, step)


def mlp(kit: Kit):
  """Both move at once along costs of one forward pass, as the 2014 code does."""
  # v <- m v - lr g, p <- p + v is torch's SGD with its momentum times lr's last change.
  decay = 1.000004
  g_weights, d_weights = list(kit.g.parameters()), list(kit.d.parameters())
  sgd = torch.optim.SGD([*g_weights, *d_weights], 0.1, momentum=0.5, fused=True)
  moves = 0

  def step() -> None:
    nonlocal moves
    real = kit.real()
    z = torch.empty(kit.job.batch, kit.job.z, device=kit.device).uniform_(-(3**0.5), 3**0.5)
    with kit.cast():
      fake = kit.G(z)
      r, f = kit.D(real), kit.D(fake)
    d_loss = (softplus(-r.float()).mean() + softplus(f.float()).mean()) / 2
    d_grads = torch.autograd.grad(d_loss, d_weights, retain_graph=True)
    g_grads = torch.autograd.grad(softplus(-f.float()).mean(), g_weights)
    for weight, grad in zip([*g_weights, *d_weights], [*g_grads, *d_grads], strict=True):
      weight.grad = grad
    group = sgd.param_groups[0]
    group['lr'] = max(0.1 * math.exp(-math.log(decay) * moves), 1e-6)
    group['momentum'] = decay * (0.7 - 0.2 * min(max((249 - moves // 500) / 249, 0), 1))
    sgd.step()
    moves += 1

  return looping(kit, step)


def wgan_gp(kit: Kit):
  """Five critic moves, each with a fake of its own, then G's.

  torch.compile cannot differentiate twice, so the penalty's critic is the eager one.
  """
  g_adam, d_adam = (
    torch.optim.Adam(net.parameters(), 1e-4, (0.5, 0.9), fused=True) for net in (kit.g, kit.d)
  )

  def critic_move() -> None:
    real = kit.real()
    with torch.no_grad(), kit.cast():
      fake = kit.G(noise(kit)).float()
    t = torch.rand(len(real), 1, 1, 1, device=kit.device)
    between = torch.lerp(real, fake, t).requires_grad_()
    with kit.cast():
      cost = kit.D(fake).float().mean() - kit.D(real).float().mean()
      score = kit.d(between).float().sum()
    (slopes,) = torch.autograd.grad(score, between, create_graph=True)
    norms = (slopes.float().square().sum((1, 2, 3)) + 1e-12).sqrt()
    move(cost + 10 * (norms - 1).square().mean(), d_adam)

  def step() -> None:
    for _ in range(cases.CRITIC_MOVES):
      critic_move()
    kit.d.requires_grad_(False)
    with kit.cast():
      score = kit.D(kit.G(noise(kit)))
    move(-score.float().mean(), g_adam)
    kit.d.requires_grad_(True)

  return looping(kit, step)


def sampling(kit: Kit):
  """Batches of images with BatchNorm's running statistics, gathered on the host."""
  kit.g.eval()

  @torch.inference_mode()
  def advance(n: int) -> int:
    out = torch.empty(n, kit.job.batch, *kit.job.shape, pin_memory=kit.device.type == 'cuda')
    for part in out:
      torch.compiler.cudagraph_mark_step_begin()
      with kit.cast():
        images = kit.G(noise(kit))
      part.copy_(images.permute(0, 2, 3, 1), non_blocking=True)
    wait(kit.device)
    return n

  return advance


GAMES = {'dcgan': dcgan, 'mlp': mlp, 'wgan_gp': wgan_gp, 'sampling': sampling}
