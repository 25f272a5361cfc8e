"""SAGAN (Zhang et al. 2019) at CIFAR-10's size, conditional: attention among the 16x16 features.

  python -m gan_jax.main --config=experiments/sagan_cifar10.py

The paper's are ImageNet's 128x128, with attention at 32x32. What is theirs here: the hinge,
spectral norm on every kernel of both networks, a scale and a bias for each class in G, the
projection in D, and two time scales, 4e-4 for D and 1e-4 for G, one move each.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `pair`, `width` and `rounds` after the colon."""
  arg = parse_arg(arg, tiny=False, pair='hinge', width=64, rounds=100_000)
  adam = lambda rate: dict(name='adam', learning_rate=rate, b1=0.0, b2=0.9)
  net = dict(width=arg.width, attend=16, reparam='spectral_norm')
  config = dict(
    data=dict(name='cifar10', split='train', folder=placeholder(str)),
    transform=(dict(name='dequantise', levels=256),),
    prior=dict(name='normal', dim=128),
    nets=dict(
      G=dict(name='sagan.Generator', inputs=('z', 'label'), **net),
      D=dict(name='sagan.Discriminator', inputs=('image', 'label'), **net),
    ),
    objective=dict(name='gan.conditional', pair=dict(name=arg.pair)),
    players=dict(
      D=dict(owns=('D',), tx=adam(4e-4)),
      G=dict(owns=('G',), tx=adam(1e-4)),
    ),
    play=dict(name='alternating', schedule=('D', 'G')),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=arg.rounds,
    batch=64,
    rounds_per_call=5,
    evals=dict(samples=dict(name='figures.grids.samples', every=1000)),
    log_every=100,
    checkpoint=dict(every=1000, keep=2),
  )
  small = {f'nets__{n}__{key}': value for n in 'GD' for key, value in (('width', 4), ('attend', 4))}
  return experiment(tiny(config, shape=(8, 8, 3), **small) if arg.tiny else config)
