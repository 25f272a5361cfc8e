"""pix2pix on aerial photographs and maps, 256x256 (Isola et al. 2017, section 3 and appendix 6).

  python -m gan_jax.main --config=experiments/pix2pix_maps.py --config.data.of.path=FOLDER

FOLDER is the maps set as it was published: train/ and val/ with both halves side by side; photo to
map, or with --config.data.direction=b_to_a map to photo. The released code's settings: U-Net,
70x70 PatchGAN, Adam 2e-4 with beta1 .5, batches of one, 200 epochs, jitter from 286 to 256 pixels.

In a batch of one BatchNorm is instance norm, so norm='instance' is what the authors trained; it
also is what they tested with, dropout apart, which they left on and samples here do without.

Run here as `:size=64,width=16` on 180 pairs, seed 0, 2,000 rounds, two minutes two busy CPU cores:
on 20 pairs held out L1 falls from .387 (round 0) over .067 (500) to .0545, where the mean training
map has .068 and the photo itself .646. The pictures have the maps' pale ground and no streets yet.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `size`, `width` and `pair` after the colon."""
  arg = parse_arg(arg, tiny=False, size=256, width=64, pair='nonsaturating')
  adam = dict(name='adam', learning_rate=2e-4, b1=0.5)
  loaded = round(arg.size * 286 / 256)
  config = dict(
    data=dict(
      name='paired',
      split='train',
      direction='a_to_b',
      of=dict(name='folder', path=placeholder(str), size=(loaded, 2 * loaded)),
    ),
    transform=(
      dict(name='random_crop', size=arg.size),
      dict(name='flip'),
      dict(name='scale', low=-1.0, high=1.0),
    ),
    nets=dict(
      G=dict(name='unet.Generator', inputs=('source',), width=arg.width, norm='instance'),
      D=dict(
        name='patch.Discriminator', inputs=('image', 'source'), width=arg.width, norm='instance'
      ),
    ),
    objective=dict(name='pix2pix', pair=dict(name=arg.pair), weight=100.0, d_weight=0.5),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('D', 'G'), noise='shared'),
    rounds=220_000,  # 200 epochs of a thousand pairs
    batch=1,
    devices=1,
    rounds_per_call=10,
    evals=dict(
      errors=dict(name='metrics.reconstruction.reconstruction', every=2000, split='val'),
      pictures=dict(name='figures.translation.translations', every=2000, split='val'),
    ),
    log_every=100,
    checkpoint=dict(every=10_000, keep=2),
  )
  if not arg.tiny:
    return experiment(config)
  drawn = dict(name='paired.drawn', split='train', shape=(20, 20, 3), n=64)
  splits = dict(evals__errors__split='test', evals__pictures__split='test')
  small = dict(nets__G__width=4, nets__D__width=4, nets__D__layers=2)
  crop = (dict(name='random_crop', size=16), *config['transform'][1:])
  return experiment(tiny(config, data=drawn, transform=crop, **splits, **small))
