# A package, so that `tests` is this one: torch-fidelity installs another of that name.
