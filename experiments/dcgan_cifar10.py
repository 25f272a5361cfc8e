"""DCGAN (Radford et al. 2016) on CIFAR-10, 32x32, in the 4x4 dialect of the Torch code.

  python -m gan_jax.main --config=experiments/dcgan_cifar10.py
  python -m gan_jax.main --config=experiments/dcgan_cifar10.py --config.data.folder=FOLDER

Not an experiment of the paper, whose CIFAR-10 features come from a net trained on ImageNet.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny` and `pair` after the colon."""
  arg = parse_arg(arg, tiny=False, pair='nonsaturating')
  adam = dict(name='adam', learning_rate=2e-4, b1=0.5)
  config = dict(
    data=dict(name='cifar10', split='train', folder=placeholder(str)),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='normal', dim=100),
    nets=dict(
      G=dict(name='dcgan.Generator', inputs=('z',), width=64),
      D=dict(name='dcgan.Discriminator', inputs=('image',), width=64),
    ),
    objective=dict(name='gan', pair=dict(name=arg.pair)),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('D', 'G'), noise='shared'),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=50_000,
    batch=64,
    rounds_per_call=10,
    evals=dict(samples=dict(name='figures.grids.samples', every=1000)),
    log_every=100,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(nets__G__width=4, nets__D__width=4)
  return experiment(tiny(config, shape=(32, 32, 3), **small) if arg.tiny else config)
