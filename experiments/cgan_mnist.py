"""Conditional GAN on MNIST (Mirza & Osindero 2014, section 4.1): both networks are told the digit.

  python -m gan_jax.main --config=experiments/cgan_mnist.py --config.data.folder=FOLDER

The paper's networks, noise (the unit hypercube), batches of 100 and learning rate (0.1, divided by
1.00004 after each update down to 1e-6); momentum from 0.5 to 0.7. It does not say over how many
epochs, nor in what order the players move, and its code was not released: both are here as in the
2014 GAN's code, as is the half in D's cost.

Here, seed 0, after 10 epochs (5,000 rounds) each digit is one image, whatever the noise, and half
of the samples are read as asked, by neighbours that read 94.6% of test images rightly. The step of
0.1 has fallen only to 0.08 by then. On small digits, with Adam, see `labels_digits`.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny

EPOCH = 500  # updates: 50,000 images, batches of 100


def get_config(arg=''):
  """`tiny`, `pair` and `epochs` after the colon."""
  arg = parse_arg(arg, tiny=False, pair='nonsaturating', epochs=250)
  rate = dict(name='inverse_power', initial=0.1, factor=1.00004, floor=1e-6)
  momentum = dict(name='ramp', start=0.5, end=0.7, epochs=250, moves_per_epoch=EPOCH)
  tx = dict(name='heavy_ball', learning_rate=rate, momentum=momentum)
  config = dict(
    data=dict(name='mnist', split='train[:50000]', folder=placeholder(str)),
    transform=(dict(name='scale', low=0.0, high=1.0),),
    prior=dict(name='hypercube', dim=100),
    nets=dict(
      G=dict(name='cgan.Generator', inputs=('z', 'label')),
      D=dict(name='cgan.Discriminator', inputs=('image', 'label')),
    ),
    objective=dict(name='gan.conditional', pair=dict(name=arg.pair), d_weight=0.5),
    players=dict(D=dict(owns=('D',), tx=tx), G=dict(owns=('G',), tx=tx)),
    play=dict(name='simultaneous'),
    rounds=arg.epochs * EPOCH,
    batch=100,
    rounds_per_call=50,
    evals=dict(
      classes=dict(name='figures.conditional.classes', every=5 * EPOCH),
      asked=dict(name='metrics.agreement.asked', every=5 * EPOCH),
    ),
    log_every=EPOCH,
    checkpoint=dict(every=5 * EPOCH, keep=2),
  )
  small = dict(
    nets__G=dict(name='cgan.Generator', inputs=('z', 'label'), own=4, label=4, joint=8),
    nets__D=dict(
      name='cgan.Discriminator', inputs=('image', 'label'), own=(4, 2), label=(2, 2), joint=(4, 2)
    ),
    evals__asked__n=20,
  )
  return experiment(tiny(config, shape=(28, 28, 1), **small) if arg.tiny else config)
