"""Templates of the pages that this package writes."""

import pathlib

import jinja2


def template(file: pathlib.Path) -> jinja2.Template:
  """The Jinja template in that file; what it is not given is an error, and all text is escaped."""
  room = jinja2.Environment(
    loader=jinja2.FileSystemLoader(file.parent),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
  )
  return room.get_template(file.name)
