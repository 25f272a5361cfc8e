# ---
# jupyter:
#   colab:
#     name: digits.ipynb
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A GAN learns to write digits
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/YOUR_ACCOUNT/gan_jax/blob/main/experiments/notebooks/digits.ipynb)
#
# A *generative adversarial network* (Goodfellow et al. 2014) is a game of two neural networks.
#
# - The **generator** $G$ turns random numbers $z$ into an image $G(z)$. It never sees a real one.
# - The **discriminator** $D$ is shown images, real ones $x$ and generated ones, and says how
#   likely each is to be real: $D(x)$, between 0 and 1.
#
# $D$ is trained to tell the two apart, $G$ to be taken for real:
#
# $$\min_G \max_D V(D, G) = \mathbb{E}_{x \sim p_{data}} \log D(x)
#   + \mathbb{E}_{z \sim p_z} \log (1 - D(G(z)))$$
#
# If both play perfectly, $G$ draws from the very distribution of the data and $D$ can only guess:
# $D = 1/2$ everywhere. Here you watch it on the way there. It takes two minutes, on anything.

# %%
import functools
import importlib.util
import os
import pathlib
import subprocess
import sys

# Where gan_jax is not installed (Colab), this fetches and installs it. A jax that is there stays.
if importlib.util.find_spec('gan_jax') is None:
  address = os.environ.get('GAN_JAX_GIT', 'https://github.com/YOUR_ACCOUNT/gan_jax')
  subprocess.run(['git', 'clone', '-q', '--depth=1', address, 'gan_jax_git'], check=True)
  subprocess.run([sys.executable, '-m', 'pip', 'install', '-q', '-e', 'gan_jax_git'], check=True)
  sys.path.append(str(pathlib.Path('gan_jax_git').resolve()))

# %%
import jax
from IPython.display import Image

from experiments import gan_digits
from gan_jax import assemble, canvas, runs, train
from gan_jax import config as configs
from gan_jax.figures import dynamics, grids, neighbours, walks
from gan_jax.metrics.frechet import frechet
from gan_jax.sampling import still

tiny = bool(os.environ.get('GAN_JAX_TINY'))  # a run of seconds, for tests
workdir = pathlib.Path('runs/digits')

# %% [markdown]
# ## The data
#
# 1,500 handwritten digits of 8x8 pixels, which come with scikit-learn.

# %%
config = gan_digits.get_config()
real = assemble.open_source(config)
canvas.image(grids.grid(real.arrays['image'][:80], columns=16))

# %% [markdown]
# ## The game
#
# An experiment is a *config*: which data, which networks, which loss, who moves and how. This one
# is
# [`experiments/gan_digits.py`](https://github.com/YOUR_ACCOUNT/gan_jax/blob/main/experiments/gan_digits.py);
# you can change anything in it here.
#
# Both networks are perceptrons with two hidden layers. A *round* is one move of $D$ and one of
# $G$, a step of Adam each, on 64 images. The loss is the *non-saturating* one: $G$ maximises
# $\log D(G(z))$ instead of minimising $\log(1 - D(G(z)))$, because that has a gradient when $D$
# is winning too. $D$ also pays a small penalty on its slope at real images (R1, Mescheder et al.
# 2018), which keeps the game from going round in circles.

# %%
config.rounds = 100 if tiny else 10_000
config.evals.samples.update(every=500, zoom=5)  # how often samples are drawn, and how large
config.evals.distance = dict(name='metrics.frechet.frechet', every=1000, n=297)
for part in ('nets', 'objective', 'play'):
  print(part, '=', configs.plain(config[part]))

# %% [markdown]
# ## Watch it
#
# The same 64 random $z$ are drawn again and again. Noise first, then strokes, then digits.
#
# You can stop the cell (■) at any time: the run is saved, and the same cell goes on from there.

# %%
state = train.run(config, workdir)

# %% [markdown]
# The whole way, as an animation:

# %%
Image(filename=workdir / 'samples.gif')

# %% [markdown]
# ## What the curves say
#
# Left: what $D$ says of real and of generated images, on average. Both lines stay near $1/2$
# (dashed), where it could only guess: it is wrong often. They drift apart slowly, since $D$ comes
# to know these 1,500 images by heart. Right: the losses, and what they are if $D = 1/2$
# everywhere. $G$'s loss *rises* while its images get better. Unlike in other training, **a loss
# does not tell how good the images are**: each player's depends on how good the other one is.

# %%
(path,) = dynamics.dynamics(workdir)
Image(filename=path, width=800)

# %% [markdown]
# ## A number
#
# To compare GANs one measures a distance between many generated and many real images. The
# *Fréchet distance* looks at features of a network (here a classifier of these digits, trained in
# a few seconds), fits a Gaussian to both sets of features, and takes the distance of the two
# Gaussians:
#
# $$d^2 = \|\mu_1 - \mu_2\|^2 + \mathrm{tr}\,(\Sigma_1 + \Sigma_2 - 2 (\Sigma_1 \Sigma_2)^{1/2})$$
#
# Small is good. With the features of Inception-v3 it is the well-known FID; with others it only
# compares runs among themselves. For a scale: noise, and the 297 real digits that were kept apart
# (which is why all of this is of 297 images: fewer images give larger distances).

# %%
sampler, key = runs.sampler(workdir), jax.random.key(0)
source = functools.partial(assemble.open_source, config)
held_out = still(source('test').arrays['image'])
noise = still(jax.device_get(jax.random.bits(key, (297, 8, 8, 1), 'uint8')))
for name, drawn in (('noise', noise), ('this GAN', sampler), ('held-out digits', held_out)):
  found = frechet(drawn, source, key, n=297)
  print(f'{name:16} {found["frechet"]:8.2f} ± {found["stderr"]:.2f}')

# %% [markdown]
# The held-out digits are further away than the samples are: other people wrote them, while $G$
# was trained on the very images that it is measured against. No number replaces a look at the
# images.
#
# It was also measured on the way, every 1,000 rounds (upper left), beside what else is logged:

# %%
Image(filename=workdir / 'curves.png', width=800)

# %% [markdown]
# ## Has it learnt by heart?
#
# Two looks. First, the way from one random $z$ to another: each image on it is a digit, or
# something between two. A network that had only stored its training images would jump.

# %%
canvas.image(walks.interpolation(sampler, source, key, rows=6, columns=12)['interpolation'])

# %% [markdown]
# Second, samples, and at the end of each row (framed) the training image that is nearest to the
# sample beside it.

# %%
canvas.image(neighbours.neighbours(sampler, source, key, rows=6, columns=7)['neighbours'])

# %% [markdown]
# ## Now you
#
# - Another loss: `gan_digits.get_config('pair=hinge')`, or any of `gan_jax/pairs.py`, with a new
#   `workdir`. Without the penalty: `config.objective.penalties = ()`.
# - Another number of moves: `config.play.schedule = ('D', 'D', 'D', 'G')`.
# - A convolutional GAN on your own images: `dcgan_own_images.ipynb`. Why any of this works:
#   `theory.ipynb`.
