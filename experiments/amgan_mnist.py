"""AM-GAN (Zhou et al. 2018) on MNIST: D tells ten digits and 'fake' apart, G aims at one digit.

  python -m gan_jax.main --config=experiments/amgan_mnist.py --config.data.folder=FOLDER

With predefined labels G is told which digit; with dynamic ones (`:labels=dynamic`) each fake is to
be of the digit that D finds it most like. The networks and Adam are those of `acgan_mnist`.

Here, seed 0, `:width=16`, predefined, after 1,000 rounds: D reads 95.2% of test images rightly, the
averaged G's samples are pale and 40.4% of them are read as asked, by neighbours that are right
about 94.6%: the average still has much of the first rounds in it. See `labels_digits` for small
ones.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny

LABELS = {  # -> objective, what G takes, what of its samples is looked at
  'predefined': (
    'amgan.predefined',
    ('z', 'label'),
    dict(
      classes=dict(name='figures.conditional.classes', every=500),
      asked=dict(name='metrics.agreement.asked', every=500),
    ),
  ),
  'dynamic': ('amgan', ('z',), dict(samples=dict(name='figures.grids.samples', every=500))),
}


def get_config(arg=''):
  """`tiny`, `labels` ('predefined' or 'dynamic') and `width` after the colon."""
  arg = parse_arg(arg, tiny=False, labels='predefined', width=32)
  objective, inputs, evals = LABELS[arg.labels]
  adam = dict(name='adam', learning_rate=2e-4, b1=0.5)
  D = dict(name='dcgan.Discriminator', width=arg.width, heads=dict(classes=11))
  config = dict(
    data=dict(name='mnist', split='train', folder=placeholder(str)),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='normal', dim=100),
    nets=dict(
      G=dict(name='dcgan.Generator', inputs=inputs, width=arg.width),
      D=dict(D, inputs=('image',)),
    ),
    objective=dict(name=objective),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('D', 'G'), noise='shared'),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=10_000,
    batch=64,
    rounds_per_call=10,
    evals=dict(evals, recognised=dict(name='metrics.agreement.recognised', every=500, first=10)),
    log_every=100,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(nets__G__width=4, nets__D__width=4)
  return experiment(tiny(config, shape=(14, 14, 1), **small) if arg.tiny else config)
