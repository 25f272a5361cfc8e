"""Templates of pages."""

import jinja2
import pytest

from gan_jax.pages import template


def test_template_escapes_what_it_is_given_and_misses_what_it_is_not(tmp_path):
  file = tmp_path / 'page.html'
  file.write_text('{% if name %}\n<h1>{{ name }}</h1>\n{% endif %}\n')
  assert template(file).render(name='<b>&') == '<h1>&lt;b&gt;&amp;</h1>\n'
  with pytest.raises(jinja2.UndefinedError, match='name'):
    template(file).render()
