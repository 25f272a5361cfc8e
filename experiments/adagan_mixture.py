"""AdaGAN (Tolstikhin et al. 2017) on eight Gaussians: each generator learns what the others miss.

  python -m gan_jax.main --config=experiments/adagan_mixture.py

A small plain GAN without a penalty drops modes; the next one is trained on the data weighted by how
much the mixture so far leaves of them (boosting.py).

Here, seed 0, `:data=grid,generators=4`: the last generator alone finds 20 of the 25 modes, the
mixture 18, but 5.3% of its points lie within 3 sigma of one, of the last alone's 3.6%. One thousand
rounds each are too few for this grid, and what they miss is then precision, not modes.
"""

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `generators`, `data` (ring or grid), `pair` after the colon."""
  arg = parse_arg(arg, tiny=False, generators=5, data='ring', pair='nonsaturating')
  adam = dict(name='adam', learning_rate=1e-3, b1=0.5, b2=0.999)
  config = dict(
    driver='boosting.run',
    boosting=dict(generators=arg.generators),
    data=dict(name=f'mixture.{arg.data}', split='train', n=20_000),
    prior=dict(name='normal', dim=2),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(64, 64)),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(64, 64)),
    ),
    objective=dict(name='gan', pair=dict(name=arg.pair)),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('D', 'G')),
    rounds=1000,
    batch=256,
    rounds_per_call=100,
    evals=dict(
      points=dict(name='figures.plane.points', every=1000),
      modes=dict(name='metrics.modes.modes', every=1000),
    ),
    log_every=500,
    checkpoint=dict(every=1000, keep=1),
  )
  small = dict(boosting__generators=2, data__n=200)
  return experiment(tiny(config, **small) if arg.tiny else config)
