"""Objectives: one file per family of GAN, each the equations of its papers."""
