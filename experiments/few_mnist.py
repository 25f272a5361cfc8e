"""A GAN of 200 digits of MNIST, with and without augmentation of what D sees.

  python -m gan_jax.main --config=experiments/few_mnist.py
  python -m gan_jax.main --config=experiments/few_mnist.py:augment=diffaugment
  python -m gan_jax.main --config=experiments/few_mnist.py:augment=adaptive

DiffAugment (Zhao et al. 2020), here translation and cutout, since digits are grey; adaptive
augmentation (Karras et al. 2020), here of whole pixels moved, small turns being no digit's own.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny

BATCH = 32
GREY = dict(name='jitter', saturation=0.0)
WRAPPERS = dict(
  none=(),
  diffaugment=(dict(name='augmented', augmentations=(GREY, 'translation', 'cutout')),),
  adaptive=(
    dict(
      name='adaptive',
      augmentations=('geometry', 'colour', 'cutout'),
      climb=50_000 / BATCH,
    ),
  ),
)


def get_config(arg=''):
  """`tiny`, `pair`, `augment` (none, diffaugment or adaptive), `digits` and `rounds`."""
  arg = parse_arg(
    arg, tiny=False, pair='nonsaturating', augment='none', digits=200, rounds=3000, width=16
  )
  adam = dict(name='adam', learning_rate=2e-4, b1=0.0, b2=0.99)
  config = dict(
    data=dict(name='mnist', split=f'train[:{arg.digits}]', folder=placeholder(str)),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='normal', dim=64),
    nets=dict(
      G=dict(name='dcgan.Generator', inputs=('z',), width=2 * arg.width),
      D=dict(name='dcgan.Discriminator', inputs=('image',), width=arg.width, norm='none'),
    ),
    objective=dict(name='gan', pair=dict(name=arg.pair), penalties=(dict(name='r1', weight=0.1),)),
    wrappers=WRAPPERS[arg.augment],
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('D', 'G')),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=arg.rounds,
    batch=BATCH,
    rounds_per_call=50,
    seed=0,
    evals=dict(
      samples=dict(name='figures.grids.samples', every=500),
      two_sample=dict(name='metrics.two_sample.two_sample', every=500),
      overfitting=dict(name='metrics.overfitting.overfitting', every=500, n=arg.digits),
    ),
    log_every=250,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(nets__G__width=4, nets__D__width=4)
  return experiment(tiny(config, shape=(28, 28, 1), **small) if arg.tiny else config)
