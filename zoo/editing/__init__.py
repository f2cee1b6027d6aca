"""Editing pictures through their codes: the applications of Endo & Kanamori 2020, section 4.4.

Everything is written once over :class:`zoo.codes.Codes` and its declared axes, so every method that has an axis gets
the application, and one that lacks it refuses in a sentence.
"""
