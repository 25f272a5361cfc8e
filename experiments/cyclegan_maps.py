"""CycleGAN between aerial photographs and maps, 256x256 (Zhu et al. 2017, sections 4 and 7).

  python -m gan_jax.main --config=experiments/cyclegan_maps.py --config.data.of.path=FOLDER

FOLDER is the maps set of pix2pix. Its pairs are there for measuring only: no term of the objective
looks at a photo and a map together, so training does not depend on which lie side by side. For two
folders of your own put data=dict(name='unpaired', of=dict(source=..., image=...)) into a copy.

The released code's settings: generators of 9 residual blocks (6 below 256 pixels) with instance
norm, 70x70 PatchGANs, least squares, lambda 10, identity 5, pools of 50, Adam 2e-4 with beta1 .5,
batches of one, the learning rate constant for the first half and then linearly to 0 (there, step
by step from epoch to epoch). Both players move from the same weights, as in the authors' PyTorch
code; their first, in Lua, lets the four networks move one after another.

Run here only as `:size=64,width=16,rounds=800` on 180 pairs, seed 0, four minutes of two cores: on
those held out the L1 error is .064, that of the mean map .068; tone and texture of maps are
there, streets are not. The paper's run, of 220,000 rounds at 256x256, is beyond this machine.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `size`, `width`, `rounds` and `pair` after the colon."""
  arg = parse_arg(arg, tiny=False, size=256, width=64, rounds=220_000, pair='least_squares')
  half = arg.rounds // 2
  rate = dict(
    name='linear_schedule', init_value=2e-4, end_value=0.0, transition_begin=half,
    transition_steps=half,
  )  # fmt: skip
  adam = dict(name='adam', learning_rate=rate, b1=0.5)
  loaded = round(arg.size * 286 / 256)
  translator = dict(name='cyclegan.Generator', width=arg.width, blocks=9 if arg.size >= 256 else 6)
  critic = dict(name='patch.Discriminator', width=arg.width, norm='instance')
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
      G=dict(inputs=('source',), **translator),
      F=dict(inputs=('image',), **translator),
      D=dict(inputs=('image',), **critic),
      D_X=dict(inputs=('source',), **critic),
    ),
    # D pays half the squares and G the whole: least_squares has a half in both.
    objective=dict(
      name='cyclegan',
      pair=dict(name=arg.pair),
      d_weight=1.0,
      g_weight=2.0,
      weight=10.0,
      identity=0.5,
      pool=50,
    ),
    players=dict(D=dict(owns=('D', 'D_X'), tx=adam), G=dict(owns=('G', 'F'), tx=adam)),
    play='simultaneous',
    rounds=arg.rounds,
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
  crop = (dict(name='random_crop', size=16), *config['transform'][1:])
  few = dict(width=4, blocks=1)
  nets = {
    **{n: {**config['nets'][n], **few} for n in ('G', 'F')},
    **{n: {**config['nets'][n], 'width': 4, 'layers': 1} for n in ('D', 'D_X')},
  }
  return experiment(tiny(config, data=drawn, transform=crop, nets=nets, **splits))
