# ---
# jupyter:
#   accelerator: TPU
#   colab:
#     gpuType: V5E1
#     name: dcgan_own_images.ipynb
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # DCGAN on your own images, on a TPU
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/YOUR_ACCOUNT/gan_jax/blob/main/experiments/notebooks/dcgan_own_images.ipynb)
#
# A *deep convolutional GAN* (Radford et al. 2016) learns to draw pictures like those you give it:
# a generator $G$ makes an image of random numbers $z$, a discriminator $D$ tries to tell it from
# a real one, and each learns from the other (`digits.ipynb` says more).
#
# - In Colab choose *Runtime > Change runtime type > v5e-1 TPU* first. Without one it works too,
#   slowly.
# - A few thousand pictures of one kind of thing, each with the thing in its middle, do best:
#   faces, flowers, rooms, drawings. Some hundreds are few: $D$ will know them by heart.
# - Without pictures of your own it draws some itself, so that you can try everything.

# %%
import importlib.util
import os
import pathlib
import subprocess
import sys

# Where gan_jax is not installed (Colab), this fetches and installs it. A jax that is there stays.
if importlib.util.find_spec('gan_jax') is None:
  address = os.environ.get('GAN_JAX_GIT', 'https://github.com/YOUR_ACCOUNT/gan_jax')
  subprocess.run(['git', 'clone', '-q', '--depth=1', address, 'gan_jax_git'], check=True)
  wanted = 'gan_jax_git[export]'
  subprocess.run([sys.executable, '-m', 'pip', 'install', '-q', '-e', wanted], check=True)
  sys.path.append(str(pathlib.Path('gan_jax_git').resolve()))

# %% [markdown]
# ## Your images
#
# Put a folder or a `.zip` of them where this notebook runs (in Colab by the *Files* panel on the
# left, or on your Drive), and its path in `IMAGES`. Any format, any size: each is cut to its
# central square and scaled. `KEEP_ON_DRIVE` keeps the run on your Google Drive: when Colab
# disconnects, run all cells again, and training goes on from where it was.

# %%
IMAGES = ''  # @param {type:"string"}
KEEP_ON_DRIVE = False  # @param {type:"boolean"}

workdir = pathlib.Path('runs/own_images')
if KEEP_ON_DRIVE:
  from google.colab import drive

  drive.mount('/content/drive')
  workdir = pathlib.Path('/content/drive/MyDrive/gan_jax/own_images')

# %%
import jax
from IPython.display import Image, display

from experiments import dcgan_folder
from gan_jax import assemble, canvas, export, log, runs, train
from gan_jax.data.shapes import shapes
from gan_jax.figures import grids, walks

on_cpu = jax.default_backend() == 'cpu'
size, width, rounds = (32, 32, 1500) if on_cpu else (64, 64, 20_000)
if os.environ.get('GAN_JAX_TINY'):  # a run of seconds, for tests
  size, width, rounds = 16, 4, 10

if not IMAGES:
  IMAGES = 'drawn'
  for i, picture in enumerate(shapes(size=size, n=2000).arrays['image']):
    log.save_png(pathlib.Path(IMAGES) / f'{i:04}.png', picture)

# %% [markdown]
# This is what the networks will see. Unlike files and near-duplicates can be found with
# `python -m gan_jax.prepare folder path=... --distinct`.

# %%
config = dcgan_folder.get_config(f'size={size},width={width}')
config.data.path = IMAGES
real = assemble.open_source(config)
print(f'{len(real):,} images of {real.arrays["image"].shape[1:]}')
canvas.image(grids.grid(real.arrays['image'][:: max(1, len(real) // 48)][:48], columns=12))

# %% [markdown]
# ## Train
#
# All devices there are take their part of each batch of 64; the result does not depend on how
# many they are. In each *round* $D$ makes a step of Adam, then $G$:
#
# $$D \text{ maximises } \log D(x) + \log(1 - D(G(z))), \qquad G \text{ maximises } \log D(G(z)).$$
#
# Pixels lie between -1 and 1, and noise of a standard deviation of 0.3 is laid over all that $D$
# sees (*instance noise*, Sønderby et al. 2017). Without it $D$ soon is sure of everything and $G$
# learns no more, as was seen with these very drawings; with many thousands of photographs try
# 0.1, or none.
#
# The samples are of the same $z$ each time, by weights of $G$ that are averaged over the rounds.
# Stop the cell (■) whenever you like: the run is saved, and the same cell goes on. It is saved
# every 500 rounds besides, so that a disconnection costs no more than those.

# %%
print(jax.devices())
config.rounds = rounds
config.wrappers = (dict(name='instance_noise', sigma=0.3),)
config.evals.samples.update(every=500, rows=4, zoom=1 if size > 32 else 2)
state = train.run(config, workdir)

# %% [markdown]
# From noise to pictures:

# %%
Image(filename=workdir / 'samples.gif')

# %% [markdown]
# ## Longer
#
# Images get better for a long time: on a TPU, 20,000 rounds are a good beginning, 100,000 not too
# many. A run goes on in its folder, whether the notebook was closed or not: the same weights, the
# same order of images, as if it had never been stopped.

# %%
config.rounds = rounds + rounds // 2
state = train.run(config, workdir)

# %% [markdown]
# ## Samples
#
# New images, as many as you like, each from a seed. Slightly larger or smaller random numbers
# give more variety, or more typical images (the *truncation trick*).

# %%
sampler = runs.sampler(workdir)
z = sampler.prior(jax.random.key(1), 24)
for scale in (1.0, 0.7):
  display(canvas.image(grids.grid(sampler.display(sampler.generate(scale * z)), columns=12)))

# %% [markdown]
# A way through the space of $z$, from one image to the next:

# %%
walked = walks.walk(sampler, real, jax.random.key(2), points=5, columns=12)['walk']
canvas.image(walked)

# %% [markdown]
# ## Take it elsewhere
#
# The generator as a program of its own, which needs nothing but jax, with ten lines that call it,
# the weights as safetensors, and a card that says what it is.

# %%
for path in export.export(workdir, pathlib.Path('own_images')):
  print(f'{path} ({path.stat().st_size / 1e6:.2f} MB)')

# %%
if 'google.colab' in sys.modules:
  import shutil

  from google.colab import files

  files.download(shutil.make_archive('own_images', 'zip', 'own_images'))

# %% [markdown]
# ## If it does not work
#
# - *All images look the same*: the generator has collapsed onto a few. Another seed
#   (`config.seed = 1`), or another loss, in a new `workdir`:
#   `dcgan_folder.get_config('pair=hinge')`.
# - *$D$'s loss goes to 0*: $D$ is too good, mostly since there are few images. More images, more
#   instance noise, or augmentation as in `experiments/few_digits.py`.
# - *Text, or things that must not be mirrored*: `get_config('flip=false')`.
# - *Larger images*: `size=96` or `size=128`; each doubling costs about four times as much.
