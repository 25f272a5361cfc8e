"""The rate of one large square matrix product, which no step of this arithmetic can exceed by much.

A step of these contenders is one product of job.precision: bfloat16 operands add up in float32 in
JAX, as the bfloat16 policy has it, and come out as bfloat16 in torch, as autocast has it.
"""

import cases


def size(job: cases.Job, accelerated: bool) -> int:
  """The side n of the matrices; a step is 2 n^3 FLOPs."""
  return 256 if job.tiny else 8192 if accelerated else 2048


def build(job: cases.Job, library: str) -> cases.Bench:
  """Products by 'jax' or 'torch'."""
  return {'jax': _jax, 'torch': _torch}[library](job)


def _jax(job: cases.Job) -> cases.Bench:
  import jax
  import jax.numpy as jnp

  n = size(job, jax.default_backend() != 'cpu')
  a, b = jax.random.normal(jax.random.key(0), (2, n, n)).astype(job.precision)
  product = jax.jit(lambda a, b: jnp.dot(a, b, preferred_element_type=jnp.float32))

  def advance(steps: int) -> int:
    for _ in range(steps):
      out = product(a, b)
    out.block_until_ready()
    return steps

  return cases.Bench(advance, {'n': n}, jax.devices()[0].device_kind)


def _torch(job: cases.Job) -> cases.Bench:
  import rival_torch
  import torch

  device = rival_torch.start()
  n = size(job, device.type != 'cpu')
  a, b = torch.randn(2, n, n, device=device).to(getattr(torch, job.precision))

  def advance(steps: int) -> int:
    for _ in range(steps):
      torch.mm(a, b)
    rival_torch.wait(device)
    return steps

  return cases.Bench(advance, {'n': n}, rival_torch.name(device))
