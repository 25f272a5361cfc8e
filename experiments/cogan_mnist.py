"""CoGAN on MNIST digits and the edges of other digits, 28x28 (Liu & Tuzel 2016, section 3).

  python -m gan_jax.main --config=experiments/cogan_mnist.py

The domains share no picture: digits are the first 30,000, edges are made of the other 30,000. The
game is the conditional GAN with the domain for a label: each domain's terms are expectations of its
own, so it makes no difference that the paper draws one z for both. What couples the domains is that
the networks share all layers but one. Adam 2e-4 with beta1 .5, L2 5e-4, batches of 64 from each
domain (128 of both here), 5,000 rounds, as in mingyuliutw/CoGAN.

MNIST that is there already: --config.data.of.digit.folder=FOLDER and, for the edges,
--config.data.of.edge.of.folder=FOLDER.

Here, seed 0, `:width=32`, after 500 rounds (six minutes on two busy CPU cores): strokes, and below
each ragged edges in the same places. The number does not see it yet: the edges of an image are
0.183 from its partner, 0.184 from another's, in L1.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `width` and `pair` after the colon."""
  arg = parse_arg(arg, tiny=False, width=128, pair='nonsaturating')
  decay = dict(name='add_decayed_weights', weight_decay=5e-4)
  adam = dict(name='chain', links=(decay, dict(name='adam', learning_rate=2e-4, b1=0.5)))
  digit = dict(name='mnist', split='train[:30000]', folder=placeholder(str))
  other = dict(name='mnist', folder=placeholder(str))
  config = dict(
    data=dict(
      name='domains',
      split='train',
      of=dict(digit=digit, edge=dict(name='outlines', split='train[30000:]', of=other)),
    ),
    transform=(dict(name='scale', low=0.0, high=1.0),),
    prior=dict(name='normal', dim=100),
    nets=dict(
      G=dict(name='cogan.Generator', inputs=('z', 'label'), width=arg.width),
      D=dict(name='cogan.Discriminator', inputs=('image', 'label')),
    ),
    objective=dict(name='gan.conditional', pair=dict(name=arg.pair)),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('D', 'G')),
    rounds=5000,
    batch=128,
    rounds_per_call=10,
    evals=dict(
      coupled=dict(name='figures.translation.coupled', every=500),
      agreement=dict(name='metrics.reconstruction.coupling', every=500),
    ),
    log_every=100,
    checkpoint=dict(every=500, keep=2),
  )
  if not arg.tiny:
    return experiment(config)
  made = dict(name='synthetic', shape=(28, 28, 1), n=64)
  two = dict(digit=made, edge=dict(name='outlines', of=made))
  small = dict(nets__G__width=4, nets__D__maps=(2, 3), nets__D__hidden=8)
  return experiment(tiny(config, data=dict(name='domains', split='train', of=two), **small))
