"""DiscoGAN from edges to shoes or handbags, 64x64 (Kim et al. 2017, section 3.3).

  python -m gan_jax.main --config=experiments/discogan_edges.py --config.data.of.path=FOLDER

FOLDER is edges2shoes or edges2handbags as pix2pix published them: train/ and val/ with both halves
side by side, edges left. The pairs are there for measuring only. As in SKTBrain/DiscoGAN: images in
[0, 1], Adam 2e-4 with beta1 .5 and L2 1e-5, batches of 64, D moving in one of three iterations and
reconstruction hardly counting in the first 10,000 of them, which are 3,333 rounds here. Weights
start as DCGAN's do, theirs as Torch's.

The sets of the paper were not at hand. Run on aerial photos and maps instead, as `:width=16` with
batches of 16, 600 rounds, seed 0, 180 pairs: on those held out the L1 error is .094, that of the
mean map .069, so nothing of the pairing had been learnt by then.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `size`, `width` and `pair` after the colon."""
  arg = parse_arg(arg, tiny=False, size=64, width=64, pair='nonsaturating')
  decay = dict(name='add_decayed_weights', weight_decay=1e-5)
  adam = dict(name='chain', links=(decay, dict(name='adam', learning_rate=2e-4, b1=0.5)))
  translator = dict(name='discogan.Generator', width=arg.width, output='sigmoid')
  critic = dict(name='dcgan.Discriminator', width=arg.width, heads=dict())
  config = dict(
    data=dict(
      name='paired',
      split='train',
      direction='a_to_b',
      of=dict(name='folder', path=placeholder(str), size=(arg.size, 2 * arg.size)),
    ),
    transform=(dict(name='scale', low=0.0, high=1.0),),
    nets=dict(
      G=dict(inputs=('source',), **translator),
      F=dict(inputs=('image',), **translator),
      D=dict(inputs=('image',), **critic),
      D_X=dict(inputs=('source',), **critic),
    ),
    objective=dict(
      name='discogan', pair=dict(name=arg.pair), matching=0.9, rate=0.5, early_rate=0.01, early=3333
    ),
    players=dict(D=dict(owns=('D', 'D_X'), tx=adam), G=dict(owns=('G', 'F'), tx=adam)),
    play=dict(name='alternating', schedule=(('D', 0), ('G', 1), ('G', 2))),
    rounds=20_000,
    batch=64,
    rounds_per_call=5,
    evals=dict(
      errors=dict(name='metrics.reconstruction.reconstruction', every=500, split='val'),
      pictures=dict(name='figures.translation.translations', every=500, split='val'),
    ),
    log_every=50,
    checkpoint=dict(every=500, keep=2),
  )
  if not arg.tiny:
    return experiment(config)
  drawn = dict(name='paired.drawn', split='train', shape=(16, 16, 3), n=64)
  splits = dict(evals__errors__split='test', evals__pictures__split='test')
  small = {f'nets__{n}__width': 4 for n in config['nets']}
  return experiment(tiny(config, data=drawn, **splits, **small))
