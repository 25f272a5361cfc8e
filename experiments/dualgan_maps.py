"""DualGAN between aerial photographs and maps, 256x256 (Yi et al. 2017, sections 3 and 4).

  python -m gan_jax.main --config=experiments/dualgan_maps.py --config.data.of.path=FOLDER

CycleGAN's game with the Wasserstein pair: U-Nets with dropout, PatchGANs with clipped weights,
500 times the L1 distance of what comes back, neither identity nor pool, RMSProp 5e-5 as TensorFlow
has it (decay .9), batches of one. FOLDER is the maps set of pix2pix; its pairs are there for
measuring only. Two choices are made here: three moves of D to one of G, weights clipped to 0.01.
A version of duxingren14/DualGAN has cross-entropy instead, lambda 20, and one move of D to two.

Run here in its tiny form only: nothing is claimed of its pictures.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `size`, `width` and `pair` after the colon."""
  arg = parse_arg(arg, tiny=False, size=256, width=64, pair='wasserstein')
  rmsprop = dict(name='rmsprop', learning_rate=5e-5, decay=0.9, eps=1e-10, initial_scale=1.0)
  clipped = dict(name='chain', links=(rmsprop, dict(name='clip_weights', limit=0.01)))
  translator = dict(name='unet.Generator', width=arg.width, norm='instance')
  critic = dict(name='patch.Discriminator', width=arg.width, norm='instance')
  config = dict(
    data=dict(
      name='paired',
      split='train',
      direction='a_to_b',
      of=dict(name='folder', path=placeholder(str), size=(arg.size, 2 * arg.size)),
    ),
    transform=(dict(name='flip'), dict(name='scale', low=-1.0, high=1.0)),
    nets=dict(
      G=dict(inputs=('source',), **translator),
      F=dict(inputs=('image',), **translator),
      D=dict(inputs=('image',), **critic),
      D_X=dict(inputs=('source',), **critic),
    ),
    objective=dict(name='cyclegan', pair=dict(name=arg.pair), weight=500.0, identity=None, pool=0),
    players=dict(D=dict(owns=('D', 'D_X'), tx=clipped), G=dict(owns=('G', 'F'), tx=rmsprop)),
    play=dict(name='alternating', schedule=('D', 'D', 'D', 'G')),
    rounds=50_000,
    batch=1,
    devices=1,
    rounds_per_call=10,
    evals=dict(
      errors=dict(name='metrics.reconstruction.reconstruction', every=1000, split='val'),
      pictures=dict(name='figures.translation.translations', every=1000, split='val'),
    ),
    log_every=100,
    checkpoint=dict(every=5000, keep=2),
  )
  if not arg.tiny:
    return experiment(config)
  drawn = dict(name='paired.drawn', split='train', shape=(8, 8, 3), n=64)
  splits = dict(evals__errors__split='test', evals__pictures__split='test')
  small = {f'nets__{n}__width': 4 for n in config['nets']}
  layers = dict(nets__D__layers=1, nets__D_X__layers=1)
  return experiment(tiny(config, data=drawn, **splits, **small, **layers))
