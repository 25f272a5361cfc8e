"""Pictures as arrays."""

import numpy as np

from gan_jax import canvas


def test_pixels_are_those_of_a_figure_and_of_what_is_drawn_on_it():
  figure = canvas.blank(0.4, 0.3, dpi=100, layout='none')
  white = canvas.pixels(figure)
  assert (white.shape, white.dtype) == ((30, 40, 3), np.uint8)
  assert (white == 255).all()
  axes = figure.add_axes((0, 0, 1, 1))
  axes.set_axis_off()
  axes.fill([0, 0.5, 0.5, 0], [0, 0, 1, 1], color='k')
  axes.set_xlim(0, 1)
  axes.set_ylim(0, 1)
  drawn = canvas.pixels(figure)
  assert (drawn[5:25, 2:18] == 0).all()
  assert (drawn[5:25, 22:38] == 255).all()


def test_image_has_the_same_pixels_grey_or_coloured():
  rng = np.random.default_rng(0)
  for channels, mode in ((1, 'L'), (3, 'RGB'), (4, 'RGBA')):
    pixels = rng.integers(0, 256, (5, 7, channels), np.uint8)
    made = canvas.image(pixels)
    assert made.mode == mode
    np.testing.assert_array_equal(np.asarray(made).reshape(pixels.shape), pixels)


def test_plain_axes_say_what_they_measure_without_a_frame():
  axes = canvas.blank(1, 1).subplots()
  canvas.plain(axes, 'round', 'V')
  assert (axes.get_xlabel(), axes.get_ylabel()) == ('round', 'V')
  assert [axes.spines[side].get_visible() for side in ('top', 'right', 'left')] == [
    False, False, True,
  ]  # fmt: skip
