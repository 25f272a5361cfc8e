"""CatGAN (Springenberg 2016) on the 8x8 digits of scikit-learn, with nothing to download.

  python -m gan_jax.main --config=experiments/catgan_digits.py

D sorts the digits into ten classes and is told of none (eq. 7). Small perceptrons; D sees every
image with noise added. Seed 0 on two CPU cores, 3,000 rounds:
77.4% of the 297 test scans lie in the cluster that is matched with their digit (round 0: 23.6%; the
best of the rounds looked at, 2,500: 77.8%). The samples are of digits, but not clean.
"""

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, and `sigma` (of the noise that D sees) after the colon."""
  arg = parse_arg(arg, tiny=False, sigma=0.3)
  adam = dict(name='adam', learning_rate=2e-4, b1=0.5)
  D = dict(name='plain.Discriminator', hidden=(256, 256), slope=0.1, heads=dict(classes=10))
  config = dict(
    data=dict(name='digits', split='train'),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='normal', dim=32),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(256, 256), output='tanh'),
      D=dict(D, inputs=('image',)),
    ),
    objective=dict(name='catgan'),
    wrappers=(dict(name='instance_noise', sigma=arg.sigma),),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('D', 'G')),
    rounds=3000,
    batch=100,
    rounds_per_call=50,
    evals=dict(
      samples=dict(name='figures.grids.samples', every=1000),
      clusters=dict(name='metrics.agreement.clusters', every=500),
    ),
    log_every=500,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(nets__G__hidden=(8,), nets__D__hidden=(8,))
  return experiment(tiny(config, **small) if arg.tiny else config)
