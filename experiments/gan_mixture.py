"""A GAN on eight Gaussians on a ring (or another mixture), in the plane, where one can watch it.

python -m gan_jax.main --config=experiments/gan_mixture.py
python -m gan_jax.main --config=experiments/gan_mixture.py:data=grid,pair=wasserstein
python -m gan_jax.main --config=experiments/gan_mixture.py:pair=bregman     (b-GAN)

b-GAN on the ring, seed 0, 5,000 rounds in under a minute on two CPU cores: 8 of 8 modes, 89% of the
samples within 3 sigma of one, KL 0.002.
"""

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `data` (ring, grid, swiss_roll), `pair`, `penalty` and its `weight`."""
  arg = parse_arg(arg, tiny=False, data='ring', pair='nonsaturating', penalty='r1', weight=0.1)
  adam = dict(name='adam', learning_rate=1e-3, b1=0.0, b2=0.9)
  penalties = (dict(name=arg.penalty, weight=arg.weight),) if arg.penalty else ()
  evals = dict(points=dict(name='figures.plane.points', every=500))
  if arg.data != 'swiss_roll':  # it has no modes
    evals['modes'] = dict(name='metrics.modes.modes', every=500)
  config = dict(
    data=dict(name=f'mixture.{arg.data}', split='train'),
    prior=dict(name='normal', dim=2),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(128, 128, 128)),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(128, 128, 128)),
    ),
    objective=dict(name='gan', pair=dict(name=arg.pair), penalties=penalties),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('D', 'G')),
    ema=dict(G=dict(name='warmed_up', decay=0.99)),
    rounds=10_000,
    batch=256,
    rounds_per_call=100,
    evals=evals,
    log_every=500,
    checkpoint=dict(every=2500, keep=2),
  )
  return experiment(tiny(config) if arg.tiny else config)
