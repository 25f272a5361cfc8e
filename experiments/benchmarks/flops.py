"""The arithmetic of a step, counted on paper: multiplications and additions in products only.

A layer is counted for one image and one pass. Taps that fall on padding are not counted, since
nothing need be computed there. Normalisation, activations, optimisers and data are left out: what
they cost is what separates a step from the rate of the product.
"""

import cases
from cases import Job


def dense(inputs: int, outputs: int) -> int:
  """FLOPs of f32[inputs] @ f32[inputs, outputs]."""
  return 2 * inputs * outputs


def conv(large: tuple[int, int], k: int, inputs: int, outputs: int) -> int:
  """FLOPs of a stride-2 convolution from an even `large` image to half of it, or of its adjoint.

  The padding is (k - 2) in all, the smaller half of it first.
  """
  low = (k - 2) // 2
  taps = [sum(0 <= 2 * i + t - low < n for i in range(n // 2) for t in range(k)) for n in large]
  return 2 * taps[0] * taps[1] * inputs * outputs


def layers(job: Job) -> tuple[list[int], list[int]]:
  """(G's layers, D's layers), FLOPs a pass and image each, in the order of a forward pass."""
  return {'mlp': _mlp, 'dcgan': _pyramid, 'sampling': _pyramid, 'wgan_gp': _pyramid}[job.game](job)


def _mlp(job: Job) -> tuple[list[int], list[int]]:
  pixels, h, m = job.shape[0] * job.shape[1] * job.shape[2], 5 * job.width, job.width
  return (
    [dense(job.z, h), dense(h, h), dense(h, pixels)],
    [dense(pixels, 5 * m), dense(m, 5 * m), dense(m, 1)],
  )


def _pyramid(job: Job) -> tuple[list[int], list[int]]:
  k, channels = (5 if job.game == 'wgan_gp' else 4), job.shape[2]
  sizes, widths = cases.pyramid(job)
  ins = [channels, *widths[:-1]]
  down = [conv(s, k, i, o) for s, i, o in zip(sizes, ins, widths, strict=False)]
  top = sizes[-1][0] * sizes[-1][1] * widths[-1]
  return [dense(job.z, top), *reversed(down)], [*down, dense(top, 1)]


def passes(job: Job) -> dict[str, float]:
  """Which passes a step makes, each with its FLOPs: products that any contender must compute.

  'G forward', 'G weights' (the gradient with respect to them), 'G inputs' and so on. A network's
  input gradient does without its first layer where nobody asks for the gradient of its own input.
  """
  of_g, of_d = layers(job)
  g, d, k = sum(of_g), sum(of_d), cases.CRITIC_MOVES
  inner_g, inner_d = g - of_g[0], d - of_d[0]
  found: dict[str, dict[str, int]] = {
    'sampling': {'G forward': g},
    # One fake for both. D's move: D on real and on fake; G's: the moved D on fake, and back to it.
    'dcgan': {
      'G forward': g, 'G weights': g, 'G inputs': inner_g,
      'D forward': 3 * d, 'D weights': 2 * d, 'D inputs': 2 * inner_d + d,
    },
    # One forward pass for both: D's cost pulls back through real and fake, G's through fake.
    'mlp': {
      'G forward': g, 'G weights': g, 'G inputs': inner_g,
      'D forward': 2 * d, 'D weights': 2 * d, 'D inputs': 2 * inner_d + d,
    },
    # A critic's move: a fresh fake; D on real, on fake and between; the slope between, and through
    # it its adjoint (a forward pass) and its weights. G's move as above with a fake of its own.
    'wgan_gp': {
      'G forward': (k + 1) * g, 'G weights': g, 'G inputs': inner_g,
      'D forward': k * 3 * d + d, 'D weights': k * 2 * d, 'D inputs': k * 2 * inner_d + d,
      'slope': k * d, 'slope adjoint': k * d, 'slope weights': k * d,
    },
  }  # fmt: skip
  return {name: float(job.batch * flops) for name, flops in found[job.game].items()}


def step(job: Job) -> float:
  """FLOPs of one step."""
  return sum(passes(job).values())
