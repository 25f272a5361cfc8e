"""Conditional DCGAN on MNIST, the network of the DCGAN authors' own script (Newmu/dcgan_code).

  python -m gan_jax.main --config=experiments/dcgan_conditional_mnist.py \
    --config.data.folder=FOLDER

mnist/train_cond_dcgan.py of Radford, Metz & Chintala 2016: the digit is told to every layer of both
networks, L2 2.5e-5, k = 1 with G first and a batch of its own, a learning rate of 2e-4 for 100
epochs and then linear to 0 over 100 more. An epoch is 391 updates, of G and D together.
It was not run to any length here; on small digits `labels_digits` was.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny

HALF = 100 * 391 // 2  # rounds, each an update of G and one of D


def get_config(arg=''):
  """`tiny`, `pair`, `width` (64) and `units` (1024) after the colon."""
  arg = parse_arg(arg, tiny=False, pair='nonsaturating', width=64, units=1024)
  # L2 is added to the gradient before Adam's moments, on all weights: not AdamW.
  decay = dict(name='add_decayed_weights', weight_decay=2.5e-5)
  rate = dict(
    name='linear_schedule',
    init_value=2e-4,
    end_value=0.0,
    transition_steps=HALF,
    transition_begin=HALF,
  )
  adam = dict(name='chain', links=(decay, dict(name='adam', learning_rate=rate, b1=0.5)))
  size = dict(width=arg.width, units=arg.units)
  config = dict(
    data=dict(name='mnist', split='train[:50000]', folder=placeholder(str)),
    transform=(dict(name='scale', low=0.0, high=1.0),),
    prior=dict(name='uniform', dim=100, bound=1.0),
    nets=dict(
      G=dict(name='dcgan_conditional.Generator', inputs=('z', 'label'), **size),
      D=dict(name='dcgan_conditional.Discriminator', inputs=('image', 'label'), **size),
    ),
    objective=dict(name='gan.conditional', pair=dict(name=arg.pair)),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=(('G', 0), ('D', 1))),
    rounds=2 * HALF,
    batch=128,
    rounds_per_call=10,
    evals=dict(
      classes=dict(name='figures.conditional.classes', every=500),
      asked=dict(name='metrics.agreement.asked', every=500),
    ),
    log_every=100,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(
    nets__G__width=4, nets__D__width=4, nets__G__units=8, nets__D__units=8, evals__asked__n=20
  )
  return experiment(tiny(config, shape=(28, 28, 1), **small) if arg.tiny else config)
