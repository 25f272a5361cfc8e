"""Geometric GAN (Lim & Ye 2017) on eight Gaussians on a ring, or another mixture.

  python -m gan_jax.main --config=experiments/geometric_mixture.py

A GAN whose D is a support vector machine on the features of its last hidden layer: the hinge, a
margin term ||w||^2 / (2 C B) on the last layer's weights alone, and ten moves of G to one of D, by
RMSProp at 2e-4 as Torch has it (lim0606/pytorch-geometric-gan, C = 1). The networks are ours.

Run here for 3,000 of the 10,000 rounds, seed 0, a minute two busy CPU cores: modes found 2 (round
0), 6, 7, 8 (3,000), samples within 3 sigma of one .002, .02, .57, .72.
"""

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `data` (ring, grid), `pair` and `c` after the colon."""
  arg = parse_arg(arg, tiny=False, data='ring', pair='hinge', c=1.0)
  batch = 256
  rmsprop = dict(name='rmsprop', learning_rate=2e-4, decay=0.99, eps=1e-8, eps_in_sqrt=False)
  margin = dict(name='decay_of', at='D/Dense_3/kernel', weight_decay=1 / (batch * arg.c))
  config = dict(
    data=dict(name=f'mixture.{arg.data}', split='train'),
    prior=dict(name='normal', dim=2),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(128, 128, 128)),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(128, 128, 128)),
    ),
    objective=dict(name='gan', pair=dict(name=arg.pair)),
    players=dict(
      D=dict(owns=('D',), tx=dict(name='chain', links=(margin, rmsprop))),
      G=dict(owns=('G',), tx=rmsprop),
    ),
    # G looks at no real images, so one minibatch will do for all its moves; its noise is fresh.
    play=dict(name='alternating', schedule=('D',) + (('G', 0),) * 10),
    ema=dict(G=dict(name='warmed_up', decay=0.99)),
    rounds=10_000,
    batch=batch,
    rounds_per_call=100,
    evals=dict(
      points=dict(name='figures.plane.points', every=1000),
      modes=dict(name='metrics.modes.modes', every=1000),
    ),
    log_every=500,
    checkpoint=dict(every=2500, keep=2),
  )
  return experiment(tiny(config) if arg.tiny else config)
